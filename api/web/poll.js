// @ts-check
// Asks again and again: spread out, so that those who watch do not ask together, and less often while the service is busy.

import { pause, sleep, spread } from "./connection.js";

/** Calls `ask` every `interval()` milliseconds, about, until the view is left. Nobody asks for a page that nobody sees. */
export async function poll(interval, signal, ask) {
  for (let attempt = 0; !signal.aborted;) {
    await sleep(spread(interval()), signal);
    if (signal.aborted) return;
    if (document.hidden) continue;
    try {
      await ask();
      attempt = 0;
    } catch (error) {
      if (signal.aborted) return;
      await pause(attempt, signal, error.retryAfter);
      attempt += 1;
    }
  }
}
