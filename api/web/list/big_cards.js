// @ts-check
// A big list on its way to the storage, its import while it runs, and what came of it.

import { find, foreign, h, put } from "../dom.js";
import { csv, saveText } from "../download.js";
import { explanation, number, trouble } from "../format.js";
import { known, language, t } from "../i18n/index.js";
import { kindOfFile } from "./options.js";
import { figureList, guarded, undoButton } from "./progress.js";
import { remarkList } from "./remarks.js";
import { broughtBy, refusedCells } from "./upload.js";

/** A size as people say it. */
export function megabytes(bytes) {
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return `${new Intl.NumberFormat(language(), digits).format(bytes / 1e6)} MB`;
}

/** How long something takes is not said before it has gone on for so long, in milliseconds. */
const WATCHED = 4000;

/** A file while it is sent. `fail(reason)` says why it did not arrive, and ends when it is to be sent again. */
export function sending(file, { onStop, onDirect, signal }) {
  const bar = h("progress", { max: file.size, "aria-label": t("big.sending") });
  const words = h("p", { class: "far" });
  const left = h("p", { class: "quiet left" });
  const problem = h("p", { class: "problem", role: "alert" });
  const again = h(
    "button",
    { type: "button", class: "primary", name: "again", hidden: true },
    t("big.again"),
  );
  const direct = h(
    "button",
    { type: "button", name: "direct", hidden: true, onclick: onDirect },
    t("big.direct"),
  );
  const stop = h("button", { type: "button", name: "stop", onclick: onStop }, t("big.cancel"));
  const element = h(
    "section",
    { class: "card progress sending", "aria-label": t("big.sending") },
    h("h3", { tabindex: "-1" }, foreign(file.name)),
    h("p", { class: "quiet" }, t("big.large")),
    bar,
    words,
    left,
    problem,
    h("p", { class: "actions" }, again, direct, stop),
  );
  let began = 0;
  const update = (sent) => {
    bar.value = sent;
    words.textContent = t("big.sent", { n: megabytes(Math.min(sent, file.size)), all: megabytes(file.size) });
    left.textContent = timeLeft(Date.now() - began, sent, file.size);
  };
  const setFailed = (isFailed) => {
    element.dataset.state = isFailed ? "failed" : "running";
    again.hidden = direct.hidden = !isFailed;
    left.hidden = bar.hidden = words.hidden = isFailed;
  };
  return {
    element,
    focus: () => find(element, "h3")?.focus(),
    update,
    restart: () => {
      began = Date.now();
      put(problem);
      setFailed(false);
      bar.removeAttribute("value");
      words.textContent = t("big.begin");
      left.textContent = "";
    },
    /** @returns {Promise<void>} */
    fail: ({ words: why, isFileGone }) => {
      setFailed(true);
      problem.textContent = why;
      again.hidden = direct.hidden = isFileGone;
      if (!isFileGone) again.focus();
      return new Promise((resolve) => {
        again.addEventListener("click", () => resolve(), { once: true });
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
    },
  };
}

function timeLeft(passed, sent, all) {
  if (passed < WATCHED || sent === 0) return "";
  const minutes = Math.ceil(((all - sent) / sent) * (passed / 60_000));
  return minutes > 1 ? t("big.left", { n: number(minutes) }) : t("big.left_less");
}

/** A list that was being sent when the page was left. */
export function interrupted(name, onForget) {
  return h(
    "section",
    { class: "card progress interrupted", "data-state": "failed" },
    h("h3", null, foreign(name)),
    h("p", { class: "problem" }, t("big.interrupted")),
    h(
      "p",
      { class: "actions" },
      h("button", { type: "button", name: "forget", onclick: onForget }, t("big.forget")),
    ),
  );
}

/** How far an import is, in people. `update(view)` shows where it stands; `onStop(view)` stops it. */
export function following(name, { onStop }) {
  const bar = h("progress", { max: 1, "aria-label": t("import.progress") });
  const words = h("p", { class: "far" });
  const state = h("p", { class: "state", role: "status" });
  const kind = h("div");
  const so_far = h("p", { class: "quiet so-far" });
  const problem = h("p", { class: "problem", role: "alert" });
  /** @type {any} */
  let shown = null;
  const act = async () => {
    problem.textContent = "";
    try {
      stop.disabled = await onStop(shown);
    } catch (error) {
      problem.textContent = trouble(error);
    }
  };
  const stop = h("button", { type: "button", name: "stop", onclick: act }, t("big.stop"));
  const element = h(
    "section",
    { class: "card progress following", "aria-label": t("import.progress") },
    h("h3", { tabindex: "-1" }, foreign(name)),
    bar,
    words,
    state,
    kind,
    so_far,
    h("p", { class: "quiet" }, t("big.goes_on")),
    problem,
    h("p", { class: "actions" }, stop),
  );
  const say = (text) => {
    if (state.textContent !== text) state.textContent = text;
  };
  const update = (view) => {
    shown = view;
    const isImporting = view.state === "IMPORTING";
    element.dataset.state = isImporting ? "importing" : "reading";
    say(isImporting ? t("big.importing") : t("big.reading"));
    if (isImporting) {
      const done = broughtBy(view) + view.refused;
      bar.max = Math.max(view.rows, 1);
      bar.value = done;
      words.textContent = t("progress.of", { n: number(done), all: number(view.rows) });
    } else {
      bar.removeAttribute("value");
      words.textContent = "";
    }
    put(kind, isImporting && view.inspection ? kindOfFile(view.inspection.detected) : null);
    so_far.textContent = view.refused ? t("big.refused_so_far", { n: number(view.refused) }) : "";
  };
  return {
    element,
    update,
    lost: () => {
      element.dataset.state = "lost";
      say(t("big.unseen"));
    },
    focus: () => find(element, "h3")?.focus(),
  };
}

/** What came of the import of a big list. */
export function bigResult({ lottery, name, view, onUndone, signal }) {
  const brought = broughtBy(view);
  const isFailed = view.state === "FAILED";
  const title = isFailed
    ? t("big.failed")
    : t(view.state === "CANCELLED" ? "big.stopped" : "result.title", { n: number(brought) });
  /** @type {[string, number][]} */
  const parts = [
    ["new", view.accepted],
    ["changed", view.updated],
    ["unchanged", view.unchanged],
    ["refused", view.refused],
  ];
  if (view.withdrawn) parts.push(["withdrawn", view.withdrawn]);
  const element = h(
    "section",
    { class: `card result big-result${isFailed ? " failed" : ""}`, "aria-label": t("result.label") },
    h("h3", { tabindex: "-1" }, title),
    h("p", { class: "quiet" }, foreign(name)),
    isFailed ? h("p", { class: "problem" }, failureOf(view)) : null,
    view.rows || brought ? figureList(parts) : null,
    view.inspection && !isFailed ? kindOfFile(view.inspection.detected) : null,
    remarkList(t("result.refused_title", { n: number(view.refused) }), view.refusals, view.refused, "bad"),
    view.refused && view.result_url ? refusedFile(lottery, name, view, signal) : null,
    remarkList(t("preview.warned", { n: number(view.warned) }), view.warnings, view.warned, "warn"),
    isFailed && brought ? h("p", null, t("import.so_far", { n: number(brought) })) : null,
    view.can_undo && view.import ? undoButton(lottery, view.import, onUndone, signal) : null,
  );
  return { element, focus: () => find(element, "h3")?.focus() };
}

/** Why an import failed. A list that cannot be read has a line. */
function failureOf({ failure }) {
  if (!failure) return t("problem.internal");
  const words = known(`big.failed.${failure.code}`);
  if (words) return words;
  const reason = explanation(failure);
  if (!failure.line) return t("trouble.whole", { reason });
  const column = failure.column ? ` (${failure.column})` : "";
  return t("trouble.line", { line: number(failure.line), column, reason });
}

/** The refused lines as a file, under the header of the list. */
function refusedFile(lottery, name, view, signal) {
  const problem = h("span", { class: "problem", role: "alert" });
  const hint = h("span", { class: "hint" }, t("result.refused_hint"));
  const act = async () => {
    problem.textContent = "";
    button.disabled = true;
    try {
      const rows = await refusedCells(lottery, view.import_id, signal);
      const header = view.inspection.detected.columns.map((column) => column.header);
      const table = header.some(Boolean) ? [header, ...rows] : rows;
      if (rows.length < view.refused)
        hint.textContent = t("big.refused_some", { n: number(rows.length), all: number(view.refused) });
      if (rows.length)
        saveText(
          csv(table.map((row) => row.map(guarded))),
          `${name.replace(/\.\w{1,6}$/, "")}-${t("result.refused_name")}.csv`,
        );
    } catch (error) {
      if (!signal.aborted) problem.textContent = error.status ? trouble(error) : t("big.no_file");
    }
    button.disabled = false;
  };
  const button = h("button", { type: "button", name: "refused", onclick: act }, t("result.refused_file"));
  return h("p", { class: "refused-file" }, button, " ", hint, " ", problem);
}
