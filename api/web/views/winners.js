// @ts-check
// The winners of a draw by prize, page by page: in full for their organiser, otherwise masked.

import { get } from "../api.js";
import { claimsNotice } from "../claims.js";
import { find, foreign, h, put } from "../dom.js";
import { CSV, XLSX, download } from "../download.js";
import { drawPath, hasWinners } from "../draws.js";
import { number, timestamp, trouble } from "../format.js";
import { known, t } from "../i18n/index.js";
import { pageOf } from "../paging.js";
import { passedOnNotice } from "../passed_on.js";
import { token } from "../session.js";

const PAGE = 200;

export class Winners {
  constructor(lottery, id, signal, release, replace) {
    this.release = release;
    this.replace = replace;
    this.address = drawPath(lottery, id, "winners");
    this.where = `${this.address}?limit=${PAGE}`;
    this.name = `${lottery}-${id}`;
    this.signal = signal;
    this.element = h("section");
    this.first = [];
    this.more = [];
    this.alternates = new Map();
    this.cursor = null;
    this.isFull = false;
  }

  /** Shows the winners of the draw as it is now; pages that were asked for stay. */
  async show(draw) {
    this.draw = draw;
    this.take(draw.winners, draw.winners_next_cursor);
    if (!token() || !hasWinners(draw.status)) return;
    const page = await get(this.where, { signal: this.signal }).catch(() => null);
    if (!page || this.signal.aborted) return;
    const isFull = page.winners.some((winner) => "participant_id" in winner);
    if (isFull !== this.isFull) this.more = [];
    this.isFull = isFull;
    this.keepAlternates(page);
    this.take(page.winners, page.next_cursor);
  }

  take(winners, cursor) {
    // What is in full stays so until it is read anew.
    if (this.isFull && !winners.some((winner) => "participant_id" in winner) && winners.length) return;
    this.first = winners;
    if (!this.more.length) this.cursor = cursor;
    this.render();
  }

  /** The list as a file, and on paper: for the organiser alone. */
  tools() {
    if (!this.isFull) return null;
    const problem = h("span", { class: "problem", role: "alert" });
    const button = (name, words, work) => {
      const act = async () => {
        problem.textContent = "";
        made.disabled = true;
        await work().catch((error) => {
          if (!this.signal.aborted) problem.textContent = trouble(error);
        });
        made.disabled = false;
      };
      const made = h("button", { type: "button", class: "small", name, onclick: act }, words);
      return made;
    };
    const file = (ending) => `${t("winners.file", { name: this.name })}.${ending}`;
    return h(
      "p",
      { class: "actions winners-tools" },
      button("winners-csv", t("winners.csv"), () => download(this.address, CSV, file("csv"), this.signal)),
      button("winners-xlsx", t("winners.xlsx"), () =>
        download(this.address, XLSX, file("xlsx"), this.signal),
      ),
      button("winners-print", t("winners.print"), () => this.print()),
      problem,
    );
  }

  /** Prints all winners, those included that are not shown yet. */
  async print() {
    while (this.cursor && !this.signal.aborted) {
      const page = await get(pageOf(this.where, this.cursor), { signal: this.signal });
      this.addPage(page);
    }
    this.render();
    print();
  }

  /** The alternates who have no seat. */
  waiting(winners) {
    const seated = new Set(winners.map((winner) => winner.rank));
    const waiting = [...this.alternates.values()].filter((one) => !seated.has(one.rank));
    if (!this.isFull || !waiting.length) return null;
    return h(
      "div",
      { class: "prize-block alternates" },
      h("h3", null, t("winners.alternates")),
      h(
        "ul",
        { class: "winners" },
        waiting.map((one) => item(one)),
      ),
    );
  }

  async load(button) {
    button.disabled = true;
    const page = await get(pageOf(this.where, this.cursor), { signal: this.signal }).catch(() => null);
    button.disabled = false;
    if (!page || this.signal.aborted) return;
    this.addPage(page);
    this.render();
  }

  addPage(page) {
    this.more.push(...page.winners);
    this.keepAlternates(page);
    this.cursor = page.next_cursor;
  }

  /** The alternates, for the organiser, by rank; an alternate who has taken a seat is among the winners. */
  keepAlternates(page) {
    for (const alternate of page.alternates ?? []) this.alternates.set(alternate.rank, alternate);
  }

