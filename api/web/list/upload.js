// @ts-check
// Sends a list to the storage, at the address that the service answers with, and asks how far its import is.

import { get, post } from "../api.js";
import { lotteryPath } from "../draws.js";

/** What one request carries on Lambda. A file above it goes to the storage. */
export const MAX_DIRECT_BYTES = 4 * 1024 * 1024;
/** What the service takes. */
export const MAX_UPLOAD_BYTES = 512 * 1024 * 1024;
/** An address that counts for less than this, in milliseconds, is not begun with. */
const MARGIN = 5 * 60 * 1000;
/** A connection that carries nothing for so long, in milliseconds, is lost. */
const SILENCE = 60 * 1000;

/** A file that did not arrive: `why` is `lost`, `expired` or `refused`, the latter with the `code` of the storage. */
export class NotSent extends Error {
  constructor(why, code = "") {
    super(`${why} ${code}`);
    this.why = why;
    this.code = code;
  }
}

/** Asks for an address. The organiser is asked before anybody is imported. */
export function begin(lottery, file, signal) {
  return post(lotteryPath(lottery, "imports"), { bytes: file.size, preview: true }, { signal });
}

/** Whether there is time to send a file to an address. */
export function isUsable(begun) {
  return begun !== null && Date.parse(begun.upload.expires_at) - Date.now() > MARGIN;
}

/**
 * Sends a file; `onProgress(bytes)` is called as it goes.
 *
 * @param {{method: string, url: string}} address
 * @param {File} file
 * @param {{signal: AbortSignal, onProgress: (sent: number) => void}} options
 * @returns {Promise<void>}
 */
export function sendFile({ method, url }, file, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer = 0;
    let isSilent = false;
    const listen = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        isSilent = true;
        request.abort();
      }, SILENCE);
    };
    const stop = () => request.abort();
    const end = (/** @type {Error | null} */ error) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      if (error === null) resolve();
      else reject(error);
    };
    request.open(method, url);
    request.upload.addEventListener("progress", (event) => {
      listen();
      onProgress(event.loaded);
    });
    request.addEventListener("load", () => end(request.status < 300 ? null : refusalOf(request)));
    request.addEventListener("error", () => end(new NotSent("lost")));
    request.addEventListener("abort", () => end(isSilent ? new NotSent("lost") : new Error("stopped")));
    signal.addEventListener("abort", stop);
    listen();
    request.send(file);
    if (signal.aborted) stop();
  });
}

function refusalOf({ status, responseText }) {
  const said = (name) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(responseText)?.[1] ?? "";
  if (status === 403 && /expired/i.test(said("Code") + said("Message"))) return new NotSent("expired");
  return new NotSent("refused", said("Code") || String(status));
}

/** Where an import stands. */
export function look(lottery, id, signal) {
  return get(lotteryPath(lottery, "imports", id), { signal });
}

/** The newest import that goes on, if there is one. One whose file is still being sent is somebody else's matter. */
export async function openImport(lottery, signal) {
  const { imports } = await get(lotteryPath(lottery, "imports"), { signal });
  return imports.find((one) => !isOver(one) && one.state !== "UPLOADING") ?? null;
}

/** Says how the list is read. With `preview` it is looked at again, otherwise it is imported. */
export function answer(lottery, id, value, signal) {
  return post(lotteryPath(lottery, "imports", id, "answer"), value, { signal });
}

/** Stops an import. It is sent even when the view is being left. */
export function cancel(lottery, id) {
  return post(lotteryPath(lottery, "imports", id, "cancel"), {});
}

export function isOver(view) {
  return ["SUCCEEDED", "FAILED", "CANCELLED"].includes(view.state);
}

/** People who are in. */
export function broughtBy(view) {
  return view.accepted + view.updated + view.unchanged;
}

/** The most that is read of a result, in characters. */
const MAX_RESULT = 64 * 1024 * 1024;

/** The cells of the refused lines of an import, as far as the storage has them. */
export async function refusedCells(lottery, id, signal) {
  // The address of before may have expired.
  const { result_url: url } = await look(lottery, id, signal);
  if (!url) return [];
  const response = await fetch(url, { signal });
  if (!response.ok || !response.body) throw new NotSent("refused", String(response.status));
  const rows = [];
  let rest = "";
  let size = 0;
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + decoder.decode(value, { stream: !done })).split("\n");
    rest = done ? "" : (lines.pop() ?? "");
    for (const line of lines) {
      size += line.length;
      const remark = line ? JSON.parse(line) : {};
      if (remark.refused && remark.cells) rows.push(remark.cells);
    }
    if (done || size > MAX_RESULT) return rows;
  }
}

const key = (lottery) => `import ${lottery}`;

/**
 * Keeps for this tab which import it has begun, so that it is found after the page was loaded anew.
 *
 * @param {string} lottery
 * @param {{id: string, name: string, isSent: boolean} | null} begun
 */
export function remember(lottery, begun) {
  if (begun === null) sessionStorage.removeItem(key(lottery));
  else sessionStorage.setItem(key(lottery), JSON.stringify(begun));
}

/** @returns {{id: string, name: string, isSent: boolean} | null} */
export function recall(lottery) {
  return JSON.parse(sessionStorage.getItem(key(lottery)) ?? "null");
}
