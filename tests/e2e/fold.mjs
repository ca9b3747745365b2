// Holds the page's fold of a history against its events: `node fold.mjs FOLDER` with the folder `api/web` reads from each line
// of the standard input `{definition, events, status, error}` and writes what is wrong with the fold, a list of sentences.

import { createInterface } from "node:readline";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const load = (file) => import(pathToFileURL(resolve(process.argv[2], "history", file)));
const { History } = await load("fold.js");
const { fromHistory } = await load("events.js");

const OUTCOMES = ["succeeded", "retried", "caught", "failed", "aborted", "timed_out"];
const FAILED = ["failed", "timed_out"];

/** The type of state that an event of this type is about. */
function subject(type) {
  const state = /^(\w+?)State(Entered|Exited|Started|Succeeded|Failed|Aborted)$/.exec(type);
  if (state) return state[1];
  if (/^Map(Iteration|Run)/.test(type)) return "Map";
  return /^(Task|LambdaFunction|Activity)/.test(type) ? "Task" : null;
}

/** Whether a Task of this definition makes an event with these details. */
function fits(definition, { type }, details) {
  const resource = definition?.Resource ?? "";
  if (type === "TaskScheduled") return resource.includes(`:${details.resourceType}:${details.resource}`);
  // The recordings have placeholders for the account and the name.
  const kind = { LambdaFunctionScheduled: ":lambda:", ActivityScheduled: ":activity:" }[type];
  return kind === undefined || resource.includes(kind) || !resource.startsWith("arn:");
}

