// @ts-check
// Data of an execution: shown when it is asked for, to be copied and kept as a file.

import { h, put } from "../dom.js";
import { save } from "../download.js";
import { t } from "../i18n/index.js";

/** More than this is shown in part: a browser is slow with a text of megabytes. */
const SHOWN = 200_000;

/** A value as JSON over several lines. Texts that hold JSON, as the history has them, are shown as what they hold. */
export function pretty(value) {
  const open = (inner) => {
    if (typeof inner === "string" && /^\s*[[{]/.test(inner)) {
      try {
        return open(JSON.parse(inner));
      } catch {
        return inner;
      }
    }
    return inner;
  };
  const opened = open(value);
  return typeof opened === "string" ? opened : JSON.stringify(opened, (_, inner) => open(inner), 2);
}

/** A button that does something and says for a moment that it is done. */
export function briefly(name, done, act) {
  const button = h("button", { type: "button", class: "compact", onclick: run }, t(name));
  async function run() {
    await act();
    button.textContent = t(done);
    setTimeout(() => {
      button.textContent = t(name);
    }, 1500);
  }
  return button;
}

/** Buttons that copy a value and keep it as a file of this name. */
export function keepers(value, name) {
  const text = () => pretty(typeof value === "function" ? value() : value);
  return h(
    "span",
    { class: "keepers" },
    briefly("data.copy", "data.copied", () => copy(text())),
    briefly("data.download", "data.downloaded", () =>
      save(new Blob([text()], { type: "application/json" }), name),
    ),
  );
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Over plain HTTP from another machine there is no clipboard but the old one.
    const area = h("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/** A value that unfolds. */
export function data(title, value, name, isOpen = false) {
  if (value === null || value === undefined) return null;
  const body = h("div");
  const fill = () => {
    if (body.children.length) return;
    const text = pretty(value);
    const whole = text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}\n…`;
    put(body, keepers(value, name), h("pre", { tabindex: "0" }, whole));
  };
  if (isOpen) fill();
  return h(
    "details",
    { class: "json", open: isOpen, ontoggle: fill, "data-part": name },
    h("summary", null, title),
    body,
  );
}

/** What a cause says to people: a failed function puts its message into JSON. */
export function sentence(cause) {
  try {
    return JSON.parse(cause).errorMessage ?? cause;
  } catch {
    return cause;
  }
}

/** The ARNs of executions that a text names. */
export function executionsIn(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value ?? "");
  return [...new Set(text.match(/arn:aws[\w-]*:states:[\w-]*:\d+:(?:execution|express):[^"\\\s]+/g) ?? [])];
}
