// @ts-check
// When each visit of a state began and ended, as bars below each other on an axis; a bar leads to its visit.

import { h } from "../dom.js";
import { duration, number } from "../format.js";
import { known, language, t } from "../i18n/index.js";

const ROWS = 60;
const BARS = 80;
const STEPS = [1, 2, 5];

/** Round times on the axis, in milliseconds after the beginning: five to ten of them. */
export function ticks(whole) {
  const least = whole / 9;
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  const step = power * (STEPS.find((one) => one * power >= least) ?? 10);
  return Array.from({ length: Math.floor(whole / step) + 1 }, (_, index) => index * step);
}

/**
 * The bars of all states that were entered, in that order; of a state that was entered often, its visits in one row.
 *
 * @param {import("../history/fold.js").History} history
 * @param {(visit: any) => void} onChoose
 * @param {(rows: number) => void} onMore
 */
export function timeline(history, onChoose, rows = ROWS, onMore = () => {}) {
  const began = history.began;
  if (began === undefined) return h("p", { class: "quiet" }, t("timeline.none"));
  const now = history.ended?.time ?? Math.max(history.events.at(-1)?.time ?? began, Date.now());
  const whole = Math.max(now - began, 1);
  const left = (time) => `${(100 * (time - began)) / whole}%`;
  const at = (element, time) => {
    element.style.left = left(time);
    return element;
  };
  const axis = ticks(whole).map((tick) =>
    at(
      h(
        "span",
        { class: "tick", title: new Date(began + tick).toLocaleString(language(), { hour12: false }) },
        `+${duration(tick)}`,
      ),
      began + tick,
    ),
  );
  const bar = (visit) => {
    const end = visit.ended ?? now;
    const status = history.statusOf(visit);
    const button = h("button", {
      type: "button",
      class: "bar",
      // With many visits the keyboard goes through the state's own numbers, not through each bar.
      tabindex: (history.visits.get(visit.state)?.length ?? 0) > 3 ? "-1" : null,
      "data-status": status,
      title: `${visit.state}: ${known(`state.${status}`)}, ${duration(end - visit.entered)}`,
      "aria-label": `${visit.state}, ${known(`state.${status}`)}, ${duration(end - visit.entered)}`,
      onclick: () => onChoose(visit),
    });
    button.style.width = `${(100 * (end - visit.entered)) / whole}%`;
    return at(button, visit.entered);
  };
  const states = [...history.visits];
  const list = states.slice(0, rows).map(([state, visits]) => {
    const shown = visits.length > BARS ? thinned(visits) : visits;
    const spent = visits.reduce((sum, visit) => sum + ((visit.ended ?? now) - visit.entered), 0);
    return h(
      "li",
      null,
      h(
        "span",
        { class: "who", title: state },
        depth(visits[0])
          ? h("span", { class: "depth", "aria-hidden": "true" }, "· ".repeat(depth(visits[0])))
          : null,
        state,
        visits.length > 1 ? h("span", { class: "quiet" }, ` ×${number(visits.length)}`) : null,
      ),
      h("span", { class: "track" }, shown.map(bar)),
      h("span", { class: "n" }, duration(spent)),
    );
  });
  return h(
    "div",
    { class: "timeline-view" },
    h(
      "div",
      { class: "axis", "aria-hidden": "true" },
      h("span"),
      h("span", { class: "track" }, axis),
      h("span"),
    ),
    h("ol", { class: "bars" }, list),
    states.length > rows
      ? h(
          "button",
          { type: "button", class: "compact", onclick: () => onMore(states.length) },
          t("more_rows", { n: states.length - rows }),
        )
      : null,
  );
}

/** Some of many visits: those that went wrong before all others. */
function thinned(visits) {
  const wrong = visits
    .filter((visit) => !["succeeded", undefined].includes(visit.outcome))
    .slice(0, BARS / 2);
  const step = Math.ceil(visits.length / (BARS / 2));
  return [...new Set([...visits.filter((_, index) => index % step === 0), ...wrong])];
}

function depth(visit) {
  let found = 0;
  for (let holder = visit.frame.holder; holder; holder = holder.frame.holder) found += 1;
  return found;
}
