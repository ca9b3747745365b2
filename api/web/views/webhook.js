// @ts-check
// The webhook of a lottery, for its organiser: an address that hears what happens to draws, and what became of each event.

import { get, path, post, send } from "../api.js";
import { field, foreign, h, put } from "../dom.js";
import { lotteryPath } from "../draws.js";
import { number, timestamp, trouble } from "../format.js";
import { known, t } from "../i18n/index.js";
import { folded } from "./folded.js";

const FORMATS = ["json", "wecom", "dingtalk", "feishu", "slack"];
/** The bots that can ask for a signature of their own. */
const SIGNING = ["dingtalk", "feishu"];

/** The webhook of a lottery, in a part of the page that is opened. */
export function webhookSettings(/** @type {any} */ lottery, /** @type {AbortSignal} */ signal) {
  const where = lotteryPath(lottery.lottery_id, "webhook");
  const title = t("webhook.title");
  return folded(
    { name: "webhook", title, where, interval: 3000, signal },
    () => new WebhookView(where, signal),
  );
}

class WebhookView {
  constructor(/** @type {string} */ where, /** @type {AbortSignal} */ signal) {
    this.where = where;
    this.signal = signal;
    this.now = h("p", { role: "status" });
    this.secret = h("p", { class: "notice", hidden: true });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.remove = h(
      "button",
      { type: "button", name: "forget_webhook", onclick: () => this.forget() },
      t("webhook.forget"),
    );
    this.deliveries = h("div");
    this.element = h(
      "div",
      null,
      h("p", { class: "hint" }, t("webhook.hint")),
      this.now,
      this.secret,
      this.form(),
      h("p", null, this.remove),
      this.problem,
      this.deliveries,
    );
  }

  /** Shows the webhook as it is now. */
  show(/** @type {any} */ webhook) {
    const text = webhook.url
      ? t("webhook.now", { url: webhook.url, format: t(`webhook.format.${webhook.format}`) })
      : t("webhook.none");
    if (this.now.textContent !== text) this.now.textContent = text;
    this.remove.hidden = !webhook.url;
    const shown = JSON.stringify([webhook.url, webhook.deliveries]);
    if (shown === this.shown) return;
    this.shown = shown;
    put(this.deliveries, webhook.deliveries.length ? this.table(webhook) : null);
  }

  form() {
    const url = h("input", {
      name: "webhook_url",
      type: "url",
      required: true,
      maxlength: 1000,
      placeholder: "https://",
    });
    const format = h(
      "select",
      { name: "webhook_format" },
      FORMATS.map((name) => h("option", { value: name }, t(`webhook.format.${name}`))),
    );
    const secret = h("input", { name: "bot_secret", maxlength: 200, autocomplete: "off" });
    const secretField = field(t("webhook.bot_secret"), secret, t("webhook.bot_secret_hint"));
    const choose = () => {
      secretField.hidden = !SIGNING.includes(format.value);
    };
    format.addEventListener("change", choose);
    choose();
    const submit = h("button", { type: "submit" }, t("settings.save"));
    const save = async (/** @type {Event} */ event) => {
      event.preventDefault();
      const hook = { url: url.value.trim(), format: format.value };
      const bot = secretField.hidden ? "" : secret.value.trim();
      await this.working(submit, async () => {
        const headers = { accept: "application/json", "content-type": "application/json" };
        const body = JSON.stringify(bot ? { ...hook, bot_secret: bot } : hook);
        const set = await (await send("PUT", this.where, { headers, body })).json();
        put(this.secret, t("webhook.secret"), " ", h("code", null, set.secret));
        this.secret.hidden = false;
        this.show(set);
      });
    };
    return h(
      "form",
      { onsubmit: save, "data-settings": "webhook" },
      field(t("webhook.url"), url),
      field(t("webhook.format"), format),
      secretField,
      h("p", null, submit),
    );
  }

  forget() {
    return this.working(this.remove, async () => {
      await send("DELETE", this.where, { headers: { accept: "application/json" } });
      this.secret.hidden = true;
      this.show(await get(this.where, { signal: this.signal }));
    });
  }

  /** The last events, with a button to send one again that was given up. */
  table(/** @type {any} */ webhook) {
    const head = ["event", "draw", "state", "attempts", "at"].map((name) =>
      h("th", { scope: "col", class: name === "attempts" ? "n" : null }, t(`webhook.${name}`)),
    );
    const rows = webhook.deliveries.map((/** @type {any} */ line) => this.row(line, webhook.url !== null));
    return h(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": t("webhook.deliveries") },
      h("h3", null, t("webhook.deliveries")),
      h("table", null, h("thead", null, h("tr", null, head)), h("tbody", null, rows)),
    );
  }

  row(/** @type {any} */ line, /** @type {boolean} */ canSend) {
    const again = h("button", { type: "button", name: "send_again" }, t("webhook.again"));
    again.addEventListener("click", () =>
      this.working(again, async () => {
        const [, lottery] = this.where.split("/").filter(Boolean);
        const where = path("lotteries", decodeURIComponent(lottery), "webhook", "deliveries", line.event_id);
        await post(`${where}/retry`, {});
        this.show(await get(this.where, { signal: this.signal }));
      }),
    );
    return h(
      "tr",
      { "data-state": line.state },
      h("td", null, known(`webhook.event.${line.event}`) ?? line.event),
      h("td", null, foreign(line.draw_id)),
      h(
        "td",
        null,
        t(`webhook.state.${line.state}`),
        line.failure ? h("span", { class: "hint" }, ` (${line.failure})`) : null,
        line.state === "DEAD" && canSend ? [" ", again] : null,
      ),
      h("td", { class: "n" }, number(line.attempts)),
      h("td", null, timestamp(line.at)),
    );
  }

  async working(/** @type {any} */ button, /** @type {() => Promise<void>} */ work) {
    this.problem.textContent = "";
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      this.problem.textContent = trouble(error);
    }
    button.disabled = false;
  }
}
