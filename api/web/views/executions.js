// @ts-check
// The executions of the local stack, page by page as the engine finds them: by state machine, status, name and time. The address
// holds the filter.

import { get } from "../api.js";
import { sleep } from "../connection.js";
import { field, h, put, style } from "../dom.js";
import { badge, duration, number, trouble } from "../format.js";
import { call, nameOf } from "../execution/operations.js";
import { language, t } from "../i18n/index.js";
import { link } from "../router.js";
import { token } from "../session.js";
import { showSignIn } from "./sign_in.js";

const FIELDS = ["state_machine", "status", "name", "from", "to", "cursor"];
const STATUSES = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"];
const LIVE = 2000;

/** The filter that the address holds. */
function filterOf(hash) {
  const query = new URLSearchParams(hash.split("?")[1] ?? "");
  return Object.fromEntries(FIELDS.map((name) => [name, query.get(name) ?? ""]));
}

/** The query of a filter, for the address and for the service. */
function queryOf(filter) {
  const query = new URLSearchParams();
  for (const name of FIELDS) if (filter[name]) query.set(name, filter[name]);
  return query.toString();
}

export async function show(root, { signal }) {
  if (!token()) return showSignIn(root);
  await style("execution");
  document.title = t("executions.title");
  const view = new ExecutionList(root, signal);
  await view.load();
  while (!signal.aborted) {
    await sleep(LIVE, signal);
    // A page in the past does not change, and nobody waits for one that is not seen.
    if (!signal.aborted && !document.hidden && !view.filter.cursor) await view.load().catch(() => {});
  }
  return undefined;
}

