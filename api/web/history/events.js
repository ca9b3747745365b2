// @ts-check
// The events of an execution in one form, whichever of the two ways they came.

/**
 * A history event as the fold takes it. `state` is the name of the state that the event itself names, if it names one.
 *
 * @typedef {object} HistoryEvent
 * @property {number} id
 * @property {number} previous The event before it on its branch; 0 at the beginning.
 * @property {string} type As AWS names it.
 * @property {number} [time] Milliseconds since 1970.
 * @property {string} [state]
 * @property {number} [index] Of an iteration.
 * @property {string} [error]
 * @property {string} [cause]
 * @property {any} [input]
 * @property {any} [output]
 * @property {any} [details] All that the event carries; the public stream has none.
 */

/** An event of the public stream of a draw. @returns {HistoryEvent} */
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

/** An event as GetExecutionHistory gives it. @returns {HistoryEvent} */
export function fromHistory(event) {
  const member = Object.keys(event).find((key) => key.endsWith("EventDetails"));
  const details = member ? event[member] : undefined;
  return {
    id: event.id,
    previous: event.previousEventId ?? 0,
    type: event.type,
    time: event.timestamp * 1000,
    state:
      details?.state ?? (/^MapIteration|State(Entered|Exited)$/.test(event.type) ? details?.name : undefined),
    index: details?.index,
    error: details?.error,
    cause: details?.cause,
    input: details?.input,
    output: details?.output,
    details,
  };
}
