// @ts-check
// What each column of a file holds, with the first people as they are read.

import { foreign, h } from "../dom.js";
import { explanation, number } from "../format.js";
import { t } from "../i18n/index.js";
import { choice } from "./options.js";
import { columnName } from "./remarks.js";

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

/** The first people as they are read, with what each column holds above it. */
export function columnTable({ detected, sample }, options, change) {
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

/** How a mapping names a column: by its header where nothing else has that name, else by its number. */
function keyOf(columns, index, options) {
  const { header } = columns[index];
  const isNumber = /^\s*\d+\s*$/.test(header);
  const isAlone = columns.filter((column) => column.header.trim() === header.trim()).length === 1;
  return header.trim() && isAlone && !isNumber && options.header_row !== "none" ? header : String(index + 1);
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
