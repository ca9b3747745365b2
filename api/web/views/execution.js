// @ts-check
// An execution: its state machine as a picture that lights up, its states one by one, its events, its time line, its data.

import { get, isLocal } from "../api.js";
import { sleep } from "../connection.js";
import { foreign, h, put, style } from "../dom.js";
import { drawPath } from "../draws.js";
import { Actions } from "../execution/actions.js";
import { Code } from "../execution/code.js";
import { EventList } from "../execution/events.js";
import { data, sentence } from "../execution/parts.js";
import { followDraw, followExecution } from "../follow.js";
import { badge, clock, duration, number } from "../format.js";
import { Canvas } from "../graph/canvas.js";
import { Picture, legend } from "../graph/picture.js";
import { History } from "../history/fold.js";
import { t } from "../i18n/index.js";
import { link } from "../router.js";
import { StateDetails } from "./state_details.js";
import { timeline } from "./timeline.js";

export async function show(root, { parameters, signal }) {
  await style("execution");
  if (parameters.length === 1) return showExecution(root, parameters[0], signal);
  const [lottery, draw] = parameters;
  const found = await get(drawPath(lottery, draw), { signal });
  const back = h("a", { href: link("lotteries", lottery, "draws", draw) }, t("execution.to_draw"));
  if (found.execution_arn && (await isLocal())) {
    return showExecution(root, found.execution_arn.split(":").pop(), signal, back);
  }
  const definition = await get("/page/lottery.asl.json", { signal });
  const view = new ExecutionView(root, definition, {
    title: t("execution.of_draw"),
    name: draw,
    back,
    hasData: false,
    signal,
  });
  await followDraw(lottery, draw, signal, (events) => view.take(events));
  return undefined;
}

async function showExecution(root, name, signal, back) {
  const list = back ?? h("a", { href: "#/executions" }, t("execution.to_list"));
  let view = /** @type {ExecutionView | null} */ (null);
  // A redriven execution is followed again.
  while (!signal.aborted) {
    const seen = view?.received ?? 0;
    await followExecution(
      name,
      signal,
      (answer, events) => {
        view ??= new ExecutionView(root, answer.definition, {
          title: t("execution.title"),
          name: answer.name,
          back: list,
          hasData: true,
          signal,
        });
        view.received += events.length;
        view.take(events, answer);
      },
      seen,
    );
    if (!view) return;
    await view.changed();
  }
}

/** Events come in bursts. Those of a short one are shown one after another, so that each state is seen to turn. */
const BURST = 120;
const BEAT = 40;
/** How often running clocks are moved on. */
const SECOND = 500;

class ExecutionView {
  constructor(root, definition, { title, name, back, hasData, signal }) {
    document.title = `${name} · ${title}`;
    this.signal = signal;
    this.definition = definition;
    this.hasData = hasData;
    this.received = 0;
    this.history = new History(definition);
    this.answer = /** @type {any} */ (null);
    this.status = h("span", { class: "facts", role: "status" });
    this.reason = h("div");
    this.time = h("div", { class: "timeline" });
    this.whole = h("div", { class: "whole" });
    this.split = h("div", { class: "split" });
    this.tabs = h("div", { class: "tabs", role: "tablist" });
    this.chosen = null;
    this.chosenVisit = null;
    this.coming = [];
    this.isPlaying = false;
    this.rows = 60;
    this.part = "timeline";
    const choose = (state) => this.choose(state);
    const visit = (one) => this.choose(one.state, one);
    this.details = new StateDetails(definition, hasData, {
      onVisit: visit,
      onTest: hasData ? (one) => this.test(one) : null,
    });
    this.picture = new Picture(definition, choose);
    this.canvas = new Canvas(this.picture);
    this.code = new Code(definition, choose);
    this.events = new EventList(visit);
    this.actions = new Actions(() => this.wake?.());
    this.parts = { timeline: this.time, history: this.events.element, data: this.whole };
    this.build(root, title, name, back);
    this.run();
  }

