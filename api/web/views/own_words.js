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
  const shown = h("div", { class: "preview", role: "status" });
  const read = () => ({
    sms: sms.value.trim() || null,
    email_subject: subject.value.trim() || null,
    email_text: body.value.trim() || null,
  });
  let asked = 0;
  const look = async () => {
    asked += 1;
    const mine = asked;
    const words = read();
    if (!words.sms && !words.email_subject && !words.email_text) {
      put(shown);
      return;
    }
    try {
      const found = await post(lotteryPath(settings.lottery_id, "messages", "preview"), words, { signal });
      if (mine === asked) put(shown, preview(found, usePlain));
    } catch (error) {
      if (mine === asked && !signal.aborted) put(shown, h("p", { class: "problem" }, trouble(error)));
    }
  };
  const usePlain = (/** @type {string} */ plain) => {
    sms.value = plain;
    look();
  };
  /** @type {number | undefined} */
  let timer;
  const typed = () => {
    clearTimeout(timer);
    timer = setTimeout(look, REST);
  };
  [sms, subject, body].forEach((one) => one.addEventListener("input", typed));
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
  ];
  return { elements, read: () => ({ [settings.locale]: read() }) };
}

function preview(found, usePlain) {
  const { sms, email_subject: subject, email_text: text } = found;
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
