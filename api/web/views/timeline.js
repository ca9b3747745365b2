// @ts-check
// When each state was entered and left, as bars below each other.

import { h } from "../dom.js";
import { duration } from "../format.js";
import { known, t } from "../i18n/index.js";

const ROWS = 80;

/** The bars of all states that were entered, in that order; of a state in a Map, its visits in one row. */
export function timeline(history) {
  const began = history.began;
  if (began === undefined) return h("p", { class: "quiet" }, t("timeline.none"));
  const now = history.ended?.time ?? Math.max(history.events.at(-1).time, Date.now());
  const whole = Math.max(now - began, 1);
  const rows = [...history.visits].slice(0, ROWS).map(([state, visits]) => {
    const bars = visits.slice(0, 100).map((visit) => {
      const end = visit.left ?? visit.stopped ?? now;
      const bar = h("span", {
        class: "bar",
        "data-status": history.statusOf(visit),
        title: duration(end - visit.entered),
      });
      bar.style.left = `${(100 * (visit.entered - began)) / whole}%`;
      bar.style.width = `${(100 * (end - visit.entered)) / whole}%`;
      return bar;
    });
    const first = visits[0];
    const last = Math.max(...visits.map((visit) => visit.left ?? visit.stopped ?? now));
    const label = `${state}: ${known(`state.${history.status(state)}`)}, ${duration(last - first.entered)}`;
    return h(
      "li",
      { "aria-label": label },
      h("span", { class: "who", "aria-hidden": "true" }, state),
      h("span", { class: "track", "aria-hidden": "true" }, bars),
      h("span", { class: "n", "aria-hidden": "true" }, duration(last - first.entered)),
    );
  });
  return h("ol", { class: "bars" }, rows);
}
