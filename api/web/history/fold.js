// @ts-check
// Folds the events of an execution into the visits of its states: each with its status, its attempts, its errors and its times.

import {
  attemptFailed,
  close,
  failureOf,
  isComplete,
  isFailing,
  leave,
  reopen,
  seal,
  stopLine,
  stopWithin,
  succeedIn,
  takeTaskEvent,
} from "./outcomes.js";
import {
  branchWith,
  current,
  hasState,
  isContainer,
  isOpen,
  machineOf,
  newAttempt,
  newFrame,
  openWithin,
  outwards,
} from "./frames.js";

/** @typedef {import("./events.js").HistoryEvent} HistoryEvent */
/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./frames.js").Visit} Visit */

/** The name of a transition in `taken`. */
export function edge(from, to) {
  return `${from}\u0000${to}`;
}

const ENDS = { Succeeded: "SUCCEEDED", Failed: "FAILED", Aborted: "ABORTED", TimedOut: "TIMED_OUT" };

/**
 * What is known of an execution. An event is a part of the visit that its `previousEventId` leads to, where it does not
 * name the state: after an error on a branch that is the state around it, and of what is aborted the state beside it.
 */
export class History {
  constructor(definition = null) {
    this.definition = definition;
    /** @type {HistoryEvent[]} */
    this.events = [];
    /** @type {Map<string, Visit[]>} */
    this.visits = new Map();
    /** The transitions that were taken, each with how often. @type {Map<string, number>} */
    this.taken = new Map();
    /** @type {{ status: string, time: any, error?: string, cause?: string } | null} */
    this.ended = null;
    this.redrives = 0;
    /** @type {Frame} */
    this.root = newFrame(definition, null, 0, undefined);
    /** By the id of an event, where on the lines it is. @type {Map<number, { frame: Frame, visit: Visit | null, holder?: Visit }>} */
    this.anchors = new Map();
    this.indexes = new Map();
    /** The iteration that the last event has aborted. @type {Frame | null} */
    this.lastAborted = null;
    /** How often anything has changed. */
    this.version = 0;
  }

  /** Takes further events; those known already change nothing. */
  extend(events) {
    for (const event of events) {
      if (this.indexes.has(event.id)) continue;
      this.indexes.set(event.id, this.events.length);
      this.events.push(event);
      const anchor = this.apply(event);
      this.anchors.set(event.id, anchor);
      const owner = event.type.startsWith("Execution") ? null : (anchor.visit ?? anchor.holder);
      if (owner) {
        owner.events.push(this.events.length - 1);
        event.state ??= owner.state;
      }
      this.version += 1;
    }
  }

  /** The visit that an event is a part of, by its id; null for events of the execution itself. */
  visitOf(id) {
    const event = this.events[this.indexes.get(id)];
    const anchor = this.anchors.get(id);
    return event && anchor && !event.type.startsWith("Execution")
      ? (anchor.visit ?? anchor.holder ?? null)
      : null;
  }

  /** When the execution began. */
  get began() {
    return this.events[0]?.time;
  }

  apply(event) {
    const { type } = event;
    const at = this.anchor(event);
    if (!type.endsWith("Aborted") || type === "ExecutionAborted") this.lastAborted = null;
    if (type.endsWith("StateEntered")) return this.enter(event, at);
    if (type.endsWith("StateExited")) return this.exit(event, at);
    if (type.startsWith("Execution")) return this.execution(event, at);
    if (type.startsWith("MapIteration")) return this.iteration(event, at);
    if (type.endsWith("StateAborted")) return this.aborted(event, at);
    if (type === "EvaluationFailed") return this.evaluation(event, at);
    if (/^(ParallelState|MapState|MapRun)/.test(type)) return this.container(event, at);
    return this.task(event, at);
  }

  /** Where the event before this one is. */
  anchor(event) {
    return this.anchors.get(event.previous) ?? { frame: this.root, visit: this.root.visits.at(-1) ?? null };
  }

  /** The innermost visit around a position that passes. */
  around({ frame, visit }, passes) {
    for (const one of outwards(visit ?? frame.holder)) if (isOpen(one) && passes(one)) return one;
    return null;
  }

  /** The open visit of a state, where the event before does not lead to it: the one that follows the same event, or else the first. */
  openVisit(passes, previous) {
    /** @type {Visit | null} */
    let found = null;
    for (const visits of this.visits.values()) {
      for (const visit of visits) {
        if (!isOpen(visit) || !passes(visit)) continue;
        if (visit.follows === previous) return visit;
        found ??= visit;
      }
    }
    return found;
  }

