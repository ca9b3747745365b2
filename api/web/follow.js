// @ts-check
// Follows an execution: reports its events as they come, and resumes after the last one when a connection was lost.

import { Refused, Unreachable, get, path, send } from "./api.js";
import { pause, reached, sleep, spread } from "./connection.js";
import { drawPath } from "./draws.js";
import { fromHistory, fromPublic } from "./history/events.js";
import { token } from "./session.js";

/** The organiser, who shows the draw on a stage, looks more often than the service asks everyone to. */
const OFTEN = 1000;

/**
 * The events of a draw, which everyone may see. Every answer ends after its first events, says when something may have
 * happened next, and 204 says that nothing follows. A service that cannot let requests wait answers at once.
 */
export async function followDraw(lottery, draw, signal, onEvents) {
  let last = "0";
  let retry = OFTEN;
  for (let attempt = 0; !signal.aborted;) {
    try {
      const headers = { accept: "text/event-stream" };
      const response = await send("GET", `${drawPath(lottery, draw, "events")}?after=${last}`, {
        headers,
        signal,
      });
      if (response.status === 204) return;
      for await (const batch of messages(response.body)) {
        retry = batch.findLast((message) => message.retry)?.retry ?? retry;
        const events = batch.filter((message) => message.data !== "");
        if (!events.length) continue;
        last = events[events.length - 1].id;
        onEvents(events.map((message) => fromPublic(JSON.parse(message.data))));
      }
      attempt = 0;
      await sleep(spread(token() ? Math.min(retry, retry > 10000 ? 5000 : OFTEN) : retry), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused && error.status < 429) throw error;
      if (!(error instanceof Refused)) reached(false);
      await pause(attempt, signal, error.retryAfter);
      attempt += 1;
    }
  }
}

/** The messages of a stream of server-sent events, as they arrive. */
async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop() ?? "";
    const found = blocks.map(parse).filter((message) => message.data !== "" || message.retry);
    if (found.length) yield found;
  }
}

function parse(block) {
  const message = { id: "", data: "", retry: 0 };
  for (const line of block.split("\n")) {
    if (line.startsWith("id:")) message.id = line.slice(3).trim();
    if (line.startsWith("retry:")) message.retry = Number(line.slice(6)) || 0;
    if (line.startsWith("data:")) message.data += line.slice(5).trim();
  }
  return message;
}

/** Any execution of the local stack, with all that its events carry, after the first `seen`. `onAnswer` gets each answer and its events. */
export async function followExecution(name, signal, onAnswer, seen = 0) {
  const ask = () => get(`${path("local", "executions", name)}?after=${seen}`, { signal });
  /** @type {Promise<any> | null} */
  let asked = null;
  for (let attempt = 0; !signal.aborted;) {
    try {
      const answer = await (asked ?? ask());
      attempt = 0;
      seen += answer.events.length;
      // The next part is on its way while this one is shown.
      asked = answer.more_events ? ask() : null;
      asked?.catch(() => {});
      onAnswer(answer, answer.events.map(fromHistory));
      if (answer.status !== "RUNNING" && !answer.more_events) return;
      if (!answer.more_events) await sleep(300, signal);
    } catch (error) {
      asked = null;
      if (signal.aborted) return;
      if (!(error instanceof Unreachable) && error.status < 429) throw error;
      await pause(attempt, signal, error.retryAfter);
      attempt += 1;
    }
  }
}
