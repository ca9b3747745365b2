// @ts-check
// An execution: its state machine as a picture that lights up, its states one by one, its history, its time line.

import { get, isLocal } from "../api.js";
import { sleep } from "../connection.js";
import { add, foreign, h, put } from "../dom.js";
import { drawPath } from "../draws.js";
import { followDraw, followExecution } from "../follow.js";
import { badge, clock, duration } from "../format.js";
import { Picture, legend } from "../graph/picture.js";
import { namesWithin } from "../graph/model.js";
import { History } from "../history.js";
import { t } from "../i18n/index.js";
import { link } from "../router.js";
import { json, text } from "./json.js";
import { StateDetails } from "./state_details.js";
import { timeline } from "./timeline.js";

export async function show(root, { parameters, signal }) {
  if (parameters.length === 1) return showExecution(root, parameters[0], signal);
  const [lottery, draw] = parameters;
  const found = await get(drawPath(lottery, draw), { signal });
  const back = h("a", { href: link("lotteries", lottery, "draws", draw) }, t("execution.to_draw"));
  if (found.execution_arn && (await isLocal())) {
    return showExecution(root, found.execution_arn.split(":").pop(), signal, back);
  }
  const definition = await get("/page/lottery.asl.json", { signal });
  const view = new ExecutionView(root, definition, t("execution.of_draw"), draw, back, false, signal);
  await followDraw(lottery, draw, signal, (events) => view.take(events));
}

async function showExecution(root, name, signal, back) {
  /** @type {ExecutionView | null} */
  let view = null;
  const list = back ?? h("a", { href: "#/executions" }, t("execution.to_list"));
  await followExecution(name, signal, (answer, events) => {
    view ??= new ExecutionView(
      root,
      answer.definition,
      t("execution.title"),
      answer.name,
      list,
      true,
      signal,
    );
    view.take(events, answer);
  });
}

const ROWS = 200;

/** Events come in bursts. Those of a short one are shown one after another, so that each state is seen to turn. */
const BURST = 250;
const BEAT = 40;

class ExecutionView {
  constructor(root, definition, title, name, back, hasData, signal) {
    document.title = `${name} · ${title}`;
    this.signal = signal;
    this.definition = definition;
    this.hasData = hasData;
    this.inside = namesWithin(definition);
    this.history = new History(this.inside);
    this.rows = ROWS;
    this.details = new StateDetails(definition, hasData);
    this.picture = new Picture(definition, (state) => this.choose(state));
    this.status = h("span", { class: "facts", role: "status" });
    this.whole = h("div", { class: "whole" });
    this.scroller = h(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": t("graph.label") },
      this.picture.element,
    );
    const fit = h("input", {
      type: "checkbox",
      onchange: (event) => this.scroller.classList.toggle("fit", event.target.checked),
    });
    this.time = h("div", { class: "timeline" });
    this.table = h("div");
    put(
      root,
      h(
        "div",
        { class: "execution" },
        h("p", { class: "crumbs" }, back),
        h("h1", null, title, " ", h("span", { class: "sub" }, foreign(name))),
        this.status,
        h(
          "div",
          { class: "split" },
          h(
            "section",
            { class: "graph", "aria-label": t("graph.label") },
            this.scroller,
            h("div", { class: "under" }, legend(), h("label", { class: "check" }, fit, " ", t("graph.fit"))),
          ),
          h(
            "section",
            { class: "details", "aria-label": t("details.label") },
            this.details.element,
            this.whole,
          ),
        ),
        h("section", null, h("h2", null, t("timeline.title")), this.time),
        h("section", null, h("h2", null, t("history.title")), this.table),
      ),
    );
    this.chosen = null;
    this.coming = [];
    this.isPlaying = false;
    this.picture.begin(this.scroller);
  }

  /** Takes events, and the answer of the local stack that they came with. What lies in the past is shown at once, and all where nobody looks. */
  take(events, answer) {
    const isPast = this.history.events.length === 0;
    this.answer = answer ?? null;
    this.coming.push(...events);
    if (isPast || document.hidden || this.coming.length > BURST) this.show(this.coming.splice(0));
    else if (!this.isPlaying) this.play();
  }

