// @ts-check
// The organiser's signature of a commitment: Ed25519 (RFC 8032), as strict as `verify-draw` is.

import { join, unhex, utf8 } from "./bytes.js";

/** The y of the points of small order, in hexadecimal without the sign of x; of order 1, 2, 4 and 8. */
const SMALL = new Set([
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

/** Whether a point is of small order, or is spelled with a y that is not below 2^255 − 19. Browsers differ in both. */
function isWeak(digits) {
  const sign = (parseInt(digits.slice(62), 16) & 0x7f).toString(16).padStart(2, "0");
  const y = digits.slice(0, 62) + sign;
  return SMALL.has(y) || /^(e[d-f]|f.)(ff){30}7f$/.test(y);
}

/** Whether the key signed the commitment; null if this browser cannot tell. */
export function isSigned({ public_key: key, signature }, commitment) {
  return isMessageSigned(key, signature, join(utf8("fair-draw commitment 1\n"), commitment));
}

/** Whether the key signed the hash of a seat change; null if this browser cannot tell. */
export function isChangeSigned(key, signature, hash) {
  return isMessageSigned(key, signature, join(utf8("fair-draw seat change 1\n"), hash));
}

async function isMessageSigned(key, signature, message) {
  if (isWeak(key) || isWeak(signature.slice(0, 64))) return false;
  try {
    const imported = await crypto.subtle.importKey("raw", unhex(key), { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, imported, unhex(signature), message);
  } catch (error) {
    return globalThis.crypto?.subtle && error.name !== "NotSupportedError" ? false : null;
  }
}
