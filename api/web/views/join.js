// @ts-check
// Entering a lottery oneself, and the receipt to keep.

import { get, post } from "../api.js";
import { field, foreign, h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { link } from "../router.js";

export async function show(root, { parameters: [id], signal }) {
  const lottery = await get(lotteryPath(id), { signal });
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
  put(content, lottery.open_to_join ? form(lottery, content) : h("p", { class: "lead" }, t("join.closed")));
}

function form(lottery, content) {
  const name = h("input", { name: "name", required: true, maxlength: 200, autocomplete: "name" });
  const phone = h("input", { name: "phone", type: "tel", autocomplete: "tel", inputmode: "tel" });
  const email = h("input", { name: "email", type: "email", autocomplete: "email" });
  const problem = h("p", { class: "problem", role: "alert" });
  const submit = h("button", { type: "submit", class: "primary" }, t("join.enter"));
  const enter = async (event) => {
    event.preventDefault();
    problem.textContent = "";
    const body = { name: name.value.trim() };
    if (phone.value.trim()) body.phone = phone.value.trim();
    if (email.value.trim()) body.email = email.value.trim();
    if (!body.phone && !body.email) {
      problem.textContent = t("join.need_address");
      phone.focus();
      return;
    }
    submit.disabled = true;
    try {
      put(content, receipt(lottery, await post(lotteryPath(lottery.lottery_id, "join"), body)));
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
    field(t("join.phone"), phone, t("join.phone_hint")),
    field(t("join.email"), email),
    h("p", { class: "hint" }, t("join.once")),
    problem,
    submit,
  );
}

function receipt(lottery, answer) {
  return h(
    "div",
    { class: "card receipt" },
    h("h2", { tabindex: "-1" }, t("join.done")),
    h("p", null, t("join.keep")),
    h("pre", { tabindex: "0" }, receiptText(answer)),
    h(
      "p",
      { class: "actions" },
      h(
        "button",
        { type: "button", class: "primary", onclick: () => saveReceipt(lottery.lottery_id, answer) },
        t("join.save"),
      ),
      h("a", { class: "button", href: link("lotteries", lottery.lottery_id) }, t("join.to_lottery")),
    ),
  );
}

function receiptText(receipt) {
  return JSON.stringify(receipt);
}

/** Gives a receipt to keep, as a file. */
export function saveReceipt(lottery, receipt) {
  const where = URL.createObjectURL(new Blob([receiptText(receipt)], { type: "application/json" }));
  h("a", { href: where, download: `receipt-${lottery}-${receipt.participant_id}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(where), 10_000);
}
