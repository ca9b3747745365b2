// @ts-check
// One state of an execution: what came in, what went out, what failed, how often it was tried, how long it took.

import { h, put } from "../dom.js";
import { duration } from "../format.js";
import { findState } from "../graph/model.js";
import { known, t } from "../i18n/index.js";
import { json } from "./json.js";

const VISITS = 50;

/** What a cause says to people: a failed function puts its message into JSON. */
function sentence(cause) {
  try {
    return JSON.parse(cause).errorMessage ?? cause;
  } catch {
    return cause;
  }
}

export class StateDetails {
  constructor(definition, hasData) {
    this.definition = definition;
    this.hasData = hasData;
    this.visit = 0;
    this.element = h("div", { class: "state-details" });
    this.drawn = "";
  }

  show(name, history) {
    const visits = name === null ? [] : (history.visits.get(name) ?? []);
    const drawn = JSON.stringify([
      name,
      visits.map((visit) => [history.statusOf(visit), visit.attempts, visit.failures.length]),
    ]);
    if (drawn === this.drawn) return;
    if (name !== this.name) this.visit = 0;
    this.name = name;
    this.drawn = drawn;
    if (name === null) {
      put(this.element, h("p", { class: "quiet" }, t("details.none")));
      return;
    }
    const state = findState(this.definition, name) ?? {};
    const status = history.status(name);
    put(
      this.element,
      h(
        "h2",
        null,
        name,
        " ",
        h("span", { class: "badge state-badge", "data-status": status }, known(`state.${status}`)),
      ),
      state.Comment ? h("p", { class: "comment" }, state.Comment) : null,
      visits.length > 1 ? this.picker(name, visits, history) : null,
      visits.length
        ? this.shown(visits[Math.min(this.visit, visits.length - 1)], history)
        : h("p", { class: "quiet" }, t("details.not_entered")),
      json(t("details.definition"), state),
    );
  }

  picker(name, visits, history) {
    const choose = (event) => {
      this.visit = Number(event.target.value);
      this.drawn = "";
      this.show(name, history);
    };
    const options = visits
      .slice(0, VISITS)
      .map((visit, index) =>
        h(
          "option",
          { value: index },
          t("details.visit", { n: index + 1, status: known(`state.${history.statusOf(visit)}`) }),
        ),
      );
    const select = h("select", { onchange: choose, "aria-label": t("details.visits") }, options);
    select.value = String(this.visit);
    return h("p", null, select, visits.length > VISITS ? ` / ${visits.length}` : null);
  }

  shown(visit, history) {
    const end = visit.left ?? visit.stopped;
    const facts = [
      [t("details.type"), visit.type],
      [t("details.duration"), end === undefined ? known("state.active") : duration(end - visit.entered)],
      [t("details.attempts"), visit.attempts ? String(visit.attempts) : null],
      [t("details.retries"), visit.attempts ? String(Math.max(0, visit.attempts - 1)) : null],
    ];
    const failure = visit.failures.at(-1) ?? (visit.type === "Fail" ? history.ended : null);
    return [
      h(
        "dl",
        { class: "facts-list" },
        facts
          .filter(([, value]) => value !== null)
          .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
      ),
      failure?.error
        ? h(
            "p",
            { class: "reason" },
            h("code", null, failure.error),
            failure.cause ? [" ", sentence(failure.cause)] : null,
          )
        : null,
      visit.failures.length > 1
        ? h(
            "ol",
            { class: "failures" },
            visit.failures.map((one) =>
              h("li", null, h("code", null, one.error ?? "?"), ` +${duration(one.time - visit.entered)}`),
            ),
          )
        : null,
      this.hasData ? json(t("details.input"), visit.input) : null,
      this.hasData ? json(t("details.output"), visit.output) : null,
    ];
  }
}