  build(root, title, name, back) {
    const withCode = h("input", {
      type: "checkbox",
      name: "code",
      onchange: (event) => {
        this.split.classList.toggle("with-code", event.target.checked);
        if (event.target.checked) this.code.choose(this.chosen ?? this.interesting());
      },
    });
    put(
      this.split,
      h("section", { class: "definition-code", "aria-label": t("execution.definition") }, this.code.element),
      h(
        "section",
        { class: "graph", "aria-label": t("graph.label") },
        this.canvas.element,
        h(
          "div",
          { class: "under" },
          legend(),
          h("label", { class: "check" }, withCode, " ", t("graph.code")),
        ),
      ),
      h("section", { class: "details", "aria-label": t("details.label") }, this.details.element),
    );
    put(
      this.tabs,
      ["timeline", "history", "data"].map((part) => this.tab(part)),
    );
    this.under = h("section", { class: "under-graph" }, this.tabs, Object.values(this.parts));
    put(
      root,
      h(
        "div",
        { class: "execution" },
        h("p", { class: "crumbs" }, back),
        h("h1", null, title, " ", h("span", { class: "sub" }, foreign(name))),
        h("div", { class: "view-head" }, this.status, this.hasData ? this.actions.element : null),
        this.reason,
        this.split,
        this.under,
      ),
    );
    this.show(this.part);
  }

  tab(part) {
    return h(
      "button",
      { type: "button", role: "tab", "data-part": part, onclick: () => this.show(part) },
      t(`part.${part}`),
    );
  }

  show(part) {
    this.part = part;
    for (const tab of this.tabs.children)
      tab.setAttribute("aria-selected", String(/** @type {HTMLElement} */ (tab).dataset.part === part));
    for (const [name, element] of Object.entries(this.parts)) element.hidden = name !== part;
    if (this.history.events.length) this.showPart();
  }

  /** Lets running clocks run. */
  async run() {
    while (!this.signal.aborted) {
      await sleep(SECOND, this.signal);
      if (this.history.ended || !this.history.events.length || document.hidden) continue;
      this.showStatus();
      this.details.tick(this.history);
      // What somebody points at is not replaced under the pointer.
      const isUsed = this.time.matches(":hover") || this.time.contains(document.activeElement);
      if (this.part === "timeline" && !isUsed) this.showPart();
    }
  }

  /** Waits until something was done with the execution that makes it go on. */
  changed() {
    return new Promise((resolve) => {
      this.wake = () => resolve(undefined);
      this.signal.addEventListener("abort", this.wake);
    });
  }

  /** Takes events, and the answer of the local stack that they came with. What lies in the past is shown at once, and all where nobody looks. */
  take(events, answer = /** @type {any} */ (null)) {
    const isPast = this.history.events.length === 0 || answer?.more_events || this.isCatchingUp;
    this.isCatchingUp = answer?.more_events ?? false;
    if (answer) this.answer = answer;
    this.coming.push(...events);
    // An answer that is one of many is not shown by itself.
    if (answer?.more_events && this.history.events.length) this.history.extend(this.coming.splice(0));
    else if (isPast || document.hidden || this.coming.length > BURST) this.draw(this.coming.splice(0));
    else if (!this.isPlaying) this.play();
    else if (!events.length) this.showStatus();
  }

  async play() {
    this.isPlaying = true;
    do {
      const turning = this.coming.findIndex((event) => /State(Entered|Exited)$|^Execution/.test(event.type));
      this.draw(this.coming.splice(0, turning < 0 ? this.coming.length : turning + 1));
      if (this.coming.length && !document.hidden) await sleep(BEAT, this.signal);
    } while (this.coming.length && !this.signal.aborted);
    this.isPlaying = false;
  }

