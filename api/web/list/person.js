// @ts-check
// One person of a list: their row, edited in place, and a form for a new one.

import { get, send } from "../api.js";
import { ask } from "../dialog.js";
import { field, find, foreign, h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { explanation, number, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { saveReceipt } from "../views/join.js";
import { columnName } from "./remarks.js";

const WIDTH = 7;

/** The row of a person. `context`: the lottery, whether the list is masked, its groups, and what to do when somebody changed. */
export function personRow(person, context) {
  const row = h("tr");
  const show = (now) => {
    const button = h(
      "button",
      {
        type: "button",
        class: "small edit",
        tabindex: "-1",
        "aria-expanded": "false",
        "aria-label": t("person.edit_who", { name: `${now.participant_id} ${now.name}` }),
      },
      t(context.isMasked ? "person.open" : "person.edit"),
    );
    button.addEventListener("click", () => toggle(row, now, button, context, show));
    row.dataset.id = now.participant_id;
    put(
      row,
      h("td", { class: "id" }, foreign(now.participant_id)),
      h(
        "td",
        { class: "name" },
        foreign(now.name),
        now.excluded ? [" ", h("span", { class: "badge quiet" }, t("person.out"))] : null,
        now.present_at ? [" ", h("span", { class: "badge good" }, t("person.here"))] : null,
        now.answer ? h("span", { class: "own-words" }, foreign(now.answer)) : null,
      ),
      h("td", { class: now.phone ? null : "blank" }, now.phone),
      h("td", { class: now.email ? null : "blank" }, now.email ? foreign(now.email) : null),
      h("td", { class: now.group ? null : "blank" }, now.group ? foreign(now.group) : null),
      h("td", { class: now.tickets === 1 ? "n one" : "n" }, number(now.tickets)),
      h("td", { class: "row-buttons" }, button),
    );
  };
  show(person);
  return row;
}

/** Opens or closes the form below a row. */
function toggle(row, person, button, context, show) {
  const below = row.nextElementSibling;
  if (below?.classList.contains("editing")) return close(below, row, button);
  const editing = h("tr", { class: "editing" });
  const end = () => close(editing, row, button);
  put(
    editing,
    h(
      "td",
      { colspan: WIDTH },
      context.isMasked ? actionsOf(row, person, context, end) : editForm(row, person, context, show, end),
    ),
  );
  editing.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
  });
  row.after(editing);
  button.setAttribute("aria-expanded", "true");
  find(editing, "input, button")?.focus();
}

function close(editing, row, button) {
  editing.remove();
  button.setAttribute("aria-expanded", "false");
  (row.querySelector("button.edit") ?? button).focus();
}

function controlsOf(person, groups) {
  const id = `groups-${Math.random().toString(36).slice(2)}`;
  const text = (name, value, more) =>
    h("input", { name, value: value ?? "", autocomplete: "off", spellcheck: "false", ...more });
  const controls = {
    name: text("name", person.name, { required: true, maxlength: 200 }),
    phone: text("phone", person.phone, { inputmode: "tel", maxlength: 60 }),
    email: text("email", person.email, { inputmode: "email", maxlength: 254 }),
    group: text("group", person.group, { maxlength: 64, list: id }),
    tickets: text("tickets", person.tickets ?? 1, {
      type: "number",
      min: 1,
      max: 1000,
      step: 1,
      required: true,
      inputmode: "numeric",
    }),
    excluded: h("input", { type: "checkbox", name: "excluded", checked: Boolean(person.excluded) }),
  };
  const { excluded, ...fields } = controls;
  const elements = h(
    "div",
    { class: "person-fields" },
    Object.entries(fields).map(([name, control]) => field(columnName(name), control)),
    h("label", { class: "check" }, excluded, " ", t("person.excluded")),
    h(
      "datalist",
      { id },
      groups.map((one) => h("option", { value: one.group })),
    ),
  );
  return { controls, elements };
}

/** What the controls say: null for what is left empty. */
function valuesOf({ name, phone, email, group, tickets, excluded }) {
  const text = (control) => control.value.trim() || null;
  return {
    name: name.value.trim(),
    phone: text(phone),
    email: text(email),
    group: text(group),
    tickets: Number(tickets.value),
    excluded: excluded.checked,
  };
}

