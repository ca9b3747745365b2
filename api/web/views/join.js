// @ts-check
// Entering a lottery oneself, and the receipt to keep.

import { get, post } from "../api.js";
import { field, foreign, h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { inZone, number, timestamp, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { given, keepReceipt, keptReceipt, receiptText, shortCode } from "../receipt.js";
import { link } from "../router.js";

export async function show(root, { parameters: [id], signal }) {
  const lottery = await get(lotteryPath(id), { signal });
  inZone(lottery.time_zone);
  document.title = `${t("join.title")} · ${lottery.name}`;
  const content = h("div");
  put(
    root,
    h(
      "section",
      { class: "narrow" },
      h("p", { class: "crumbs" }, h("a", { href: link("lotteries", id) }, foreign(lottery.name))),
      h("h1", null, t("join.title")),
      content,
    ),
  );
  // The venue's code stays in the address: whoever reloads is still there.
  const venue = given("venue");
  const isIn = keptReceipt(id) !== null;
  put(
    content,
    isIn ? already(lottery, content, venue, signal) : await entrance(lottery, content, venue, signal),
  );
}

/** Somebody has entered with this browser already. */
function already(lottery, content, venue, signal) {
  const another = async () => put(content, await entrance(lottery, content, venue, signal));
  const receipt = keptReceipt(lottery.lottery_id);
  return h(
    "div",
    { class: "card receipt" },
    h("h2", null, t("join.already")),
    receipt ? h("p", { class: "short-code" }, shortCode(receipt)) : null,
    h("p", { class: "actions" }, ownLink(lottery.lottery_id, venue)),
    lottery.joining.state === "open"
      ? h(
          "p",
          null,
          h(
            "button",
            { type: "button", class: "plain", name: "another", onclick: another },
            t("join.another"),
          ),
        )
      : null,
  );
}

function ownLink(lottery, venue) {
  const where = link("lotteries", lottery, "me") + (venue ? `?venue=${encodeURIComponent(venue)}` : "");
  return h("a", { class: "button primary", href: where }, t("join.to_entry"));
}

/** The form, or why there is none. */
async function entrance(lottery, content, venue, signal) {
  const { state, opens_at: opens, closes_at: closes } = lottery.joining;
  if (state === "not_yet") return h("p", { class: "lead" }, t("join.not_yet"), " ", timestamp(opens));
  if (state === "over") return h("p", { class: "lead" }, t("join.over"));
  if (state !== "open") return h("p", { class: "lead" }, t("join.closed"));
  const count = await get(lotteryPath(lottery.lottery_id, "head-count"), { signal }).catch(() => null);
  if (count?.joining === "full") return h("p", { class: "lead" }, t("join.full"));
  return [
    count?.people || closes
      ? h(
          "p",
          { class: "quiet" },
          count?.people ? t("join.count", { n: number(count.people) }) : null,
          count?.max_people ? [" ", t("join.of_at_most", { n: number(count.max_people) })] : null,
          closes ? [" ", t("join.until"), " ", timestamp(closes)] : null,
        )
      : null,
    form(lottery, content, venue),
  ];
}

function form(lottery, content, venue) {
  const name = h("input", { name: "name", required: true, maxlength: 200, autocomplete: "name" });
  const phone = h("input", { name: "phone", type: "tel", autocomplete: "tel", inputmode: "tel" });
  const email = h("input", { name: "email", type: "email", autocomplete: "email" });
  const { groups, question } = lottery.joining;
  const group = h(
    "select",
    { name: "group", required: true },
    h("option", { value: "" }, t("join.choose")),
    groups.map((/** @type {string} */ one) => h("option", { value: one }, one)),
  );
  const answer = h("input", { name: "answer", maxlength: 200, autocomplete: "off" });
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary" }, t("join.enter"));
  const confirmed = lottery.joining.confirm_addresses;
  const done = (given) => {
    // Whoever enters a second time is answered as somebody new is: the first entry counts, and its receipt is kept.
    const kept = keptReceipt(lottery.lottery_id);
    const receipt = kept && hasAddressOf(kept, given) ? kept : given;
    keepReceipt(lottery.lottery_id, receipt);
    put(content, joined(lottery, receipt, venue));
    content.querySelector("h2").focus();
  };
  const enter = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    const body = { name: name.value.trim() };
    if (phone.value.trim()) body.phone = phone.value.trim();
    if (email.value.trim()) body.email = email.value.trim();
    if (groups.length) body.group = group.value;
    if (question && answer.value.trim()) body.answer = answer.value.trim();
    if (!body.phone && !body.email) {
      problem.textContent = t("join.need_address");
      phone.focus();
      return;
    }
    submit.disabled = true;
    try {
      const answer = await send(lottery.lottery_id, body, venue);
      if (answer.join_id) {
        const again = () => put(content, form(lottery, content, venue));
        put(content, codeForm(lottery, answer, body.phone ?? body.email, again, done));
      } else {
        done(answer);
      }
      content.querySelector("h2").focus();
    } catch (error) {
      problem.textContent = error.status === 429 ? t("join.too_many") : trouble(error);
      submit.disabled = false;
    }
  };
  return h(
    "form",
    { class: "card", onsubmit: enter },
    h("p", { class: "lead" }, t("join.lead")),
    field(t("join.name"), name),
    h(
      "fieldset",
      { class: "either" },
      h("legend", null, t(confirmed ? "join.one_of_these_confirmed" : "join.one_of_these")),
      field(t("join.phone"), phone, t("join.phone_hint")),
      field(t("join.email"), email),
    ),
    groups.length ? field(t("join.group"), group) : null,
    question ? field(foreign(question), answer) : null,
    h("p", { class: "hint" }, t("join.once")),
    problem,
    submit,
  );
}

/** Whether two receipts name one address. */
function hasAddressOf(kept, given) {
  return [kept.phone, kept.email].some((one) => one && [given.phone, given.email].includes(one));
}

/** The code that was sent to an address is given back; `done` gets the receipt. */
function codeForm(lottery, pending, address, again, done) {
  const code = h("input", {
    name: "code",
    required: true,
    maxlength: 7,
    inputmode: "numeric",
    autocomplete: "one-time-code",
    class: "mono",
  });
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary" }, t("join.confirm"));
  const confirm = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    submit.disabled = true;
    try {
      const body = { join_id: pending.join_id, code: code.value };
      done(await post(lotteryPath(lottery.lottery_id, "join", "confirm"), body));
    } catch (error) {
      problem.textContent = trouble(error);
      submit.disabled = false;
      code.select();
    }
  };
  return h(
    "form",
    { class: "card", name: "confirm", onsubmit: confirm },
    h("h2", { tabindex: "-1" }, t("join.code_title")),
    h("p", null, t("join.code_sent", { address })),
    field(t("join.confirm_code"), code, [t("join.code_until"), " ", timestamp(pending.expires_at)]),
    problem,
    submit,
    " ",
    h("button", { type: "button", class: "plain", name: "again", onclick: again }, t("join.other_address")),
  );
}

