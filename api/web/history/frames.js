// @ts-check
// What an execution is made of: frames, visits and attempts.

import { machinesWithin } from "../graph/model.js";

/**
 * One line of states: the execution itself, a branch of a Parallel state or an iteration of a Map state.
 *
 * @typedef {object} Frame
 * @property {any} machine Its states, as the definition has them; null where the definition is not known.
 * @property {Visit | null} holder The visit that it is a part of; null for the execution itself.
 * @property {number} index Of the branch or the iteration.
 * @property {number} [started]
 * @property {number} [ended]
 * @property {Outcome} [outcome]
 * @property {Visit[]} visits
 * @property {boolean} [isAborted] A history event says that the iteration was aborted.
 */

/**
 * How something ended. What is `retried` succeeded after an attempt that failed; what is `caught` failed, and a catcher
 * took over.
 *
 * @typedef {"succeeded" | "retried" | "caught" | "failed" | "aborted" | "timed_out"} Outcome
 */

/**
 * An error: its name, its cause, and when.
 *
 * @typedef {object} Failure
 * @property {string} [error]
 * @property {string} [cause]
 * @property {number} [time]
 * @property {boolean} [isTimeout]
 */

/**
 * One attempt of a Task, Parallel or Map state.
 *
 * @typedef {object} Attempt
 * @property {number} [scheduled] When it was asked for.
 * @property {number} [started] When it was begun.
 * @property {number} [submitted] When the service took it, where another answer is waited for.
 * @property {number} [ended]
 * @property {"succeeded" | "failed" | "aborted" | "timed_out"} [outcome]
 * @property {Failure} [failure]
 * @property {any} [output]
 * @property {any} [details] What the task was given.
 * @property {Frame[]} frames The branches or iterations, by index.
 * @property {boolean} isBroken A part of it has failed: no more of it will succeed.
 * @property {number} [length] How many items a Map has.
 * @property {string} [mapRun] The ARN of the map run of a Distributed Map.
 */

/**
 * One visit of a state.
 *
 * @typedef {object} Visit
 * @property {string} state
 * @property {string} type
 * @property {any} definition
 * @property {Frame} frame
 * @property {string} from The state before it on its line; empty for the first one.
 * @property {number} entered
 * @property {number} enteredBy The event.
 * @property {number} follows The event before that.
 * @property {number} [left] When it was left for the next state.
 * @property {number} [ended] When it was left or stopped.
 * @property {Outcome} [outcome]
 * @property {boolean} isClosed Nothing more can happen in it, even after a redrive.
 * @property {Failure} [failure] Its last failure.
 * @property {Attempt[]} attempts
 * @property {any} [input]
 * @property {any} [output]
 * @property {any} [variables] What the state has assigned.
 * @property {number[]} events The indexes of its events.
 * @property {boolean} [hasFailed] A history event says that the Parallel or Map state has failed.
 * @property {boolean} [isAborted] A history event says that it was aborted.
 */

/** @returns {Frame} */
export function newFrame(machine, holder, index, started) {
  return { machine, holder, index, started, visits: [] };
}

/** @returns {Attempt} */
export function newAttempt() {
  return { frames: [], isBroken: false };
}

/** Whether the machine of this frame has a state of this name. */
export function hasState(frame, name) {
  return frame.machine === null || Object.hasOwn(frame.machine.States ?? {}, name);
}

/** The machine of a branch or an iteration of this visit. */
export function machineOf(visit, index) {
  const machines = visit.definition ? machinesWithin(visit.definition) : [];
  return (visit.type === "Map" ? machines[0] : machines[index]) ?? null;
}

/** Which branch of a Parallel state has a state of this name; -1 for none. */
export function branchWith(visit, name) {
  if (visit.type !== "Parallel" || !visit.definition) return -1;
  return machinesWithin(visit.definition).findIndex((machine) => Object.hasOwn(machine.States ?? {}, name));
}

/** Whether events of this visit may still come. */
export function isOpen(visit) {
  return visit.left === undefined && !visit.isClosed;
}

/** Whether a state of this type has branches or iterations. */
export function isContainer(visit) {
  return visit.type === "Parallel" || visit.type === "Map";
}

/** The attempt under way. @returns {Attempt | undefined} */
export function current(visit) {
  return visit.attempts[visit.attempts.length - 1];
}

/** The visits that are still open within the attempt under way, the outer ones first, in the order of the branches. */
export function* openWithin(visit) {
  for (const frame of current(visit)?.frames ?? []) {
    const last = frame?.visits[frame.visits.length - 1];
    if (!last || !isOpen(last)) continue;
    yield last;
    if (isContainer(last)) yield* openWithin(last);
  }
}

/** The visits around this one, it first and the outermost last. */
export function* outwards(visit) {
  for (let next = visit; next; next = next.frame.holder) yield next;
}
