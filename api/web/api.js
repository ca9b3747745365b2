// @ts-check
// Speaks to the HTTP API.

import { reached } from "./connection.js";
import { expire, token } from "./session.js";

/**
 * A request that was refused: `name` for the page, a message for people, `errors` by field; `code` of what cannot be read;
 * `retryAfter` seconds it may be sent again.
 */
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? problem.title ?? `status ${status}`);
    this.status = status;
    this.name = (problem.type ?? "").split("/").pop() || "refused";
    this.errors = problem.errors ?? [];
    this.code = problem.code;
    this.parameters = problem.parameters;
    this.line = problem.line;
    this.column = problem.column;
    // The gateway says no time.
    this.retryAfter = retryAfter ?? (status === 429 || status === 503 ? 1 : undefined);
  }
}

/** The service did not answer. */
export class Unreachable extends Error {}

/**
 * What a request carries besides its address.
 *
 * @typedef {object} Options
 * @property {BodyInit | null} [body]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal] Aborts the request.
 * @property {boolean} [anonymous] Sends no token.
 */

/** Where the API is: beside the page, whatever stage or prefix it is served under. */
export function address(path) {
  return new URL(path.replace(/^\//, ""), new URL("./", document.baseURI)).href;
}

/** A path of the API from its parts, each of them any text. */
export function path(...parts) {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

/**
 * Sends a request and gives the response, with the organiser's token if there is one and the request is not `anonymous`.
 * What the browser has already, and the service says may be kept, is not sent again.
 *
 * @param {string} method
 * @param {string} where
 * @param {Options} [options]
 */
export async function send(method, where, { body, headers = {}, signal, anonymous = false } = {}) {
  const authorised = token() && !anonymous ? { authorization: `Bearer ${token()}`, ...headers } : headers;
  let response;
  try {
    response = await fetch(address(where), {
      method,
      body,
      headers: authorised,
      signal,
      cache: method === "GET" ? "default" : "no-store",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    reached(false);
    throw new Unreachable(where);
  }
  reached(true);
  if (response.ok || response.status === 304) return response;
  if (response.status === 401 && authorised.authorization === `Bearer ${token()}`) expire();
  const problem = await response.json().catch(() => ({}));
  throw new Refused(response.status, problem, Number(response.headers.get("retry-after")) || undefined);
}

const JSON_TYPE = { accept: "application/json" };

/**
 * @param {string} where
 * @param {Options} [options]
 */
export async function get(where, options = {}) {
  const response = await send("GET", where, { ...options, headers: { ...JSON_TYPE, ...options.headers } });
  return response.json();
}

/**
 * @param {string} where
 * @param {unknown} value
 * @param {Options} [options]
 */
export async function post(where, value, options = {}) {
  const headers = { ...JSON_TYPE, "content-type": "application/json", ...options.headers };
  const response = await send("POST", where, { ...options, headers, body: JSON.stringify(value) });
  return response.status === 204 ? null : response.json();
}

/** Whether this is the local stack, which has an inbox and shows every execution. */
export async function isLocal() {
  if (!token()) return false;
  let known = sessionStorage.getItem("is-local");
  if (known === null) {
    const found = await get("/local/messages?after=2000000000").then(
      () => true,
      (error) => (error.status === 404 ? false : null),
    );
    if (found === null) return false;
    known = String(found);
    sessionStorage.setItem("is-local", known);
  }
  return known === "true";
}
