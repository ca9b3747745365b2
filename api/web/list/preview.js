// @ts-check
// What an import would do, before it is done: what was detected, what each column holds, the first people as they are read,
// and what would become of them.

import { find, foreign, h, put } from "../dom.js";
import { explanation, number, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { columnTable } from "./columns.js";
import { peek } from "./cut.js";
import { choiceFields, settingFields } from "./options.js";
import { remarkList } from "./remarks.js";
import { Gone } from "./send.js";

/** Columns that are offered where the service found none. */
const BLIND_COLUMNS = 8;

/**
 * The preview of a file. `options` are those of the import and are changed in it; `onChange` looks anew, `onImport` imports,
 * `onCancel` leaves it. `people()` is how many are on the list now, or null.
 */
export function preview({ file, lottery, options, people, onChange, onImport, onCancel }) {
  const settings = h("div", { class: "settings" });
  const outcome = h("div", { class: "outcome", role: "status" });
  const columns = h("div", { class: "columns-read" });
  const remarks = h("div");
  const choices = h("div", { class: "choices" });
  const act = h(
    "button",
    {
      type: "button",
      class: "primary",
      name: "import",
      disabled: true,
      onclick: () => onImport(state.tally, withdrawn()),
    },
    t("preview.import_none"),
  );
  const element = h(
    "section",
    { class: "card preview", "aria-label": t("preview.title") },
    h(
      "header",
      { class: "preview-head" },
      h("h3", { tabindex: "-1" }, foreign(file.name)),
      h("button", { type: "button", class: "small", name: "cancel", onclick: onCancel }, t("preview.other")),
    ),
    outcome,
    columns,
    settings,
    remarks,
    choices,
    h("p", { class: "actions" }, act),
  );
  // `turn` distinguishes the current request from earlier ones.
  /** @type {{tally: import("./tally.js").Tally | null, first: any, turn: number}} */
  const state = { tally: null, first: null, turn: 0 };

  function change(values, isNewShape = false) {
    Object.assign(options, values);
    if (isNewShape) options.mapping = null;
    element.classList.add("checking");
    act.disabled = true;
    state.turn += 1;
    onChange();
  }

  /** How many a replacing import would withdraw; null if that is not known yet. */
  function withdrawn() {
    if (options.mode !== "replace") return 0;
    const { tally } = state;
    if (!tally?.isComplete) return null;
    if (tally.withdrawn !== null) return tally.withdrawn;
    const all = people();
    return all === null ? null : Math.max(0, all - tally.updated - tally.unchanged);
  }

  /** Shows what is known so far. */
  function show(tally, first) {
    Object.assign(state, { tally, first });
    element.classList.toggle("checking", !tally.isComplete);
    keepFocus(element, () => {
      showOutcome(tally);
      put(settings, settingFields(first.detected, options, lottery, change, tally.warnings));
      put(columns, columnTable(first, options, change));
      put(
        remarks,
        idsMade(first.detected),
        remarkList(t("preview.refused", { n: number(tally.refused) }), tally.refusals, tally.refused, "bad"),
        remarkList(t("preview.warned", { n: number(tally.warned) }), tally.warnings, tally.warned, "warn"),
        [...tally.notices.values()].map((notice) => h("p", { class: "notice" }, explanation(notice))),
      );
      put(choices, choiceFields(options, change, withdrawn(), people()));
    });
    const n = tally.brought;
    act.disabled = !tally.isComplete || n === 0 || withdrawn() === null;
    act.textContent = n
      ? t(options.mode === "replace" ? "preview.replace" : "preview.import", { n: number(n) })
      : t("preview.import_none");
  }

  /** @param {import("./tally.js").Tally} tally */
  function showOutcome(tally) {
    const gone = withdrawn();
    /** @type {[string, number | null][]} */
    const figures = [
      ["new", tally.accepted],
      ["changed", tally.updated],
      ["unchanged", tally.unchanged],
      ["refused", tally.refused],
    ];
    if (options.mode === "replace") figures.push(["withdrawn", gone]);
    put(
      outcome,
      tally.isComplete
        ? null
        : h(
            "p",
            { class: "quiet" },
            t("preview.checking", { n: number(tally.done), all: number(tally.rows) }),
          ),
      h(
        "ul",
        { class: "figures" },
        figures.map(([name, value]) =>
          h(
            "li",
            { "data-figure": name, class: value ? null : "none" },
            h("strong", null, value === null ? "…" : number(value)),
            h("span", null, t(name === "refused" ? "preview.refused_figure" : `preview.${name}`)),
          ),
        ),
      ),
      tally.isComplete && tally.brought === 0 && tally.refused === 0
        ? h("p", { class: "problem" }, t("preview.nobody"))
        : null,
      tally.isComplete && tally.brought > 0 && tally.brought === tally.unchanged && !gone
        ? h("p", { class: "notice" }, t("preview.same"))
        : null,
    );
  }

  /** Nothing of the file can be read as it is: says why, and leaves what can be changed. */
  async function fail(error) {
    Object.assign(state, { tally: null, first: null });
    element.classList.remove("checking");
    act.disabled = true;
    act.textContent = t("preview.import_none");
    const canMap = ["HeaderNotFound", "NameColumnMissing", "ColumnAmbiguous", "MappedColumnMissing"].includes(
      error.code,
    );
    const { turn } = state;
    const rows = canMap ? await peek(file, options.charset).catch(() => null) : null;
    if (turn !== state.turn) return;
    const detected = {
      form: null,
      encoding: null,
      delimiter: null,
      sheet: null,
      header_line: null,
      columns: blind(rows),
      ids_made: false,
    };
    const header_row =
      options.header_row ?? (rows && looksLikeHeader(rows[0]) ? String(rows[0].line) : "none");
    keepFocus(element, () => {
      put(
        outcome,
        h("p", { class: "problem" }, whyNot(error)),
        error.status || error instanceof TypeError
          ? null
          : h(
              "p",
              null,
              h(
                "button",
                { type: "button", class: "small", name: "again", onclick: () => change({}) },
                t("again"),
              ),
            ),
      );
      put(settings, settingFields(detected, options, lottery, change, []));
      put(
        columns,
        canMap
          ? [
              h("p", { class: "hint" }, t("preview.blind")),
              columnTable({ detected, sample: rows ?? [] }, { ...options, header_row }, (values) =>
                change({ header_row, ...values }),
              ),
            ]
          : null,
      );
      put(remarks);
      put(choices);
    });
  }

  put(outcome, h("p", { class: "quiet" }, t("preview.reading")));
  return { element, show, fail, focus: () => find(element, "h3")?.focus() };
}

function whyNot(error) {
  // Bytes that the browser could not decode have no status; nor has a service that does not answer.
  if (error instanceof TypeError) return t("import.not_encoding");
  if (error instanceof Gone) return t("import.changed");
  return error.status === 413 ? t("import.too_large") : trouble(error);
}

/** Columns of which nothing is known. */
export function blind(rows) {
  const length = rows ? Math.max(...rows.map((row) => row.cells.length)) : BLIND_COLUMNS;
  return Array.from({ length }, () => ({ header: "", field: null }));
}

/** A row that holds a number or an address is a person. */
export function looksLikeHeader(row) {
  return row !== undefined && !row.cells.some((cell) => /\d{3}|@/.test(cell));
}

/** Draws anew without taking the focus from the control that somebody has just used. */
export function keepFocus(element, draw) {
  const { name, type } = /** @type {any} */ (
    element.contains(document.activeElement) ? document.activeElement : {}
  );
  draw();
  if (name)
    element.querySelector(`[name="${CSS.escape(name)}"]${type === "radio" ? ":checked" : ""}`)?.focus();
}

/** Says that ids were made. */
export function idsMade(detected) {
  return detected.ids_made ? h("p", { class: "notice" }, t("preview.ids_made")) : null;
}
