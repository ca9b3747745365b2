// @ts-check
// The organiser's own words to winners, with what they would read and how many parts an SMS takes.

import { post } from "../api.js";
import { field, foreign, h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { number, trouble } from "../format.js";
import { t } from "../i18n/index.js";

/** What is typed is looked at after so many milliseconds without another key. */
const REST = 300;

/** The fields for the words in the lottery's language, what they come to, and how to read them. */
export function wordingFields(settings, signal) {
  const own = settings.messages[settings.locale] ?? {};
  const text = (name, value, most, rows) =>
    h(rows ? "textarea" : "input", { name, maxlength: most, rows, value: value ?? "" });
  const sms = text("sms", own.sms, 320, 3);
  const subject = text("email_subject", own.email_subject, 100, null);
  const body = text("email_text", own.email_text, 4000, 5);
  const othersSms = text("others_sms", own.others_sms, 320, 3);
  const othersSubject = text("others_email_subject", own.others_email_subject, 100, null);
  const othersBody = text("others_email_text", own.others_email_text, 4000, 5);
  const shown = h("div", { class: "preview", role: "status" });
  const shownOthers = h("div", { class: "preview", role: "status" });
  const all = [sms, subject, body, othersSms, othersSubject, othersBody];
  const read = () => Object.fromEntries(all.map((one) => [one.name, one.value.trim() || null]));
  let asked = 0;
  const look = async () => {
    asked += 1;
    const mine = asked;
    const words = read();
    if (Object.values(words).every((one) => one === null)) {
      put(shown);
      put(shownOthers);
      return;
    }
    try {
      const found = await post(lotteryPath(settings.lottery_id, "messages", "preview"), words, { signal });
      if (mine !== asked) return;
      put(
        shown,
        from(found.sms_sender),
        preview(found.sms, found.email_subject, found.email_text, usePlain(sms)),
      );
      const {
        others_sms: otherSms,
        others_email_subject: otherSubject,
        others_email_text: otherText,
      } = found;
      put(shownOthers, preview(otherSms, otherSubject, otherText, usePlain(othersSms)));
    } catch (error) {
      if (mine === asked && !signal.aborted) put(shown, h("p", { class: "problem" }, trouble(error)));
    }
  };
  const usePlain = (/** @type {any} */ field) => (/** @type {string} */ plain) => {
    field.value = plain;
    look();
  };
  /** @type {number | undefined} */
  let timer;
  const typed = () => {
    clearTimeout(timer);
    timer = setTimeout(look, REST);
  };
  all.forEach((one) => one.addEventListener("input", typed));
  look();
  const elements = [
    h(
      "p",
      { class: "hint" },
      t("words.hint"),
      " ",
      h("code", null, "{name} {prize} {lottery} {link} {entry} {claim_link}"),
    ),
    field(t("words.sms"), sms),
    field(t("words.subject"), subject),
    field(t("words.text"), body),
    shown,
    h("h4", null, t("words.others")),
    h("p", { class: "hint" }, t("words.others_hint")),
    field(t("words.sms"), othersSms),
    field(t("words.subject"), othersSubject),
    field(t("words.text"), othersBody),
    shownOthers,
  ];
  return { elements, read: () => ({ [settings.locale]: read() }) };
}

/** Whom the phone shows as the sender. */
function from(/** @type {string | null} */ sender) {
  return sender
    ? h("p", { class: "quiet" }, `${t("settings.sms_sender")}: `, h("strong", null, sender))
    : null;
}

function preview(sms, subject, text, usePlain) {
  return [
    sms
      ? [
          h("p", { class: "bubble" }, foreign(sms.text)),
          h(
            "p",
            { class: "quiet", "data-parts": sms.parts },
            t("words.parts", {
              n: number(sms.parts),
              units: number(sms.units),
              alphabet: t(`words.${sms.alphabet}`),
            }),
          ),
          sms.forcing.length ? characters(sms, usePlain) : null,
        ]
      : null,
    subject ? h("p", null, h("strong", null, foreign(subject))) : null,
    text ? h("p", { class: "bubble" }, foreign(text)) : null,
  ];
}

/** The characters that halve what a part holds. */
function characters(sms, usePlain) {
  return h(
    "p",
    { class: "notice" },
    t("words.forcing"),
    " ",
    sms.forcing.map((one) => [h("code", null, one.character), " "]),
    sms.plain
      ? h(
          "button",
          { type: "button", class: "small", name: "plain", onclick: () => usePlain(sms.plain) },
          t("words.plain"),
        )
      : null,
  );
}
