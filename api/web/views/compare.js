// @ts-check
// Two executions beside each other: where they went different ways, and how long each state took.

import { get, path } from "../api.js";
import { field, h, put, style } from "../dom.js";
import { badge, duration, number, trouble } from "../format.js";
import { nameOf } from "../execution/operations.js";
import { pretty } from "../execution/parts.js";
import { fromHistory } from "../history/events.js";
import { History } from "../history/fold.js";
import { known, t } from "../i18n/index.js";
import { link } from "../router.js";
import { token } from "../session.js";
import { showSignIn } from "./sign_in.js";

export async function show(root, { parameters, signal }) {
  if (!token()) return showSignIn(root);
  await style("execution");
  const [arn, other] = parameters;
  const one = await read(arn, signal);
  document.title = t("compare.title");
  const query = new URLSearchParams({ state_machine: nameOf(one.answer.state_machine_arn), limit: "50" });
  const { executions } = await get(`/local/executions?${query}`, { signal });
  const choice = h(
    "select",
    { name: "other", onchange: () => (location.hash = link("executions", arn, "compare", choice.value)) },
    h("option", { value: "" }, t("compare.choose")),
    executions
      .filter((each) => each.execution_arn !== one.answer.execution_arn)
      .map((each) =>
        h(
          "option",
          { value: each.execution_arn },
          `${each.name} · ${known(`status.${each.status}`) ?? each.status}`,
        ),
      ),
  );
  choice.value = other ?? "";
  const found = h("div");
  put(
    root,
    h("p", { class: "crumbs" }, h("a", { href: link("executions", arn) }, t("compare.back"))),
    h("h1", null, t("compare.title")),
    field(t("compare.with"), choice),
    found,
  );
  if (!other) return undefined;
  try {
    put(found, comparison(one, await read(other, signal)));
  } catch (error) {
    put(found, h("p", { class: "problem" }, trouble(error)));
  }
  return undefined;
}

/** An execution with its whole history. */
async function read(arn, signal) {
  const where = path("local", "executions", arn);
  const answer = await get(where, { signal });
  const history = new History(answer.definition);
  for (let page = answer, seen = 0; ;) {
    history.extend(page.events.map(fromHistory));
    seen += page.events.length;
    if (!page.more_events) return { answer, history };
    page = await get(`${where}?after=${seen}`, { signal });
  }
}

function summaryOf(history, state) {
  const visits = history.visits.get(state) ?? [];
  const spent = visits.reduce((sum, visit) => sum + ((visit.ended ?? visit.entered) - visit.entered), 0);
  const retries = visits.reduce((sum, visit) => sum + Math.max(0, visit.attempts.length - 1), 0);
  return { status: history.status(state), visits: visits.length, spent, retries, last: visits.at(-1) };
}

function comparison(one, two) {
  const states = new Set([...one.history.visits.keys(), ...two.history.visits.keys()]);
  const differs = (a, b) => a.status !== b.status || a.visits !== b.visits || a.retries !== b.retries;
  const rows = [...states].map((state) => {
    const [a, b] = [summaryOf(one.history, state), summaryOf(two.history, state)];
    const isOther = differs(a, b) || pretty(a.last?.output ?? null) !== pretty(b.last?.output ?? null);
    return h(
      "tr",
      { class: isOther ? "differs" : null, "data-state": state },
      h("th", { scope: "row" }, state),
      cells(a),
      cells(b),
      h("td", { class: "n" }, a.visits && b.visits ? difference(b.spent - a.spent) : ""),
    );
  });
  const head = (each) =>
    h(
      "th",
      { scope: "col", colspan: 2 },
      h("a", { href: link("executions", each.answer.execution_arn) }, each.answer.name),
      " ",
      badge(each.answer.status),
    );
  return [
    pretty(one.answer.input) === pretty(two.answer.input)
      ? h("p", { class: "quiet" }, t("compare.same_input"))
      : lines(t("details.input"), one.answer.input, two.answer.input),
    h(
      "div",
      { class: "scroller", tabindex: "0" },
      h(
        "table",
        { class: "compare" },
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("th", { scope: "col" }, t("history.state")),
            head(one),
            head(two),
            h("th", { scope: "col", class: "n" }, t("compare.difference")),
          ),
        ),
        h("tbody", null, rows),
      ),
    ),
    lines(t("details.output"), one.answer.output ?? one.answer.error, two.answer.output ?? two.answer.error),
  ];
}

function cells({ status, visits, spent, retries }) {
  return [
    h(
      "td",
      null,
      h("span", { class: "badge state-badge", "data-status": status }, known(`state.${status}`)),
      visits > 1 ? ` ×${number(visits)}` : "",
      retries ? ` ↻${number(retries)}` : "",
    ),
    h("td", { class: "n" }, visits ? duration(spent) : ""),
  ];
}

function difference(milliseconds) {
  return `${milliseconds < 0 ? "−" : "+"}${duration(Math.abs(milliseconds))}`;
}

/** Two values line by line; the lines that only one has are marked. */
function lines(title, a, b) {
  const [left, right] = [pretty(a ?? null).split("\n"), pretty(b ?? null).split("\n")];
  const marked = (own, others) => {
    const known = new Set(others);
    return h(
      "pre",
      null,
      own.slice(0, 2000).map((line) => h("div", { class: known.has(line) ? null : "differs" }, line)),
    );
  };
  return h(
    "section",
    null,
    h("h2", null, title),
    h("div", { class: "columns-2" }, marked(left, right), marked(right, left)),
  );
}
