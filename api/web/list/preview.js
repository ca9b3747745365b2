// @ts-check
// What an import would do, before it is done: what was detected, what each column holds, the first people as they are read,
// and what would become of them.

import { field, find, foreign, h, put } from "../dom.js";
import { explanation, number, trouble } from "../format.js";
import { known, t } from "../i18n/index.js";
import { countryName, countrySelect } from "./country.js";
import { peek } from "./cut.js";
import { columnName, remarkList } from "./remarks.js";
import { Gone } from "./send.js";

const FIELDS = [
  "participant_id",
  "name",
  "first_name",
  "last_name",
  "phone",
  "email",
  "group",
  "tickets",
  "excluded",
];
const CHARSETS = [
  "utf-8",
  "gb18030",
  "big5",
  "utf-16le",
  "utf-16be",
  "windows-1252",
  "windows-1251",
  "euc-kr",
  "shift_jis",
];
const HEADER_LINES = 12;
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
  /** @type {{tally: import("./send.js").Tally | null, first: any, turn: number}} */
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

  /** @param {import("./send.js").Tally} tally */
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

function blind(rows) {
  const length = rows ? Math.max(...rows.map((row) => row.cells.length)) : BLIND_COLUMNS;
  return Array.from({ length }, () => ({ header: "", field: null }));
}

/** A row that holds a number or an address is a person. */
function looksLikeHeader(row) {
  return row !== undefined && !row.cells.some((cell) => /\d{3}|@/.test(cell));
}

/** Draws anew without taking the focus from the control that somebody has just used. */
function keepFocus(element, draw) {
  const { name, type } = /** @type {any} */ (
    element.contains(document.activeElement) ? document.activeElement : {}
  );
  draw();
  if (name)
    element.querySelector(`[name="${CSS.escape(name)}"]${type === "radio" ? ":checked" : ""}`)?.focus();
}

function idsMade(detected) {
  return detected.ids_made ? h("p", { class: "notice" }, t("preview.ids_made")) : null;
}

function choice(name, values, value, onchange) {
  const select = h(
    "select",
    { name, onchange: () => onchange(select.value) },
    values.map(([code, words]) => h("option", { value: code }, words)),
  );
  select.value = value ?? "";
  return select;
}

/** What was detected, each as far as it can be said otherwise. */
function settingFields(detected, options, lottery, change, warnings) {
  const { encoding, form } = detected;
  const isWorkbook = ["xlsx", "xls", "ods"].includes(form);
  const fields = [];
  const separator = detected.delimiter
    ? (known(`delimiter.${detected.delimiter}`) ?? t("delimiter.other", { delimiter: detected.delimiter }))
    : null;
  const kind = form
    ? [t(`form.${form}`), form === "csv" && separator ? t("form.separated", { delimiter: separator }) : null]
        .filter(Boolean)
        .join(t("remarks.comma"))
    : null;
  if (!isWorkbook) {
    const found = encoding
      ? t(encoding.certainty === "guessed" ? "charset.guessed" : "charset.found", {
          name: known(`charset.${encoding.name.toLowerCase()}`) ?? encoding.name,
        })
      : t("charset.auto");
    const values = [
      ["", options.charset ? t("charset.auto") : found],
      ...CHARSETS.map((code) => [code, known(`charset.${code}`) ?? code]),
    ];
    fields.push(
      field(
        t("preview.charset"),
        choice("charset", values, options.charset, (charset) => change({ charset: charset || null }, true)),
        encoding?.certainty === "guessed" && !options.charset ? t("charset.hint") : null,
      ),
    );
  } else {
    const names = sheetNames(detected, warnings);
    if (options.sheet && !names.includes(options.sheet)) names.push(options.sheet);
    fields.push(
      field(
        t("preview.sheet"),
        choice(
          "sheet",
          names.map((name) => [name, name]),
          detected.sheet,
          (sheet) => change({ sheet }, true),
        ),
      ),
    );
  }
  if (form === "csv" || isWorkbook || form === null) {
    const auto =
      detected.header_line === null || options.header_row
        ? t("header.auto")
        : t("header.found", { n: number(detected.header_line) });
    const lines = Array.from({ length: HEADER_LINES }, (_, index) => [
      String(index + 1),
      t("header.line", { n: number(index + 1) }),
    ]);
    fields.push(
      field(
        t("preview.header"),
        choice("header_row", [["", auto], ...lines, ["none", t("header.none")]], options.header_row, (row) =>
          change({ header_row: row || null }, true),
        ),
      ),
    );
  }
  const country = countrySelect(
    "country",
    options.country ?? "",
    lottery.country ? t("country.of_lottery", { country: countryName(lottery.country) }) : t("country.none"),
  );
  country.addEventListener("change", () => change({ country: country.value || null }));
  fields.push(field(t("preview.country"), country));
  return [
    form &&
      h("p", { class: "kind-of-file" }, t("preview.detected"), t("remarks.colon"), h("strong", null, kind)),
    h("div", { class: "setting-fields" }, fields),
  ];
}

