// @ts-check
// What the service says of lines, grouped by kind, in the reader's language.

import { foreign, h } from "../dom.js";
import { explanation, number } from "../format.js";
import { known, t } from "../i18n/index.js";

/** Lines of one kind that are listed by their numbers, and with their sentences; the others are counted. */
const MAX_LINES = 60;
const MAX_SENTENCES = 30;

/** The name of a column as people know it; an unknown column keeps its own name. */
export function columnName(column) {
  return known(`column.${column}`) ?? column;
}

/** A list of kinds, the most frequent first. `total` counts those too that the service did not list. */
export function remarkList(title, remarks, total, mood) {
  if (!remarks.length) return null;
  const kinds = new Map();
  for (const remark of remarks) {
    const key = `${remark.column ?? ""}|${remark.code}`;
    if (!kinds.has(key)) kinds.set(key, []);
    kinds.get(key).push(remark);
  }
  const sorted = [...kinds.values()].sort((one, other) => other.length - one.length);
  const isShort = sorted.length <= 4;
  return h(
    "section",
    { class: `remarks ${mood}`, "aria-label": title },
    h("h4", null, title),
    sorted.map((list) => kind(list, isShort && list.length <= MAX_SENTENCES)),
    total > remarks.length
      ? h("p", { class: "quiet" }, t("remarks.more", { n: number(total - remarks.length) }))
      : null,
  );
}

/** One kind: what is wrong, how often, and on which lines. */
function kind(list, isOpen) {
  const sentences = new Set(list.map((remark) => explanation(remark)));
  const [first] = list;
  const name = first.column ? [foreign(columnName(first.column)), t("remarks.colon")] : null;
  const isOne = sentences.size === 1;
  const words = isOne ? explanation(first) : t("remarks.kinds");
  if (list.length === 1)
    return h("p", { class: "kind", "data-code": first.code }, lineOf(first), t("remarks.colon"), name, words);
  return h(
    "details",
    { class: "kind", open: isOpen, "data-code": first.code },
    h(
      "summary",
      null,
      name,
      words,
      " ",
      h("span", { class: "count" }, t("remarks.lines", { n: number(list.length) })),
    ),
    isOne
      ? h(
          "p",
          { class: "lines" },
          list
            .slice(0, MAX_LINES)
            .map((remark, index) => [
              index ? t("remarks.comma") : null,
              h("span", null, remark.cell ?? number(remark.line)),
            ]),
          rest(list, MAX_LINES),
        )
      : [
          h(
            "ul",
            { class: "lines" },
            list
              .slice(0, MAX_SENTENCES)
              .map((remark) =>
                h("li", null, lineOf(remark), t("remarks.colon"), foreign(explanation(remark))),
              ),
          ),
          rest(list, MAX_SENTENCES),
        ],
  );
}

function lineOf(remark) {
  return h(
    "span",
    { class: "at" },
    remark.cell ? t("remarks.cell", { cell: remark.cell }) : t("remarks.line", { n: number(remark.line) }),
  );
}

function rest(list, named) {
  return list.length > named
    ? h("span", { class: "quiet" }, " ", t("remarks.more", { n: number(list.length - named) }))
    : null;
}
