// The page's verifier outside of a browser: `node page_verifier.mjs FOLDER` with the folder that holds `steps.js` reads a
// proof from each line of the standard input, its bytes in base64, and writes its verdict and the step as a line of JSON.

import { createInterface } from "node:readline";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const { verify } = await import(pathToFileURL(resolve(process.argv[2], "steps.js")));

/** The page's words, and the specification's: what has no winners yet is incomplete. */
const VERDICTS = { broken: "refused", unseated: "incomplete" };

for await (const line of createInterface({ input: process.stdin })) {
  let last = null;
  const found = await verify(Buffer.from(line, "base64"), {}, (told) => { last = told; });
  const verdict = VERDICTS[found] ?? found;
  process.stdout.write(`${JSON.stringify(verdict === "refused" ? { verdict, step: last.step } : { verdict })}\n`);
}