  enter(event, at) {
    const frame = this.frameOf(event.state, at, event.time);
    const before = frame.visits.at(-1);
    const definition = frame.machine?.States?.[event.state] ?? null;
    /** @type {Visit} */
    const visit = {
      state: event.state,
      type: event.type.replace("StateEntered", ""),
      definition,
      frame,
      from: before?.state ?? "",
      entered: event.time,
      enteredBy: event.id,
      follows: event.previous,
      isClosed: false,
      attempts: [],
      input: event.input,
      events: [],
    };
    if (visit.type === "Fail") visit.failure = { ...failOf(definition), time: event.time };
    frame.visits.push(visit);
    if (visit.type === "Fail" && frame.holder) this.breakAttempt(frame.holder, { frame, visit });
    if (!this.visits.has(event.state)) this.visits.set(event.state, []);
    this.visits.get(event.state)?.push(visit);
    this.take(visit.from, event.state);
    return { frame, visit };
  }

  take(from, to) {
    const name = edge(from, to);
    this.taken.set(name, (this.taken.get(name) ?? 0) + 1);
  }

  /** The line that a state is entered on. */
  frameOf(name, { frame, visit }, time) {
    if (visit && isOpen(visit)) {
      const branch = branchWith(visit, name);
      if (branch >= 0) return this.frameIn(visit, branch, time);
    }
    for (let next = frame; next; next = next.holder?.frame) if (hasState(next, name)) return next;
    // The events between are not known, as in a public stream: a line of the innermost open state that has this one within.
    for (const visits of [...this.visits.values()].reverse()) {
      const holder = visits.findLast((one) => isOpen(one) && isContainer(one) && this.holds(one, name));
      if (holder) return this.frameIn(holder, Math.max(branchWith(holder, name), 0), time);
    }
    return this.root;
  }

  holds(visit, name) {
    return (
      branchWith(visit, name) >= 0 ||
      (visit.type === "Map" && hasState({ machine: machineOf(visit, 0) }, name))
    );
  }

  /** The branch or iteration of this index in the attempt under way. */
  frameIn(visit, index, time) {
    const attempt = current(visit) ?? this.begin(visit, time);
    return (attempt.frames[index] ??= newFrame(machineOf(visit, index), visit, index, time));
  }

  begin(visit, time) {
    const attempt = { ...newAttempt(), started: time };
    visit.attempts.push(attempt);
    return attempt;
  }

  exit(event, at) {
    const named = (visit) => visit.state === event.state;
    const visit = this.around(at, named) ?? this.openVisit(named, event.previous);
    if (!visit) return at;
    leave(visit, event, at.visit, this.timeOf(event.previous));
    return { frame: visit.frame, visit };
  }

  timeOf(id) {
    return this.events[this.indexes.get(id)]?.time;
  }

  execution(event, at) {
    const { type } = event;
    if (type === "ExecutionStarted") {
      this.root.started = event.time;
      return { frame: this.root, visit: null };
    }
    if (type === "ExecutionRedriven") {
      this.ended = null;
      this.redrives += 1;
      for (const visits of this.visits.values()) visits.forEach((visit) => reopen(visit, event.time));
      return at;
    }
    const status = ENDS[type.replace("Execution", "")];
    if (!status) return at;
    this.ended = { status, time: event.time, error: event.error, cause: event.cause };
    const last = this.root.visits.at(-1);
    if (last && (status === "SUCCEEDED" || (last.type === "Fail" && at.visit === last)))
      this.take(last.state, "end");
    // An error that ends the execution has passed through all states around the one that it came from.
    if (status === "FAILED" && at.visit && isOpen(at.visit)) {
      attemptFailed(at.visit, null, event, this.timeOf(event.previous));
    }
    this.sealRetrying(event.time);
    stopLine(this.root, status === "TIMED_OUT" ? "timed_out" : "aborted", event.time);
    return at;
  }

  /** What an attempt has left behind that waits to be tried again as the execution ends, no redrive takes up. */
  sealRetrying(time) {
    for (const visits of this.visits.values()) {
      for (const visit of visits) {
        const attempt = current(visit);
        if (!attempt?.isBroken || !isContainer(visit) || !isOpen(visit) || visit.hasFailed) continue;
        stopWithin(attempt, "aborted", time);
        seal(attempt);
      }
    }
  }