class ExecutionList {
  constructor(root, signal) {
    this.signal = signal;
    this.filter = filterOf(location.hash);
    this.drawn = "";
    this.typing = 0;
    this.machine = h("select", {
      name: "state_machine",
      onchange: () => this.set("state_machine", this.machine.value),
    });
    this.name = h("input", {
      type: "search",
      name: "name",
      value: this.filter.name,
      oninput: () => this.typed(),
    });
    this.from = this.time("from");
    this.to = this.time("to");
    this.counts = h("div", { class: "status-counts", role: "group", "aria-label": t("executions.status") });
    this.list = h("div");
    this.problem = h("p", { class: "problem", role: "alert" });
    this.pages = h("p", { class: "pager" });
    put(
      root,
      h(
        "div",
        { class: "view-head" },
        h("h1", null, t("executions.title")),
        h("a", { class: "button", href: "#/state-machines" }, t("machines.title")),
      ),
      h("p", { class: "lead" }, t("executions.lead")),
      h(
        "form",
        { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
        field(t("executions.machine"), this.machine),
        field(t("executions.name"), this.name),
        field(t("executions.from"), this.from),
        field(t("executions.to"), this.to),
      ),
      this.counts,
      this.problem,
      this.list,
      this.pages,
    );
  }

  time(name) {
    const local = this.filter[name]
      ? new Date(new Date(this.filter[name]).getTime() - new Date().getTimezoneOffset() * 60_000)
          .toISOString()
          .slice(0, 16)
      : "";
    return h("input", {
      type: "datetime-local",
      name,
      value: local,
      onchange: (event) =>
        this.set(name, event.target.value ? new Date(event.target.value).toISOString() : ""),
    });
  }

  typed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.set("name", this.name.value.trim()), 250);
  }

  /** Changes the filter, and with it the address. */
  set(name, value) {
    if (name !== "cursor") this.filter.cursor = "";
    this.filter[name] = value;
    const query = queryOf(this.filter);
    history.replaceState(null, "", `#/executions${query ? `?${query}` : ""}`);
    this.load().catch(() => {});
  }

  async load() {
    const query = queryOf(this.filter);
    this.asked = query;
    try {
      const found = await get(`/local/executions?limit=50${query ? `&${query}` : ""}`, {
        signal: this.signal,
      });
      if (this.asked === query) this.draw(found);
      this.problem.textContent = "";
    } catch (error) {
      if (!this.signal.aborted) this.problem.textContent = trouble(error);
      throw error;
    }
  }

  draw(found) {
    const text = JSON.stringify([this.filter, found]);
    if (text === this.drawn) return;
    this.drawn = text;
    const names = [...found.state_machines].sort();
    put(
      this.machine,
      h("option", { value: "" }, t("executions.all")),
      names.map((name) => h("option", { value: name }, name)),
    );
    this.machine.value = this.filter.state_machine;
    this.drawCounts(found.counts);
    put(
      this.list,
      found.executions.length
        ? this.table(found.executions)
        : h("p", { class: "quiet" }, t(queryOf(this.filter) ? "executions.no_match" : "executions.none")),
    );
    put(
      this.pages,
      this.filter.cursor
        ? h(
            "button",
            { type: "button", class: "compact", "data-page": "first", onclick: () => this.set("cursor", "") },
            t("pages.newest"),
          )
        : null,
      " ",
      found.next_cursor
        ? h(
            "button",
            {
              type: "button",
              class: "compact",
              "data-page": "next",
              onclick: () => this.set("cursor", found.next_cursor),
            },
            t("pages.older"),
          )
        : null,
    );
  }

  drawCounts(counts) {
    const all = Object.values(counts).reduce((sum, n) => sum + n, 0);
    const choice = (status, words, n) =>
      h(
        "button",
        {
          type: "button",
          class: "status-count",
          "data-status": status,
          "aria-pressed": String(this.filter.status === status),
          onclick: () => this.set("status", status),
        },
        words,
        " ",
        h("b", null, number(n)),
      );
    put(
      this.counts,
      choice("", t("executions.any"), all),
      STATUSES.map((status) => choice(status, t(`status.${status}`), counts[status] ?? 0)),
    );
  }

  table(executions) {
    const head = [
      "executions.name",
      "executions.machine",
      "executions.status",
      "executions.started",
      "executions.took",
      "executions.actions",
    ];
    return h(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": t("executions.title") },
      h(
        "table",
        { class: "executions" },
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            head.map((name) =>
              h("th", { scope: "col", class: name === "executions.took" ? "n" : null }, t(name)),
            ),
          ),
        ),
        h(
          "tbody",
          null,
          executions.map((one) => this.row(one)),
        ),
      ),
    );
  }

  row(one) {
    const arn = one.execution_arn;
    const began = Date.parse(one.started_at);
    const end = one.stopped_at ? Date.parse(one.stopped_at) : null;
    return h(
      "tr",
      null,
      h("td", null, h("a", { href: link("executions", arn) }, one.name)),
      h(
        "td",
        null,
        h(
          "a",
          { class: "quiet", href: link("state-machines", one.state_machine_arn) },
          nameOf(one.state_machine_arn),
        ),
      ),
      h(
        "td",
        null,
        badge(one.status),
        one.redrives ? h("span", { class: "quiet" }, ` ↻${one.redrives}`) : null,
      ),
      h("td", null, started(one.started_at)),
      h("td", { class: "n" }, duration((end ?? Math.max(Date.now(), began)) - began)),
      h(
        "td",
        { class: "acts" },
        one.status === "RUNNING" ? this.act("actions.stop", "StopExecution", arn) : null,
        ["FAILED", "TIMED_OUT", "ABORTED"].includes(one.status)
          ? this.act("actions.redrive", "RedriveExecution", arn)
          : null,
        h(
          "a",
          { href: link("state-machines", one.state_machine_arn) + `?input=${encodeURIComponent(arn)}` },
          t("actions.again"),
        ),
      ),
    );
  }

  act(name, operation, arn) {
    const run = async () => {
      this.problem.textContent = "";
      try {
        await call(operation, { executionArn: arn });
        await this.load();
      } catch (error) {
        this.problem.textContent = trouble(error);
      }
    };
    return h("button", { type: "button", class: "link", "data-act": operation, onclick: run }, t(name));
  }
}

/** When an execution started, to the second. */
function started(text) {
  const words = new Date(text).toLocaleString(language(), {
    dateStyle: "medium",
    timeStyle: "medium",
    hour12: false,
  });
  return h("time", { datetime: text, title: text }, words);
}
