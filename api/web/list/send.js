// @ts-check
// Sends a list: slice by slice of the same file, or in pieces that were cut out of it; looks before, and imports.

import { Refused, Unreachable, get, send } from "../api.js";
import { lotteryPath } from "../draws.js";
import { MAX_ROWS, cellsOf, headOf, kindOf, piecesOf, recordsOf, shapeOf, textOf } from "./cut.js";
import { Tally } from "./tally.js";

/** What one request may carry on Lambda. */
const MAX_WHOLE_BYTES = 4 * 1024 * 1024;
/** A service that takes more is asked to read a file no more often than this. */
const MAX_SLICES = 20;

/** The file cannot be read any more. */
export class Gone extends Error {}

/**
 * How a request of an import is sent.
 *
 * @typedef {object} Sending
 * @property {AbortSignal} signal
 * @property {import("./pace.js").Pace} [pace] Without it a failure is not repeated.
 * @property {string} [type] The content type of the body.
 * @property {() => Promise<any>} [onLost] Gives the report of a request whose response was lost, if it was carried out.
 * @property {() => Promise<any>} [ask] Sends another request instead.
 */

/**
 * One request of an import; a connection that is lost, and a service that is busy, are waited for.
 *
 * @param {string} lottery
 * @param {{toString: () => string} | null} query
 * @param {Blob | null} body
 * @param {Sending} sending
 */
async function request(lottery, query, body, { signal, pace, type, onLost, ask }) {
  ask ??= async () => {
    const where = `${lotteryPath(lottery, "participants")}?${query}`;
    const response = await send("POST", where, {
      body,
      headers: { accept: "application/json", "content-type": type ?? "application/octet-stream" },
      signal,
    });
    return response.json();
  };
  for (let attempt = 0; ; attempt += 1) {
    await pace?.turn(signal);
    signal.throwIfAborted();
    try {
      const report = await ask();
      if (pace && pace.state === "lost") pace.set("running");
      return report;
    } catch (error) {
      const isBusy = error instanceof Refused && (error.status === 429 || error.status === 503);
      if (!signal.aborted && body) await stillThere(body);
      if (signal.aborted || !pace || !(error instanceof Unreachable || isBusy || error instanceof TypeError))
        throw error;
      await pace.lost(attempt, signal, isBusy ? error.retryAfter : undefined);
      signal.throwIfAborted();
      const report = await onLost?.();
      if (report) return report;
    }
  }
}

/** A file that was moved or saved anew cannot be sent: its error is not that of a lost connection. */
export async function stillThere(body) {
  try {
    await body.slice(0, 1).arrayBuffer();
  } catch (error) {
    throw new Gone(error.message);
  }
}

