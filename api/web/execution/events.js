// @ts-check
// The events of an execution as a list that is searched and filtered; only the rows in sight are in the page.

import { h, put } from "../dom.js";
import { duration, number } from "../format.js";
import { known, language, t } from "../i18n/index.js";
import { data, keepers } from "./parts.js";

const ROW = 32;
const BEYOND = 8;

/** The kinds to filter by, each with the events that it has. */
const KINDS = {
  all: () => true,
  states: (event) => /State(Entered|Exited)$/.test(event.type),
  tasks: (event) => /^(Task|LambdaFunction|Activity)(?!State)/.test(event.type),
  iterations: (event) => /^Map(Iteration|Run)/.test(event.type),
  errors: (event) => /(Failed|TimedOut|Aborted)$/.test(event.type),
};

export class EventList {
  /** @param {(visit: any, event: any) => void} onChoose */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.state = null;
    this.isAbsolute = false;
    this.found = [];
    this.search = h("input", {
      type: "search",
      name: "event-search",
      placeholder: t("history.search"),
      "aria-label": t("history.search"),
      oninput: () => this.filter(),
    });
    this.kind = h(
      "select",
      { name: "event-kind", "aria-label": t("history.kind"), onchange: () => this.filter() },
      Object.keys(KINDS).map((kind) => h("option", { value: kind }, t(`history.kind.${kind}`))),
    );
    const absolute = h("input", {
      type: "checkbox",
      onchange: (event) => {
        this.isAbsolute = event.target.checked;
        this.draw(true);
      },
    });
    this.count = h("span", { class: "quiet", role: "status" });
    this.only = h("span");
    this.export = h("span");
    this.rows = h("div", { class: "event-rows" });
    this.scroller = h(
      "div",
      {
        class: "events",
        tabindex: "0",
        role: "region",
        "aria-label": t("history.title"),
        onscroll: () => this.draw(),
      },
      this.rows,
    );
    this.details = h("div", { class: "event-details" });
    this.element = h(
      "div",
      { class: "event-list" },
      h(
        "div",
        { class: "toolbar" },
        this.search,
        this.kind,
        h("label", { class: "check" }, absolute, " ", t("history.absolute")),
        this.only,
        this.count,
        this.export,
      ),
      this.scroller,
      this.details,
    );
  }

  /** Shows the events of one state only; of all for null. */
  restrict(state) {
    this.state = state;
    this.filter();
  }

  show(history) {
    const isFirst = !this.history;
    this.history = history;
    if (isFirst)
      put(
        this.export,
        keepers(() => history.events.map((event) => ({ ...event })), "history.json"),
      );
    this.filter();
  }

  filter() {
    if (!this.history) return;
    const words = this.search.value.trim().toLowerCase();
    const passes = KINDS[this.kind.value];
    this.found = [];
    this.history.events.forEach((event, index) => {
      if (!passes(event) || (this.state && event.state !== this.state)) return;
      if (words && !textOf(event).includes(words)) return;
      this.found.push(index);
    });
    const all = this.history.events.length;
    this.count.textContent = t("history.shown", { n: number(this.found.length), all: number(all) });
    put(
      this.only,
      this.state
        ? h(
            "button",
            { type: "button", class: "compact", onclick: () => this.restrict(null) },
            t("history.only", { state: this.state }),
            " ✕",
          )
        : null,
    );
    this.rows.style.height = `${this.found.length * ROW}px`;
    this.draw(true);
  }

  draw(isForced = false) {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - BEYOND);
    const last = Math.min(
      this.found.length,
      first + Math.ceil((this.scroller.clientHeight || 400) / ROW) + 2 * BEYOND,
    );
    const drawn = `${first} ${last}`;
    if (!isForced && drawn === this.drawn) return;
    this.drawn = drawn;
    const rows = [];
    for (let i = first; i < last; i += 1) rows.push(this.row(this.history.events[this.found[i]], i));
    put(this.rows, rows);
  }

  row(event, position) {
    const row = h(
      "button",
      {
        type: "button",
        class: `event ${/(Failed|TimedOut|Aborted)$/.test(event.type) ? "bad" : ""}`,
        "data-event": event.id,
        "aria-pressed": String(this.chosen === event.id),
        onclick: () => this.choose(event),
      },
      h("span", { class: "n" }, event.id),
      h("span", { class: "type" }, event.type),
      h("span", { class: "of" }, event.state ?? "", event.index !== undefined ? ` #${event.index}` : ""),
      h("span", { class: "error" }, event.error ?? ""),
      h("span", { class: "n" }, this.timeOf(event)),
    );
    row.style.top = `${position * ROW}px`;
    return row;
  }

  timeOf(event) {
    if (event.time === undefined) return "";
    if (!this.isAbsolute) return `+${duration(event.time - (this.history.began ?? event.time))}`;
    return new Date(event.time).toLocaleTimeString(language(), { hour12: false, fractionalSecondDigits: 3 });
  }

  choose(event) {
    this.chosen = event.id;
    this.draw(true);
    const visit = this.history.visitOf(event.id);
    put(
      this.details,
      h("h3", null, `${event.id} · ${event.type}`),
      h(
        "p",
        { class: "quiet" },
        event.time === undefined ? null : new Date(event.time).toISOString(),
        " · ",
        t("history.follows", { id: event.previous }),
        visit ? ` · ${visit.state} (${known(`state.${this.history.statusOf(visit)}`)})` : "",
      ),
      event.details ? data(t("history.details"), event.details, `event-${event.id}.json`, true) : null,
    );
    if (visit) this.onChoose(visit, event);
  }
}

/** All that is searched of an event; made when it is first needed. */
function textOf(event) {
  event.text ??=
    `${event.id} ${event.type} ${event.state ?? ""} ${event.details ? JSON.stringify(event.details) : (event.error ?? "")}`.toLowerCase();
  return event.text;
}
