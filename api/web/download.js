// @ts-check
// Gives files to keep: those that the page makes, and those of the API, which need the organiser's token.

import { send } from "./api.js";
import { h } from "./dom.js";

export const CSV = "text/csv";
export const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/** Saves a blob under a name. */
export function save(blob, name) {
  const where = URL.createObjectURL(blob);
  h("a", { href: where, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(where), 10_000);
}

/** Saves a text as a file that spreadsheets read as UTF-8: with a byte order mark. */
export function saveText(text, name, type = CSV) {
  save(new Blob(["\ufeff", text], { type: `${type};charset=utf-8` }), name);
}

/** A CSV of these rows: each field quoted where it needs to be. */
export function csv(rows) {
  const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => row.map((one) => cell(String(one ?? ""))).join(",")).join("\r\n") + "\r\n";
}

/** Fetches what the API gives as a file, all of its parts, and saves it. */
export async function download(where, type, name, signal) {
  const parts = [];
  let header = null;
  for (let next = where; next;) {
    const response = await send("GET", next, { headers: { accept: type }, signal });
    if (type === CSV) {
      // The later parts are appended without their byte order mark and header.
      const text = (await response.text()).replace(/^\ufeff/, "");
      const first = text.slice(0, text.indexOf("\n") + 1);
      parts.push(header !== null && first === header ? text.slice(first.length) : text);
      header ??= first;
    } else {
      parts.push(await response.blob());
    }
    next = following(response, where);
  }
  if (type === CSV) saveText(parts.join(""), name);
  else
    parts.forEach((part, index) =>
      save(new Blob([part], { type }), parts.length > 1 ? name.replace(/(\.\w+)$/, ` ${index + 1}$1`) : name),
    );
}

/** The address of the next part, within the API as the page knows it. */
function following(response, where) {
  const match = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "");
  if (!match) return null;
  const query = new URL(match[1], "http://service").search;
  return where.replace(/\?.*$/, "") + query;
}
