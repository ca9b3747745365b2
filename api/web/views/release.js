// @ts-check
// What of a draw is held back: what everyone is told of it, and the buttons with which its organiser releases winners.

import { post } from "../api.js";
import { find, foreign, h, put } from "../dom.js";
import { drawPath, hasWinners } from "../draws.js";
import { number, timestamp, trouble } from "../format.js";
import { t } from "../i18n/index.js";
import { timeField } from "../time_field.js";

/** The choice in the form of a new draw: when winners are named to the public and told. */
export function releaseChoice(/** @type {string} */ zone) {
  const mode = h(
    "select",
    { name: "release" },
    ["automatic", "on_reveal", "manual"].map((value) => h("option", { value }, t(`release.${value}`))),
  );
  const by = timeField(zone, "release_by", t("release.by_field"), t("release.by_hint"));
  return {
    mode,
    by,
    /** Adds what is chosen to the body of the request. */
    async write(body) {
      if (mode.value === "automatic") return;
      body.release = mode.value;
      const releaseBy = await by.read();
      if (releaseBy) body.release_by = releaseBy;
    },
  };
}

/** The part of a draw's page that is about what is held back. `onReleased` is called after a release. */
export class Release {
  constructor(lottery, id, onReleased) {
    this.address = drawPath(lottery, id, "release");
    this.onReleased = onReleased;
    this.problem = h("p", { class: "problem", role: "alert" });
    this.element = h("section");
  }

  /** Shows the draw as it is now; `winners` are those that are known in full, for the organiser. */
  show(draw, winners) {
    const held = draw.release;
    if (!held || !hasWinners(draw.status) || held.released >= held.total) {
      put(this.element);
      return;
    }
    const focused = this.element.contains(document.activeElement)
      ? /** @type {HTMLButtonElement} */ (document.activeElement).name
      : "";
    const count = t("release.count", { n: number(held.released), all: number(held.total) });
    const by = held.release_by ? [" ", t("release.by"), " ", timestamp(held.release_by)] : null;
    if (!winners) {
      put(this.element, h("p", { class: "notice", "data-held": "" }, t("release.not_announced"), " ", count));
      return;
    }
    const prizes = draw.prizes
      .map((prize, index) => ({ prize, index }))
      .filter(({ prize }) => prize.winners > 0);
    put(
      this.element,
      h(
        "div",
        { class: "card release" },
        h("h2", null, t("release.title")),
        h("p", null, t("release.text"), " ", count, by),
        h(
          "p",
          { class: "row-actions" },
          this.button("release-all", t("release.all"), { all: true }, t("release.all_confirm")),
          prizes.length > 1
            ? prizes.map(({ prize, index }) => [
                " ",
                this.button(`release-prize-${index}`, [t("release.prize"), " ", foreign(prize.name)], {
                  prize: index,
                }),
              ])
            : null,
        ),
        this.problem,
      ),
    );
    if (focused) find(this.element, `[name="${focused}"]`)?.focus();
  }

  /** The button beside one winner; none for whoever is released, or has no seat. */
  one(winner) {
    if (winner.released !== false || winner.forfeited || winner.replaced) return null;
    const made = this.button(`release-${winner.rank}`, t("release.one"), { ranks: [winner.rank] });
    made.setAttribute("aria-label", t("release.one_label", { n: number(winner.rank) }));
    return made;
  }

  button(name, words, body, question) {
    const act = async () => {
      if (question && !confirm(question)) return;
      this.problem.textContent = "";
      made.disabled = true;
      try {
        await post(this.address, body);
        await this.onReleased();
      } catch (error) {
        this.problem.textContent = trouble(error);
        made.disabled = false;
      }
    };
    const made = h("button", { type: "button", class: "small", name, onclick: act }, words);
    return made;
  }
}
