// @ts-check
// What the page knows of draws: their addresses, and what their statuses mean.

import { get, path } from "./api.js";
import { pause, sleep } from "./connection.js";
import { followDraw } from "./follow.js";
import { pageOf } from "./paging.js";
import { poll } from "./poll.js";

const FINAL = new Set(["SUCCEEDED", "INCOMPLETE", "REJECTED", "FAILED", "CANCELLED", "ABANDONED"]);

/** Nothing more will happen to the draw. */
export function isFinal(status) {
  return FINAL.has(status);
}

/** The winners are official. */
export function hasWinners(status) {
  return status === "RECORDED" || status === "SUCCEEDED" || status === "INCOMPLETE";
}

/** The draw may still be cancelled. */
export function canBeCancelled(status) {
  return status === "WAITING";
}

export function lotteryPath(lottery, ...rest) {
  return path("lotteries", lottery, ...rest);
}

export function drawPath(lottery, draw, ...rest) {
  return path("lotteries", lottery, "draws", draw, ...rest);
}

/** While winners are notified no state changes, but the counts do: they are polled at this interval. */
const COUNTING = 5000;

/**
 * Keeps what a view shows of a draw up to date until it has ended: asks anew when the draw has come further, at most once
 * a second.
 */
export async function watchDraw(lottery, draw, signal, onDraw) {
  const where = drawPath(lottery, draw);
  let shown = await get(where, { signal });
  onDraw(shown);
  /** @type {Promise<void> | null} */
  let asking = null;
  let isStale = false;
  const ask = async () => {
    for (let attempt = 0; isStale && !signal.aborted;) {
      isStale = false;
      try {
        const found = await get(where, { signal });
        attempt = 0;
        if (JSON.stringify(found) !== JSON.stringify(shown)) {
          shown = found;
          onDraw(shown);
        }
        if (!isFinal(shown.status)) await sleep(1000, signal);
      } catch (error) {
        isStale = true;
        await pause(attempt, signal, error.retryAfter);
        attempt += 1;
      }
    }
    asking = null;
  };
  const look = () => {
    isStale = true;
    return (asking ??= ask());
  };
  const counting = new AbortController();
  const stop = () => counting.abort();
  signal.addEventListener("abort", stop);
  poll(
    () => COUNTING,
    counting.signal,
    async () => {
      if (shown.status === "RECORDED") await look();
    },
  );
  while (!isFinal(shown.status) && !signal.aborted) {
    await followDraw(lottery, draw, signal, (events) => {
      if (events.some((event) => /^TaskStateExited|^WaitState|^Execution/.test(event.type))) look();
    });
    await asking;
    if (!isFinal(shown.status) && !signal.aborted) await look();
  }
  stop();
  signal.removeEventListener("abort", stop);
}

/** All winners of a draw, page by page; `anonymous` gives them masked, whoever asks. */
export async function allWinners(lottery, draw, options) {
  const winners = [];
  for (let cursor = null; ;) {
    const page = await get(pageOf(drawPath(lottery, draw, "winners"), cursor), options);
    winners.push(...page.winners);
    cursor = page.next_cursor;
    if (!cursor) return winners;
  }
}

/** What the service said when a draw was started, by the draw's id: for its organiser, on the view that follows. */
const notices = new Map();

export function keepNotices(draw, list) {
  notices.set(draw, list);
}

export function noticesOf(draw) {
  return notices.get(draw) ?? [];
}
