// @ts-check
// Draws a laid-out definition as SVG, and lights its states and lines up.

import { h, svg } from "../dom.js";
import { known, t } from "../i18n/index.js";
import { edge } from "../history.js";
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
    for (const box of containers) layer.append(this.state(box, onChoose));
    for (const line of inner) layer.append(this.line(line));
    for (const box of others) layer.append(box.dot ? dot(box) : this.state(box, onChoose));
    this.element = svg(
      "svg",
      {
        class: "machine",
        viewBox: `0 0 ${width} ${height}`,
        width,
        height,
        role: "group",
        "aria-label": t("graph.label"),
      },
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
    const mark = svg("text", {
      class: "mark",
      x: x + width - 13,
      y: top + 4.5,
      "text-anchor": "middle",
      "aria-hidden": "true",
    });
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
      isContainer ? null : svg("text", { class: "type", x: x + 39, y: top + 13 }, type),
      mark,
    );
    this.states.set(name, { group, type, mark });
    this.light(name, "idle", 0);
    return group;
  }

  light(name, status, times) {
    const { group, type, mark } = this.states.get(name);
    group.dataset.status = status;
    mark.textContent = times > 1 ? `×${times}` : MARKS[status];
    group.setAttribute("aria-label", `${name}, ${type}, ${known(`state.${status}`)}`);
  }

  /** Shows how far the execution has come. */
  show(history) {
    for (const name of this.states.keys()) {
      this.light(name, history.status(name), (history.visits.get(name) ?? []).length);
    }
    for (const { line, name } of this.lines) {
      const isTaken = history.taken.has(name);
      line.classList.toggle("taken", isTaken);
      line.setAttribute("marker-end", isTaken ? "url(#arrow-taken)" : "url(#arrow)");
    }
  }

  /** Scrolls to the state that was entered last, if it is out of sight. */
  follow(scroller, history) {
    const entered = history.events.findLast((event) => event.type.endsWith("StateEntered"));
    const box = entered && this.laid.boxes.find((one) => one.name === entered.state);
    if (!box || scroller.classList.contains("fit")) return;
    const isInSight =
      box.y > scroller.scrollTop && box.y + box.height < scroller.scrollTop + scroller.clientHeight;
    if (!isInSight) scroller.scrollTop = box.y - scroller.clientHeight / 3;
    this.center(scroller, box);
  }

  /** Scrolls sideways to where the machine starts. */
  begin(scroller) {
    this.center(
      scroller,
      this.laid.boxes.find((box) => box.dot === "start"),
    );
  }

  center(scroller, box) {
    scroller.scrollLeft = box.x + box.width / 2 - scroller.clientWidth / 2;
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
  caught: "!",
  failed: "✕",
  stopped: "–",
};

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
  const statuses = ["active", "retrying", "succeeded", "caught", "failed", "stopped"];
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
