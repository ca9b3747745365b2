// @ts-check
// One state of an execution, visit by visit: what came in and went out, each attempt with its error, how long it took.

import { h, put } from "../dom.js";
import { duration, number } from "../format.js";
import { data, executionsIn, sentence } from "../execution/parts.js";
import { Iterations } from "../execution/iterations.js";
import { tokenForm } from "../execution/tokens.js";
import { findState } from "../graph/model.js";
import { current, isContainer, outwards } from "../history/frames.js";
import { known, t } from "../i18n/index.js";
import { link } from "../router.js";

const ATTEMPTS = 10;

/** How a visit ends that went wrong. */
const BROKEN = ["failed", "timed_out"];

export class StateDetails {
  /**
   * @param {any} definition
   * @param {boolean} hasData Whether input and output are known; the public stream has none.
   * @param {{ onVisit: (visit: any) => void, onTest: ((visit: any) => void) | null }} listeners
   */
  constructor(definition, hasData, { onVisit, onTest }) {
    this.definition = definition;
    this.hasData = hasData;
    this.onVisit = onVisit;
    this.onTest = onTest;
    this.element = h("div", { class: "state-details" });
    this.clock = h("dd");
    this.iterations = new Iterations(onVisit);
    this.visit = null;
    /** Whether somebody chose the visit, or it was found to be the one of interest. */
    this.isChosen = false;
    this.name = null;
    this.drawn = "";
  }

