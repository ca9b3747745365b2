// @ts-check
// The last screen: all winners by prize. It fills its place in columns, as large as they fit, and turns pages where it must.

import { sleep } from "../connection.js";
import { foreign, h, put } from "../dom.js";
import { t } from "../i18n/index.js";
import { widthOf } from "./grid.js";

/** The sizes that are tried, in hundredths of the height of the stage. */
const SIZES = [8, 7, 6, 5, 4.2, 3.6, 3.1, 2.7, 2.4];
const PAGE_TIME = 9000;
/** The width of a column, in sizes: as wide as the longest line, within these. */
const COLUMN = { narrowest: 7, heading: 11, widest: 15 };
/** What stands beside a name, in the size of the name. */
const BESIDE = 0.68;
/** The width of a mark before a name, in the size of the name. */
const MARK = 1.2;

/** What stands before a name, each with its words; the shapes differ, so that no colour has to be told apart. */
const MARKS = /** @type {const} */ ({ claimed: "✓", open: "○", unclaimed: "–", tookOver: "→" });

/** @typedef {import("./grid.js").Line} Line */
/** @typedef {{prize: string, lines: Line[]}} Section */

/** The marks of a line. */
function marksOf(/** @type {Line} */ { claim, tookOver }) {
  /** @type {(keyof typeof MARKS)[]} */
  const marks = claim ? [claim] : [];
  return tookOver ? [...marks, /** @type {const} */ ("tookOver")] : marks;
}

/** A mark for the eye, with its words for who does not see it. */
function mark(/** @type {keyof typeof MARKS} */ name) {
  return h(
    "span",
    { class: `stage-mark ${name}`, "data-mark": name },
    h("span", { "aria-hidden": "true" }, MARKS[name]),
    h("span", { class: "visually-hidden" }, `${t(`stage.mark_${name}`)}: `),
  );
}

/** A name with its marks, and what is beside it. */
function lineInWords(/** @type {Line} */ line) {
  const under = line.under ? h("span", { class: "stage-under" }, foreign(line.under)) : null;
  return [marksOf(line).map(mark), foreign(line.name), under];
}

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
    this.legend = h("p", { class: "stage-legend" });
    this.element = h("div", { class: "stage-wall" }, this.legend, this.place, this.dots);
    /** The width of a column, in sizes, once it is known.
     * @type {number | undefined} */
    this.column = undefined;
    /** The elements of the lines, in their order.
     * @type {HTMLElement[]} */
    this.items = [];
    for (const { prize, lines } of sections) {
      const items = lines.map((line) => h("li", null, lineInWords(line)));
      this.items.push(...items);
      const count = h("span", { class: "stage-wall-count" }, unit(lines.length));
      this.columns.append(h("section", null, h("h2", null, foreign(prize), count), h("ul", null, items)));
    }
    this.unit = unit;
    this.places = sections.map(({ prize, lines }) => `${lines.length} ${prize}`).join("\n");
    this.prizes = sections.map(({ prize }) => prize);
    this.lines = sections.flatMap(({ lines }) => lines);
    this.explain();
    this.observer = new ResizeObserver(() => this.lay());
    this.observer.observe(this.place);
    signal.addEventListener("abort", () => this.observer.disconnect());
    this.turn();
  }

  /** What the marks mean, with how many lines have each; nothing where no line has one. */
  explain() {
    const names = /** @type {(keyof typeof MARKS)[]} */ (Object.keys(MARKS));
    const marks = this.lines.flatMap(marksOf);
    const counts = names.map((name) => ({ name, count: marks.filter((one) => one === name).length }));
    put(
      this.legend,
      counts
        .filter(({ count }) => count)
        .map(({ name, count }) =>
          h(
            "span",
            { "data-legend": name },
            h("span", { class: `stage-mark ${name}`, "aria-hidden": "true" }, MARKS[name]),
            ` ${t(`stage.mark_${name}`)} ${this.unit(count)}`,
          ),
        ),
    );
  }

  /**
   * Shows other lines in the same places: a prize was claimed, or a seat has passed to somebody else. The page that is shown
   * stays. `false` if there are other places, for which a new wall is made.
   * @param {Section[]} sections
   */
  update(sections) {
    const lines = sections.flatMap((section) => section.lines);
    const isSame = sections.map(({ prize, lines: some }) => `${some.length} ${prize}`).join("\n");
    if (isSame !== this.places) return false;
    lines.forEach((line, index) => {
      if (JSON.stringify(line) !== JSON.stringify(this.lines[index]))
        put(this.items[index], lineInWords(line));
    });
    if (JSON.stringify(lines) === JSON.stringify(this.lines)) return true;
    this.lines = lines;
    this.column = undefined;
    this.explain();
    this.lay();
    return true;
  }

  lay() {
    const { place, columns } = this;
    if (!place.clientWidth || !place.clientHeight) return;
    if (!this.column) {
      const family = getComputedStyle(columns).fontFamily;
      const widths = this.lines.map(
        (line) =>
          widthOf(line.name, family) +
          (line.under ? BESIDE * (widthOf(line.under, family) + 1) : 0) +
          MARK * marksOf(line).length,
      );
      const widest = Math.min(
        COLUMN.widest,
        Math.max(
          COLUMN.narrowest,
          ...widths.slice(0, 2000),
          ...this.prizes.map((prize) => Math.min(COLUMN.heading, widthOf(prize, family) + 2)),
        ),
      );
      // As the style has it: a column that is counted a hair narrower than it is set does not fit where it should.
      this.column = Math.ceil(widest * 100) / 100;
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
    columns.style.width = fits ? `${Math.ceil(width) + 1}px` : "";
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
