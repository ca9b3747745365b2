// @ts-check
// What an organiser changes of a lottery: name, time zone, how people enter; closing and deleting it.

import { get, send } from "../api.js";
import { ask } from "../dialog.js";
import { field, h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { number, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { Unsure, timeField } from "../time_field.js";
import { wordingFields } from "./own_words.js";

/** Letters and digits that nobody takes for each other. */
const ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";

/** A code for the venue, by chance. */
function newCode() {
  return [...crypto.getRandomValues(new Uint32Array(6))].map((n) => ALPHABET[n % ALPHABET.length]).join("");
}

/** The settings of a lottery, in a part of the page that is opened. */
export function lotterySettings(lottery, signal) {
  const body = h("div");
  const details = h("details", { class: "card settings" }, h("summary", null, t("settings.title")), body);
  details.addEventListener("toggle", async () => {
    if (!details.open || body.children.length) return;
    try {
      const [settings, organiser] = await Promise.all(
        ["settings", "organiser"].map((what) => get(lotteryPath(lottery.lottery_id, what), { signal })),
      );
      showForms(body, settings, organiser, signal);
    } catch (error) {
      put(body, h("p", { class: "problem" }, trouble(error)));
    }
  });
  return details;
}

function showForms(body, settings, organiser, signal) {
  const again = (/** @type {any} */ changed) => showForms(body, changed, organiser, signal);
  const addressed = (/** @type {any} */ changed) => showForms(body, settings, changed, signal);
  put(
    body,
    names(settings),
    joining(settings, again),
    words(settings, again, signal),
    ownAddress(settings, organiser, addressed),
    ending(settings, signal),
  );
}

/** A form that changes the lottery: `read` gives the change. */
function form(settings, name, onChanged, read, ...children) {
  return storedBy(
    (/** @type {any} */ body) => change(settings.lottery_id, body),
    name,
    onChanged,
    read,
    children,
  );
}

function storedBy(store, name, onChanged, read, children) {
  const problem = h("p", { class: "problem", role: "alert" });
  const done = h("span", { class: "quiet", role: "status" });
  const submit = h("button", { type: "submit" }, t("settings.save"));
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    problem.textContent = "";
    done.textContent = "";
    submit.disabled = true;
    try {
      onChanged(await store(await read()));
    } catch (error) {
      problem.textContent = error instanceof Unsure ? error.message : trouble(error);
      submit.disabled = false;
    }
  };
  return h(
    "form",
    { onsubmit: save, "data-settings": name },
    children,
    problem,
    h("p", null, submit, " ", done),
  );
}

async function change(lottery, body) {
  const response = await send("PATCH", lotteryPath(lottery), {
    headers: { accept: "application/json", "content-type": "application/merge-patch+json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

function names(settings) {
  const name = h("input", { name: "name", required: true, maxlength: 100, value: settings.name });
  const zone = h("input", { name: "time_zone", required: true, value: settings.time_zone });
  const locale = h(
    "select",
    { name: "locale" },
    h("option", { value: "en" }, "English"),
    h("option", { value: "zh-CN", lang: "zh-CN" }, "简体中文"),
  );
  locale.value = settings.locale;
  const read = async () => ({ name: name.value, time_zone: zone.value.trim(), locale: locale.value });
  return form(
    settings,
    "names",
    () => location.reload(),
    read,
    field(t("new_lottery.name"), name),
    field(t("new_lottery.zone"), zone, t("settings.zone_hint")),
    field(t("new_lottery.locale"), locale),
  );
}

function joining(settings, onChanged) {
  const rules = settings.joining;
  const zone = settings.time_zone;
  const open = h("input", { type: "checkbox", name: "open_to_join", checked: settings.open_to_join });
  const opens = timeField(zone, "join_opens_at", t("settings.opens"), "", rules.opens_at);
  const closes = timeField(zone, "join_closes_at", t("settings.closes"), "", rules.closes_at);
  const most = h("input", {
    name: "join_max_people",
    type: "number",
    min: 1,
    max: 1000000,
    step: 1,
    inputmode: "numeric",
    value: rules.max_people ?? "",
  });
  const groups = h("textarea", { name: "join_groups", rows: 3, value: rules.groups.join("\n") });
  const question = h("input", { name: "join_question", maxlength: 100, value: rules.question ?? "" });
  const mailbox = h("input", { type: "checkbox", name: "join_one_mailbox", checked: rules.one_mailbox });
  const confirmed = h("input", {
    type: "checkbox",
    name: "join_confirm_addresses",
    checked: rules.confirm_addresses,
  });
  const venue = h("input", {
    name: "venue_code",
    maxlength: 14,
    autocomplete: "off",
    class: "mono",
    value: settings.venue_code ?? "",
  });
  const make = () => {
    venue.value = newCode();
  };
  const read = async () => ({
    open_to_join: open.checked,
    join_opens_at: await opens.read(),
    join_closes_at: await closes.read(),
    join_max_people: most.value ? Number(most.value) : null,
    join_groups: groups.value
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean),
    join_question: question.value.trim() || null,
    join_one_mailbox: mailbox.checked,
    join_confirm_addresses: confirmed.checked,
    venue_code: venue.value.trim() || null,
  });
  return form(
    settings,
    "joining",
    onChanged,
    read,
    h("h3", null, t("settings.joining")),
    h("label", { class: "check" }, open, " ", t("new_lottery.open")),
    opens.element,
    closes.element,
    field(t("settings.max_people"), most, t("settings.max_people_hint")),
    field(t("settings.groups"), groups, t("settings.groups_hint")),
    field(t("settings.question"), question, t("settings.question_hint")),
    h("label", { class: "check" }, mailbox, " ", t("settings.one_mailbox")),
    h("label", { class: "check" }, confirmed, " ", t("settings.confirm_addresses")),
    h("p", { class: "hint" }, t("settings.confirm_hint")),
    field(t("settings.venue"), venue, t("settings.venue_hint")),
    h(
      "p",
      null,
      h(
        "button",
        { type: "button", class: "small", name: "new-code", onclick: make },
        t("settings.new_code"),
      ),
    ),
  );
}

/** The organiser's own words to winners. */
function words(settings, onChanged, signal) {
  const { elements, read } = wordingFields(settings, signal);
  const sender = h("input", { name: "sms_sender", maxlength: 11, value: settings.sms_sender ?? "" });
  const collect = h("textarea", { name: "collect", rows: 3, maxlength: 500, value: settings.collect ?? "" });
  const change = async () => ({
    messages: read(),
    sms_sender: sender.value.trim() || null,
    collect: collect.value.trim() || null,
  });
  return form(
    settings,
    "messages",
    onChanged,
    change,
    h("h3", null, t("words.title")),
    field(t("settings.sms_sender"), sender, t("settings.sms_sender_hint")),
    elements,
    field(t("words.collect"), collect, t("words.collect_hint")),
  );
}

/** Where the organiser is sent how draws ended. */
function ownAddress(settings, organiser, onChanged) {
  const phone = h("input", { name: "organiser_phone", type: "tel", value: organiser.phone ?? "" });
  const email = h("input", { name: "organiser_email", type: "email", value: organiser.email ?? "" });
  const store = async (/** @type {any} */ body) => {
    const headers = { accept: "application/json", "content-type": "application/json" };
    const where = lotteryPath(settings.lottery_id, "organiser");
    return (await send("PUT", where, { headers, body: JSON.stringify(body) })).json();
  };
  const read = async () => ({ phone: phone.value.trim() || null, email: email.value.trim() || null });
  return storedBy(store, "organiser", onChanged, read, [
    h("h3", null, t("settings.organiser")),
    h("p", { class: "hint" }, t("settings.organiser_hint")),
    field(t("settings.organiser_email"), email),
    field(t("settings.organiser_phone"), phone),
  ]);
}

/** Closing, which can be taken back, and deleting, which cannot. */
function ending(settings, signal) {
  const problem = h("p", { class: "problem", role: "alert" });
  const working = async (/** @type {any} */ event, /** @type {() => Promise<void>} */ work) => {
    problem.textContent = "";
    event.target.disabled = true;
    try {
      await work();
    } catch (error) {
      problem.textContent = trouble(error);
    }
    event.target.disabled = false;
  };
  const isClosed = settings.closed_at !== null;
  const close = (/** @type {Event} */ event) =>
    working(event, async () => {
      await change(settings.lottery_id, { closed: !isClosed });
      location.reload();
    });
  const remove = (/** @type {Event} */ event) =>
    working(event, async () => {
      const { total } = await get(lotteryPath(settings.lottery_id, "counts"), { signal });
      const isSure = await ask({
        title: t("delete.title"),
        text: [t("delete.text", { n: number(total) }), t("delete.stays")],
        yes: t("delete.yes"),
        type: settings.lottery_id,
      });
      if (!isSure) return;
      for (let left = total, isFirst = true; isFirst || left > 0; isFirst = false) {
        const where = `${lotteryPath(settings.lottery_id)}?expected=${left}`;
        const response = await send("DELETE", where, { headers: { accept: "application/json" }, signal });
        left = (await response.json()).remaining;
      }
      location.hash = "#/console";
    });
  return h(
    "section",
    { class: "ending" },
    h("h3", null, t("settings.ending")),
    h(
      "p",
      null,
      h(
        "button",
        { type: "button", name: "close", onclick: close },
        t(isClosed ? "settings.reopen" : "settings.close"),
      ),
      " ",
      h("span", { class: "hint" }, t("settings.close_hint")),
    ),
    h(
      "p",
      null,
      h("button", { type: "button", class: "grave", name: "delete", onclick: remove }, t("delete.title")),
      " ",
      h("span", { class: "hint" }, t("delete.hint")),
    ),
    problem,
  );
}
