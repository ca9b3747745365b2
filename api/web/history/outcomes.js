// @ts-check
// How visits and attempts end.

import { current, isContainer, isOpen, newAttempt, outwards } from "./frames.js";

/** @typedef {import("./events.js").HistoryEvent} HistoryEvent */
/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./frames.js").Visit} Visit */
/** @typedef {import("./frames.js").Outcome} Outcome */

/** Takes an event of a task. */
export function takeTaskEvent(visit, event) {
  const { type, time } = event;
  if (/Scheduled$/.test(type)) {
    visit.attempts.push({ ...newAttempt(), scheduled: time, details: event.details });
    return;
  }
  let attempt = current(visit);
  const isFailure = /(Failed|TimedOut)$/.test(type);
  // A task may fail before it was scheduled, and a public stream does not say that it was.
  if (!attempt || (isFailure && attempt.outcome !== undefined)) {
    attempt = newAttempt();
    visit.attempts.push(attempt);
  }
  if (/Started$/.test(type)) attempt.started = time;
  if (/Submitted$/.test(type)) {
    attempt.submitted = time;
    attempt.output = event.output;
  }
  if (/Succeeded$/.test(type))
    Object.assign(attempt, { ended: time, outcome: "succeeded", output: event.output });
  if (isFailure) {
    const failure = { error: event.error, cause: event.cause, time, isTimeout: /TimedOut$/.test(type) };
    Object.assign(attempt, {
      ended: time,
      outcome: failure.isTimeout ? "timed_out" : "failed",
      failure,
      isBroken: true,
    });
    visit.failure = failure;
  }
}

/** Ends a visit, and what is open within it. Its own end stays what it was, if it had one. */
export function close(visit, outcome, time) {
  if (visit.outcome === undefined) {
    visit.outcome = visit.type === "Fail" ? "failed" : outcome;
    visit.ended =
      ["failed", "timed_out"].includes(outcome) || visit.type === "Fail" ? endOf(visit, time) : time;
  }
  const attempt = current(visit);
  if (!attempt) return;
  if (attempt.outcome === undefined) {
    attempt.outcome = /** @type {any} */ (visit.outcome);
    attempt.ended = time;
  }
  if (isContainer(visit)) stopWithin(attempt, outcome === "timed_out" ? outcome : "aborted", visit.ended);
}

/** Whether the last word of a visit is a failure. */
export function isFailing(visit) {
  if (visit.type === "Fail") return true;
  const attempt = current(visit);
  return attempt ? attempt.failure !== undefined : visit.failure !== undefined;
}

/** How a visit that failed ended. @returns {"failed" | "timed_out"} */
export function failureOf(visit) {
  return visit.failure?.isTimeout ? "timed_out" : "failed";
}

/** When a visit that failed ended: with its last failure. */
function endOf(visit, time) {
  return visit.failure?.time ?? time;
}

/** A state is left. `last` is the visit that the exit follows. */
export function leave(visit, event, last, lastTime) {
  const attempt = current(visit);
  const isCaught = hasFailedAtExit(visit, attempt, last, event);
  if (attempt && isContainer(visit)) {
    if (isCaught && attempt.outcome === undefined) attemptFailed(last ?? visit, visit, event, lastTime);
    else if (attempt.outcome === undefined)
      Object.assign(attempt, { outcome: "succeeded", ended: event.time });
    stopWithin(attempt, isCaught ? "aborted" : "succeeded", attempt.ended);
    seal(attempt);
  }
  const hadFailures = visit.attempts.some((one) => one.failure !== undefined || one.isBroken);
  visit.outcome = isCaught ? "caught" : hadFailures ? "retried" : "succeeded";
  visit.left = event.time;
  visit.ended = event.time;
  visit.output = event.output;
  visit.variables = event.details?.assignedVariables;
}

/** Whether a state that is left had failed, so that a catcher took over. */
function hasFailedAtExit(visit, attempt, last, event) {
  if (visit.type === "Task") {
    // Only the public stream leaves out that a task was scheduled.
    return attempt ? attempt.failure !== undefined : event.details !== undefined;
  }
  if (!isContainer(visit)) return false;
  if (!attempt) return visit.failure !== undefined;
  if (attempt.failure !== undefined || visit.hasFailed) return true;
  if (attempt.outcome === "succeeded") return false;
  // AWS does not always say that a Parallel state failed: then a branch has not come to its end.
  return attempt.isBroken || (last !== visit && attempt.frames.some((frame) => frame && !isComplete(frame)));
}

