// @ts-check
// Shows the view that the address names. Views are modules, loaded when they are first needed.

import { ask } from "./dialog.js";
import { h } from "./dom.js";
import { inZone } from "./format.js";
import { t } from "./i18n/index.js";

/** @type {[RegExp, string][]} */
const ROUTES = [
  [/^\/$/, "home"],
  [/^\/lotteries\/([^/]+)$/, "lottery"],
  [/^\/lotteries\/([^/]+)\/join$/, "join"],
  [/^\/lotteries\/([^/]+)\/me$/, "me"],
  [/^\/lotteries\/([^/]+)\/stage$/, "stage_lobby"],
  [/^\/lotteries\/([^/]+)\/draws\/([^/]+)$/, "draw"],
  [/^\/lotteries\/([^/]+)\/draws\/([^/]+)\/check$/, "verify"],
  [/^\/lotteries\/([^/]+)\/draws\/([^/]+)\/stage$/, "stage"],
  [/^\/lotteries\/([^/]+)\/draws\/([^/]+)\/remote$/, "stage_remote"],
  [/^\/lotteries\/([^/]+)\/draws\/([^/]+)\/execution$/, "execution"],
  [/^\/claims\/([^/]+)$/, "claim"],
  [/^\/console$/, "console"],
  [/^\/console\/([^/]+)$/, "lottery_console"],
  [/^\/console\/([^/]+)\/door$/, "door"],
  [/^\/executions$/, "executions"],
  [/^\/executions\/([^/]+)$/, "execution"],
  [/^\/executions\/([^/]+)\/compare(?:\/([^/]+))?$/, "compare"],
  [/^\/state-machines$/, "state_machines"],
  [/^\/state-machines\/([^/]+)$/, "state_machine"],
  [/^\/inbox$/, "inbox"],
];

/** A view that is not there after this time, in milliseconds, is said to be loading. */
const LOADING = 300;

/** What the address names: the view and its parameters. Only known names lead to a module. */
function destination(hash) {
  const path = (hash.replace(/^#/, "") || "/").replace(/\?.*$/, "").replace(/(.)\/$/, "$1");
  for (const [pattern, view] of ROUTES) {
    const match = pattern.exec(path);
    if (!match) continue;
    try {
      return {
        view,
        path,
        parameters: match
          .slice(1)
          .filter((part) => part !== undefined)
          .map(decodeURIComponent),
      };
    } catch {
      break;
    }
  }
  return { view: null, path, parameters: [] };
}

/** @type {AbortController | null} */
let leaving = null;

/** Leaves the view that is shown and shows the one that the address names now. */
export async function show(root, onFailure) {
  leaving?.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { view, path, parameters } = destination(location.hash);
  document.body.dataset.view = view ?? "unknown";
  root.replaceChildren();
  // Over a slow connection the view takes a while: something is seen to happen.
  const waiting = h("div", { class: "loading", role: "status", "aria-label": t("loading") });
  const timer = setTimeout(() => {
    if (!root.children.length) root.append(waiting);
  }, LOADING);
  signal.addEventListener("abort", () => clearTimeout(timer));
  inZone(null);
  if (!view) return onFailure(root, null);
  try {
    const module = await import(`./views/${view}.js`);
    if (!signal.aborted) await module.show(root, { parameters, path, signal });
  } catch (error) {
    if (!signal.aborted) onFailure(root, error);
  }
}

let question = null;

function hold(event) {
  event.preventDefault();
}

/** Keeps the view: leaving it asks this question first (see `ask`), until what this gives is called. */
export function keepView(asked) {
  question = asked;
  addEventListener("beforeunload", hold);
  return () => {
    if (question === asked) question = null;
    removeEventListener("beforeunload", hold);
  };
}

/** Whether the view is kept. */
export function isKept() {
  return question !== null;
}

/** Asks whether the view may be left, if it is kept. */
export async function mayLeave() {
  if (question !== null && !(await ask(question))) return false;
  question = null;
  removeEventListener("beforeunload", hold);
  return true;
}

/** A link to a view. */
export function link(...parts) {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}
