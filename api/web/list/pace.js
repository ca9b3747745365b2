// @ts-check
// When the requests of an import are sent.

import { pause as wait } from "../connection.js";

/** Says when to send: it can be paused, and waits by itself while the service cannot be reached. */
export class Pace {
  constructor(onChange) {
    this.state = "running";
    this.isHeld = false;
    /** @type {(() => void) | null} Ends the waiting at hand. */
    this.wake = null;
    this.onChange = onChange;
  }

  set(state) {
    if (this.state === state) return;
    this.state = state;
    this.onChange(state);
  }

  pause() {
    if (this.state === "running") this.set("pausing");
    else this.isHeld = true;
  }

  /** Resumes what is paused, and tries at once what waits for the connection. */
  resume() {
    this.isHeld = false;
    this.wake?.();
    this.set("running");
  }

  /** Waits as long as it is paused. */
  async turn(signal) {
    if (this.state !== "pausing" && !this.isHeld) return;
    this.set("paused");
    await new Promise((resolve) => {
      this.wake = () => resolve(undefined);
      signal.addEventListener("abort", resolve, { once: true });
    });
    this.wake = null;
  }

  /** Waits for the connection, or until somebody resumes by hand. */
  async lost(attempt, signal, retryAfter) {
    this.set("lost");
    const early = new AbortController();
    const stop = () => early.abort();
    signal.addEventListener("abort", stop, { once: true });
    this.wake = stop;
    await wait(attempt, early.signal, retryAfter);
    this.wake = null;
    signal.removeEventListener("abort", stop);
  }
}
