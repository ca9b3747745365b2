// @ts-check
// Draws a laid-out definition as SVG, and lights its states and lines up.

import { h, svg } from "../dom.js";
import { known, t } from "../i18n/index.js";
import { edge } from "../history/fold.js";
import { layout } from "./layout.js";

/** A picture of a definition. `onChoose(name)` is called when somebody chooses a state. */
export class Picture {
  constructor(definition, onChoose) {
    this.laid = layout(definition);
    this.states = new Map();
    this.lines = [];
    const { width, height, boxes, lines } = this.laid;
    const containers = boxes.filter((box) => box.isContainer);
    const others = boxes.filter((box) => !box.isContainer);
    const outer = lines.filter((line) => line.depth === 0);
    const inner = lines.filter((line) => line.depth > 0);
    const layer = svg("g");
    for (const line of outer) layer.append(this.line(line));
    const labels = lines.filter((line) => line.label);
    for (const box of containers) layer.append(this.state(box, onChoose));
    for (const line of inner) layer.append(this.line(line));
    for (const box of others) layer.append(box.dot ? dot(box) : this.state(box, onChoose));
    for (const line of labels) layer.append(label(line));
    this.element = svg(
      "svg",
      { class: "machine", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": t("graph.label") },
      svg("defs", null, marker("arrow"), marker("arrow-taken")),
      layer,
    );
  }

  line({ from, to, kinds, labels, path }) {
    const kind =
      kinds.includes("next") || kinds.includes("choice") || kinds.includes("end") ? "next" : kinds[0];
    const line = svg(
      "path",
      { class: `line ${kind}`, d: path, "marker-end": "url(#arrow)", "data-from": from, "data-to": to },
      labels.length ? svg("title", null, labels.join("; ")) : null,
    );
    this.lines.push({ line, name: edge(from, to) });
    return line;
  }

  state({ name, type, x, y, width, height, isContainer }, onChoose) {
    const choose = (event) => {
      if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      onChoose(name);
    };
    const top = isContainer ? y + 19 : y + height / 2;
    const room = Math.floor((width - 62) / 8.2);
    const shown = [...name].length > room ? `${[...name].slice(0, room - 1).join("")}…` : name;
    const right = x + width - 8;
    const sign = svg("tspan", { x: isContainer ? null : right, y: top + (isContainer ? 4.5 : -2) });
    const count = svg("tspan", isContainer ? { dx: 4 } : { class: "count-of", x: right, y: top + 13 });
    const at = { class: "mark", x: right, y: top + 4.5, "text-anchor": "end", "aria-hidden": "true" };
    const mark = svg("text", at, sign, count);
    const kind = isContainer ? null : svg("text", { class: "type", x: x + 39, y: top + 13 }, type);
    const group = svg(
      "g",
      {
        class: `state ${isContainer ? "container" : ""}`,
        role: "button",
        tabindex: "0",
        "data-state": name,
        "data-status": "idle",
        onclick: choose,
        onkeydown: choose,
      },
      svg("title", null, name),
      svg("rect", { class: "body", x, y, width, height, rx: 9 }),
      svg("rect", { class: "kind", x: x + 9, y: top - 11, width: 22, height: 22, rx: 6 }),
      svg(
        "text",
        { class: "letter", x: x + 20, y: top + 4, "text-anchor": "middle", "aria-hidden": "true" },
        LETTERS[type] ?? "?",
      ),
      svg("text", { class: "name", x: x + 39, y: isContainer ? top + 4.5 : top - 2 }, shown),
      kind,
      mark,
    );
    const letters = Math.floor((width - 47) / 6.4);
    this.states.set(name, { group, type, kind, letters, mark, sign, count });
    this.light(name, "idle", 0, 0);
    return group;
  }

  /** Shows the status of a state, how often it was visited, and how often tried again. */
  light(name, status, times, retries) {
    const { group, type, kind, letters, mark, sign, count } = this.states.get(name);
    group.dataset.status = status;
    // A text without letters lies nowhere, and would count as a part of the state's place.
    mark.setAttribute("display", status === "idle" ? "none" : "inline");
    sign.textContent = MARKS[status];
    count.textContent = [times > 1 ? `×${times}` : "", retries ? `↻${retries}` : ""]
      .filter(Boolean)
      .join(" ");
    // A count of four digits takes the line for itself; the letter in the box still says the type.
    kind?.setAttribute("display", type.length + 1 + count.textContent.length > letters ? "none" : "inline");
    const words = [name, type, known(`state.${status}`), retries ? t("graph.retries", { n: retries }) : ""];
    group.setAttribute("aria-label", words.filter(Boolean).join(", "));
  }

  /** Shows how far the execution has come. */
  show(history) {
    for (const name of this.states.keys()) {
      const visits = history.visits.get(name) ?? [];
      const retries = visits.reduce((sum, visit) => sum + Math.max(0, visit.attempts.length - 1), 0);
      this.light(name, history.status(name), visits.length, retries);
    }
    for (const { line, name } of this.lines) {
      const isTaken = history.taken.has(name);
      line.classList.toggle("taken", isTaken);
      line.setAttribute("marker-end", isTaken ? "url(#arrow-taken)" : "url(#arrow)");
    }
  }

  /** Marks the state that is looked at. */
  choose(name) {
    for (const [other, { group }] of this.states) group.classList.toggle("chosen", other === name);
  }
}

const LETTERS = {
  Task: "T",
  Choice: "?",
  Wait: "W",
  Pass: "P",
  Parallel: "∥",
  Map: "M",
  Succeed: "✓",
  Fail: "✕",
};
const MARKS = {
  idle: "",
  active: "●",
  retrying: "↻",
  succeeded: "✓",
  retried: "↻",
  caught: "!",
  failed: "✕",
  timed_out: "◷",
  aborted: "–",
};

/** What a line asks for, or catches. */
function label({ kinds, labels, label: { x, y, text } }) {
  const kind = kinds.includes("catch") ? "catch" : kinds[0];
  return svg(
    "text",
    { class: `edge-label ${kind}`, x, y: y + 3.5, "text-anchor": "middle", "aria-hidden": "true" },
    svg("title", null, labels.join(" | ")),
    text,
  );
}

function dot({ dot: which, x, y, width }) {
  const middle = x + width / 2;
  return svg(
    "g",
    { class: `dot ${which}` },
    svg("circle", { cx: middle, cy: y + width / 2, r: width / 2 - 1 }),
    which === "end"
      ? svg("circle", { class: "core", cx: middle, cy: y + width / 2, r: width / 2 - 6 })
      : null,
  );
}

function marker(id) {
  return svg(
    "marker",
    {
      id,
      viewBox: "0 0 8 8",
      refX: 7,
      refY: 4,
      markerWidth: 11,
      markerHeight: 11,
      markerUnits: "userSpaceOnUse",
      orient: "auto-start-reverse",
      class: id,
    },
    svg("path", { d: "M0.5 0.5 7.5 4 0.5 7.5z" }),
  );
}

/** What the colours and signs mean. */
export function legend() {
  const statuses = ["active", "retrying", "succeeded", "retried", "caught", "failed", "timed_out", "aborted"];
  return h(
    "ul",
    { class: "legend", "aria-label": t("graph.legend") },
    statuses.map((status) =>
      h(
        "li",
        { "data-status": status },
        h("span", { "aria-hidden": "true" }, MARKS[status]),
        known(`state.${status}`),
      ),
    ),
  );
}