  /** Marks the attempt of a state that holds a failure, or what is aborted because of one in it. */
  breakAttempt(holder, { frame, visit }) {
    for (const one of outwards(visit ?? frame.holder)) {
      const attempt = one === holder && current(holder);
      if (attempt) attempt.isBroken = true;
    }
  }

  iteration(event, at) {
    const isMap = (visit) =>
      visit.type === "Map" && (event.state === undefined || visit.state === event.state);
    const isStart = event.type.endsWith("Started");
    // What is aborted lies within what was aborted before, or beside it.
    const hasIt = (visit) => {
      const frame = current(visit)?.frames[event.index];
      return isMap(visit) && (isStart || (frame !== undefined && !frame.isAborted));
    };
    const visit =
      this.inAborted(hasIt) ??
      (this.lastAborted && this.around({ frame: this.lastAborted, visit: null }, hasIt)) ??
      this.around(at, isMap) ??
      this.besides(at, hasIt) ??
      this.openVisit(hasIt, event.previous);
    if (!visit) return at;
    const index = event.index ?? current(visit)?.frames.length ?? 0;
    const frame = this.frameIn(visit, index, event.time);
    if (isStart) return { frame, visit: null, holder: visit };
    const outcome = event.type.replace("MapIteration", "").toLowerCase();
    frame.outcome = /** @type {any} */ (outcome);
    frame.ended = event.time;
    if (outcome === "aborted") {
      const last = frame.visits.at(-1);
      if (last && isOpen(last)) close(last, "aborted", event.time);
      frame.isAborted = true;
      this.lastAborted = frame;
    }
    if (outcome !== "succeeded") this.breakAttempt(visit, at);
    if (outcome === "failed" && at.visit && at.visit !== visit && isOpen(at.visit)) {
      attemptFailed(at.visit, visit, event, this.timeOf(event.previous));
    }
    return { frame, visit: null, holder: visit };
  }

  /** An open visit in the iteration that was aborted last. */
  inAborted(passes) {
    const last = this.lastAborted?.visits.at(-1);
    if (!last || !isOpen(last)) return null;
    if (passes(last)) return last;
    for (const one of openWithin(last)) if (passes(one)) return one;
    return null;
  }

  /** An open visit within the state that holds a position: beside it. */
  besides({ frame, visit }, passes) {
    for (const holder of outwards(visit ?? frame.holder)) {
      if (!isContainer(holder)) continue;
      for (const one of openWithin(holder)) if (passes(one)) return one;
    }
    return null;
  }

  /** A state is aborted: the event names none. Those of a failed Parallel or Map state come in the order of its branches. */
  aborted(event, at) {
    const type = event.type.replace("StateAborted", "");
    const passes = (visit) => visit.type === type && !visit.isAborted;
    let visit = this.inAborted(passes);
    if (!visit && at.visit && isOpen(at.visit) && passes(at.visit)) visit = at.visit;
    visit ??= this.besides(at, passes) ?? this.openVisit(passes, event.previous);
    if (!visit) return at;
    visit.isAborted = true;
    if (visit.frame.holder) this.breakAttempt(visit.frame.holder, at);
    // Of the branches of a Parallel state the one that failed is said to be aborted, too.
    close(visit, visit === at.visit && isFailing(visit) ? failureOf(visit) : "aborted", event.time);
    return { frame: visit.frame, visit };
  }

  /** An expression has failed. The event names the state. */
  evaluation(event, at) {
    const named = (visit) => event.state === undefined || visit.state === event.state;
    const here = at.visit && isOpen(at.visit) && named(at.visit) ? at.visit : null;
    const line = at.visit ? null : at.frame.visits.at(-1);
    const visit =
      here ??
      (line && isOpen(line) && named(line) ? line : null) ??
      this.openVisit((one) => named(one) && one.follows === event.previous, event.previous) ??
      this.around(at, named) ??
      this.openVisit(named, event.previous);
    if (!visit) return at;
    const failure = { error: event.error, cause: event.cause, time: event.time };
    visit.failure = failure;
    if (["Task", "Parallel", "Map"].includes(visit.type)) {
      const attempt = current(visit) ?? this.begin(visit, event.time);
      Object.assign(attempt, { failure, outcome: "failed", ended: event.time, isBroken: true });
    } else if (visit.frame.holder) this.breakAttempt(visit.frame.holder, { frame: visit.frame, visit });
    return { frame: visit.frame, visit };
  }

