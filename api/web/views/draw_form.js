// @ts-check
// What an organiser asks for when starting a draw.

import { get, post } from "../api.js";
import { ask } from "../dialog.js";
import { field, h } from "../dom.js";
import { keepNotices, lotteryPath } from "../draws.js";
import { number, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { keepView, link } from "../router.js";
import { token } from "../session.js";
import { claimChoice } from "./claim_choice.js";
import { optedOutNotice } from "./opted_out.js";
import { numberInput, quotaRow } from "./quota_form.js";
import { Unsure, timeField } from "../time_field.js";
import { releaseChoice } from "./release.js";

/** The form of a new draw of this lottery. */
export function drawForm(lottery) {
  const prizes = h("div", { class: "prizes" });
  // Which groups there are is asked anew for each quota: the list may have come in between.
  const counts = () => get(lotteryPath(lottery.lottery_id, "counts")).catch(() => null);
  const addPrize = () => prizes.append(prize(prizes.children.length === 0, counts));
  addPrize();
  const alternates = numberInput(0, 10000, 0);
  const zone = lottery.time_zone;
  const closes = timeField(zone, "closes_at", t("draw_form.closes"), t("draw_form.closes_hint"));
  const drawAt = timeField(zone, "draw_at", t("draw_form.draw_at"), t("draw_form.draw_at_hint"));
  const present = h("input", { type: "checkbox", name: "present_only" });
  const rehearsal = h("input", { type: "checkbox", name: "rehearsal" });
  const announce = h("input", { type: "checkbox", name: "announce_commitment" });
  const messages = h("p", { class: "hint" }, t("draw_form.announce_hint"));
  const others = h("input", { type: "checkbox", name: "notify_others" });
  const past = h("input", { type: "checkbox", checked: true });
  const sms = h("input", { type: "checkbox", checked: true });
  const email = h("input", { type: "checkbox", checked: true });
  const release = releaseChoice(lottery.time_zone);
  const claims = claimChoice();
  const optedOut = optedOutNotice(lottery.lottery_id);
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary" }, t("draw_form.start"));
  // The same press of the button, repeated after a lost answer, is the same draw.
  let key = newKey();
  /** What is typed is not left without a question.
   * @type {(() => void) | null} */
  let free = null;
  const form = h(
    "form",
    {
      class: "card",
      onsubmit: start,
      oninput: () => {
        key = newKey();
        free ??= keepView({
          title: t("draft.title"),
          text: t("draft.text"),
          yes: t("leave.yes"),
          no: t("leave.no"),
        });
      },
    },
    h("h2", null, t("draw_form.title")),
    prizes,
    h(
      "p",
      null,
      h("button", { type: "button", class: "small", onclick: addPrize }, t("draw_form.add_prize")),
    ),
    h(
      "details",
      null,
      h("summary", null, t("draw_form.options")),
      field(t("draw_form.alternates"), alternates, t("draw_form.alternates_hint")),
      claims.element,
      closes.element,
      drawAt.element,
      release.by.element,
      h(
        "fieldset",
        null,
        h("legend", null, t("draw_form.channels")),
        h("label", { class: "check" }, sms, " SMS"),
        h("label", { class: "check" }, email, " ", t("draw_form.email")),
      ),
      h("label", { class: "check" }, announce, " ", t("draw_form.announce")),
      messages,
      h("label", { class: "check" }, others, " ", t("draw_form.others")),
      h("p", { class: "hint" }, t("draw_form.others_hint")),
      h("p", { class: "hint" }, t("draw_form.tickets_hint")),
    ),
    field(t("release.when"), release.mode, t("release.when_hint")),
    h("label", { class: "check" }, past, " ", t("draw_form.past")),
    h("label", { class: "check" }, present, " ", t("draw_form.present")),
    h("label", { class: "check" }, rehearsal, " ", t("rehearsal.choose")),
    h("p", { class: "hint" }, t("rehearsal.hint")),
    optedOut.element,
    problem,
    submit,
  );

  /** How many messages the announcement is: one for each person with an address on a channel. */
  async function countMessages() {
    const counted = announce.checked ? await counts() : null;
    if (!counted) return;
    const both = sms.checked && email.checked ? counted.total - counted.unreachable : 0;
    const one = sms.checked ? counted.with_phone : email.checked ? counted.with_email : 0;
    const n = both || one;
    messages.textContent = `${t("draw_form.announce_count", { n: number(n) })} ${t("draw_form.announce_hint")}`;
  }
  [announce, sms, email].forEach((box) => box.addEventListener("change", countMessages));
  const tellOptedOut = () => optedOut.update({ sms: sms.checked, email: email.checked });
  [sms, email].forEach((box) => box.addEventListener("change", tellOptedOut));
  tellOptedOut();

  /** @returns {ReturnType<typeof prize>[]} */
  function rows() {
    return /** @type {any[]} */ ([...prizes.children]);
  }

  async function start(event) {
    event.preventDefault();
    problem.textContent = "";
    rows().forEach((row) => row.quotas().forEach((quota) => quota.accept()));
    submit.disabled = true;
    const body = {
      prizes: rows().map((row) => row.read()),
      exclude_past_winners: past.checked,
      channels: [sms.checked && "sms", email.checked && "email"].filter(Boolean),
    };
    if (Number(alternates.value) > 0) body.alternates = Number(alternates.value);
    if (present.checked) body.present_only = true;
    if (rehearsal.checked) body.rehearsal = true;
    if (announce.checked) body.announce_commitment = true;
    if (others.checked) body.notify_others = true;
    claims.write(body);
    try {
      const [closing, drawing] = [await closes.read(), await drawAt.read()];
      if (closing) body.closes_at = closing;
      if (drawing) body.draw_at = drawing;
      await release.write(body);
      if (!(await isMeant(body))) {
        submit.disabled = false;
        return;
      }
      const draw = await post(lotteryPath(lottery.lottery_id, "draws"), body, {
        headers: { "idempotency-key": key },
      });
      keepNotices(draw.draw_id, draw.notices);
      free?.();
      location.hash = link("lotteries", lottery.lottery_id, "draws", draw.draw_id);
    } catch (error) {
      problem.textContent = error instanceof Unsure ? error.message : trouble(error);
      const unknown = (error.errors ?? []).filter((fault) => fault.code === "UnknownGroup");
      const counted = unknown.length ? await counts() : null;
      unknown.forEach((fault) => refuse(fault, counted));
      submit.disabled = false;
    }
  }
  /** Asks before a draw that notifies its winners at once. One that is held, waits or is rehearsed notifies nobody yet. */
  async function isMeant(body) {
    if (body.release || body.closes_at || body.rehearsal || !body.channels.length) return true;
    const counted = await counts();
    if (counted && counted.total === counted.unreachable) return true;
    // The token has expired: another one is asked for, and what is typed stays.
    if (!token()) return false;
    const winners = body.prizes.reduce((sum, one) => sum + one.winners, 0);
    const sure = t("draw_form.sure_text", { winners: number(winners), n: number(counted?.total ?? 0) });
    return ask({
      title: t("draw_form.sure"),
      text: [sure, await tellOptedOut()].filter(Boolean),
      yes: t("draw_form.sure_yes"),
      isGrave: false,
    });
  }
  /** Shows what is wrong at the quota that is: `prizes[1].quota[0]`. */
  function refuse({ field: where, parameters }, counted) {
    const [, prize, quota] = /^prizes\[(\d+)\]\.quota\[(\d+)\]/.exec(where) ?? [];
    rows()[prize]?.quotas()[quota]?.refuse(parameters, counted);
  }
  return form;
}

function newKey() {
  return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
}

/** One prize: its name, how many win it, its quotas. */
function prize(isFirst, counts) {
  const name = h("input", {
    name: "prize",
    required: true,
    maxlength: 100,
    autocomplete: "off",
    value: isFirst ? t("draw_form.first_prize") : "",
  });
  const winners = numberInput(1, 10000, 1);
  winners.required = true;
  winners.name = "winners";
  const quotas = h("div", { class: "quotas" });
  const row = h(
    "fieldset",
    { class: "prize" },
    h("legend", null, t("draw_form.prize")),
    h(
      "div",
      { class: "pair" },
      field(t("draw_form.prize_name"), name),
      field(t("draw_form.winners"), winners),
    ),
    quotas,
    h(
      "p",
      { class: "row-actions" },
      h(
        "button",
        { type: "button", class: "small", onclick: () => quotas.append(quotaRow(counts())) },
        t("draw_form.add_quota"),
      ),
      isFirst
        ? null
        : h(
            "button",
            { type: "button", class: "small", onclick: () => row.remove() },
            t("draw_form.remove_prize"),
          ),
    ),
  );
  /** @returns {ReturnType<typeof quotaRow>[]} */
  const rows = () => /** @type {any[]} */ ([...quotas.children]);
  const read = () => {
    const bounds = rows().map((one) => one.read());
    return { name: name.value, winners: Number(winners.value), ...(bounds.length ? { quota: bounds } : {}) };
  };
  return Object.assign(row, { quotas: rows, read });
}
