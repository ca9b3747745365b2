// What an organiser asks for when starting a draw.

import { post } from "../api.js";
import { add, field, h } from "../dom.js";
import { keepNotices, lotteryPath } from "../draws.js";
import { trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { link } from "../router.js";

/** The form of a new draw of this lottery. */
export function drawForm(lottery) {
  const prizes = h("div", { class: "prizes" });
  const addPrize = () => prizes.append(prize(prizes.children.length === 0));
  addPrize();
  const alternates = numberInput(0, 10000, 0);
  const closes = h("input", { type: "datetime-local", name: "closes_at" });
  const past = h("input", { type: "checkbox", checked: true });
  const sms = h("input", { type: "checkbox", checked: true });
  const email = h("input", { type: "checkbox", checked: true });
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary" }, t("draw_form.start"));
  // The same press of the button, repeated after a lost answer, is the same draw.
  let key = newKey();
  const form = h("form", { class: "card", onsubmit: start, oninput: () => { key = newKey(); } },
    h("h2", null, t("draw_form.title")),
    prizes,
    h("p", null, h("button", { type: "button", class: "small", onclick: addPrize }, t("draw_form.add_prize"))),
    h("details", null, h("summary", null, t("draw_form.options")),
      field(t("draw_form.alternates"), alternates, t("draw_form.alternates_hint")),
      field(t("draw_form.closes"), closes, t("draw_form.closes_hint")),
      h("fieldset", null, h("legend", null, t("draw_form.channels")),
        h("label", { class: "check" }, sms, " SMS"), h("label", { class: "check" }, email, " ", t("draw_form.email"))),
      h("p", { class: "hint" }, t("draw_form.tickets_hint"))),
    h("label", { class: "check" }, past, " ", t("draw_form.past")),
    problem, submit);

  async function start(event) {
    event.preventDefault();
    problem.textContent = "";
    submit.disabled = true;
    const body = {
      prizes: [...prizes.children].map((row) => row.read()),
      exclude_past_winners: past.checked,
      channels: [sms.checked && "sms", email.checked && "email"].filter(Boolean),
    };
    if (Number(alternates.value) > 0) body.alternates = Number(alternates.value);
    if (closes.value) body.closes_at = new Date(closes.value).toISOString();
    try {
      const draw = await post(lotteryPath(lottery.lottery_id, "draws"), body, { headers: { "idempotency-key": key } });
      keepNotices(draw.draw_id, draw.notices);
      location.hash = link("lotteries", lottery.lottery_id, "draws", draw.draw_id);
    } catch (error) {
      problem.textContent = trouble(error);
      submit.disabled = false;
    }
  }
  return form;
}

function newKey() {
  return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
}

function numberInput(min, max, value) {
  return h("input", { type: "number", min, max, step: 1, value, inputmode: "numeric" });
}

/** One prize: its name, how many win it, its quotas. */
function prize(isFirst) {
  const name = h("input", { name: "prize", required: true, maxlength: 100, autocomplete: "off", value: isFirst ? t("draw_form.first_prize") : "" });
  const winners = numberInput(1, 10000, 1);
  winners.required = true;
  winners.name = "winners";
  const quotas = h("div", { class: "quotas" });
  const row = h("fieldset", { class: "prize" },
    h("legend", null, t("draw_form.prize")),
    h("div", { class: "pair" }, field(t("draw_form.prize_name"), name), field(t("draw_form.winners"), winners)),
    quotas,
    h("p", { class: "row-actions" },
      h("button", { type: "button", class: "small", onclick: () => quotas.append(quota()) }, t("draw_form.add_quota")),
      isFirst ? null : h("button", { type: "button", class: "small", onclick: () => row.remove() }, t("draw_form.remove_prize"))));
  row.read = () => {
    const read = { name: name.value, winners: Number(winners.value) };
    const bounds = [...quotas.children].map((one) => one.read());
    if (bounds.length) read.quota = bounds;
    return read;
  };
  return row;
}

function quota() {
  const group = h("input", { maxlength: 64, required: true, autocomplete: "off" });
  const least = numberInput(0, 10000, "");
  const most = numberInput(0, 10000, "");
  const row = h("div", { class: "quota" });
  add(row, field(t("draw_form.group"), group), field(t("draw_form.at_least"), least), field(t("draw_form.at_most"), most),
    h("button", { type: "button", class: "small", "aria-label": t("draw_form.remove_quota"), onclick: () => row.remove() }, "✕"));
  row.read = () => {
    const read = { group: group.value };
    if (least.value !== "") read.at_least = Number(least.value);
    if (most.value !== "") read.at_most = Number(most.value);
    return read;
  };
  return row;
}
