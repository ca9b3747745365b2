/** What the page uses of the vendored module: types for the checker alone; the page does not serve this file. */
export const bls12_381: any;
