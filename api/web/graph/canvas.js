// @ts-check
// A picture that can be moved and magnified, with a small map of the whole.

import { h, svg } from "../dom.js";
import { t } from "../i18n/index.js";

const LARGEST = 3;
const STEP = 1.25;
/** Below this, names cannot be read: a picture that would be smaller is shown from where it starts. */
const READABLE = 0.55;
const MARGIN = 16;

export class Canvas {
  /** @param {import("./picture.js").Picture} picture */
  constructor(picture) {
    this.picture = picture;
    this.marks = new Map();
    this.svg = picture.element;
    this.laid = picture.laid;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.hasMoved = false;
    this.view = h(
      "div",
      {
        class: "viewport",
        tabindex: "0",
        role: "region",
        "aria-label": t("graph.label"),
        onkeydown: (event) => this.key(event),
      },
      this.svg,
    );
    this.frame = svg("rect", { class: "frame" });
    this.map = this.miniature();
    this.level = h("output", { class: "level" });
    const button = (name, sign, act) =>
      h(
        "button",
        {
          type: "button",
          "aria-label": t(name),
          title: t(name),
          onclick: act,
          "data-act": name.split(".")[1],
        },
        sign,
      );
    this.element = h(
      "div",
      { class: "canvas" },
      this.view,
      this.map,
      h(
        "div",
        { class: "zoom", role: "group", "aria-label": t("graph.zoom") },
        button("graph.out", "−", () => this.zoom(1 / STEP)),
        this.level,
        button("graph.in", "+", () => this.zoom(STEP)),
        button("graph.fit", "⤢", () => this.fit()),
        button("graph.actual", "1:1", () => this.zoom(1 / this.scale)),
      ),
    );
    this.view.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.view.addEventListener("pointerdown", (event) => this.press(event));
    new ResizeObserver(() => (this.hasMoved ? this.apply() : this.begin())).observe(this.view);
  }

  miniature() {
    const { width, height, boxes } = this.laid;
    const shapes = boxes
      .filter((box) => !box.dot)
      .map((box) => {
        const shape = svg("rect", {
          class: "mini",
          x: box.x,
          y: box.y,
          width: box.width,
          height: box.height,
          "data-status": "idle",
        });
        this.marks.set(box.name, shape);
        return shape;
      });
    const go = (event) => {
      const place = map.getBoundingClientRect();
      const scale = Math.max(width / place.width, height / place.height);
      this.center(
        (event.clientX - place.left - place.width / 2) * scale + width / 2,
        (event.clientY - place.top - place.height / 2) * scale + height / 2,
      );
    };
    const map = svg(
      "svg",
      {
        class: "minimap",
        viewBox: `0 0 ${width} ${height}`,
        "aria-hidden": "true",
        onpointerdown: (event) => {
          map.setPointerCapture(event.pointerId);
          go(event);
        },
        onpointermove: (event) => event.buttons && go(event),
      },
      shapes,
      this.frame,
    );
    return map;
  }

  /** Shows the statuses in the small map. */
  show(history) {
    for (const [name, shape] of this.marks) shape.dataset.status = history.status(name);
  }

  get room() {
    return { width: this.view.clientWidth || 600, height: this.view.clientHeight || 400 };
  }

  /** Shows all of the picture if it can be read then, or else its beginning. */
  begin() {
    const { width, height } = this.laid;
    const room = this.room;
    const whole = Math.min((room.width - MARGIN) / width, (room.height - MARGIN) / height, 1);
    if (whole >= READABLE) return this.place(whole);
    this.scale = Math.min(1, Math.max(READABLE + 0.15, (room.width - MARGIN) / width));
    const start = this.laid.boxes.find((box) => box.dot === "start") ?? this.laid.boxes[0];
    this.x = start.x + start.width / 2 - room.width / this.scale / 2;
    if (width * this.scale < room.width) this.x = (width - room.width / this.scale) / 2;
    this.y = -MARGIN / this.scale;
    this.apply();
  }

  /** Shows all of the picture. */
  fit() {
    const { width, height } = this.laid;
    const room = this.room;
    this.hasMoved = true;
    this.place(Math.min((room.width - MARGIN) / width, (room.height - MARGIN) / height, 1));
  }