/** Enters. A code of the venue that is no longer the one shown there is left out: then one enters as from anywhere. */
async function send(lottery, body, venue) {
  const where = lotteryPath(lottery, "join");
  if (!venue) return post(where, body);
  try {
    return await post(where, body, { headers: { "venue-code": venue } });
  } catch (error) {
    if (error.name !== "wrong-venue-code") throw error;
    return post(where, body);
  }
}

function joined(lottery, receipt, venue) {
  return h(
    "div",
    { class: "card receipt" },
    h("h2", { tabindex: "-1" }, t("join.done")),
    h("p", { class: "short-code" }, shortCode(receipt)),
    h("p", null, t("join.keep")),
    h(
      "p",
      { class: "actions" },
      ownLink(lottery.lottery_id, venue),
      h(
        "button",
        { type: "button", onclick: () => saveReceipt(lottery.lottery_id, receipt) },
        t("join.save"),
      ),
    ),
    h(
      "details",
      null,
      h("summary", null, t("join.as_text")),
      h("pre", { tabindex: "0" }, receiptText(receipt)),
    ),
  );
}

/** Gives a receipt to keep, as a file. */
export function saveReceipt(lottery, receipt) {
  const where = URL.createObjectURL(new Blob([receiptText(receipt)], { type: "application/json" }));
  h("a", { href: where, download: `receipt-${lottery}-${receipt.participant_id}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(where), 10_000);
}
