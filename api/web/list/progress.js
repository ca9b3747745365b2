// @ts-check
// An import while it runs, and what came of it.

import { ask } from "../dialog.js";
import { add, find, foreign, h, put } from "../dom.js";
import { csv, saveText } from "../download.js";
import { explanation, timestamp, number, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { recordsAt, shapeOf } from "./cut.js";
import { remarkList } from "./remarks.js";
import { undo } from "./send.js";

/** How far an import is, in people; it can be paused and resumed, and stopped while it is paused. */
export function progress(name, total, { pace, onStop }) {
  const bar = h("progress", { max: Math.max(total, 1), value: 0, "aria-label": t("import.progress") });
  const words = h("p", { class: "far" });
  const state = h("p", { class: "state", role: "status" });
  const hold = h(
    "button",
    { type: "button", name: "pause", onclick: () => pace.pause() },
    t("progress.pause"),
  );
  const resume = h(
    "button",
    { type: "button", class: "primary", name: "resume", hidden: true, onclick: () => pace.resume() },
    t("progress.resume"),
  );
  const stop = h(
    "button",
    { type: "button", name: "stop", hidden: true, onclick: onStop },
    t("progress.stop"),
  );
  const element = h(
    "section",
    { class: "card progress", "aria-label": t("import.progress") },
    h("h3", { tabindex: "-1" }, foreign(name)),
    bar,
    words,
    state,
    h("p", { class: "actions" }, hold, resume, stop),
  );
  const update = (done) => {
    bar.value = done;
    words.textContent = t("progress.of", { n: number(done), all: number(total) });
  };
  const setState = (now) => {
    element.dataset.state = now;
    state.textContent = now === "running" ? "" : t(`progress.${now}`);
    hold.hidden = now === "paused" || now === "pausing" || now === "lost";
    resume.hidden = !(now === "paused" || now === "lost");
    stop.hidden = resume.hidden;
    resume.textContent = t(now === "lost" ? "progress.try_now" : "progress.resume");
  };
  update(0);
  setState("running");
  return { element, update, setState, focus: () => find(element, "h3")?.focus() };
}

/** What came in and what did not, with the refused lines as a file to correct, and the way back. */
export function result({ lottery, file, tally, first, import: known, onUndone, signal }) {
  const isStopped = Boolean(tally.isStopped);
  const parts = [
    ["new", tally.accepted],
    ["changed", tally.updated],
    ["unchanged", tally.unchanged],
    ["refused", tally.refused],
  ];
  if (tally.withdrawn) parts.push(["withdrawn", tally.withdrawn]);
  const lines = refusedLines(file, tally, first);
  const title = isStopped
    ? t("result.stopped", { n: number(tally.brought), all: number(tally.rows) })
    : t("result.title", { n: number(tally.brought) });
  return h(
    "section",
    { class: "card result", "aria-label": t("result.label") },
    h("h3", { tabindex: "-1" }, title),
    h("p", { class: "quiet" }, foreign(file.name)),
    figureList(parts),
    remarkList(t("result.refused_title", { n: number(tally.refused) }), tally.refusals, tally.refused, "bad"),
    lines,
    remarkList(t("preview.warned", { n: number(tally.warned) }), tally.warnings, tally.warned, "warn"),
    [...tally.notices.values()].map((notice) => h("p", { class: "notice" }, explanation(notice))),
    known?.can_undo ? undoButton(lottery, known, onUndone, signal) : null,
  );
}

/** Figures with their names, such as `["new", 12]`. */
export function figureList(parts) {
  return h(
    "ul",
    { class: "figures" },
    parts.map(([name, value]) =>
      h(
        "li",
        { "data-figure": name, class: value ? null : "none" },
        h("strong", null, number(value)),
        h("span", null, t(`result.${name}`)),
      ),
    ),
  );
}

/** Takes an import back after asking. */
export function undoButton(lottery, { number: id }, onUndone, signal) {
  const problem = h("span", { class: "problem", role: "alert" });
  const button = h("button", { type: "button", name: "undo", onclick: act }, t("undo.button"));
  const line = h(
    "p",
    { class: "undo" },
    button,
    " ",
    h("span", { class: "hint" }, t("undo.hint")),
    " ",
    problem,
  );
  async function act() {
    if (!(await ask({ title: t("undo.title"), text: t("undo.text"), yes: t("undo.yes") }))) return;
    button.disabled = true;
    problem.textContent = "";
    try {
      const sum = await undo(lottery, id, signal);
      const words = t(
        "undo.done",
        Object.fromEntries(Object.entries(sum).map(([name, n]) => [name, number(n)])),
      );
      put(
        line,
        h(
          "span",
          { class: "notice", role: "status" },
          words,
          sum.kept ? ` ${t("undo.kept", { n: number(sum.kept) })}` : "",
        ),
      );
      onUndone();
    } catch (error) {
      if (signal.aborted) return;
      button.disabled = false;
      problem.textContent = trouble(error);
    }
  }
  return line;
}

/** What is known of the last import, where it can be taken back. */
export function lastImport(lottery, known, onUndone, signal) {
  if (!known?.can_undo) return null;
  const brought = known.accepted + known.updated + known.unchanged;
  const words =
    !brought && known.withdrawn
      ? t("last.emptied", { n: number(known.withdrawn) })
      : t("last.text", {
          n: number(brought),
          accepted: number(known.accepted),
          updated: number(known.updated),
        });
  return h(
    "div",
    { class: "last-import" },
    h(
      "p",
      { class: "quiet" },
      t("last.title"),
      " · ",
      timestamp(known.begun_at),
      " · ",
      words,
      brought && known.withdrawn ? t("last.withdrawn", { n: number(known.withdrawn) }) : null,
    ),
    undoButton(lottery, known, onUndone, signal),
  );
}

/** The refused lines as a file under the original header: the text of the lines, or the cells of a workbook. */
function refusedLines(file, tally, first) {
  const lines = new Set(tally.refusals.map((remark) => remark.line));
  const { form, columns } = first.detected;
  const isText = form === "csv" || form === "names" || form === "ndjson";
  if (!lines.size || (!isText && !tally.refusedRows.length)) return null;
  const problem = h("span", { class: "problem", role: "alert" });
  const act = async () => {
    problem.textContent = "";
    try {
      if (isText)
        saveText(
          await recordsAt(file, shapeOf(first.detected), lines),
          nameOf(file, form === "ndjson" ? ".ndjson" : (/\.(csv|txt|tsv)$/i.exec(file.name)?.[0] ?? ".csv")),
        );
      else
        saveText(
          csv([
            columns.map((column) => column.header),
            ...tally.refusedRows.map((row) => row.cells.map(guarded)),
          ]),
          nameOf(file, ".csv"),
        );
    } catch {
      problem.textContent = t("import.changed");
    }
  };
  const missing = tally.refused - (isText ? lines.size : tally.refusedRows.length);
  return add(
    h("p", { class: "refused-file" }),
    h("button", { type: "button", name: "refused", onclick: act }, t("result.refused_file")),
    " ",
    h(
      "span",
      { class: "hint" },
      missing > 0
        ? t("result.refused_first", { n: number(isText ? lines.size : tally.refusedRows.length) })
        : t("result.refused_hint"),
    ),
    " ",
    problem,
  );
}

/** A spreadsheet must not take a cell for a formula; the service drops the mark again. */
export function guarded(cell) {
  return /^[=+\-@\t\r]/.test(cell ?? "") ? `'${cell}` : cell;
}

function nameOf(file, ending) {
  return `${file.name.replace(/\.\w{1,6}$/, "")}-${t("result.refused_name")}${ending}`;
}