/** The options of an import as its query, without those that are at their default. */
function queryOf(options, more = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...options, ...more })) {
    if (value === null || value === undefined || value === "" || value === false) continue;
    query.set(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return query;
}

/** The parts of a file, each as one request carries it. Each slice depends on the report of the one before, which `next` takes. */
async function* partsOf(file, detected, rows) {
  const isText = detected.form === "csv" || detected.form === "ndjson";
  if (file.size > MAX_WHOLE_BYTES && isText && !detected.ids_made) {
    const shape = shapeOf(detected);
    for await (const piece of piecesOf(file, shape)) {
      const own = {
        charset: "utf-8",
        sheet: null,
        header_row: shape.headerLine ? 1 : detected.form === "csv" ? "none" : null,
      };
      yield { ...piece, body: new Blob([piece.text]), own };
    }
    return;
  }
  let limit = Math.max(MAX_ROWS, Math.ceil((rows ?? 0) / MAX_SLICES));
  for (let offset = 0; ;) {
    const isLast = rows !== null && offset + limit >= rows;
    const answer = yield {
      body: file,
      own: offset === 0 && isLast && limit === MAX_ROWS ? {} : { offset, limit },
      isLast,
    };
    if (answer.isTooLarge) {
      if (limit === MAX_ROWS) throw answer.error;
      limit = MAX_ROWS;
      continue;
    }
    rows = answer.rows ?? rows;
    if (answer.next_offset === null || answer.next_offset === undefined) return;
    offset = answer.next_offset;
  }
}

/** Sends all parts; `onAnswer` gets each answer with its part. */
async function sendParts(parts, ask, onAnswer) {
  let answer;
  for (;;) {
    const { value: part, done } = await parts.next(answer);
    if (done) return;
    try {
      answer = await ask(part);
    } catch (error) {
      if (error.status !== 413 || part.text !== undefined) throw error;
      answer = { isTooLarge: true, error };
      continue;
    }
    onAnswer(answer, part);
  }
}

const typeOf = (file) =>
  /^(text\/(csv|plain|tab-separated-values)|application\/(json|x-ndjson))$/.test(file.type)
    ? file.type
    : "application/octet-stream";

/**
 * Looks what an import would do, and stores nothing. `onAnswer(tally, first)` is called with what is known so far: `first` is
 * the first report, which says what was detected. Returns both at the end.
 */
export async function look(lottery, file, options, { signal, onAnswer }) {
  const tally = new Tally();
  const isCut = file.size > MAX_WHOLE_BYTES && ["text", "lines"].includes(await kindOf(file));
  const ask = (own, body) =>
    request(lottery, queryOf(options, { dry_run: true, ...own }), body, { signal, type: typeOf(file) });
  let first;
  if (isCut) {
    // What the file is follows from its beginning; the rest is looked at piece by piece.
    first = await ask({ limit: MAX_ROWS }, await headOf(file));
    await lookAtCells(file, first).catch(() => {});
    // No piece holds the lines above the header.
    const isAbove = (remark) => remark.line < (first.detected.header_line ?? 0);
    tally.warned += tally.keep(tally.warnings, first.warnings.filter(isAbove));
  }
  const detected = first?.detected ?? { form: "unknown", columns: [] };
  const count = first && partsCanBeCut(detected) ? await countRows(file, detected, signal) : null;
  // Who is missing from one piece may be in another: what a replacement would withdraw follows from all of them.
  const own = (part) => (part.lineOf ? { ...ownOf(part, options), mode: null } : ownOf(part, options));
  await sendParts(
    partsOf(file, detected, null),
    (part) => ask(own(part), part.body),
    (answer, part) => {
      tally.add(
        part.lineOf && options.mode === "replace" ? { ...answer, withdrawn: null } : answer,
        part.lineOf,
        part.doubles,
      );
      if (!first) {
        first = answer;
        lookAtCells(file, first)
          .then(() => onAnswer(tally, first))
          .catch(() => {});
      }
      tally.rows = count ?? answer.rows;
      tally.done += part.rows ?? 0;
      if (part.rows === undefined) tally.done = answer.next_offset ?? answer.rows;
      onAnswer(tally, first);
    },
  );
  tally.isComplete = true;
  onAnswer(tally, first);
  return { tally, first };
}

/** Adds to the sample of a table of text what its cells say: columns that are left out are not among what was read. */
async function lookAtCells(file, { detected, sample }) {
  if (detected.form !== "csv" || !sample.length) return;
  const shape = shapeOf(detected);
  const wanted = new Map(sample.map((row) => [row.line, row]));
  const last = sample.at(-1).line;
  for await (const records of recordsOf(textOf(await headOf(file), shape.encoding), shape.delimiter)) {
    for (const record of records) {
      const row = wanted.get(record.line);
      if (row) row.cells = cellsOf(record.text, shape.delimiter);
      if (record.line > last) return;
    }
  }
}

function partsCanBeCut(detected) {
  return (detected.form === "csv" || detected.form === "ndjson") && !detected.ids_made;
}

async function countRows(file, detected, signal) {
  let rows = 0;
  for await (const piece of piecesOf(file, shapeOf(detected))) {
    signal.throwIfAborted();
    rows += piece.rows + piece.doubles.length;
  }
  return rows;
}

/** A mapping by numbers needs no change in a piece; a header row that was named is the first line of each piece. */
function ownOf(part, options) {
  if (part.own.charset && options.header_row === "none") return { ...part.own, header_row: "none" };
  return part.own;
}

/**
 * Imports a file that was looked at; `looked` is the tally of that. `onAnswer(tally)` is called after each request. Gives the
 * tally of all.
 */
export async function bring(lottery, file, options, { first, looked, signal, pace, onAnswer }) {
  const tally = new Tally();
  tally.rows = looked.rows;
  const before = await request(lottery, null, null, { signal, pace, ask: () => last(lottery, signal) });
  let number = null;
  // A response may have been lost although its request was carried out: an import that it began is resumed rather than
  // begun twice, and of one that it finished the report is made from what the service has recorded.
  const onLost = async () => {
    const found = await last(lottery, signal).catch(() => null);
    if (!found || (number === null ? found.number <= (before?.number ?? 0) : found.number !== number))
      return null;
    number = found.number;
    if (found.state === "RUNNING") return null;
    const rest = (name) => (found[name] ?? 0) - (tally[name] ?? 0);
    tally.refusals = looked.refusals;
    tally.refusedRows = looked.refusedRows;
    return {
      import: { number, state: found.state },
      rows: looked.rows,
      next_offset: null,
      accepted: rest("accepted"),
      updated: rest("updated"),
      unchanged: rest("unchanged"),
      refused: rest("refused"),
      withdrawn: rest("withdrawn"),
    };
  };
  const ask = async (own, body, isLast) => {
    const query = {
      toString: () =>
        queryOf(number === null ? options : { ...options, mode: null }, {
          ...own,
          import: number,
          more: !isLast,
        }).toString(),
    };
    const report = await request(lottery, query, body, { signal, pace, type: typeOf(file), onLost });
    number = report.import?.number ?? number;
    return report;
  };
  await sendParts(
    partsOf(file, first.detected, looked.rows),
    (part) => ask(ownOf(part, options), part.body, part.isLast),
    (answer, part) => {
      tally.add(answer, part.lineOf, part.doubles);
      tally.done =
        part.rows === undefined
          ? (answer.next_offset ?? looked.rows)
          : tally.done + part.rows + part.doubles.length;
      onAnswer(tally);
    },
  );
  while (tally.import?.state === "RUNNING") {
    tally.add(
      await request(lottery, queryOf({ import: number }), new Blob([]), {
        signal,
        pace,
        type: "application/octet-stream",
        onLost,
      }),
    );
    onAnswer(tally);
  }
  return tally;
}

/** Ends an import that was stopped: what is in stays in. */
export async function finish(lottery, number, signal) {
  return request(lottery, queryOf({ import: number }), new Blob([]), {
    signal,
    type: "application/octet-stream",
  });
}

/** The last import of a lottery, or null. */
export async function last(lottery, signal) {
  try {
    return await get(lotteryPath(lottery, "imports", "last"), { signal });
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

/** Takes an import back, step by step; gives what came of it. */
export async function undo(lottery, number, signal) {
  const sum = { withdrawn: 0, restored: 0, kept: 0 };
  for (let cursor = null; ;) {
    const query = cursor ? `?cursor=${encodeURIComponent(cursor)}` : "";
    const response = await send(
      "POST",
      `${lotteryPath(lottery, "imports", String(number), "undo")}${query}`,
      { headers: { accept: "application/json" }, signal },
    );
    const step = await response.json();
    for (const name of Object.keys(sum)) sum[name] += step[name] ?? 0;
    cursor = step.next_cursor;
    if (!cursor) return sum;
  }
}
