// @ts-check
// A quota of a prize in the form of a draw: whom it is about, and how many of them at least and at most.

import { add, field, foreign, h, put } from "../dom.js";
import { number } from "../format.js";
import { t } from "../i18n/index.js";

/** An input of whole numbers. */
export function numberInput(min, max, value) {
  return h("input", { type: "number", min, max, step: 1, value, inputmode: "numeric" });
}

/**
 * One quota. `counted` is a promise of the list's counts, or of null if they are not known: then groups are typed.
 * The row has `read()` for the request's body, and `refuse()` for a group that nobody is in.
 */
export function quotaRow(counted) {
  const whom = h("div", { class: "whom" });
  const least = numberInput(0, 10000, "");
  const most = numberInput(0, 10000, "");
  const problem = h("div", { class: "quota-problem", role: "alert" });
  const row = h("div", { class: "quota" });
  /** @type {{groups: string[], withoutGroup: boolean}} */
  const chosen = { groups: [], withoutGroup: false };
  /** @type {{element: HTMLElement, read: () => string[]} | null} */
  let typed = null;
  const changed = () => row.dispatchEvent(new Event("input", { bubbles: true }));
  add(
    row,
    whom,
    field(t("draw_form.at_least"), least),
    field(t("draw_form.at_most"), most),
    h(
      "button",
      {
        type: "button",
        class: "small",
        "aria-label": t("draw_form.remove_quota"),
        onclick: () => {
          changed();
          row.remove();
        },
      },
      "✕",
    ),
    problem,
  );

  const groups = () => [...new Set([...chosen.groups, ...(typed?.read() ?? [])])];
  const show = (counts) => {
    chosen.groups = groups();
    const known = counts && (counts.groups.length > 0 || counts.in_other_groups > 0);
    typed = known && counts.in_other_groups === 0 ? null : typedGroups(chosen, known);
    put(
      whom,
      known ? listedGroups(chosen, counts) : null,
      typed?.element,
      known ? null : withoutGroup(chosen, null),
    );
  };
  show(null);
  counted.then(show);

  const read = () => {
    const names = groups();
    /** @type {Record<string, unknown>} */
    const quota = names.length === 1 ? { group: names[0] } : names.length ? { groups: names } : {};
    if (chosen.withoutGroup) quota.without_group = true;
    if (least.value !== "") quota.at_least = Number(least.value);
    if (most.value !== "") quota.at_most = Number(most.value);
    return quota;
  };
  const accept = () => put(problem);
  /** Says that nobody is in a group, and offers the nearest ones instead; `counts` are what the list has now. */
  const refuse = ({ group, nearest }, counts) => {
    show(counts);
    const message = h("div");
    const use = (name) => {
      chosen.groups = groups().map((one) => (isSame(one, group) ? name : one));
      typed = null;
      show(counts);
      message.remove();
      changed();
    };
    const buttons = nearest.map((name) =>
      h(
        "button",
        { type: "button", class: "small", onclick: () => use(name) },
        t("quota.use_group"),
        " ",
        foreign(name),
      ),
    );
    add(
      problem,
      add(
        message,
        h("p", { class: "problem" }, t("quota.unknown_group", { group })),
        h("p", { class: "row-actions" }, buttons),
      ),
    );
  };
  return Object.assign(row, { read, accept, refuse });
}

/** The service folds width and blanks before it compares. */
function isSame(one, other) {
  const fold = (text) => text.normalize("NFKC").trim().replace(/\s+/gu, " ");
  return fold(one) === fold(other);
}

/** The groups of the list with their sizes, several of which may be ticked. */
function listedGroups(chosen, counts) {
  const summary = h("summary");
  const name = () => {
    const names = [
      ...chosen.groups.map(foreign),
      chosen.withoutGroup ? t("quota.without_group") : null,
    ].filter(Boolean);
    put(
      summary,
      names.length ? names.flatMap((one, i) => (i ? [t("quota.and"), one] : [one])) : t("quota.choose"),
    );
  };
  // What was typed before and is on no list stays ticked, until the reader takes it off.
  const listed = new Set(counts.groups.map(({ group }) => group));
  const gone = chosen.groups.filter((group) => !listed.has(group)).map((group) => ({ group, people: 0 }));
  const choices = [...gone, ...counts.groups].map(({ group, people }) => {
    const box = h("input", { type: "checkbox", value: group, checked: chosen.groups.includes(group) });
    box.onchange = () => {
      chosen.groups = box.checked ? [...chosen.groups, group] : chosen.groups.filter((one) => one !== group);
      name();
    };
    return h(
      "label",
      { class: "check" },
      box,
      " ",
      foreign(group),
      " ",
      h("span", { class: "quiet" }, number(people)),
    );
  });
  name();
  return h(
    "details",
    { class: "choose", open: true },
    summary,
    h(
      "fieldset",
      { class: "choices" },
      h("legend", null, t("quota.several_hint")),
      choices,
      withoutGroup(chosen, counts, name),
    ),
  );
}

function withoutGroup(chosen, counts, onChange) {
  const box = h("input", { type: "checkbox", name: "without_group", checked: chosen.withoutGroup });
  box.onchange = () => {
    chosen.withoutGroup = box.checked;
    onChange?.();
  };
  return h(
    "label",
    { class: "check" },
    box,
    " ",
    t("quota.without_group"),
    " ",
    counts ? h("span", { class: "quiet" }, number(counts.without_group)) : null,
  );
}

/** Names of groups to type: the only way where the list has none yet, a further one where it has more than are counted. */
function typedGroups(chosen, isFurther) {
  const inputs = h("div");
  const another = (value) =>
    inputs.append(
      field(
        t(isFurther ? "quota.another_group" : "draw_form.group"),
        h("input", { maxlength: 64, autocomplete: "off", name: "group", value }),
      ),
    );
  const before = isFurther ? [] : chosen.groups.splice(0);
  (before.length ? before : [""]).forEach(another);
  const element = h(
    "div",
    { class: "typed" },
    inputs,
    h(
      "p",
      { class: "row-actions" },
      h("button", { type: "button", class: "small", onclick: () => another("") }, t("quota.add_group")),
    ),
  );
  const read = () => [...inputs.querySelectorAll("input")].map((input) => input.value.trim()).filter(Boolean);
  return { element, read };
}

/** Whom a quota of a draw is about, in words. */
export function whomInWords({ group, groups, without_group: withoutGroup }) {
  const names = [
    ...(group ? [group] : groups).map(foreign),
    withoutGroup ? t("quota.without_group") : null,
  ].filter(Boolean);
  return names.flatMap((one, i) => (i ? [t("quota.and"), one] : [one]));
}
