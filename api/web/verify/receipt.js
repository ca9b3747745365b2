// @ts-check
// A participant's receipt: the label and the holder that it gives in a draw (docs/fair-draw.md, section 1).

import { base64url, canonical, hex, hmac, join, sha256, unhex, utf8 } from "./bytes.js";
import { RECEIPT, RECEIPT_2, fits } from "./shape.js";

/** A receipt as it was kept, or null. */
export function readReceipt(text) {
  try {
    const receipt = JSON.parse(text);
    return fits(receipt, RECEIPT) || fits(receipt, RECEIPT_2) ? receipt : null;
  } catch {
    return null;
  }
}

/** The label and the holder of the receipt's owner in a draw; null if the receipt is for the other version. */
export function ownEntry(receipt, manifest) {
  if (manifest.version === 1) {
    if (!fits(receipt, RECEIPT)) return null;
    const holder = base64url(sha256(unhex(receipt.nonce), utf8(receipt.participant_id)));
    return { label: receipt.label, holder };
  }
  if (!fits(receipt, RECEIPT_2)) return null;
  const { secret, ...person } = receipt;
  const identity = sha256(unhex(secret), utf8(canonical(person)));
  const link = expand(unhex(secret), utf8("fair-draw link"));
  const draw = `${manifest.lottery_id}/${manifest.draw_id}`;
  const label = uuid(expand(link, utf8(`fair-draw label ${draw}`)).slice(0, 16));
  const holder = base64url(expand(link, join(utf8(`fair-draw holder ${draw} `), identity)));
  return { label, holder };
}

/** The label in the pool of the participant with this secret, whose beginning is the receipt's short name. */
export function poolLabel(secret) {
  return uuid(expand(unhex(secret), utf8("fair-draw pool")).slice(0, 16));
}

/** The first block of HKDF-Expand (RFC 5869). */
function expand(key, info) {
  return hmac(key)(join(info, Uint8Array.of(1)));
}

/** The UUID of version 4 of these 16 bytes. */
function uuid(bytes) {
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = hex(bytes);
  return [0, 8, 12, 16, 20].map((from, i, all) => digits.slice(from, all[i + 1])).join("-");
}