function check({ definition, events, status, error }) {
  const faults = [];
  const history = new History(definition);
  // In pieces: what is known halfway must not be in the way of what comes.
  const known = events.map(fromHistory);
  for (let from = 0; from < known.length; from += 7) history.extend(known.slice(from, from + 7));
  const visits = [...history.visits.values()].flat();
  const count = (pattern) => events.filter((event) => pattern.test(event.type)).length;
  const same = (what, found, expected) => {
    if (found !== expected) faults.push(`${what}: ${found}, but by the events ${expected}`);
  };
  same("events", history.events.length, events.length);
  same("visits", visits.length, count(/StateEntered$/));
  same("visits that were left", visits.filter((one) => one.left !== undefined).length, count(/StateExited$/));
  same("status", history.ended?.status ?? "RUNNING", status);
  same("redrives", history.redrives, count(/^ExecutionRedriven$/));
  const tasks = visits.filter((one) => one.type === "Task").flatMap((one) => one.attempts);
  same("attempts", tasks.filter((one) => one.scheduled !== undefined).length, count(/^(Task|LambdaFunction|Activity)Scheduled$/));
  const frames = visits.flatMap((one) => one.attempts).flatMap((one) => one.frames).filter(Boolean);
  const iterations = frames.filter((one) => one.holder.type === "Map");
  same("iterations", iterations.length, count(/^MapIterationStarted$/));
  for (const outcome of ["Succeeded", "Failed", "Aborted"]) {
    const found = iterations.filter((one) => one.outcome === outcome.toLowerCase()).length;
    // A redrive takes up again what had failed or was aborted.
    const told = count(new RegExp(`^MapIteration${outcome}$`));
    const isKnown = outcome === "Succeeded" ? found === told : found >= told || history.redrives > 0;
    if (!isKnown) faults.push(`${found} iterations ${outcome}, but ${told} by the events`);
  }
  events.forEach((event, index) => {
    const visit = history.visitOf(event.id);
    const wanted = subject(event.type);
    const named = (event.stateEnteredEventDetails ?? event.stateExitedEventDetails ?? event.evaluationFailedEventDetails ?? {});
    const name = named.name ?? named.state ?? Object.entries(event).find(([key]) => key.startsWith("mapIteration"))?.[1].name;
    if (event.type.startsWith("Execution")) return;
    if (!visit) faults.push(`${event.id} ${event.type} belongs to no state`);
    else if (wanted && visit.type !== wanted) faults.push(`${event.id} ${event.type} belongs to the ${visit.type} state ${visit.state}`);
    else if (name && visit.state !== name) faults.push(`${event.id} ${event.type} of ${name} belongs to ${visit.state}`);
    else if (!fits(visit.definition, event, Object.entries(event).find(([key]) => key.endsWith("Details"))?.[1])) {
      faults.push(`${event.id} ${event.type} does not fit the resource of ${visit.state}`);
    }
    if (visit && history.events[index].state !== visit.state) faults.push(`${event.id} is shown beside ${history.events[index].state}`);
  });
  for (const visit of visits) {
    const name = `the visit of ${visit.state} by event ${visit.enteredBy}`;
    if (visit.definition?.Type !== visit.type) faults.push(`${name} has the definition of another state`);
    if (history.ended && !OUTCOMES.includes(visit.outcome)) faults.push(`${name} has no outcome`);
    if (history.ended && !(visit.ended >= visit.entered && visit.ended <= history.ended.time)) {
      faults.push(`${name} lasts from ${visit.entered} to ${visit.ended}`);
    }
    if (visit.left !== undefined && !["succeeded", "retried", "caught"].includes(visit.outcome)) faults.push(`${name} was left as ${visit.outcome}`);
    if (visit.left === undefined && ["succeeded", "retried", "caught"].includes(visit.outcome)) faults.push(`${name} never ended, but ${visit.outcome}`);
    if (visit.type === "Fail" && visit.ended !== visit.entered && history.ended && !history.redrives) faults.push(`${name} took time`);
    // What lies within cannot outlast what it lies in.
    const holder = visit.frame.holder;
    if (holder?.ended !== undefined && visit.ended > holder.ended) faults.push(`${name} outlasts ${holder.state}`);
    if (visit.outcome === "caught" && !visit.definition?.Catch) faults.push(`${name} has no catcher`);
    for (const attempt of visit.attempts.slice(0, -1)) {
      if (!attempt.outcome || attempt.outcome === "succeeded") faults.push(`${name} was tried again after an attempt that ${attempt.outcome}`);
    }
    for (const attempt of visit.attempts) {
      if (history.ended && !attempt.outcome) faults.push(`${name} has an attempt without an end`);
      for (const frame of attempt.frames) {
        if (frame && history.ended && !OUTCOMES.includes(history.statusOfFrame(frame))) faults.push(`${name} has a line without an end`);
      }
    }
    // A catcher leads to another state than success does, where the definition tells them apart.
    const next = visit.left !== undefined && visit.frame.visits[visit.frame.visits.indexOf(visit) + 1];
    const caught = (visit.definition?.Catch ?? []).map((one) => one.Next);
    if (next && visit.definition?.Next && !caught.includes(visit.definition.Next)) {
      if (visit.outcome === "caught" && !caught.includes(next.state)) faults.push(`${name} was not caught: ${next.state} follows`);
      if (visit.outcome !== "caught" && next.state !== visit.definition.Next) faults.push(`${name} was caught: ${next.state} follows`);
    }
  }
  // The errors of the attempts are those of the events.
  const found = new Set(tasks.filter((one) => one.failure).map(({ failure }) => `${failure.time} ${failure.error}`));
  for (const event of known.filter((one) => /^(Task|LambdaFunction|Activity)(Failed|TimedOut)$/.test(one.type))) {
    if (!found.has(`${event.time} ${event.error}`)) faults.push(`the error of event ${event.id} is in no attempt`);
  }
  if (history.ended?.status === "SUCCEEDED") {
    for (const visit of visits.filter((one) => one.frame === history.root)) {
      if (FAILED.includes(visit.outcome) || visit.outcome === "aborted") faults.push(`${visit.state} ${visit.outcome} in an execution that succeeded`);
    }
  }
  if (history.ended?.status === "FAILED" && visits.length) {
    const culprit = history.culprit;
    if (!culprit) faults.push("no state has failed in an execution that failed");
    else if ((culprit.failure?.error ?? null) !== (error ?? null)) faults.push(`${culprit.state} failed with ${culprit.failure?.error}, the execution with ${error}`);
  }
  return faults;
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(check(JSON.parse(line)))}\n`);
}
