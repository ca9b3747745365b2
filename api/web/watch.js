// @ts-check
// Keeps what a view shows of a draw up to date.

import { get } from "./api.js";
import { pause, sleep } from "./connection.js";
import { drawPath, isFinal } from "./draws.js";
import { followDraw } from "./follow.js";
import { poll } from "./poll.js";

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
      if (events.some((event) => /^TaskStateExited|^WaitState|^Execution|^WinnersReleased/.test(event.type)))
        look();
    });
    await asking;
    if (!isFinal(shown.status) && !signal.aborted) await look();
  }
  stop();
  signal.removeEventListener("abort", stop);
}