/** The sheet that is read, and those that hold something too. */
function sheetNames(detected, warnings) {
  const names = new Set([detected.sheet]);
  for (const { code, parameters } of warnings) {
    if (code === "SheetsLeftOut")
      (parameters.others ?? "").split(/, |、/).forEach((name) => name && names.add(name));
  }
  return [...names].filter(Boolean);
}

/** How a mapping names a column: by its header where nothing else has that name, else by its number. */
function keyOf(columns, index, options) {
  const { header } = columns[index];
  const isNumber = /^\s*\d+\s*$/.test(header);
  const isAlone = columns.filter((column) => column.header.trim() === header.trim()).length === 1;
  return header.trim() && isAlone && !isNumber && options.header_row !== "none" ? header : String(index + 1);
}

/** The first people as they are read, with what each column holds above it. */
function columnTable({ detected, sample }, options, change) {
  const { columns } = detected;
  if (!columns.length) return null;
  const set = (index, name) => {
    const mapping = { ...options.mapping };
    const say = (at, field) => {
      delete mapping[at + 1];
      mapping[keyOf(columns, at, options)] = field;
    };
    columns.forEach((column, other) => {
      if (other !== index && name && column.field === name) say(other, null);
    });
    say(index, name || null);
    change({ mapping });
  };
  const hasHeaders = columns.some((column) => column.header);
  const title = (column, index) => column.header || t("preview.column", { n: columnLetter(index) });
  const head = columns.map((column, index) => {
    const select = choice(
      `column-${index}`,
      [["", t("preview.leave_out")], ...FIELDS.map((name) => [name, columnName(name)])],
      column.field,
      (name) => set(index, name),
    );
    select.setAttribute("aria-label", t("preview.holds", { column: title(column, index) }));
    return h(
      "th",
      { scope: "col", class: column.field ? null : "left-out" },
      select,
      hasHeaders || !detected.form ? h("span", { class: "of-file" }, foreign(title(column, index))) : null,
    );
  });
  const rows = (sample ?? []).map((row) =>
    h(
      "tr",
      { class: row.refused ? "refused" : null, title: row.refused ? explanation(row.refused) : null },
      h("td", { class: "n line" }, number(row.line)),
      columns.map((column, index) =>
        h("td", { class: column.field ? null : "left-out" }, valueOf(row, column.field, row.cells?.[index])),
      ),
    ),
  );
  return h(
    "div",
    { class: "scroller", tabindex: "0", role: "region", "aria-label": t("preview.rows") },
    h(
      "table",
      { class: "sample" },
      h("thead", null, h("tr", null, h("th", { scope: "col", class: "n line" }, t("import.line")), head)),
      h("tbody", null, rows),
    ),
  );
}

function columnLetter(index) {
  return String.fromCharCode(65 + (index % 26));
}

/** A value as it was read; what the file says where nothing of it is kept is crossed out. */
function valueOf(row, name, cell) {
  if (name === null) return cell ? foreign(cell) : "";
  const value = name === "first_name" || name === "last_name" ? cell : row[name];
  if (value === null || value === undefined || value === "" || row.refused)
    return cell ? (row.refused ? foreign(cell) : h("s", null, foreign(cell))) : "";
  if (name === "excluded") return value ? t("person.yes") : "";
  return foreign(String(value));
}

function choiceFields(options, change, withdrawn, people) {
  const radio = (value, words, more) =>
    h(
      "label",
      { class: "check" },
      h("input", {
        type: "radio",
        name: "mode",
        value,
        checked: options.mode === value,
        onchange: () => change({ mode: value }),
      }),
      " ",
      words,
      more ? h("span", { class: "hint" }, more) : null,
    );
  const check = (name, words, hint, isOn, set) => {
    const box = h("input", { type: "checkbox", name, checked: isOn, onchange: () => set(box.checked) });
    return h("label", { class: "check" }, box, " ", words, h("span", { class: "hint" }, hint));
  };
  return [
    people === 0
      ? null
      : h(
          "fieldset",
          null,
          h("legend", null, t("preview.mode")),
          radio("merge", t("mode.merge"), t("mode.merge_hint")),
          radio(
            "replace",
            t("mode.replace"),
            options.mode === "replace" && withdrawn !== null
              ? t("mode.replace_count", { n: number(withdrawn) })
              : t("mode.replace_hint"),
          ),
        ),
    h(
      "details",
      { open: Boolean(options.strict || options.clear) },
      h("summary", null, t("preview.more")),
      check("strict", t("preview.strict"), t("preview.strict_hint"), Boolean(options.strict), (strict) =>
        change({ strict: strict || null }),
      ),
      check("clear", t("preview.clear"), t("preview.clear_hint"), Boolean(options.clear), (clear) =>
        change({ clear: clear ? "-" : null }),
      ),
    ),
  ];
}
