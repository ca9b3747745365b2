// Whether the service can be reached, as the page last saw it.

let lost = false;
const listeners = new Set();

/** Tells what became of the last attempt to reach the service. */
export function reached(isReached) {
  if (lost === !isReached) return;
  lost = !isReached;
  listeners.forEach((listener) => listener(lost));
}

export function onConnection(listener) {
  listeners.add(listener);
}

/** Waits before the next attempt: longer each time, but no longer than until the network is back. */
export function pause(attempt, signal) {
  const milliseconds = Math.min(300 * 2 ** attempt, 4000);
  return sleep(milliseconds, signal, "online");
}

/** Waits; ends early when the view is left or `event` comes to the window. */
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
