// @ts-check
// Releases the winners whom the stage has revealed, for a draw with `release: "on_reveal"`: only then do others see their names
// and are messages sent. A release is repeated until the service accepts it; the show never waits for it.

import { post } from "../api.js";
import { pause, sleep } from "../connection.js";

/** A name is seen before it is released: by so many milliseconds. */
const SEEN_AFTER = 1500;
/** The ranks of one request. */
const MAX_RANKS = 500;

export class Releases {
  /**
   * @param {{post: (body: {ranks: number[]}) => Promise<unknown>, signal: AbortSignal,
   *   onState: (state: "done" | "waiting" | "refused", error?: unknown) => void,
   *   wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>}} options
   */
  constructor({ post: send, signal, onState, wait = sleep }) {
    this.post = send;
    this.signal = signal;
    this.onState = onState;
    this.wait = wait;
    /** @type {Set<number>} */
    this.wanted = new Set();
    /** @type {Set<number>} */
    this.done = new Set();
    /** @type {Promise<void> | null} */
    this.working = null;
  }

  /** Releases these ranks, once each. What was refused for good is tried again with the next reveal, or after a reload. */
  want(/** @type {number[]} */ ranks) {
    for (const rank of ranks) if (!this.done.has(rank)) this.wanted.add(rank);
    if (this.wanted.size)
      this.working ??= this.work().finally(() => {
        this.working = null;
      });
  }

  async work() {
    await this.wait(SEEN_AFTER, this.signal);
    for (let attempt = 0; this.wanted.size && !this.signal.aborted;) {
      const ranks = [...this.wanted].slice(0, MAX_RANKS);
      try {
        await this.post({ ranks });
        for (const rank of ranks) {
          this.wanted.delete(rank);
          this.done.add(rank);
        }
        attempt = 0;
        this.onState(this.wanted.size ? "waiting" : "done");
      } catch (caught) {
        const error = /** @type {any} */ (caught);
        if (this.signal.aborted) return;
        // 409: the winners are not recorded yet. 429 and what has no status passes, too.
        if (error.status >= 400 && error.status < 500 && ![408, 409, 429].includes(error.status)) {
          this.wanted.clear();
          this.onState("refused", error);
          return;
        }
        this.onState("waiting", error);
        await (this.wait === sleep
          ? pause(attempt, this.signal, error.retryAfter)
          : this.wait(0, this.signal));
        attempt += 1;
      }
    }
  }
}

/**
 * The call that releases, of one draw.
 * @param {string} path the draw's `release`
 * @param {AbortSignal} signal
 */
export function releaseCall(path, signal) {
  return (/** @type {{ranks: number[]}} */ body) => post(path, body, { signal });
}
