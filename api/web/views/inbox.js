// @ts-check
// The local stack's inbox: what phones and mailboxes would show.

import { get } from "../api.js";
import { field, foreign, h, put } from "../dom.js";
import { pause, sleep } from "../connection.js";
import { clock, number } from "../format.js";
import { t } from "../i18n/index.js";
import { token } from "../session.js";
import { showSignIn } from "./sign_in.js";

const SHOWN = 60;

export async function show(root, { signal }) {
  if (!token()) return showSignIn(root);
  document.title = t("inbox.title");
  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  const service = h("input", { type: "checkbox" });
  const phones = h("div", { class: "phones" });
  const mails = h("div", { class: "mails" });
  const counts = h("p", { class: "quiet", role: "status" });
  put(
    root,
    h("h1", null, t("inbox.title")),
    h("p", { class: "lead" }, t("inbox.lead")),
    h(
      "div",
      { class: "inbox-tools" },
      field(t("inbox.search"), search),
      h("label", { class: "check" }, service, " ", t("inbox.service")),
    ),
    counts,
    h(
      "div",
      { class: "inbox" },
      h("section", { "aria-label": t("inbox.phones") }, h("h2", null, t("inbox.phones")), phones),
      h("section", { "aria-label": t("inbox.mails") }, h("h2", null, t("inbox.mails")), mails),
    ),
  );
  let messages = [];
  const render = () => {
    const wanted = search.value.trim().toLowerCase();
    const found = messages.filter(
      (message) =>
        (service.checked ||
          message.draw_id ||
          (message.address === "operator@localhost" && !isService(message)) ||
          message.channel === "sms") &&
        (!wanted ||
          `${message.address} ${message.subject ?? ""} ${message.text} ${message.draw_id ?? ""}`
            .toLowerCase()
            .includes(wanted)),
    );
    const texts = found.filter((message) => message.channel === "sms");
    const emails = found.filter((message) => message.channel !== "sms");
    counts.textContent = t("inbox.counts", { sms: number(texts.length), email: number(emails.length) });
    put(phones, texts.length ? phonesOf(texts) : h("p", { class: "quiet" }, t("inbox.no_phones")));
    put(
      mails,
      emails.length
        ? emails.slice(-SHOWN).reverse().map(mail)
        : h("p", { class: "quiet" }, t("inbox.no_mails")),
    );
  };
  search.addEventListener("input", render);
  service.addEventListener("change", render);
  render();
  for (let attempt = 0; !signal.aborted;) {
    try {
      const after = messages.at(-1)?.number ?? 0;
      const answer = await get(`/local/messages?after=${after}`, { signal });
      if (answer.messages.length) {
        messages = [...messages, ...answer.messages];
        render();
      }
      attempt = 0;
      await sleep(700, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error.status && error.status < 429) throw error;
      await pause(attempt, signal);
      attempt += 1;
    }
  }
}

/** Confirmations of subscriptions: sent by SNS itself, numerous and of little interest. */
function isService(message) {
  return !message.draw_id && /Subscription Confirmation$/.test(message.subject ?? "");
}

/** One phone for each number, the latest first. */
function phonesOf(texts) {
  const byNumber = new Map();
  for (const message of texts) {
    const thread = byNumber.get(message.address) ?? [];
    byNumber.delete(message.address);
    byNumber.set(message.address, [...thread, message]);
  }
  return [...byNumber]
    .reverse()
    .slice(0, SHOWN)
    .map(([address, thread]) =>
      h(
        "article",
        { class: "phone", "aria-label": address },
        h(
          "header",
          null,
          h("span", { class: "avatar", "aria-hidden": "true" }, address.slice(-2)),
          h("h3", null, foreign(address)),
        ),
        thread
          .slice(-5)
          .map((message) =>
            h(
              "div",
              { class: "bubble" },
              message.sender ? h("strong", { class: "sender" }, message.sender) : null,
              h("p", null, foreign(message.text)),
              h("time", { datetime: message.time }, clock(Date.parse(message.time))),
            ),
          ),
      ),
    );
}

function mail(message) {
  return h(
    "details",
    { class: "mail", "data-address": message.address },
    h(
      "summary",
      null,
      h("span", { class: "avatar", "aria-hidden": "true" }, message.address.slice(0, 1).toUpperCase()),
      h("span", { class: "subject" }, foreign(message.subject ?? "")),
      h("span", { class: "quiet" }, foreign(message.address)),
      h("time", { datetime: message.time }, clock(Date.parse(message.time))),
    ),
    h("div", { class: "message-text" }, foreign(message.text)),
  );
}