/** Whether a branch or an iteration has come to its end. */
export function isComplete(frame) {
  const last = frame.visits.at(-1);
  if (!last || last.left === undefined) return false;
  return last.definition === null || last.type === "Succeed" || last.definition.End === true;
}

/** The branches or iterations of a state have succeeded. */
export function succeedIn(visit, event) {
  const attempt = current(visit);
  if (attempt) Object.assign(attempt, { outcome: "succeeded", ended: event.time });
}

/**
 * An error has come from `leaf` to `holder`, through all states between: they have failed, and so has the holder's attempt.
 * `holder` is null where the error has ended the execution.
 */
export function attemptFailed(leaf, holder, event, time) {
  const isOwn = leaf === holder;
  if (!isOwn && isOpen(leaf)) {
    leaf.failure ??= { time };
    if (holder === null || leaf.failure.error === undefined) {
      leaf.failure = {
        ...leaf.failure,
        error: leaf.failure.error ?? event.error,
        cause: leaf.failure.cause ?? event.cause,
      };
    }
    noteFailure(leaf, time);
  }
  const failure = { ...leaf.failure, time: leaf.failure?.time ?? time };
  for (const visit of isOwn ? [] : outwards(leaf)) {
    if (visit === holder) break;
    if (visit !== leaf) {
      visit.failure = failure;
      noteFailure(visit, failure.time);
    }
    if (visit.outcome === undefined || visit.outcome === "aborted") {
      visit.outcome = failureOf(visit);
      visit.ended = endOf(visit, time);
    }
    visit.frame.outcome ??= visit.frame.holder ? failureOf(visit) : undefined;
    if (visit.frame.holder) visit.frame.ended ??= visit.ended;
  }
  if (!holder) return;
  const attempt = current(holder);
  if (!attempt) return;
  if (attempt.outcome === undefined) Object.assign(attempt, { outcome: "failed", ended: failure.time });
  attempt.isBroken = true;
  attempt.failure ??= isOwn ? (holder.failure ?? { time }) : failure;
  holder.failure = attempt.failure;
}

/** The attempt under way of a failed visit has failed, too. */
function noteFailure(visit, time) {
  const attempt = current(visit);
  if (!attempt) {
    if (visit.type === "Task")
      visit.attempts.push({ ...newAttempt(), ended: time, outcome: "failed", failure: visit.failure });
    return;
  }
  if (attempt.outcome === undefined || (attempt.outcome === "succeeded" && attempt.failure === undefined)) {
    attempt.outcome = visit.failure?.isTimeout ? "timed_out" : "failed";
    attempt.ended ??= time;
  }
  attempt.failure ??= visit.failure;
}

/** Ends what is open on a line. What the end of the execution stops, a redrive may resume. */
export function stopLine(frame, outcome, time) {
  const visit = frame.visits.at(-1);
  if (visit && isOpen(visit)) close(visit, outcome, time);
}

/** Ends what is open in an attempt. */
export function stopWithin(attempt, outcome, time) {
  for (const frame of attempt.frames) {
    if (!frame) continue;
    stopLine(frame, outcome, time);
    const last = frame.visits.at(-1);
    frame.outcome ??= isComplete(frame)
      ? "succeeded"
      : (last?.left === undefined && last?.outcome) || outcome;
    frame.ended ??= last?.ended ?? time;
  }
}

/** Nothing more happens in an attempt that was retried or left. */
export function seal(attempt) {
  for (const frame of attempt.frames) {
    const visit = frame?.visits.at(-1);
    if (!visit || !isOpen(visit)) continue;
    visit.isClosed = true;
    const inner = current(visit);
    if (inner) seal(inner);
  }
}

/** The execution is redriven at this time: what its end had stopped goes on. */
export function reopen(visit, time) {
  if (!isOpen(visit)) return;
  visit.outcome = undefined;
  visit.ended = undefined;
  visit.hasFailed = false;
  visit.isAborted = false;
  // A Fail state fails again, without an event of its own.
  visit.failure = visit.type === "Fail" ? { ...visit.failure, time } : undefined;
  if (visit.frame.holder) {
    visit.frame.isAborted = false;
    visit.frame.outcome = undefined;
    visit.frame.ended = undefined;
  }
  const attempt = current(visit);
  if (attempt && isContainer(visit)) {
    Object.assign(attempt, { outcome: undefined, ended: undefined, failure: undefined, isBroken: false });
    // An iteration may have been stopped between two states.
    for (const frame of attempt.frames) {
      if (frame && frame.outcome !== "succeeded") {
        Object.assign(frame, { outcome: undefined, ended: undefined, isAborted: false });
      }
    }
  }
}
