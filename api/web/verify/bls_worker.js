// @ts-check
// Verifies a beacon's signature off the page's own thread: on a slow phone it takes longer than a frame by far.

import { isSignedRound } from "./bls.js";

self.onmessage = ({ data: [key, round, signature] }) =>
  self.postMessage(isSignedRound(key, round, signature));