  place(scale) {
    this.scale = scale;
    this.x = (this.laid.width - this.room.width / scale) / 2;
    this.y = (this.laid.height - this.room.height / scale) / 2;
    this.apply();
  }

  /** Magnifies around a point of the window, or around the middle. */
  zoom(factor, at) {
    const room = this.room;
    const place = this.view.getBoundingClientRect();
    const [px, py] = at
      ? [at.clientX - place.left, at.clientY - place.top]
      : [room.width / 2, room.height / 2];
    const smallest = Math.min(0.1, room.width / this.laid.width);
    const scale = Math.min(LARGEST, Math.max(smallest, this.scale * factor));
    this.x += px / this.scale - px / scale;
    this.y += py / this.scale - py / scale;
    this.scale = scale;
    this.hasMoved = true;
    this.apply();
  }

  center(x, y) {
    this.x = x - this.room.width / this.scale / 2;
    this.y = y - this.room.height / this.scale / 2;
    this.hasMoved = true;
    this.apply();
  }

  /** Brings a state into sight, if it is not. */
  reveal(name) {
    const box = this.laid.boxes.find((one) => one.name === name);
    if (!box) return;
    const { width, height } = this.room;
    const [right, bottom] = [this.x + width / this.scale, this.y + height / this.scale];
    const isSeen =
      box.x >= this.x &&
      box.x + Math.min(box.width, width / this.scale) <= right + 1 &&
      box.y >= this.y &&
      box.y + 40 <= bottom;
    if (!isSeen)
      this.center(
        box.x + box.width / 2,
        box.isContainer ? box.y + height / this.scale / 3 : box.y + box.height / 2,
      );
  }

  apply() {
    const { width, height } = this.room;
    // Some of the picture stays in sight.
    this.x = Math.min(this.laid.width - 40, Math.max(40 - width / this.scale, this.x));
    this.y = Math.min(this.laid.height - 40, Math.max(40 - height / this.scale, this.y));
    const view = [this.x, this.y, width / this.scale, height / this.scale];
    this.svg.setAttribute("viewBox", view.map((one) => one.toFixed(1)).join(" "));
    ["x", "y", "width", "height"].forEach((name, index) =>
      this.frame.setAttribute(name, view[index].toFixed(1)),
    );
    this.level.value = `${Math.round(100 * this.scale)} %`;
  }

  wheel(event) {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) return this.zoom(Math.exp(-event.deltaY / 200), event);
    this.hasMoved = true;
    this.x += (event.shiftKey ? event.deltaY : event.deltaX) / this.scale;
    this.y += (event.shiftKey ? 0 : event.deltaY) / this.scale;
    this.apply();
  }

  press(event) {
    if (event.button !== 0) return;
    const from = { x: event.clientX, y: event.clientY };
    let isDragged = false;
    const move = (next) => {
      const [dx, dy] = [next.clientX - from.x, next.clientY - from.y];
      if (!isDragged && Math.hypot(dx, dy) < 4) return;
      if (!isDragged) this.view.setPointerCapture(event.pointerId);
      isDragged = true;
      this.hasMoved = true;
      this.x -= dx / this.scale;
      this.y -= dy / this.scale;
      from.x = next.clientX;
      from.y = next.clientY;
      this.apply();
    };
    const end = () => {
      this.view.removeEventListener("pointermove", move);
      this.view.removeEventListener("pointerup", end);
      this.view.removeEventListener("pointercancel", end);
      // What ends a drag is no choice of a state.
      if (isDragged)
        this.view.addEventListener("click", (click) => click.stopPropagation(), {
          capture: true,
          once: true,
        });
    };
    this.view.addEventListener("pointermove", move);
    this.view.addEventListener("pointerup", end);
    this.view.addEventListener("pointercancel", end);
  }

  key(event) {
    if (event.target !== this.view) return;
    const step = 60 / this.scale;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (moves[event.key]) {
      this.hasMoved = true;
      this.x += moves[event.key][0];
      this.y += moves[event.key][1];
      this.apply();
    } else if (event.key === "+" || event.key === "=") this.zoom(STEP);
    else if (event.key === "-") this.zoom(1 / STEP);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }
}
