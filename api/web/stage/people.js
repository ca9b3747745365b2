// @ts-check
// Who takes part and who has won, as the stage needs them.

import { get } from "../api.js";
import { drawPath, lotteryPath } from "../draws.js";
import { pageOf } from "../paging.js";
import { token } from "../session.js";

/** The most names that the stage holds; what is behind them is not shown in motion. */
const MOST = 60_000;

/** @typedef {import("./program.js").Winner} Winner */

/**
 * All winners, and for the organiser the alternates who took no seat.
 * @param {[string, string]} where
 * @param {{signal: AbortSignal, anonymous?: boolean}} options
 * @returns {Promise<{winners: Winner[], alternates: Winner[]}>}
 */
export async function results(where, options) {
  /** @type {{winners: Winner[], alternates: Winner[]}} */
  const found = { winners: [], alternates: [] };
  for (let cursor = null; ;) {
    const page = await get(pageOf(drawPath(where[0], where[1], "winners"), cursor), options);
    found.winners.push(...page.winners);
    found.alternates.push(...(page.alternates ?? []));
    cursor = page.next_cursor;
    if (!cursor) return found;
  }
}

/**
 * The names of the list, page by page: `onNames` gets all that are known so far. Whoever was entered after the list was sealed,
 * or is kept from winning, is left out. Without a token it is the labels under which the entries are public.
 * @param {[string, string | null]} where
 * @param {{sealedAt: string | null, signal: AbortSignal, onNames: (names: string[], isAll: boolean) => void}} options
 */
export async function namesInMotion(where, { sealedAt, signal, onNames }) {
  const [lottery, draw] = where;
  const names = [];
  const until = sealedAt ? Date.parse(sealedAt) : Infinity;
  const path = token()
    ? `${lotteryPath(lottery, "participants")}?limit=1000`
    : draw && sealedAt
      ? drawPath(lottery, draw, "entries")
      : null;
  if (!path) return;
  for (let cursor = null; !signal.aborted;) {
    const page = await get(pageOf(path, cursor), { signal });
    for (const one of page.participants ?? page.entries) {
      if (one.excluded || Date.parse(one.registered_at) > until) continue;
      names.push(one.name ?? one.label.slice(0, 8));
    }
    cursor = page.next_cursor;
    const isAll = !cursor || names.length >= MOST;
    onNames(names, isAll);
    if (isAll) return;
  }
}
