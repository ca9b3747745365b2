// @ts-check
// A big list as it was read so far, before anybody on it is imported: what its columns hold, what was detected, its first people.

import { find, foreign, h, put } from "../dom.js";
import { explanation, number, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { columnTable } from "./columns.js";
import { choiceFields, settingFields } from "./options.js";
import { blind, idsMade, keepFocus, looksLikeHeader } from "./preview.js";
import { remarkList } from "./remarks.js";

const SETTINGS = ["mapping", "charset", "country", "header_row", "sheet", "strict", "clear"];

/** Faults that go away when somebody says what the columns hold. */
const ABOUT_COLUMNS = ["HeaderNotFound", "NameColumnMissing", "ColumnAmbiguous", "MappedColumnMissing"];

/**
 * The form. `view` is the import that asks; `people()` is how many are on the list now. `onLook(settings, looks)` looks at the list
 * again and gives the view of that; `onImport(settings, mode, looks)` goes on; `onStop(view)` leaves the list.
 */
export function question({ name, lottery, view, people, onLook, onImport, onStop }) {
  const options = Object.assign(
    { mode: view.mode },
    ...SETTINGS.map((setting) => ({ [setting]: view.settings[setting] || null })),
  );
  const outcome = h("div", { class: "outcome", role: "status" });
  const columns = h("div", { class: "columns-read" });
  const settings = h("div", { class: "settings" });
  const remarks = h("div");
  const choices = h("div", { class: "choices" });
  const problem = h("p", { class: "problem", role: "alert" });
  const act = h("button", { type: "button", class: "primary", name: "import", onclick: go });
  const element = h(
    "section",
    { class: "card preview question", "aria-label": t("preview.title") },
    h(
      "header",
      { class: "preview-head" },
      h("h3", { tabindex: "-1" }, foreign(name)),
      h(
        "button",
        { type: "button", class: "small", name: "cancel", onclick: () => tell(() => onStop(view)) },
        t("preview.other"),
      ),
    ),
    outcome,
    columns,
    settings,
    remarks,
    choices,
    problem,
    h("p", { class: "actions" }, act),
  );
  let isLooking = false;
  let isChanged = false;

  /** The settings as the service takes them. */
  const said = () =>
    Object.fromEntries(SETTINGS.filter((one) => options[one]).map((one) => [one, options[one]]));

  /** Does something, and says why it failed. */
  async function tell(work) {
    problem.textContent = "";
    try {
      await work();
    } catch (error) {
      if (error.name !== "AbortError") problem.textContent = trouble(error);
    }
  }

  async function go() {
    act.disabled = true;
    await tell(() => onImport(said(), options.mode, view.inspection.looks));
    act.disabled = false;
  }

  function change(values, isNewShape = false) {
    Object.assign(options, values);
    if (isNewShape) options.mapping = null;
    if (Object.keys(values).every((one) => one === "mode")) return show();
    isChanged = true;
    if (!isLooking) lookAgain();
  }

  /** Looks until nothing was changed while it looked. */
  async function lookAgain() {
    isLooking = true;
    element.classList.add("checking");
    act.disabled = true;
    put(outcome, h("p", { class: "quiet" }, t("big.looking")));
    await tell(async () => {
      while (isChanged) {
        isChanged = false;
        view = (await onLook(said(), view.inspection.looks)) ?? view;
      }
    });
    isLooking = false;
    element.classList.remove("checking");
    if (view.state === "ASKING") show();
  }

  function show() {
    const { detected, sample, unreadable } = view.inspection;
    const isAboutColumns = ABOUT_COLUMNS.includes(unreadable?.code);
    keepFocus(element, () => {
      showOutcome(view.inspection);
      put(settings, settingFields(detected, options, lottery, change, view.inspection.remarks));
      if (unreadable && !isAboutColumns) put(columns);
      else if (unreadable) put(columns, ...unknownColumns(sample));
      else put(columns, columnTable(view.inspection, options, change));
      put(choices, unreadable ? null : choiceFields(options, change, null, people()));
      showRemarks(view.inspection);
    });
    act.disabled = Boolean(unreadable);
    act.textContent = t(options.mode === "replace" ? "big.replace" : "big.import");
  }

  function showOutcome({ unreadable, rows, refused, is_whole }) {
    if (unreadable) {
      put(outcome, h("p", { class: "problem" }, explanation(unreadable)));
      return;
    }
    put(
      outcome,
      h(
        "p",
        null,
        h("strong", null, t(is_whole ? "big.looked_all" : "big.looked", { n: number(rows) })),
        " ",
        t("big.nobody_yet"),
      ),
      rows > 0 && rows === refused ? h("p", { class: "problem" }, t("preview.nobody")) : null,
    );
  }

  function showRemarks({ detected, unreadable, refused, refusals, warned, remarks: warnings }) {
    put(
      remarks,
      unreadable ? null : idsMade(detected),
      unreadable ? null : remarkList(t("preview.refused", { n: number(refused) }), refusals, refused, "bad"),
      unreadable ? null : remarkList(t("preview.warned", { n: number(warned) }), warnings, warned, "warn"),
    );
  }

  /** The first rows as they are, where nobody knows what the columns hold. */
  function unknownColumns(sample) {
    const rows = sample.map(({ line, cells }) => ({ line, cells }));
    const first = rows.length && looksLikeHeader(rows[0]) ? String(rows[0].line) : "none";
    const header_row = options.header_row ?? first;
    const detected = { form: null, columns: blind(rows.length ? rows : null) };
    return [
      h("p", { class: "hint" }, t("preview.blind")),
      columnTable({ detected, sample: rows }, { ...options, header_row }, (values) =>
        change({ header_row, ...values }),
      ),
    ];
  }

  show();
  return { element, focus: () => find(element, "h3")?.focus() };
}
