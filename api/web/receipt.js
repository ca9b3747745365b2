// @ts-check
// Receipts: kept in this browser, one for each lottery; written into links behind the `#`, which no browser sends to a server.

import { address } from "./api.js";
import { link } from "./router.js";
import { readReceipt } from "./verify/steps.js";

/**
 * @typedef {{label: string, nonce: string, participant_id: string}} Receipt
 */

const key = (/** @type {string} */ lottery) => `receipt:${lottery}`;

/** The receipt as text, as files hold it. */
export function receiptText(/** @type {Receipt} */ { label, nonce, participant_id }) {
  return JSON.stringify({ label, nonce, participant_id });
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
export function shortCode(/** @type {Receipt} */ { label }) {
  const digits = label.slice(0, 8).toUpperCase();
  return `${digits.slice(0, 4)}-${digits.slice(4)}`;
}

const words = (/** @type {Receipt} */ { label, nonce, participant_id }) =>
  `${label},${nonce},${participant_id}`;

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

function parseWords(/** @type {string | null} */ text) {
  const parts = text?.split(",") ?? [];
  const [label, nonce, participant_id] = parts;
  return parts.length === 3 ? readReceipt(JSON.stringify({ label, nonce, participant_id })) : null;
}

/** Takes the receipt out of the address that is shown, so that nobody copies it with the page's address. */
export function hideReceipt() {
  history.replaceState(null, "", location.hash.replace(/\?.*$/, ""));
}
