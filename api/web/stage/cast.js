// @ts-check
// Who has won, as a screen may show it: in full for the organiser, masked for everyone else and at the press of a key.

import { t } from "../i18n/index.js";
import { token } from "../session.js";
import { results } from "./people.js";
import { claimOf, repeated, seats, underName } from "./program.js";

/** @typedef {import("./program.js").Winner} Winner */

export class Cast {
  /**
   * @param {[string, string]} where
   * @param {AbortSignal} signal
   */
  constructor(where, signal) {
    this.where = where;
    this.signal = signal;
    this.isFull = Boolean(token());
    /** @type {Winner[]} */
    this.masked = [];
    /** @type {Winner[]} */
    this.full = [];
    /** @type {Winner[]} */
    this.alternates = [];
    /** Names that several people of the list have.
     * @type {Set<string>} */
    this.namesakes = new Set();
    /** The same, and those that several winners have.
     * @type {Set<string>} */
    this.ambiguous = new Set();
  }

  /** Reads the winners anew; what cannot be read stays as it was. */
  async load(/** @type {any} */ draw) {
    const { signal, where } = this;
    const [full, masked] = await Promise.all([
      token() ? results(where, { signal }).catch(() => null) : null,
      draw.winners_next_cursor || !draw.winners.length
        ? results(where, { signal, anonymous: true }).catch(() => null)
        : { winners: draw.winners, alternates: [] },
    ]);
    if (signal.aborted) return;
    if (full?.winners.some((winner) => winner.participant_id)) {
      const seated = new Set(full.winners.map((winner) => winner.rank));
      this.full = full.winners;
      this.alternates = full.alternates.filter((one) => !seated.has(one.rank));
    }
    if (masked?.winners.length) this.masked = masked.winners;
  }

  /** The masked winners alone: names that are not released yet appear there. */
  async loadMasked(/** @type {AbortSignal} */ signal) {
    const found = await results(this.where, { signal, anonymous: true }).catch(() => null);
    if (found?.winners.length) this.masked = found.winners;
  }

  get isEmpty() {
    return !this.full.length && !this.masked.length;
  }

  /**
   * The winners of each prize.
   * @param {import("./program.js").Prize[]} prizes
   */
  won(prizes) {
    return seats(prizes, this.full.length ? this.full : this.masked);
  }

  /** Finds out which names are not enough to tell people apart. */
  compare() {
    const winners = this.full.length ? this.full : this.masked;
    this.ambiguous = new Set([...this.namesakes, ...repeated(winners.map((winner) => winner.name))]);
    this.maskedByRank = new Map(this.masked.map((winner) => [winner.rank, winner.name]));
  }

  /**
   * What of a winner is shown: the name and what is under it.
   * @param {Winner} winner
   * @returns {import("./grid.js").Line}
   */
  line(winner) {
    if (winner.name === null) {
      return winner.released === false
        ? { name: "…", under: t("stage.soon") }
        : { name: "—", under: t("winners.withdrawn") };
    }
    const under = underName(winner, this.ambiguous);
    if (this.isFull || !winner.participant_id) return { name: winner.name, under };
    return { name: this.maskedByRank?.get(winner.rank) ?? mask(winner.name), under };
  }
}

/**
 * What the wall shows of a winner: also whether the prize is claimed, and whether the seat was somebody else's.
 * @param {Cast} cast
 * @param {Winner} winner
 * @param {any} draw
 * @returns {import("./grid.js").Line}
 */
export function lineOfWall(cast, winner, draw) {
  return { ...cast.line(winner), claim: claimOf(winner, draw), tookOver: Boolean(winner.instead_of) };
}

/** A name without all but the first letter of each word. */
export function mask(/** @type {string} */ name) {
  return name
    .split(/\s+/)
    .map((word) => `${[...word][0] ?? ""}**`)
    .join(" ");
}
