// @ts-check
// The iterations of a Map state and the branches of a Parallel state, by index, filtered by status, page by page; of a
// Distributed Map its child executions.

import { h, put } from "../dom.js";
import { badge, duration, number, timestamp } from "../format.js";
import { current } from "../history/frames.js";
import { known, t } from "../i18n/index.js";
import { link } from "../router.js";
import { call } from "./operations.js";

const PAGE = 15;

/** What a branch or an iteration has failed with. */
function errorOf(frame) {
  return frame.visits.findLast((visit) => visit.failure)?.failure?.error ?? "";
}

export class Iterations {
  /** @param {(visit: any) => void} onChoose */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.element = h("section", { class: "iterations" });
    this.visit = null;
    this.status = "";
    this.page = 0;
    this.attempt = -1;
    this.tokens = [null];
  }

  show(visit, history) {
    if (visit !== this.visit) {
      Object.assign(this, { visit, status: "", page: 0, attempt: -1, tokens: [null], drawn: "" });
      // Who looks into a Map that failed looks for the iteration that did.
      const frames = current(visit)?.frames.filter(Boolean) ?? [];
      if (frames.some((frame) => history.statusOfFrame(frame) === "failed")) this.status = "failed";
    }
    this.history = history;
    const attempt = this.shownAttempt();
    if (!attempt) {
      put(this.element);
      return;
    }
    if (attempt.mapRun) {
      this.showRun(attempt.mapRun);
      return;
    }
    const counts = new Map();
    for (const frame of attempt.frames) if (frame) count(counts, history.statusOfFrame(frame));
    const drawn = JSON.stringify([[...counts], this.status, this.page, this.attempt, visit.attempts.length]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.draw(attempt, counts);
  }

  shownAttempt() {
    const { attempts } = this.visit;
    return this.attempt < 0 ? attempts.at(-1) : attempts[this.attempt];
  }

  again() {
    this.drawn = "";
    this.show(this.visit, this.history);
  }

  draw(attempt, counts) {
    const all = attempt.frames.filter(Boolean);
    const found = this.status
      ? all.filter((frame) => this.history.statusOfFrame(frame) === this.status)
      : all;
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    this.page = Math.min(this.page, pages - 1);
    const shown = found.slice(this.page * PAGE, (this.page + 1) * PAGE);
    const isMap = this.visit.type === "Map";
    put(
      this.element,
      h("h3", null, t(isMap ? "iterations.title" : "iterations.branches")),
      h(
        "div",
        { class: "toolbar" },
        this.attemptPicker(),
        this.statusPicker(counts, all.length),
        isMap ? this.jump(all) : null,
      ),
      h(
        "ol",
        { class: "rows" },
        shown.map((frame) => this.row(frame)),
      ),
      pages > 1 ? this.pager(pages) : null,
      attempt.length > all.length
        ? h(
            "p",
            { class: "quiet" },
            t("iterations.of", { n: number(all.length), all: number(attempt.length) }),
          )
        : null,
    );
  }

  row(frame) {
    const status = this.history.statusOfFrame(frame);
    const last = frame.visits.findLast((visit) => visit.failure) ?? frame.visits.at(-1);
    const end =
      frame.ended ?? (frame.visits.at(-1)?.left !== undefined ? frame.visits.at(-1)?.left : undefined);
    return h(
      "li",
      null,
      h(
        "button",
        {
          type: "button",
          class: "row",
          "data-index": frame.index,
          disabled: !last,
          onclick: () => this.onChoose(last),
        },
        h("span", { class: "n" }, `#${frame.index}`),
        h("span", { class: "badge state-badge", "data-status": status }, known(`state.${status}`)),
        h("span", { class: "of" }, errorOf(frame) || (last?.state ?? "")),
        h(
          "span",
          { class: "n" },
          end === undefined || frame.started === undefined ? "" : duration(end - frame.started),
        ),
      ),
    );
  }

  attemptPicker() {
    const { attempts } = this.visit;
    if (attempts.length < 2) return null;
    const select = h(
      "select",
      {
        "aria-label": t("iterations.attempt"),
        onchange: () => {
          this.attempt = Number(select.value);
          this.page = 0;
          this.again();
        },
      },
      attempts.map((one, index) =>
        h(
          "option",
          { value: index },
          t("iterations.attempt_n", { n: index + 1, status: known(`state.${one.outcome ?? "active"}`) }),
        ),
      ),
    );
    select.value = String(this.attempt < 0 ? attempts.length - 1 : this.attempt);
    return select;
  }

  statusPicker(counts, all) {
    const select = h(
      "select",
      {
        name: "iteration-status",
        "aria-label": t("iterations.status"),
        onchange: () => {
          this.status = select.value;
          this.page = 0;
          this.tokens = [null];
          this.again();
        },
      },
      h("option", { value: "" }, `${t("iterations.all")} (${number(all)})`),
      [...counts].map(([status, n]) =>
        h("option", { value: status }, `${known(`state.${status}`)} (${number(n)})`),
      ),
    );
    select.value = counts.has(this.status) ? this.status : "";
    this.status = select.value;
    return select;
  }

  /** A field for an index: the iteration is shown at once. */
  jump(all) {
    return h("input", {
      type: "number",
      name: "iteration",
      min: 0,
      placeholder: t("iterations.index"),
      "aria-label": t("iterations.index"),
      onchange: (event) => {
        const frame = all.find((one) => one.index === Number(event.target.value));
        const last = frame?.visits.findLast((visit) => visit.failure) ?? frame?.visits.at(-1);
        if (last) this.onChoose(last);
      },
    });
  }

  pager(pages) {
    const go = (page) => {
      this.page = page;
      this.again();
    };
    const button = (name, sign, page) =>
      h(
        "button",
        {
          type: "button",
          class: "compact",
          "aria-label": t(name),
          disabled: page < 0 || page >= pages || page === this.page,
          onclick: () => go(page),
          "data-page": name,
        },
        sign,
      );
    return h(
      "p",
      { class: "pager" },
      button("pages.first", "«", 0),
      button("pages.back", "‹", this.page - 1),
      h("span", null, t("pages.of", { n: number(this.page + 1), all: number(pages) })),
      button("pages.next", "›", this.page + 1),
      button("pages.last", "»", pages - 1),
    );
  }

  /** The child executions of a map run. */
  async showRun(arn) {
    const drawn = JSON.stringify([arn, this.status, this.tokens.length, this.history.version]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    try {
      const [run, page] = await Promise.all([
        call("DescribeMapRun", { mapRunArn: arn }),
        call("ListExecutions", {
          mapRunArn: arn,
          maxResults: PAGE,
          statusFilter: this.status || undefined,
          nextToken: this.tokens.at(-1) ?? undefined,
        }),
      ]);
      if (drawn === this.drawn) this.drawRun(run, page);
    } catch {
      put(this.element, h("p", { class: "quiet" }, t("iterations.unknown")));
    }
  }

  drawRun(run, page) {
    const counts = run.executionCounts;
    const statuses = {
      RUNNING: counts.running,
      SUCCEEDED: counts.succeeded,
      FAILED: counts.failed,
      TIMED_OUT: counts.timedOut,
      ABORTED: counts.aborted,
    };
    const select = h(
      "select",
      {
        name: "iteration-status",
        "aria-label": t("iterations.status"),
        onchange: () => {
          Object.assign(this, { status: select.value, tokens: [null] });
          this.again();
        },
      },
      h("option", { value: "" }, `${t("iterations.all")} (${number(counts.total)})`),
      Object.entries(statuses).map(([status, n]) =>
        h("option", { value: status }, `${known(`status.${status}`)} (${number(n)})`),
      ),
    );
    select.value = this.status;
    const go = (tokens) => {
      this.tokens = tokens;
      this.again();
    };
    put(
      this.element,
      h("h3", null, t("iterations.children")),
      h("div", { class: "toolbar" }, select),
      h(
        "ol",
        { class: "rows" },
        page.executions.map((one) =>
          h(
            "li",
            null,
            h(
              "a",
              { class: "row", href: link("executions", one.executionArn) },
              badge(one.status),
              h("span", { class: "of mono" }, one.name.slice(0, 13)),
              timestamp(new Date(one.startDate * 1000).toISOString()),
              h("span", { class: "n" }, one.stopDate ? duration((one.stopDate - one.startDate) * 1000) : ""),
            ),
          ),
        ),
      ),
      h(
        "p",
        { class: "pager" },
        h(
          "button",
          {
            type: "button",
            class: "compact",
            disabled: this.tokens.length < 2,
            onclick: () => go(this.tokens.slice(0, -1)),
          },
          "‹",
        ),
        h("span", null, t("pages.n", { n: number(this.tokens.length) })),
        h(
          "button",
          {
            type: "button",
            class: "compact",
            disabled: !page.nextToken,
            onclick: () => go([...this.tokens, page.nextToken]),
          },
          "›",
        ),
      ),
    );
  }
}

function count(counts, status) {
  counts.set(status, (counts.get(status) ?? 0) + 1);
}