function editForm(row, person, context, show, end) {
  const { controls, elements } = controlsOf(person, context.groups());
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary small" }, t("person.save"));
  const save = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    const changed = Object.fromEntries(
      Object.entries(valuesOf(controls)).filter(([name, value]) => value !== (person[name] ?? null)),
    );
    if (!Object.keys(changed).length) return end();
    submit.disabled = true;
    try {
      const response = await send(
        "PATCH",
        lotteryPath(context.lottery, "participants", person.participant_id),
        {
          headers: { accept: "application/json", "content-type": "application/merge-patch+json" },
          body: JSON.stringify(changed),
        },
      );
      const saved = await response.json();
      show(saved);
      context.onChanged();
      if (!saved.warnings?.length) return end();
      const cell = /** @type {HTMLElement} */ (form.parentElement);
      put(
        cell,
        h(
          "p",
          { class: "notice", role: "status" },
          t("person.note"),
          " ",
          saved.warnings.map(remarkText).join(" "),
        ),
        h("button", { type: "button", class: "small", onclick: end }, t("person.close")),
      );
    } catch (error) {
      problem.textContent = trouble(error);
      submit.disabled = false;
      submit.focus();
    }
  };
  const form = h(
    "form",
    { class: "person", onsubmit: save },
    elements,
    problem,
    h(
      "p",
      { class: "actions" },
      submit,
      h("button", { type: "button", class: "small", onclick: end }, t("person.cancel")),
      furtherActions(row, person, context, end, problem),
    ),
  );
  return form;
}

function actionsOf(row, person, context, end) {
  const problem = h("p", { class: "problem", role: "alert" });
  return h(
    "div",
    { class: "person" },
    problem,
    h("p", { class: "actions" }, furtherActions(row, person, context, end, problem)),
  );
}

/** What else can be done with a person: their receipt, and withdrawing them. */
function furtherActions(row, person, { lottery, onChanged }, end, problem) {
  const where = lotteryPath(lottery, "participants", person.participant_id);
  const showError = (error) => {
    problem.textContent = trouble(error);
  };
  const receipt = () =>
    get(`${where}/receipt`)
      .then((answer) => saveReceipt(lottery, answer))
      .catch(showError);
  const withdraw = async () => {
    const isSure = await ask({
      title: t("withdraw.title", { name: person.name }),
      text: t("withdraw.text"),
      yes: t("withdraw.yes"),
    });
    if (!isSure) return;
    try {
      await send("DELETE", where);
      const next = row.nextElementSibling?.nextElementSibling ?? row.previousElementSibling;
      end();
      row.remove();
      next?.querySelector("button.edit")?.focus();
      onChanged();
    } catch (error) {
      showError(error);
    }
  };
  return [
    h(
      "button",
      { type: "button", class: "small", name: "receipt", onclick: receipt },
      t("participants.receipt"),
    ),
    h(
      "button",
      { type: "button", class: "small grave", name: "withdraw", onclick: withdraw },
      t("participants.withdraw"),
    ),
  ];
}

/** The form for somebody new. It stays open for the next one. */
export function addForm(lottery, groups, { onAdded, onClose }) {
  const id = h("input", { name: "participant_id", autocomplete: "off", spellcheck: "false", maxlength: 64 });
  const { controls, elements } = controlsOf({}, groups);
  const problem = h("p", { class: "problem", role: "alert" });
  const done = h("p", { class: "done", role: "status" });
  const submit = h("button", { type: "submit", class: "primary small" }, t("person.add"));
  const save = async (event) => {
    event.preventDefault();
    problem.textContent = done.textContent = "";
    submit.disabled = true;
    const body = Object.fromEntries(
      Object.entries({ participant_id: id.value.trim() || null, ...valuesOf(controls) }).filter(
        ([, value]) => value !== null && value !== false,
      ),
    );
    try {
      const response = await send("POST", lotteryPath(lottery, "participants"), {
        headers: { accept: "application/json", "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const report = await response.json();
      const [refusal] = report.refusals;
      if (refusal) {
        problem.textContent = remarkText(refusal);
      } else {
        done.textContent = [
          t(report.accepted ? "person.added" : "person.updated", { name: body.name }),
          ...report.warnings.map(remarkText),
        ].join(" ");
        for (const control of [id, controls.name, controls.phone, controls.email]) control.value = "";
        onAdded();
      }
    } catch (error) {
      problem.textContent = trouble(error);
    }
    submit.disabled = false;
    (problem.textContent ? submit : id).focus();
  };
  const form = h(
    "form",
    { class: "card person add-person", onsubmit: save },
    h("h3", null, t("person.new")),
    field(t("column.participant_id"), id, t("person.id_hint")),
    elements,
    problem,
    done,
    h(
      "p",
      { class: "actions" },
      submit,
      h("button", { type: "button", class: "small", onclick: onClose }, t("person.close")),
    ),
  );
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") onClose();
  });
  return form;
}

function remarkText(remark) {
  const words = explanation(remark);
  return remark.column ? t("trouble.field", { field: columnName(remark.column), reason: words }) : words;
}