  async play() {
    this.isPlaying = true;
    do {
      const turning = this.coming.findIndex((event) => /State(Entered|Exited)$|^Execution/.test(event.type));
      this.show(this.coming.splice(0, turning < 0 ? this.coming.length : turning + 1));
      if (this.coming.length && !document.hidden) await sleep(BEAT, this.signal);
    } while (this.coming.length && !this.signal.aborted);
    this.isPlaying = false;
  }

  show(events) {
    this.history.extend(events);
    this.picture.show(this.history);
    this.details.show(this.chosen ?? this.interesting(), this.history);
    this.picture.choose(this.chosen ?? this.interesting());
    if (!this.chosen && !this.history.ended) this.picture.follow(this.scroller, this.history);
    this.showStatus();
    put(this.time, timeline(this.history));
    this.showTable();
  }

  /** The state to look at before anybody has chosen one: the one that failed, or the last one entered. */
  interesting() {
    const entered = this.history.events
      .filter((event) => event.type.endsWith("StateEntered"))
      .map((event) => event.state);
    return (
      entered.find(
        (state) => ["failed", "caught"].includes(this.history.status(state)) && !this.inside.has(state),
      ) ??
      entered.at(-1) ??
      null
    );
  }

  choose(state) {
    this.chosen = state;
    this.picture.choose(state);
    this.details.show(state, this.history);
  }

  showStatus() {
    const { began, ended } = this.history;
    const word = ended
      ? { Succeeded: "SUCCEEDED", Failed: "FAILED", Aborted: "ABORTED", TimedOut: "TIMED_OUT" }[ended.status]
      : "RUNNING";
    const last = ended?.time ?? this.history.events.at(-1)?.time;
    put(
      this.status,
      badge(word),
      " ",
      began ? h("span", null, t("execution.began", { time: clock(began) })) : null,
      " ",
      began ? h("span", null, duration(last - began)) : null,
      " ",
      h("span", null, t("execution.events", { n: this.history.events.length })),
      ended?.error ? [" ", h("code", null, ended.error)] : null,
    );
    if (!this.hasData) {
      put(this.whole, h("p", { class: "quiet" }, t("execution.public")));
    } else if (this.answer && this.shownAnswer !== this.answer.status) {
      this.shownAnswer = this.answer.status;
      put(
        this.whole,
        json(t("execution.input"), this.answer.input),
        json(t("execution.output"), this.answer.output),
        this.answer.cause ? text(t("details.cause"), this.answer.cause) : null,
        json(t("execution.definition"), this.definition),
      );
    }
  }

  showTable() {
    const { events, began } = this.history;
    const shown = events.slice(0, this.rows);
    const rows = shown.map((event) =>
      h(
        "tr",
        null,
        h("td", { class: "n" }, event.id),
        h("td", null, event.type),
        h(
          "td",
          null,
          event.state
            ? h(
                "button",
                { type: "button", class: "link", onclick: () => this.choose(event.state) },
                event.state,
              )
            : null,
        ),
        h("td", { class: "n" }, `+${duration(event.time - began)}`),
        h(
          "td",
          null,
          event.details
            ? json(event.error ?? t("history.details"), event.details)
            : event.error
              ? h("code", null, event.error)
              : null,
        ),
      ),
    );
    if (this.shownRows === rows.length && this.shownEvents === events.length) return;
    this.shownRows = rows.length;
    this.shownEvents = events.length;
    const head = ["history.id", "history.type", "history.state", "history.after", "history.details"].map(
      (name) => h("th", { scope: "col" }, t(name)),
    );
    put(
      this.table,
      h(
        "div",
        { class: "scroller", tabindex: "0", role: "region", "aria-label": t("history.title") },
        h("table", { class: "history" }, h("thead", null, h("tr", null, head)), h("tbody", null, rows)),
      ),
    );
    if (events.length > this.rows) {
      const more = () => {
        this.rows += 1000;
        this.showTable();
      };
      add(
        this.table,
        h(
          "p",
          null,
          h("button", { type: "button", onclick: more }, t("more_rows", { n: events.length - this.rows })),
        ),
      );
    }
  }
}
