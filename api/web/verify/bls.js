// @ts-check
// The signature of a beacon's round: BLS12-381 on G1 after RFC 9380, drand's scheme `bls-unchained-g1-rfc9380`.

import { bigEndian, sha256, unhex } from "./bytes.js";
import { bls12_381 as curve } from "./noble-bls12-381.js";

const DOMAIN = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/** The point of a group that these hexadecimal digits encode: on the curve, in the subgroup, not at infinity. Throws. */
function point(group, digits) {
  const decoded = group.fromBytes(unhex(digits));
  decoded.assertValidity();
  if (decoded.is0()) throw new Error("the point at infinity");
  return decoded;
}

/** Whether the chain's key signed this round. `key` and `signature` are compressed points in hexadecimal. */
export function isSignedRound(key, round, signature) {
  try {
    const message = curve.shortSignatures.hash(sha256(bigEndian(round, 8)), DOMAIN);
    return curve.shortSignatures.verify(
      point(curve.G1.Point, signature),
      message,
      point(curve.G2.Point, key),
    );
  } catch {
    return false;
  }
}
