// @ts-check
// The operations of Step Functions, through the local stack, and the inputs that were given last.

import { path, post } from "../api.js";

const REMEMBERED = 8;

/**
 * Does an operation, such as `StartExecution`.
 *
 * @param {string} operation
 * @param {Record<string, unknown>} body
 * @param {import("../api.js").Options} [options]
 */
export function call(operation, body, options) {
  return post(path("local", "step-functions", operation), body, options);
}

/** Every page of a list: `member` names it in the answers. */
export async function all(operation, body, member, options) {
  const found = [];
  for (let nextToken; ;) {
    const page = await call(operation, { ...body, maxResults: 1000, nextToken }, options);
    found.push(...page[member]);
    nextToken = page.nextToken;
    if (!nextToken) return found;
  }
}

/** The last part of an ARN. */
export function nameOf(arn) {
  return arn.split(":").pop() ?? arn;
}

const keyOf = (machine) => `inputs ${machine}`;

/** The inputs that executions of a state machine were started with from this browser, the last one first. */
export function lastInputs(machine) {
  try {
    return JSON.parse(localStorage.getItem(keyOf(machine)) ?? "[]");
  } catch {
    return [];
  }
}

/** Starts an execution of a state machine, or of a version of it, and remembers its input; gives its ARN. */
export async function start(machine, input, name, version = machine) {
  const { executionArn } = await call("StartExecution", {
    stateMachineArn: version || machine,
    input,
    name: name || undefined,
  });
  const inputs = [input, ...lastInputs(machine).filter((one) => one !== input)].slice(0, REMEMBERED);
  try {
    localStorage.setItem(keyOf(machine), JSON.stringify(inputs));
  } catch {
    // An input too large to be kept is not remembered.
  }
  return executionArn;
}
