// @ts-check
// Whether the service can be reached, as the page last saw it.

let lost = false;
const listeners = new Set();

/** Records whether the last attempt to reach the service succeeded. */
export function reached(isReached) {
  if (lost === !isReached) return;
  lost = !isReached;
  listeners.forEach((listener) => listener(lost));
}

export function onConnection(listener) {
  listeners.add(listener);
}

/** A time of about this length: those who were turned away together do not come back together. */
export function spread(milliseconds) {
  return milliseconds * (0.5 + Math.random());
}

/**
 * Waits before the next attempt: longer each time. Without a network no longer than until it is back; where the service
 * said when (`retryAfter`, in seconds), no shorter, and up to half a minute.
 *
 * @param {number} attempt Counts from 0.
 * @param {AbortSignal} signal
 * @param {number} [retryAfter]
 */
export function pause(attempt, signal, retryAfter) {
  if (retryAfter === undefined) return sleep(spread(Math.min(300 * 2 ** attempt, 4000)), signal, "online");
  return sleep(1000 * retryAfter + spread(Math.min(1000 * 2 ** attempt, 30000)), signal);
}

/**
 * Waits; ends early when the view is left or `event` comes to the window.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @param {string} [event]
 * @returns {Promise<void>}
 */
export function sleep(milliseconds, signal, event) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      if (event) removeEventListener(event, done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done);
    if (event) addEventListener(event, done);
  });
}
