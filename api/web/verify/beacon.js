// @ts-check
// The beacon's signature of a round, verified by a worker where there are workers.

/** What was found of the rounds verified last. */
const found = new Map();
const CAPACITY = 64;

/** Whether the chain's key signed this round; null if this browser cannot verify that. */
export async function isBeacons(key, { round, signature }) {
  const question = [key, round, signature];
  const name = question.join();
  if (!found.has(name)) {
    const answer = (await inWorker(question)) ?? (await here(question));
    if (answer === null) return null;
    if (found.size >= CAPACITY) found.clear();
    found.set(name, answer);
  }
  return found.get(name);
}

/** The worker's answer, or null if there is no worker. */
async function inWorker(question) {
  let worker;
  try {
    worker = new Worker(new URL("./bls_worker.js", import.meta.url), { type: "module" });
    return await new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = () => resolve(null);
      worker.postMessage(question);
    });
  } catch {
    return null;
  } finally {
    worker?.terminate();
  }
}

async function here(question) {
  try {
    const { isSignedRound } = await import("./bls.js");
    return isSignedRound(...question);
  } catch {
    return null;
  }
}
