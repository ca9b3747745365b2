// @ts-check
// A grid that holds any number of names: as large as they fit, and in pages where they would become too small to read.

import { foreign, h, put } from "../dom.js";
import { sleep } from "../connection.js";

/** One line of a grid: a name and what is written under it, which may be empty. */
/**
 * On the wall also whether the prize is claimed, and whether the winner took the seat of somebody who left it.
 * @typedef {{name: string, under: string, claim?: "claimed" | "open" | "unclaimed" | null, tookOver?: boolean}} Line
 */

/** The height of a line under a name, in the size of the name; lines are this many sizes apart. */
const LEADING = 1.12;
const UNDER = 0.5;
/** What a cell keeps free around its text, in the size of the name. */
const GAP = { x: 0.5, y: 0.24 };
/** A longer name does not make all others smaller: it is set smaller itself. */
const LONGEST = 9;
const LONGEST_UNDER = 5;

/** @type {CanvasRenderingContext2D | null} */
let ruler = null;

/**
 * The width of a text in the size of its font, as the stage sets names.
 * @param {string} text
 * @param {string} family
 */
export function widthOf(text, family) {
  ruler ??= document.createElement("canvas").getContext("2d");
  if (!ruler) return text.length * 0.6;
  ruler.font = `600 50px ${family}`;
  return ruler.measureText(text).width / 50;
}

/**
 * How to set `count` names on an area: `{columns, rows, size, perPage, pages}`, the size in pixels. No name is set smaller
 * than `smallest`; what does not fit then comes on further pages of about equal length.
 * @param {number} count
 * @param {{width: number, height: number}} area
 * @param {{longest: number, hasUnder: boolean, smallest: number, largest: number}} text `longest` in sizes
 */
export function fit(count, area, { longest, hasUnder, smallest, largest }) {
  const wide = Math.max(2, Math.min(LONGEST, longest)) + GAP.x;
  const high = LEADING + (hasUnder ? UNDER * 1.3 : 0) + GAP.y;
  const sizeFor = (/** @type {number} */ columns, /** @type {number} */ rows) =>
    Math.min(area.width / (columns * wide), area.height / (rows * high), largest);
  const best = (/** @type {number} */ some) => {
    let found = { columns: 1, rows: some, size: 0, score: 0 };
    for (let columns = 1; columns <= some; columns += 1) {
      const rows = Math.ceil(some / columns);
      const size = sizeFor(columns, rows);
      // Full rows look better than a last one with a single name: worth a little of the size.
      const score = size * (1 - 0.15 * (1 - some / (rows * columns)));
      if (score > found.score + 0.01) found = { columns, rows, size, score };
    }
    return found;
  };
  let pages = 1;
  let perPage = Math.max(1, count);
  for (; ; pages += 1) {
    perPage = Math.max(1, Math.ceil(count / pages));
    const { columns, rows, size } = best(perPage);
    if (size >= smallest || perPage === 1)
      return { columns, rows, size, perPage, pages: Math.max(1, Math.ceil(count / perPage)) };
  }
}

/** How long a page of a grid is shown, in milliseconds: time to find a name on it. */
export function pageTime(/** @type {number} */ names) {
  return Math.min(12_000, 3500 + 120 * names);
}

/** A grid of names that fills its place and turns its pages by itself. */
export class Grid {
  /**
   * @param {Line[]} lines
   * @param {{signal: AbortSignal, isPaused: () => boolean, label: string, showsInTurn?: boolean}} options
   */
  constructor(lines, { signal, isPaused, label, showsInTurn = true }) {
    this.lines = lines;
    this.signal = signal;
    this.isPaused = isPaused;
    this.showsInTurn = showsInTurn;
    this.page = 0;
    /** The width of each line, in sizes.
     * @type {number[] | null} */
    this.widths = null;
    /** The width of the longest text under a name.
     * @type {number | null} */
    this.under = null;
    this.list = h("ul", { class: "stage-names", "aria-label": label });
    this.dots = h("p", { class: "stage-pages" });
    this.element = h("div", { class: "stage-grid" }, this.list, this.dots);
    this.observer = new ResizeObserver(() => this.lay());
    this.observer.observe(this.element);
    signal.addEventListener("abort", () => this.observer.disconnect());
    this.turn();
  }

  /** Sets the page that is shown, in the size that fits. */
  lay() {
    const style = getComputedStyle(this.element);
    const width = this.element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = this.element.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    if (width < 1 || height < 1) return;
    const unit = Math.min(window.innerHeight, window.innerWidth * 0.75);
    const area = { width, height: height - unit * 0.05 };
    const family = getComputedStyle(this.list).fontFamily;
    this.widths ??= this.lines.map((line) => widthOf(line.name, family));
    // What is under a name may be cut, and a long one does not make the names smaller.
    this.under ??= this.lines.reduce((most, line) => Math.max(most, widthOf(line.under, family) * UNDER), 0);
    const longest = this.widths.reduce(
      (most, width) => Math.max(most, width),
      Math.min(this.under, LONGEST_UNDER),
    );
    const made = fit(this.lines.length, area, {
      longest,
      hasUnder: this.lines.some((line) => line.under),
      smallest: Math.max(14, unit * 0.026),
      largest: unit * (this.lines.length === 1 ? 0.36 : 0.24),
    });
    const key = JSON.stringify([made, this.page]);
    if (key === this.laid) return;
    this.laid = key;
    this.pages = made.pages;
    this.page = Math.min(this.page, made.pages - 1);
    const shown = this.lines.slice(this.page * made.perPage, (this.page + 1) * made.perPage);
    const cell = Math.min(LONGEST, Math.max(2, longest));
    this.list.style.setProperty("--columns", String(Math.min(made.columns, shown.length)));
    this.list.style.setProperty("--size", `${made.size.toFixed(2)}px`);
    this.list.classList.toggle("one", this.lines.length === 1);
    const first = this.page * made.perPage;
    put(
      this.list,
      shown.map((line, index) => this.item(line, index, cell / (this.widths?.[first + index] || 1))),
    );
    put(this.dots, made.pages > 1 ? `${this.page + 1} / ${made.pages}` : null);
  }

  /**
   * @param {Line} line
   * @param {number} index
   * @param {number} room the width of a cell, in widths of the line
   */
  item({ name, under }, index, room) {
    const item = h(
      "li",
      null,
      h("span", { class: "stage-name" }, foreign(name)),
      under ? h("span", { class: "stage-under" }, foreign(under)) : null,
    );
    // Two lines of a long name at half the size take the room of one.
    const scale = Math.min(1, Math.max(room, 0.5));
    if (room < 0.5) item.classList.add("wraps");
    item.style.setProperty("--scale", scale.toFixed(3));
    item.style.setProperty("--turn", this.showsInTurn ? String(index) : "0");
    return item;
  }

  /** Turns the pages, around and around. */
  async turn() {
    while (!this.signal.aborted) {
      await sleep(pageTime(this.list.children.length), this.signal);
      if (this.signal.aborted || this.isPaused() || (this.pages ?? 1) < 2) continue;
      this.page = (this.page + 1) % (this.pages ?? 1);
      this.lay();
    }
  }
}
