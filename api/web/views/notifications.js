// @ts-check
// What became of the messages to the winners; for the organiser also which were not sent and why, and sending them again.

import { get, post } from "../api.js";
import { h, put } from "../dom.js";
import { drawPath, hasWinners } from "../draws.js";
import { timestamp, number, trouble } from "../format.js";
import { known, t } from "../i18n/index.js";
import { paged, pageOf } from "../paging.js";
import { token } from "../session.js";
import { channel, unsentReason } from "./winners.js";

const STATES = ["sent", "failed", "unknown", "pending"];

export class Notifications {
  /** `onRetry` is called when messages are being sent again. */
  constructor(lottery, id, signal, onRetry) {
    this.where = (...rest) => drawPath(lottery, id, "notifications", ...rest);
    this.signal = signal;
    this.onRetry = onRetry;
    this.counts = h("div");
    this.unsent = h("div");
    this.element = h("section", null, this.counts, this.unsent);
    this.shown = "";
  }

  show(draw) {
    const rows = Object.entries(draw.notifications ?? {}).filter(([, counts]) =>
      Object.values(counts).some((n) => n > 0),
    );
    put(
      this.counts,
      rows.length
        ? [
            h("h2", null, t("notifications.title")),
            h(
              "table",
              { class: "small-table" },
              h(
                "thead",
                null,
                h(
                  "tr",
                  null,
                  h("th", { scope: "col" }, t("notifications.channel")),
                  STATES.map((state) => h("th", { scope: "col", class: "n" }, t(`notifications.${state}`))),
                ),
              ),
              h(
                "tbody",
                null,
                rows.map(([name, counts]) =>
                  h(
                    "tr",
                    null,
                    h("th", { scope: "row" }, channel(name)),
                    STATES.map((state) => h("td", { class: "n" }, number(counts[state]))),
                  ),
                ),
              ),
            ),
          ]
        : null,
    );
    const sum = (state) => rows.reduce((all, [, counts]) => all + counts[state], 0);
    const [failed, unknown] = [sum("failed"), sum("unknown")];
    const shown = JSON.stringify([draw.status, failed, unknown]);
    if (shown === this.shown) return;
    this.shown = shown;
    const canSend = token() && hasWinners(draw.status) && draw.status !== "RECORDED" && failed + unknown > 0;
    put(this.unsent, canSend ? this.form(failed, unknown) : null);
  }

  /** The messages that were not sent, or perhaps not, and what the organiser can do about it. */
  form(failed, unknown) {
    const list = h("tbody");
    const { more, load } = paged(list, async (cursor) => {
      const page = await get(pageOf(`${this.where()}?state=FAILED,UNKNOWN&limit=100`, cursor), {
        signal: this.signal,
      });
      return { elements: page.notifications.map(row), next_cursor: page.next_cursor };
    });
    const head = ["rank", "participant", "channel", "state", "reason", "at"].map((name) =>
      h("th", { scope: "col", class: name === "rank" ? "n" : null }, t(`unsent.${name}`)),
    );
    const details = h(
      "details",
      {
        class: "unsent",
        ontoggle: () => {
          if (details.open && !list.children.length) load().catch(() => {});
        },
      },
      h("summary", null, t("unsent.which", { n: number(failed + unknown) })),
      h(
        "div",
        {
          class: "scroller",
          tabindex: "0",
          role: "region",
          "aria-label": t("unsent.which", { n: number(failed + unknown) }),
        },
        h("table", null, h("thead", null, h("tr", null, head)), list),
      ),
      more,
    );
    const also = h("input", { type: "checkbox", name: "unknown" });
    const warning = h("p", { class: "warning", hidden: true }, t("unsent.twice"));
    const said = h("p", { role: "status" });
    const submit = h(
      "button",
      { type: "submit", class: "primary", disabled: failed === 0 },
      t("unsent.send", { n: number(failed) }),
    );
    also.addEventListener("change", () => {
      warning.hidden = !also.checked;
      submit.disabled = failed === 0 && !also.checked;
      submit.textContent = t("unsent.send", { n: number(also.checked ? failed + unknown : failed) });
    });
    // The same press, repeated after a lost answer, sends once.
    const key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    const send = async (event) => {
      event.preventDefault();
      submit.disabled = true;
      said.className = "";
      try {
        const states = ["FAILED", ...(also.checked ? ["UNKNOWN"] : [])];
        const answer = await post(
          this.where("retry"),
          { states },
          { headers: { "idempotency-key": `${key}-${states.length}` } },
        );
        said.textContent = t("unsent.again", { n: number(answer.sms + answer.email) });
        this.onRetry();
      } catch (error) {
        said.className = "problem";
        said.textContent = trouble(error);
        submit.disabled = false;
      }
    };
    return h(
      "form",
      { class: "card resend", onsubmit: send },
      h("h3", null, t("unsent.title")),
      h("p", null, t("unsent.lead", { failed: number(failed), unknown: number(unknown) })),
      details,
      unknown ? h("label", { class: "check" }, also, " ", t("unsent.unknown", { n: number(unknown) })) : null,
      warning,
      submit,
      said,
    );
  }
}

function row(line) {
  return h(
    "tr",
    { "data-state": line.state },
    h("td", { class: "n" }, number(line.rank)),
    h("td", null, line.participant_id),
    h("td", null, channel(line.channel)),
    h("td", null, known(`note.${line.state}`) ?? line.state),
    h("td", null, line.reason ? unsentReason(line.reason) : ""),
    h("td", null, timestamp(line.at)),
  );
}
