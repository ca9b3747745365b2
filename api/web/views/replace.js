// @ts-check
// Replacing winners, for the organiser: who takes a seat is shown before it is passed on, and never chosen.

import { get, post } from "../api.js";
import { field, h, put } from "../dom.js";
import { drawPath, hasWinners } from "../draws.js";
import { number, timestamp, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { REASONS } from "../passed_on.js";

/** The part of a draw's page in which winners are replaced. `onReplaced` is called after each change. */
export class Replace {
  constructor(lottery, id, signal, onReplaced) {
    this.where = (...rest) => drawPath(lottery, id, ...rest);
    this.signal = signal;
    this.onReplaced = onReplaced;
    this.problem = h("p", { class: "problem", role: "alert" });
    this.element = h("section");
    this.isOpen = false;
  }

  /** Shows the draw as it is now, to its organiser or to others. */
  show(draw, isOrganiser) {
    this.isOpen = isOrganiser && hasWinners(draw.status) && !draw.closed_at;
    const closed = draw.closed_at
      ? h("p", { class: "quiet", "data-closed": "" }, t("close.done"), " ", timestamp(draw.closed_at))
      : null;
    if (!this.isOpen) {
      put(this.element, closed);
      return;
    }
    const close = h(
      "button",
      { type: "button", class: "small", name: "close-draw", onclick: () => this.close(close) },
      t("close.button"),
    );
    put(this.element, h("p", { class: "quiet" }, t("close.text"), " ", close), this.problem);
  }

  /** The button beside one winner; none for whoever has left the seat. */
  one(winner) {
    if (!this.isOpen || winner.forfeited || winner.replaced) return null;
    return h(
      "button",
      {
        type: "button",
        class: "small",
        name: `replace-${winner.rank}`,
        "aria-label": t("replace.one_label", { n: number(winner.rank) }),
        onclick: () => this.replace(winner),
      },
      t("replace.one"),
    );
  }

  async close(button) {
    if (!confirm(t("close.confirm"))) return;
    await this.act(button, () => post(this.where("close"), {}));
  }

  async replace(winner) {
    this.problem.textContent = "";
    const address = this.where("winners", String(winner.rank), "replace");
    let taker;
    try {
      ({ taker } = await get(address, { signal: this.signal }));
    } catch (error) {
      if (!this.signal.aborted) this.problem.textContent = trouble(error);
      return;
    }
    const reason = await this.ask(winner, taker);
    if (reason === null || this.signal.aborted) return;
    await this.act(null, () => post(address, { reason }));
  }

  /** Asks for the reason, and says who takes the seat. Gives the reason, or null. */
  ask(winner, taker) {
    return new Promise((resolve) => {
      const select = h(
        "select",
        { name: "reason" },
        REASONS.map((value) => h("option", { value }, t(`replace.reason_${value}`))),
      );
      const end = (answer) => {
        removeEventListener("hashchange", leave);
        dialog.remove();
        resolve(answer);
      };
      const leave = () => end(null);
      const who = taker
        ? t("replace.taker", {
            who: taker.name ?? t("winners.withdrawn"),
            group: taker.group ? ` (${taker.group})` : "",
            n: number(taker.rank),
          })
        : t("replace.nobody");
      const dialog = h(
        "dialog",
        { class: "ask", "aria-labelledby": "replace-title", oncancel: leave },
        h(
          "h2",
          { id: "replace-title" },
          t("replace.title", { who: winner.name ?? t("winners.withdrawn"), n: number(winner.rank) }),
        ),
        h("p", { "data-taker": "" }, who),
        h("p", { class: "quiet" }, t("replace.text")),
        field(t("replace.reason"), select),
        h(
          "p",
          { class: "actions" },
          h("button", { type: "button", "data-answer": "no", onclick: leave }, t("dialog.no")),
          h(
            "button",
            {
              type: "button",
              class: "grave",
              "data-answer": "yes",
              onclick: () => end(/** @type {HTMLSelectElement} */ (select).value),
            },
            t("replace.yes"),
          ),
        ),
      );
      document.body.append(dialog);
      addEventListener("hashchange", leave);
      dialog.showModal();
      select.focus();
    });
  }

  async act(button, work) {
    this.problem.textContent = "";
    if (button) button.disabled = true;
    try {
      await work();
    } catch (error) {
      this.problem.textContent = trouble(error);
    }
    if (button) button.disabled = false;
    await this.onReplaced();
  }
}
