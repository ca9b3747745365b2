// @ts-check
// Folds the events of an execution into what happened to each state.

/** An event of the public stream of a draw. */
export function fromPublic(event) {
  return {
    id: event.id,
    previous: event.previous_id,
    type: event.type,
    time: event.time ? Date.parse(event.time) : undefined,
    state: event.state,
    error: event.error,
  };
}

/** An event as GetExecutionHistory gives it. */
export function fromHistory(event) {
  const name = Object.keys(event).find((key) => key.endsWith("EventDetails"));
  const details = name ? event[name] : {};
  return {
    id: event.id,
    previous: event.previousEventId,
    type: event.type,
    time: event.timestamp * 1000,
    state: /State(Entered|Exited)$/.test(event.type) ? details.name : undefined,
    error: details.error,
    cause: details.cause,
    input: details.input,
    output: details.output,
    details: name ? details : undefined,
  };
}

/**
 * What is known of an execution. `inside` gives, by the name of a Parallel or Map state, the names of all states
 * within it.
 */
export class History {
  constructor(inside = new Map()) {
    this.inside = inside;
    this.events = [];
    this.byId = new Map();
    this.visits = new Map();
    this.taken = new Set();
    this.ended = null;
    this.visitOf = new Map();
  }

  /** Takes further events; those known already change nothing. */
  extend(events) {
    for (const event of events) {
      if (this.byId.has(event.id)) continue;
      this.byId.set(event.id, event);
      this.events.push(event);
      this.apply(event);
    }
  }

  apply(event) {
    const { type } = event;
    if (type.endsWith("StateEntered")) this.enter(event);
    else if (type.endsWith("StateExited")) this.exit(event);
    else if (/^Execution(Succeeded|Failed|Aborted|TimedOut)$/.test(type)) this.end(event);
    else this.within(event);
  }

  enter(event) {
    const before = this.byId.get(event.previous);
    const from = before?.type.endsWith("StateExited") ? before.state : "";
    const visit = {
      state: event.state,
      type: event.type.replace("StateEntered", ""),
      entered: event.time,
      input: event.input,
      from,
      attempts: 0,
      failures: [],
      isDone: false,
    };
    if (!this.visits.has(event.state)) this.visits.set(event.state, []);
    this.visits.get(event.state).push(visit);
    this.visitOf.set(event.id, visit);
    this.taken.add(edge(from, event.state));
  }

  exit(event) {
    const visit = this.open(event);
    if (!visit) return;
    visit.left = event.time;
    visit.output = event.output;
    this.visitOf.set(event.id, visit);
    for (const name of this.inside.get(event.state) ?? []) {
      for (const inner of this.visits.get(name) ?? []) {
        if (inner.left === undefined && !this.openVisits(event.state).length) inner.stopped = event.time;
      }
    }
  }

  /** The visit that an exit belongs to. */
  open(event) {
    const near = this.visitOf.get(event.previous);
    if (near?.state === event.state && near.left === undefined) return near;
    return this.openVisits(event.state)[0];
  }

  openVisits(state) {
    return (this.visits.get(state) ?? []).filter(
      (visit) => visit.left === undefined && visit.stopped === undefined,
    );
  }

  within(event) {
    const visit = this.visitOf.get(event.previous);
    if (!visit || visit.left !== undefined) return;
    this.visitOf.set(event.id, visit);
    event.state ??= visit.state;
    if (event.type.endsWith("Scheduled")) visit.attempts += 1;
    if (event.type.endsWith("Succeeded")) visit.isDone = true;
    if (/(Failed|TimedOut)$/.test(event.type)) {
      visit.failures.push({ error: event.error, cause: event.cause, time: event.time });
      visit.isDone = false;
    }
  }

  end(event) {
    this.ended = {
      status: event.type.replace("Execution", ""),
      time: event.time,
      error: event.error,
      cause: event.cause,
    };
    const last = this.visitOf.get(event.previous);
    if (last) this.taken.add(edge(last.state, "end"));
    for (const visits of this.visits.values()) {
      for (const visit of visits) {
        if (visit.left === undefined && visit.stopped === undefined) visit.stopped = event.time;
      }
    }
  }

  /** When the execution began. */
  get began() {
    return this.events[0]?.time;
  }

  /** The status of a visit: active, retrying, succeeded, caught, failed or stopped. */
  statusOf(visit) {
    if (visit.left !== undefined) return visit.failures.length && !visit.isDone ? "caught" : "succeeded";
    if (visit.stopped === undefined) return visit.failures.length && !visit.isDone ? "retrying" : "active";
    if (visit.type === "Succeed") return "succeeded";
    const hasFailed = this.ended?.status === "Failed" || this.ended?.status === "TimedOut";
    const holds = this.inside.has(visit.state);
    if (visit.type === "Fail" || (visit.failures.length && !visit.isDone) || (holds && hasFailed))
      return "failed";
    return "stopped";
  }

  /** The status of a state: that of its most active visit, or else of its worst. */
  status(state) {
    const statuses = (this.visits.get(state) ?? []).map((visit) => this.statusOf(visit));
    return (
      ["retrying", "active", "failed", "caught", "stopped", "succeeded"].find((one) =>
        statuses.includes(one),
      ) ?? "idle"
    );
  }
}

/** The name of a transition in `taken`. */
export function edge(from, to) {
  return `${from}\u0000${to}`;
}