  /** Shows a state: the visit that was chosen, or else the one that went wrong, or else the last. */
  show(name, history, chosen = null) {
    const visits = name === null ? [] : (history.visits.get(name) ?? []);
    const wanted = chosen ?? interesting(visits, history);
    // The history of a long execution comes page by page: the visit that went wrong may come after the first one shown.
    const isFollowing = !this.isChosen && wanted && BROKEN.includes(history.statusOf(wanted));
    if (chosen || isFollowing || name !== this.name || !visits.includes(this.visit)) {
      this.visit = wanted;
      this.isChosen = chosen !== null;
    }
    this.name = name;
    const visit = this.visit && visits.includes(this.visit) ? this.visit : null;
    const drawn = JSON.stringify([
      name,
      visits.length,
      visit?.enteredBy,
      visit && history.statusOf(visit),
      visit?.events.length,
    ]);
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      this.draw(name, visits, visit, history);
    }
    this.tick(history);
    if (visit && isContainer(visit)) this.iterations.show(visit, history);
  }

  /** Lets the clock of a visit under way run. */
  tick(history) {
    if (!this.visit) return;
    const end = this.visit.ended ?? history.ended?.time ?? Math.max(Date.now(), this.visit.entered);
    this.clock.textContent = duration(end - this.visit.entered);
  }

  draw(name, visits, visit, history) {
    if (name === null) {
      put(this.element, h("p", { class: "quiet" }, t("details.none")));
      return;
    }
    const state = visit?.definition ?? findState(this.definition, name) ?? {};
    const status = visit ? history.statusOf(visit) : "idle";
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
      visits.length > 1 && visit ? this.picker(visits, visit, history) : null,
      visit ? this.shown(visit) : h("p", { class: "quiet" }, t("details.not_entered")),
      data(t("details.definition"), state, `${name}.asl.json`),
      visit && this.onTest
        ? h(
            "p",
            null,
            h(
              "button",
              { type: "button", class: "compact", onclick: () => this.onTest?.(visit) },
              t("test.this"),
            ),
          )
        : null,
    );
  }

  /** Goes from visit to visit: by number, and to the next of a status. */
  picker(visits, visit, history) {
    const index = visits.indexOf(visit);
    const go = (to) => visits[to] && this.onVisit(visits[to]);
    const counts = new Map();
    for (const one of visits) counts.set(history.statusOf(one), (counts.get(history.statusOf(one)) ?? 0) + 1);
    const next = (status) => {
      const after = visits.findIndex((one, at) => at > index && history.statusOf(one) === status);
      go(after >= 0 ? after : visits.findIndex((one) => history.statusOf(one) === status));
    };
    return h(
      "div",
      { class: "visits toolbar", role: "group", "aria-label": t("details.visits") },
      h(
        "button",
        {
          type: "button",
          class: "compact",
          "aria-label": t("details.before"),
          disabled: index === 0,
          onclick: () => go(index - 1),
        },
        "‹",
      ),
      h("input", {
        type: "number",
        name: "visit",
        min: 1,
        max: visits.length,
        value: index + 1,
        "aria-label": t("details.visits"),
        onchange: (event) => go(Number(event.target.value) - 1),
      }),
      h("span", { class: "of-visits" }, `/ ${number(visits.length)}`),
      h(
        "button",
        {
          type: "button",
          class: "compact",
          "aria-label": t("details.after"),
          disabled: index + 1 === visits.length,
          onclick: () => go(index + 1),
        },
        "›",
      ),
      [...counts].map(([status, n]) =>
        h(
          "button",
          { type: "button", class: "badge state-badge", "data-status": status, onclick: () => next(status) },
          `${known(`state.${status}`)} ${number(n)}`,
        ),
      ),
    );
  }

  shown(visit) {
    this.clock = h("dd", { class: "duration" });
    const retries = Math.max(0, visit.attempts.length - 1);
    const facts = [
      [t("details.type"), visit.type],
      [t("details.duration"), null],
      visit.attempts.length ? [t("details.attempts"), number(visit.attempts.length)] : null,
      retries ? [t("details.retries"), number(retries)] : null,
    ];
    const failure = visit.failure;
    const attempt = current(visit);
    const nested = executionsIn([visit.attempts.map((one) => one.output), visit.output]).filter(
      (arn) => this.hasData && arn,
    );
    return [
      where(visit),
      h(
        "dl",
        { class: "facts-list" },
        facts
          .filter((fact) => fact !== null)
          .map(([name, value]) =>
            h("div", null, h("dt", null, name), value === null ? this.clock : h("dd", null, value)),
          ),
      ),
      failure && (failure.error || failure.cause)
        ? h(
            "p",
            { class: "reason" },
            h("code", null, failure.error ?? "?"),
            failure.cause ? [" ", sentence(failure.cause)] : null,
          )
        : null,
      tokenForm(visit, attempt),
      isContainer(visit) ? this.iterations.element : null,
      visit.attempts.length > 1 || (visit.attempts.length && failure) ? this.attempts(visit) : null,
      nested.length
        ? h(
            "p",
            null,
            t("details.nested"),
            " ",
            nested
              .slice(0, 20)
              .map((arn) => [
                h("a", { class: "mono", href: link("executions", arn) }, arn.split(":").slice(6).join(":")),
                " ",
              ]),
          )
        : null,
      this.hasData ? data(t("details.input"), visit.input, `${visit.state}-input.json`) : null,
      this.hasData ? data(t("details.output"), visit.output, `${visit.state}-output.json`) : null,
      this.hasData ? data(t("details.variables"), visit.variables, `${visit.state}-variables.json`) : null,
      data(
        t("details.parameters"),
        attempt?.details?.parameters ?? attempt?.details?.input,
        `${visit.state}-parameters.json`,
      ),
    ];
  }

  attempts(visit) {
    const first = Math.max(0, visit.attempts.length - ATTEMPTS);
    return h(
      "section",
      { class: "attempts" },
      h("h3", null, t("details.attempts")),
      h(
        "ol",
        { start: first + 1 },
        visit.attempts.slice(first).map((attempt, index) => {
          const begun = attempt.scheduled ?? attempt.started ?? visit.entered;
          const status = attempt.outcome ?? "active";
          const spent = attempt.ended === undefined ? "" : duration(attempt.ended - begun);
          return h(
            "li",
            { "data-attempt": first + index + 1 },
            h("span", { class: "badge state-badge", "data-status": status }, known(`state.${status}`)),
            ` +${duration(begun - visit.entered)}`,
            spent ? `, ${spent}` : null,
            attempt.failure?.error ? [" ", h("code", null, attempt.failure.error)] : null,
            attempt.failure?.cause ? data(t("details.cause"), attempt.failure.cause, "cause.json") : null,
            attempt.outcome === "succeeded" ? data(t("details.output"), attempt.output, "output.json") : null,
          );
        }),
      ),
    );
  }
}

/** Which iterations and branches a visit is in. */
function where(visit) {
  const parts = [];
  for (const one of outwards(visit)) {
    const { holder, index } = one.frame;
    if (holder)
      parts.unshift(
        `${holder.state} ${t(holder.type === "Map" ? "details.iteration" : "details.branch", { n: index })}`,
      );
  }
  return parts.length ? h("p", { class: "where quiet" }, parts.join(" › ")) : null;
}

/** The visit to look at first. */
function interesting(visits, history) {
  return (
    visits.find((visit) => visit === history.culprit) ??
    visits.find((visit) => BROKEN.includes(history.statusOf(visit))) ??
    visits.at(-1) ??
    null
  );
}