  render() {
    // A first page may have grown since the later pages were read.
    const last = this.first.at(-1)?.rank ?? 0;
    const list = [...this.first, ...this.more.filter((winner) => winner.rank > last)];
    if (!list.length) {
      this.release.show(this.draw, null);
      this.replace.show(this.draw, false);
      put(this.element);
      return;
    }
    const byPrize = new Map(this.draw.prizes.map((prize) => [prize.name, []]));
    for (const winner of list) {
      if (!byPrize.has(winner.prize)) byPrize.set(winner.prize, []);
      byPrize.get(winner.prize).push(winner);
    }
    const more = h("button", { type: "button", onclick: () => this.load(more) }, t("more"));
    // What is drawn anew must not take the focus from the button that is worked on.
    const focused = this.element.contains(document.activeElement)
      ? /** @type {HTMLButtonElement} */ (document.activeElement).name
      : "";
    this.release.show(this.draw, this.isFull ? list : null);
    this.replace.show(this.draw, this.isFull);
    put(
      this.element,
      h("h2", null, t("winners.title")),
      this.tools(),
      this.isFull ? null : h("p", { class: "quiet" }, t("winners.masked")),
      passedOnNotice(this.draw),
      claimsNotice(this.draw),
      [...byPrize]
        .filter(([, won]) => won.length)
        .map(([prize, won]) =>
          h(
            "div",
            { class: "prize-block" },
            h("h3", null, foreign(prize)),
            h(
              "ul",
              { class: "winners" },
              won.map((winner) =>
                item(
                  winner,
                  this.isFull ? seatActions(this.release.one(winner), this.replace.one(winner)) : null,
                  claimOf(winner, this.draw),
                ),
              ),
            ),
          ),
        ),
      this.waiting(list),
      this.cursor
        ? h(
            "p",
            { class: "more" },
            more,
            " ",
            h(
              "span",
              { class: "quiet" },
              t("winners.shown", { n: number(list.length), all: number(this.draw.winners_total) }),
            ),
          )
        : null,
    );
    if (focused) find(this.element, `[name="${focused}"]`)?.focus();
  }
}

/** The buttons of a seat; null if it has none. */
function seatActions(...buttons) {
  const there = buttons.filter(Boolean);
  return there.length ? there.flatMap((button) => [button, " "]) : null;
}

/** Whether a winner has claimed, in words, where that has to be. */
function claimOf(winner, draw) {
  if (!draw.claims || winner.forfeited || winner.replaced) return null;
  return winner.claimed_at ? [t("claims.claimed"), " ", timestamp(winner.claimed_at)] : t("claims.not_yet");
}

/** @param {any} winner
 * @param {any} [action]
 * @param {any} [claim] */
function item(winner, action = null, claim = null) {
  const contact = [winner.group, winner.phone, winner.email].filter(Boolean);
  const notes = (winner.notifications ?? []).filter((note) => note.state !== "SENT");
  const seat = [
    winner.forfeited ? t("winners.forfeited") : null,
    winner.replaced ? t(`winners.replaced_${winner.replaced}`) : null,
    winner.taken_by ? t("winners.taken_by", { n: number(winner.taken_by) }) : null,
    winner.instead_of ? t("winners.instead_of", { n: number(winner.instead_of) }) : null,
  ]
    .filter(Boolean)
    .join(" · ");
  return h(
    "li",
    null,
    h("span", { class: "rank" }, winner.rank),
    h(
      "span",
      { class: "who" },
      winner.name
        ? foreign(winner.name)
        : h("em", null, winner.released === false ? t("release.not_yet") : t("winners.withdrawn")),
    ),
    winner.participant_id || contact.length
      ? h(
          "span",
          { class: "quiet" },
          winner.participant_id ? [winner.participant_id, " · "] : null,
          contact.map((one, i) => [i ? " · " : "", foreign(one)]),
        )
      : null,
    seat ? h("span", { class: "quiet" }, seat) : null,
    claim ? h("span", { class: "quiet", "data-claimed": winner.claimed_at ? "yes" : "no" }, claim) : null,
    action ? h("span", { class: "seat-actions" }, action) : null,
    notes.map((note) =>
      h(
        "span",
        { class: "problem" },
        `${channel(note.channel)}: ${known(`note.${note.state}`) ?? note.state}${note.reason ? ` (${unsentReason(note.reason)})` : ""}`,
      ),
    ),
  );
}

export function channel(name) {
  return known(`channel.${name}`) ?? name;
}

/** Why a message was not sent: in words where the page has them, else as the service that refused it says. */
export function unsentReason(reason) {
  return known(`unsent.${reason}`) ?? reason;
}
