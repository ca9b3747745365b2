// What the page knows of draws: their addresses, and where their statuses stand.

import { get, path } from "./api.js";
import { sleep } from "./connection.js";
import { followDraw } from "./follow.js";

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

/**
 * Keeps what a view shows of a draw up to date until it has ended: asks anew when its execution has come further,
 * at most once a second.
 */
export async function watchDraw(lottery, draw, signal, onDraw) {
  const where = drawPath(lottery, draw);
  let shown = await get(where, { signal });
  onDraw(shown);
  let asking = null;
  let isStale = false;
  const ask = async () => {
    while (isStale && !signal.aborted) {
      isStale = false;
      const found = await get(where, { signal }).catch(() => null);
      if (!found) isStale = true;
      else if (JSON.stringify(found) !== JSON.stringify(shown)) {
        shown = found;
        onDraw(shown);
      }
      if (!isFinal(shown.status)) await sleep(1000, signal);
    }
    asking = null;
  };
  while (!isFinal(shown.status) && !signal.aborted) {
    await followDraw(lottery, draw, signal, (events) => {
      if (!events.some((event) => /^TaskStateExited|^WaitState|^Execution/.test(event.type))) return;
      isStale = true;
      asking ??= ask();
    });
    await asking;
    if (isFinal(shown.status)) break;
    isStale = true;
    await (asking ??= ask());
  }
}