  draw(events) {
    const isFirst = this.history.events.length === 0;
    this.history.extend(events);
    this.picture.show(this.history);
    this.canvas.show(this.history);
    const state = this.chosen ?? this.interesting();
    this.details.show(state, this.history, this.chosenVisit);
    this.picture.choose(state);
    if (!this.chosen && state && (!this.history.ended || isFirst || this.history.culprit))
      this.canvas.reveal(state);
    this.showStatus();
    this.showPart();
  }

  /** The state to look at before anybody has chosen one: the one that the execution failed in, or the last one entered. */
  interesting() {
    const culprit = this.history.culprit;
    if (culprit) return culprit.state;
    return this.history.events.findLast((event) => event.type.endsWith("StateEntered"))?.state ?? null;
  }

  choose(state, visit = /** @type {any} */ (null)) {
    this.chosen = state;
    this.chosenVisit = visit;
    this.picture.choose(state);
    this.canvas.reveal(state);
    if (this.split.classList.contains("with-code")) this.code.choose(state);
    this.details.show(state, this.history, visit);
    this.chosenVisit = null;
  }

  async test(visit) {
    const { testDialog } = await import("../execution/test_state.js");
    testDialog(visit.definition, visit.input);
  }

  showStatus() {
    const { began, ended, events } = this.history;
    const last = ended?.time ?? Math.max(Date.now(), events.at(-1)?.time ?? 0);
    put(
      this.status,
      badge(ended?.status ?? "RUNNING"),
      " ",
      began
        ? h("span", { title: new Date(began).toISOString() }, t("execution.began", { time: clock(began) }))
        : null,
      " ",
      began ? h("span", { class: "elapsed" }, duration(last - began)) : null,
      " ",
      h("span", null, t("execution.events", { n: number(events.length) })),
      this.history.redrives
        ? [" ", h("span", null, t("execution.redrives", { n: this.history.redrives }))]
        : null,
    );
    this.showReason();
    if (this.answer) this.actions.show(this.answer);
    if (this.part === "data") this.showData();
  }

  /** Why an execution failed, and the way to the state that it failed in. */
  showReason() {
    const { ended, culprit } = this.history;
    const shown = ended ? `${ended.status} ${ended.error} ${culprit?.enteredBy}` : "";
    if (shown === this.shownReason) return;
    this.shownReason = shown;
    const error = ended?.error ?? culprit?.failure?.error;
    const cause = ended?.cause ?? culprit?.failure?.cause;
    put(
      this.reason,
      ended && ended.status !== "SUCCEEDED" && (error || cause || culprit)
        ? h(
            "div",
            { class: "reason banner" },
            h("code", null, error ?? ended.status),
            cause ? [" ", sentence(cause).slice(0, 600)] : null,
            culprit
              ? [
                  " ",
                  h(
                    "button",
                    {
                      type: "button",
                      class: "link culprit",
                      onclick: () => this.choose(culprit.state, culprit),
                    },
                    t("execution.culprit", { state: culprit.state }),
                  ),
                ]
              : null,
          )
        : null,
    );
  }

  showPart() {
    if (this.part === "timeline") {
      const more = (rows) => {
        this.rows = rows;
        this.showPart();
      };
      put(
        this.time,
        timeline(this.history, (visit) => this.choose(visit.state, visit), this.rows, more),
      );
    } else if (this.part === "history") this.events.show(this.history);
    else this.showData();
  }

  showData() {
    if (!this.hasData) {
      put(this.whole, h("p", { class: "quiet" }, t("execution.public")));
      return;
    }
    if (!this.answer || this.shownAnswer === this.answer.status) return;
    this.shownAnswer = this.answer.status;
    put(
      this.whole,
      data(t("execution.input"), this.answer.input, "input.json", true),
      data(t("execution.output"), this.answer.output, "output.json", true),
      data(t("details.cause"), this.answer.cause, "cause.json"),
      data(t("execution.definition"), this.definition, "definition.asl.json"),
      h("p", { class: "quiet mono" }, this.answer.execution_arn),
    );
  }
}
