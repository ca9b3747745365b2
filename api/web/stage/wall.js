// @ts-check
// The last screen: all winners by prize. It fills its place in columns, as large as they fit, and turns pages where it must.

import { sleep } from "../connection.js";
import { foreign, h, put } from "../dom.js";
import { widthOf } from "./grid.js";

/** The sizes that are tried, in hundredths of the height of the stage. */
const SIZES = [8, 7, 6, 5, 4.2, 3.6, 3.1, 2.7, 2.4];
const PAGE_TIME = 9000;
/** The width of a column, in sizes: as wide as the longest line, within these. */
const COLUMN = { narrowest: 7, heading: 11, widest: 15 };
/** What stands beside a name, in the size of the name. */
const BESIDE = 0.68;

/** @typedef {{prize: string, lines: import("./grid.js").Line[]}} Section */

export class Wall {
  /**
   * @param {Section[]} sections
   * @param {{signal: AbortSignal, isPaused: () => boolean, unit: (text: number) => string}} options
   */
  constructor(sections, { signal, isPaused, unit }) {
    this.signal = signal;
    this.isPaused = isPaused;
    this.page = 0;
    this.pages = 1;
    this.columns = h("div", { class: "stage-wall-columns" });
    this.dots = h("p", { class: "stage-pages" });
    this.place = h("div", { class: "stage-wall-place" }, this.columns);
    this.element = h("div", { class: "stage-wall" }, this.place, this.dots);
    for (const { prize, lines } of sections) {
      this.columns.append(
        h(
          "section",
          null,
          h("h2", null, foreign(prize), h("span", { class: "stage-wall-count" }, unit(lines.length))),
          h(
            "ul",
            null,
            lines.map(({ name, under }) =>
              h(
                "li",
                null,
                foreign(name),
                under ? h("span", { class: "stage-under" }, foreign(under)) : null,
              ),
            ),
          ),
        ),
      );
    }
    this.prizes = sections.map(({ prize }) => prize);
    this.lines = sections.flatMap(({ lines }) => lines);
    this.observer = new ResizeObserver(() => this.lay());
    this.observer.observe(this.place);
    signal.addEventListener("abort", () => this.observer.disconnect());
    this.turn();
  }

  lay() {
    const { place, columns } = this;
    if (!place.clientWidth || !place.clientHeight) return;
    if (!this.column) {
      const family = getComputedStyle(columns).fontFamily;
      const widths = this.lines.map(
        ({ name, under }) => widthOf(name, family) + (under ? BESIDE * (widthOf(under, family) + 1) : 0),
      );
      this.column = Math.min(
        COLUMN.widest,
        Math.max(
          COLUMN.narrowest,
          ...widths.slice(0, 2000),
          ...this.prizes.map((prize) => Math.min(COLUMN.heading, widthOf(prize, family) + 2)),
        ),
      );
      columns.style.setProperty("--column", `${this.column.toFixed(2)}em`);
    }
    columns.style.width = "";
    for (const size of SIZES) {
      columns.style.setProperty("--size", `${Math.max(14, (size / 100) * window.innerHeight).toFixed(1)}px`);
      if (columns.scrollWidth <= place.clientWidth + 1) break;
    }
    const gap = parseFloat(getComputedStyle(columns).columnGap) || 0;
    this.stride = place.clientWidth + gap;
    this.pages = Math.max(1, Math.ceil((columns.scrollWidth + gap - 1) / this.stride));
    this.center(gap);
    this.show(Math.min(this.page, this.pages - 1));
  }

  /** Few winners stand in the middle of the screen; those who fill pages begin at its edge. */
  center(/** @type {number} */ gap) {
    const { place, columns } = this;
    const base = columns.getBoundingClientRect();
    const parts = [...columns.children].flatMap((section) => [...section.getClientRects()]);
    const used = new Set(parts.map((part) => Math.round(part.left - base.left))).size;
    const column = (this.column ?? 0) * parseFloat(getComputedStyle(columns).fontSize);
    const width = used * (column + gap) - gap;
    const fits = this.pages === 1 && width < place.clientWidth;
    const height = Math.max(0, ...parts.map((part) => part.bottom - base.top));
    // Columns share the width that they have: they get what they use.
    columns.style.width = fits ? `${width}px` : "";
    this.indent = fits ? (place.clientWidth - width) / 2 : 0;
    columns.style.setProperty("--drop", fits ? `${Math.max(0, place.clientHeight - height) / 2}px` : "0");
  }

  show(/** @type {number} */ page) {
    this.page = page;
    this.columns.style.setProperty("--shift", `${(this.indent ?? 0) - page * (this.stride ?? 0)}px`);
    put(this.dots, this.pages > 1 ? `${page + 1} / ${this.pages}` : null);
  }

  async turn() {
    while (!this.signal.aborted) {
      await sleep(PAGE_TIME, this.signal);
      if (!this.signal.aborted && !this.isPaused() && this.pages > 1) this.show((this.page + 1) % this.pages);
    }
  }
}
