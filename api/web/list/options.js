// @ts-check
// The options of an import as form controls.

import { field, h } from "../dom.js";
import { number } from "../format.js";
import { known, t } from "../i18n/index.js";
import { countryName, countrySelect } from "./country.js";

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

/** A choice among `[value, words]`. */
export function choice(name, values, value, onchange) {
  const select = h(
    "select",
    { name, onchange: () => onchange(select.value) },
    values.map(([code, words]) => h("option", { value: code }, words)),
  );
  select.value = value ?? "";
  return select;
}

/** What a file was read as; null of one that is not known. */
export function kindOfFile({ form, delimiter }) {
  if (!form) return null;
  const separator = delimiter
    ? (known(`delimiter.${delimiter}`) ?? t("delimiter.other", { delimiter }))
    : null;
  const kind = [
    t(`form.${form}`),
    form === "csv" && separator ? t("form.separated", { delimiter: separator }) : null,
  ];
  return h(
    "p",
    { class: "kind-of-file" },
    t("preview.detected"),
    t("remarks.colon"),
    h("strong", null, kind.filter(Boolean).join(t("remarks.comma"))),
  );
}

/** What was detected, each as far as it can be said otherwise. */
export function settingFields(detected, options, lottery, change, warnings) {
  const { encoding, form } = detected;
  const isWorkbook = ["xlsx", "xls", "ods"].includes(form);
  const fields = [];
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
  return [kindOfFile(detected), h("div", { class: "setting-fields" }, fields)];
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

/** What becomes of the people on the list, and how strictly the file is read. */
export function choiceFields(options, change, withdrawn, people) {
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
