// @ts-check
// Receipts: kept in this browser, one for each lottery; written into links behind the `#`, which no browser sends to a server.

import { address } from "./api.js";
import { link } from "./router.js";
import { base64url, utf8 } from "./verify/bytes.js";
import { poolLabel, readReceipt } from "./verify/receipt.js";

/**
 * A receipt names the person; in lotteries from before it does not.
 *
 * @typedef {{email: string | null, name: string, participant_id: string, phone: string | null, secret: string}} PersonReceipt
 * @typedef {{label: string, nonce: string, participant_id: string}} LabelReceipt
 * @typedef {PersonReceipt | LabelReceipt} Receipt
 */

const key = (/** @type {string} */ lottery) => `receipt:${lottery}`;

/** The receipt as text, as files hold it. */
export function receiptText(/** @type {Receipt} */ receipt) {
  return JSON.stringify(receipt);
}

/** Keeps a receipt in this browser; whether that was possible. */
export function keepReceipt(/** @type {string} */ lottery, /** @type {Receipt} */ receipt) {
  try {
    localStorage.setItem(key(lottery), receiptText(receipt));
    return true;
  } catch {
    return false;
  }
}

/**
 * The receipt that is kept for a lottery, or null.
 * @returns {Receipt | null}
 */
export function keptReceipt(/** @type {string} */ lottery) {
  try {
    return readReceipt(localStorage.getItem(key(lottery)) ?? "");
  } catch {
    return null;
  }
}

export function forgetReceipt(/** @type {string} */ lottery) {
  try {
    localStorage.removeItem(key(lottery));
  } catch {
    // What cannot be written was not kept.
  }
}

/** Its short name, such as `A3F9-20C1`. */
export function shortCode(/** @type {Receipt} */ receipt) {
  const label = "label" in receipt ? receipt.label : poolLabel(receipt.secret);
  const digits = label.slice(0, 8).toUpperCase();
  return `${digits.slice(0, 4)}-${digits.slice(4)}`;
}

/** A receipt as a link has it: its text in base64url without padding. */
const words = (/** @type {Receipt} */ receipt) => base64url(utf8(receiptText(receipt)));

/** A view with the receipt filled in. */
export function withReceipt(/** @type {string} */ view, /** @type {Receipt} */ receipt) {
  return `${view}?receipt=${words(receipt)}`;
}

/** The address that opens "my entry" anywhere. */
export function ownAddress(/** @type {string} */ lottery, /** @type {Receipt} */ receipt) {
  return address("").replace(/#.*$/, "") + withReceipt(link("lotteries", lottery, "me"), receipt);
}

/** What stands behind the `?` of the view's address. */
export function given(/** @type {string} */ name) {
  return new URLSearchParams(location.hash.split("?")[1] ?? "").get(name);
}

/**
 * The receipt in the address of the view, or null.
 * @returns {Receipt | null}
 */
export function givenReceipt() {
  return parseWords(given("receipt"));
}

/**
 * A receipt as a link, a file or a code has it, or null.
 * @returns {Receipt | null}
 */
export function parseReceipt(/** @type {string} */ text) {
  const inLink = /[?&]receipt=([^&\s]+)/.exec(text);
  return readReceipt(text.trim()) ?? parseWords(inLink ? decodeURIComponent(inLink[1]) : text.trim());
}

/** A receipt as a link has it; in older links label, nonce and id in a row. */
function parseWords(/** @type {string | null} */ text) {
  const parts = text?.split(",") ?? [];
  if (parts.length === 1) return readReceipt(decoded(parts[0]));
  const [label, nonce, participant_id] = parts;
  return parts.length === 3 ? readReceipt(JSON.stringify({ label, nonce, participant_id })) : null;
}

function decoded(/** @type {string} */ text) {
  try {
    const bytes = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes, (it) => it.charCodeAt(0)));
  } catch {
    return "";
  }
}

/** Takes the receipt out of the address that is shown, so that nobody copies it with the page's address. */
export function hideReceipt() {
  history.replaceState(null, "", location.hash.replace(/\?.*$/, ""));
}
