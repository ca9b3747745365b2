// @ts-check
// The repeating draws of a lottery, for its organiser: "every Friday at 17:00", their next times, and what came of the last one.

import { get, post, send } from "../api.js";
import { ask } from "../dialog.js";
import { field, foreign, h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { badge, number, reasonOf, timestamp, trouble } from "../format.js";
import { language, t } from "../i18n/index.js";
import { link } from "../router.js";
import { folded } from "./folded.js";
import { numberInput } from "./quota_form.js";

const WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/** The last day that every month has. */
const MAX_DAY = 28;

/** The name of a day of the week; 1 January 2024 was a Monday. */
function weekdayName(/** @type {string} */ name) {
  const day = new Date(Date.UTC(2024, 0, 1 + WEEKDAYS.indexOf(name)));
  return day.toLocaleDateString(language(), { weekday: "long", timeZone: "UTC" });
}

/** "Every Friday at 17:00". */
function rhythm(/** @type {any} */ repeat) {
  const { every, time, weekdays } = repeat;
  if (every === "day") return t("repeats.daily", { time });
  if (every === "month") {
    const last = repeat.day_of_month === "last";
    return last
      ? t("repeats.last_of_month", { time })
      : t("repeats.monthly", { time, day: number(repeat.day_of_month) });
  }
  const days = new Intl.ListFormat(language()).format(weekdays.map(weekdayName));
  return t("repeats.weekly", { time, days });
}

/** The repeating draws, in a part of the page that is opened. */
export function repeatingDraws(/** @type {any} */ lottery, /** @type {AbortSignal} */ signal) {
  const where = lotteryPath(lottery.lottery_id, "repeats");
  const title = t("repeats.title");
  return folded(
    { name: "repeats", title, where, interval: 5000, signal },
    () => new RepeatsView(lottery, where, signal),
  );
}

class RepeatsView {
  constructor(/** @type {any} */ lottery, /** @type {string} */ where, /** @type {AbortSignal} */ signal) {
    this.lottery = lottery;
    this.where = where;
    this.signal = signal;
    this.shown = "";
    this.list = h("div", { "aria-live": "polite" });
    this.problem = h("p", { class: "problem", role: "alert" });
    const hint = h("p", { class: "hint" }, t("repeats.hint"));
    this.element = h("div", null, hint, this.list, this.problem, this.form());
  }

  /** Shows the repeating draws as they are now. */
  show(/** @type {any} */ { repeats }) {
    const shown = JSON.stringify(repeats);
    if (shown === this.shown) return;
    this.shown = shown;
    const none = h("p", { role: "status" }, t("repeats.none"));
    put(this.list, repeats.length ? repeats.map((/** @type {any} */ one) => this.one(one)) : none);
  }

  one(/** @type {any} */ repeat) {
    const where = `${this.where}/${encodeURIComponent(repeat.repeat_id)}`;
    const pause = h(
      "button",
      { type: "button", class: "small", name: "pause" },
      t(repeat.paused ? "repeats.resume" : "repeats.pause"),
    );
    pause.addEventListener("click", () =>
      this.working(pause, async () => {
        const headers = { accept: "application/json", "content-type": "application/json" };
        await send("PATCH", where, { headers, body: JSON.stringify({ paused: !repeat.paused }) });
      }),
    );
    const remove = h(
      "button",
      { type: "button", class: "small", name: "delete_repeat" },
      t("repeats.delete"),
    );
    remove.addEventListener("click", async () => {
      const title = t("repeats.delete_title", { name: repeat.name });
      if (!(await ask({ title, text: t("repeats.delete_text"), yes: t("repeats.delete") }))) return;
      await this.working(remove, async () => {
        await send("DELETE", where, { headers: { accept: "application/json" } });
      });
    });
    const next = repeat.next.map((/** @type {string} */ time) => h("li", null, timestamp(time)));
    return h(
      "section",
      { class: "repeat", "data-paused": repeat.paused ? "" : null },
      h("h3", null, foreign(repeat.name)),
      h("p", null, rhythm(repeat), repeat.paused ? ` · ${t("repeats.paused")}` : null),
      next.length ? [h("p", { class: "hint" }, t("repeats.next")), h("ul", null, next)] : null,
      this.last(repeat),
      h("p", { class: "row-actions" }, pause, " ", remove),
    );
  }

  /** What came of the last time. */
  last(/** @type {any} */ { last, missed_at: missed }) {
    const lost = missed ? h("p", { class: "notice" }, t("repeats.missed"), " ", timestamp(missed)) : null;
    if (!last) return lost;
    const reason = last.error
      ? reasonOf({
          status: last.status,
          reason: { name: last.error, sentence: last.reason, groups: last.groups },
        })
      : null;
    const draw = last.draw_id
      ? h(
          "a",
          { href: link("lotteries", this.lottery.lottery_id, "draws", last.draw_id) },
          t("repeats.to_draw"),
        )
      : h("strong", null, t("repeats.not_started"));
    return [
      lost,
      h(
        "p",
        { class: "last" },
        t("repeats.last"),
        " ",
        timestamp(last.due_at),
        " ",
        last.status ? badge(last.status) : null,
        " ",
        draw,
        reason ? h("span", { class: "hint" }, ` ${reason}`) : null,
      ),
    ];
  }

  form() {
    const name = h("input", { name: "repeat_name", required: true, maxlength: 100, autocomplete: "off" });
    const every = h(
      "select",
      { name: "every" },
      ["week", "day", "month"].map((one) => h("option", { value: one }, t(`repeats.every.${one}`))),
    );
    const boxes = WEEKDAYS.map((day) =>
      h("input", { type: "checkbox", name: "weekday", value: day, checked: day === "friday" }),
    );
    const days = h(
      "fieldset",
      null,
      h("legend", null, t("repeats.weekdays")),
      boxes.map((box) => h("label", { class: "check" }, box, " ", weekdayName(box.value))),
    );
    const day = h(
      "select",
      { name: "day_of_month" },
      Array.from({ length: MAX_DAY }, (_, index) => h("option", { value: index + 1 }, number(index + 1))),
      h("option", { value: "last" }, t("repeats.last_day")),
    );
    const dayField = field(t("repeats.day_of_month"), day);
    const time = h("input", { type: "time", name: "time", required: true, value: "17:00" });
    const prize = h("input", { name: "repeat_prize", required: true, maxlength: 100, autocomplete: "off" });
    prize.value = t("draw_form.first_prize");
    const winners = numberInput(1, 10000, 1);
    winners.required = true;
    winners.name = "repeat_winners";
    const past = h("input", { type: "checkbox", name: "repeat_past", checked: true });
    const choose = () => {
      days.hidden = every.value !== "week";
      dayField.hidden = every.value !== "month";
    };
    every.addEventListener("change", choose);
    choose();
    const submit = h("button", { type: "submit" }, t("repeats.create"));
    const body = () => {
      const weekdays = boxes.filter((box) => box.checked).map((box) => box.value);
      const chosen = day.value === "last" ? "last" : Number(day.value);
      return {
        name: name.value,
        every: every.value,
        time: time.value,
        ...(every.value === "week" ? { weekdays } : {}),
        ...(every.value === "month" ? { day_of_month: chosen } : {}),
        draw: {
          prizes: [{ name: prize.value, winners: Number(winners.value) }],
          exclude_past_winners: past.checked,
        },
      };
    };
    const save = async (/** @type {Event} */ event) => {
      event.preventDefault();
      await this.working(submit, async () => {
        await post(this.where, body());
        name.value = "";
      });
    };
    return h(
      "form",
      { onsubmit: save, "data-settings": "repeats" },
      h("h3", null, t("repeats.new")),
      field(t("repeats.name"), name, t("repeats.name_hint")),
      field(t("repeats.every"), every),
      days,
      dayField,
      field(t("repeats.time"), time, t("time.zone", { zone: this.lottery.time_zone })),
      h(
        "div",
        { class: "pair" },
        field(t("draw_form.prize_name"), prize),
        field(t("draw_form.winners"), winners),
      ),
      h("label", { class: "check" }, past, " ", t("draw_form.past")),
      h("p", null, submit),
    );
  }

  /** Does something, and shows what it came to. */
  async working(/** @type {HTMLButtonElement} */ button, /** @type {() => Promise<void>} */ work) {
    this.problem.textContent = "";
    button.disabled = true;
    try {
      await work();
      this.show(await get(this.where, { signal: this.signal }));
    } catch (error) {
      this.problem.textContent = trouble(error);
    }
    button.disabled = false;
  }
}
