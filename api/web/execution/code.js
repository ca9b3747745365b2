// @ts-check
// The definition as text, in step with the picture: a line leads to its state, and a state to its lines.

import { h, put } from "../dom.js";
import { t } from "../i18n/index.js";
import { keepers } from "./parts.js";

/** A definition as lines, each with the state that it is in, and of each state its first and last line. */
export function linesOf(definition) {
  /** @type {{ text: string, state: string | null }[]} */
  const lines = [];
  const states = new Map();
  const write = (text, state) => lines.push({ text, state });
  const value = (key, what, indent, comma, state, isStates) => {
    const space = "  ".repeat(indent);
    const head = key === null ? space : `${space}${JSON.stringify(key)}: `;
    if (what === null || typeof what !== "object" || !Object.keys(what).length) {
      write(`${head}${JSON.stringify(what)}${comma}`, state);
      return;
    }
    const [open, close] = Array.isArray(what) ? ["[", "]"] : ["{", "}"];
    write(head + open, state);
    const entries = Object.entries(what);
    entries.forEach(([name, inner], index) => {
      const own = isStates ? name : state;
      const first = lines.length;
      const isMap = !Array.isArray(what) && name === "States" && typeof inner === "object";
      value(
        Array.isArray(what) ? null : name,
        inner,
        indent + 1,
        index + 1 < entries.length ? "," : "",
        own,
        isMap,
      );
      if (isStates) states.set(name, [first, lines.length - 1]);
    });
    write(`${space}${close}${comma}`, state);
  };
  value(null, definition, 0, "", null, false);
  return { lines, states };
}

export class Code {
  /** @param {(state: string) => void} onChoose */
  constructor(definition, onChoose) {
    const { lines, states } = linesOf(definition);
    this.states = states;
    this.lines = lines.map(({ text, state }, index) =>
      h(
        "div",
        { class: "line-of-code", "data-of": state, onclick: state ? () => onChoose(state) : null },
        h("span", { class: "no" }, index + 1),
        text,
      ),
    );
    this.scroller = h(
      "pre",
      { class: "code", tabindex: "0", "aria-label": t("execution.definition") },
      this.lines,
    );
    this.element = h(
      "div",
      { class: "code-pane" },
      h("p", { class: "toolbar" }, keepers(definition, "definition.asl.json")),
      this.scroller,
    );
  }

  /** Marks the lines of a state and brings them into sight. */
  choose(state) {
    for (const line of this.marked ?? []) line.classList.remove("chosen");
    const range = this.states.get(state);
    this.marked = range ? this.lines.slice(range[0], range[1] + 1) : [];
    for (const line of this.marked) line.classList.add("chosen");
    const first = this.marked[0];
    if (first) this.scroller.scrollTop = first.offsetTop - this.scroller.offsetTop - 60;
  }
}

/** Shows findings of the linter beside the lines of a text. */
export function showFindings(element, findings, onLine) {
  put(
    element,
    findings.map((one) =>
      h(
        "li",
        { class: one.severity === "ERROR" ? "bad" : "warn" },
        h(
          "button",
          { type: "button", class: "link", onclick: () => onLine(one) },
          one.line ? t("lint.line", { n: one.line }) : t("lint.whole"),
        ),
        " ",
        h("code", null, one.code),
        " ",
        one.message,
      ),
    ),
  );
}