  /** An event of a whole Parallel or Map state. */
  container(event, at) {
    const type = event.type.startsWith("Map") ? "Map" : "Parallel";
    const what = event.type.replace(/^(ParallelState|MapState|MapRun)/, "");
    // One that has failed for good is not what the event is about, but what it follows.
    const passes = (visit) => visit.type === type && !visit.hasFailed && !visit.isAborted;
    const visit = this.around(at, passes) ?? this.openVisit(passes, event.previous);
    if (!visit) return at;
    if (event.type.startsWith("MapRun")) this.mapRun(visit, what, event);
    else if (what === "Started") {
      const attempt = current(visit);
      if (attempt?.started !== undefined) {
        attemptFailed(at.visit ?? visit, visit, event, this.timeOf(event.previous));
        stopWithin(attempt, "aborted", attempt.ended ?? event.time);
        seal(attempt);
      }
      this.begin(visit, event.time).length = event.details?.length;
    } else if (what === "Succeeded") succeedIn(visit, event);
    else if (what === "Failed") {
      if (!current(visit)) this.begin(visit, event.time);
      attemptFailed(at.visit ?? visit, visit, event, this.timeOf(event.previous));
      visit.hasFailed = true;
    }
    return { frame: visit.frame, visit };
  }

  mapRun(visit, what, event) {
    const attempt = current(visit) ?? this.begin(visit, event.time);
    if (what === "Started") attempt.mapRun = event.details?.mapRunArn;
    if (what === "Redriven") attempt.mapRun ??= event.details?.mapRunArn;
    if (what === "Failed") {
      attempt.isBroken = true;
      visit.failure = { error: event.error, cause: event.cause, time: event.time };
      attempt.failure = visit.failure;
    }
    if (what === "Aborted") attempt.isBroken = true;
  }

  task(event, at) {
    const passes = (visit) =>
      visit.type === "Task" && (event.state === undefined || visit.state === event.state);
    const here = at.visit && isOpen(at.visit) && passes(at.visit) ? at.visit : null;
    const visit = here ?? this.openVisit(passes, event.previous);
    if (!visit) return at;
    takeTaskEvent(visit, event);
    return { frame: visit.frame, visit };
  }

  /** The status of a visit: its outcome; while it is open, active or retrying. */
  statusOf(visit) {
    if (visit.outcome) return visit.outcome;
    if (visit.type === "Fail") return "failed";
    const attempt = current(visit);
    return attempt?.isBroken || attempt?.outcome === "failed" ? "retrying" : "active";
  }

  /** The status of a branch or an iteration. */
  statusOfFrame(frame) {
    if (frame.outcome) return frame.outcome;
    const last = frame.visits.at(-1);
    if (last && last.outcome && last.left === undefined) return last.outcome;
    return isComplete(frame) ? "succeeded" : "active";
  }

  /** The status of a state: that of its most active visit, or else of its worst. */
  status(state) {
    const statuses = new Set((this.visits.get(state) ?? []).map((visit) => this.statusOf(visit)));
    return RANKING.find((one) => statuses.has(one)) ?? "idle";
  }

  /** Where the error that ended the execution came from: the innermost visit that failed. @returns {Visit | null} */
  get culprit() {
    if (!this.ended || this.ended.status === "SUCCEEDED") return null;
    /** @type {Visit | null} */
    let found = null;
    for (let frame = this.root; frame;) {
      const visit = frame.visits.at(-1);
      if (!visit || !["failed", "timed_out"].includes(visit.outcome ?? "")) break;
      found = visit;
      const inner = current(visit)?.frames.filter(Boolean) ?? [];
      const next = inner.find((one) => ["failed", "timed_out"].includes(one.visits.at(-1)?.outcome ?? ""));
      if (!next) break;
      frame = next;
    }
    return found;
  }
}

const RANKING = ["retrying", "active", "failed", "timed_out", "caught", "aborted", "retried", "succeeded"];

/** The error of a Fail state, where the definition says it outright. */
function failOf(definition) {
  const plain = (text) => (typeof text === "string" && !text.startsWith("{%") ? text : undefined);
  return { error: plain(definition?.Error), cause: plain(definition?.Cause) };
}
