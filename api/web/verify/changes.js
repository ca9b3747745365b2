// @ts-check
// The seats that changed hands after the draw, replayed from the recomputed line (docs/fair-draw.md, sections 4 and 5).

import { canonical, hex, sha256, utf8 } from "./bytes.js";
import { partsOf } from "./shape.js";
import { isChangeSigned } from "./signature.js";

/** Who sits where, by rank, and who is in line: the ranking, and behind it everybody else in line. */
class Seating {
  constructor(ranking, line, prizes) {
    const groups = new Map(line.map((one) => [one.label, one.group]));
    const ranked = new Set(ranking.map((one) => one.label));
    const behind = line.filter((one) => !ranked.has(one.label)).map(({ label }) => ({ label, prize: null }));
    this.prizes = prizes;
    this.people = [...ranking, ...behind].map(({ label, prize }) => ({
      label,
      prize,
      group: groups.get(label) ?? null,
      hasLeft: false,
    }));
    this.waiting = this.people.flatMap(({ prize }, i) => (prize === null ? [i + 1] : []));
    this.seated = prizes.map((prize) => ({ seats: 0, named: prize.quota.map(() => 0) }));
    for (const one of this.people) if (one.prize !== null) this.count(one, 1);
  }

  count({ prize, group }, by) {
    const seated = this.seated[prize];
    seated.seats += by;
    this.prizes[prize].quota.forEach((bound, i) => {
      if (partsOf(bound).includes(group)) seated.named[i] += by;
    });
  }

  /** Takes somebody out of the seat, whose prize is the answer, or out of the line; undefined if nobody is there. */
  leave(rank) {
    const one = this.people[rank - 1];
    if (!one || one.hasLeft) return undefined;
    one.hasLeft = true;
    if (one.prize === null) this.waiting.splice(this.waiting.indexOf(rank), 1);
    else this.count(one, -1);
    return one.prize;
  }

  /** Gives a seat of the prize to the first in line who keeps its quotas; the rank, or null. */
  passOn(prize) {
    const position = this.waiting.findIndex((rank) => this.fits(this.people[rank - 1].group, prize));
    if (position < 0) return null;
    const [rank] = this.waiting.splice(position, 1);
    this.people[rank - 1].prize = prize;
    this.count(this.people[rank - 1], 1);
    return rank;
  }

  fits(group, prize) {
    const { seats, named } = this.seated[prize];
    const empty = this.prizes[prize].winners - seats - 1;
    let lacking = 0;
    for (const [i, bound] of this.prizes[prize].quota.entries()) {
      const joins = partsOf(bound).includes(group);
      const count = named[i] + (joins ? 1 : 0);
      if (joins && bound.at_most !== null && count > bound.at_most) return false;
      lacking += Math.max(0, (bound.at_least ?? 0) - count);
    }
    return empty >= 0 && lacking <= empty;
  }
}

/**
 * Replays the changes. Answers the first reason why one does not hold, whether all signatures could be checked, and the seats
 * that were passed on, `{rank, prize, reason, taken_by}`, and how many left the line without a seat. `claims` is how long a winner has at least to claim the prize, and
 * from when: `{withinSeconds, roundAt}`.
 */
export async function replay(changes, { commitment, key, ranking, line, prizes, claims }) {
  const seating = new Seating(ranking, line, prizes);
  const seats = [];
  let leftLine = 0;
  // Of the withdrawals: when the first was decided, and the place of the last, which is the prize, if any, and the rank.
  let [withdrawnAt, placeBefore] = [null, [-1, 0]];
  // By rank, since when those have a seat who took it; the others have theirs since the round.
  const takenAt = new Map();
  let [previous, at, isReplacing, isWhole] = [hex(commitment), claims.roundAt, false, true];
  const wrong = (reason) => ({ wrong: `changes_${reason}`, isWhole, seats, leftLine });
  for (const [i, { signature, ...change }] of changes.entries()) {
    if (change.number !== i + 1) return wrong("number");
    if (change.previous !== previous) return wrong("previous");
    if (Date.parse(change.at) < at) return wrong("time");
    const isReplaced = change.kind === "replaced";
    if (isReplaced !== (change.reason !== null) || (isReplacing && !isReplaced)) return wrong("kind");
    const hash = sha256(utf8(canonical(change)));
    const isSigned = await isChangeSigned(key, signature, hash);
    if (isSigned === false) return wrong("signature");
    if (isSigned === null) isWhole = false;
    [previous, at, isReplacing] = [hex(hash), Date.parse(change.at), isReplaced];
    const prize = seating.leave(change.rank);
    if (prize === undefined || (prize === null && isReplaced)) return wrong("seat");
    if (!isReplaced) {
      if (at !== (withdrawnAt ?? at)) return wrong("order");
      const place = [prize === null || takenAt.has(change.rank) ? -1 : prize, change.rank];
      if (place[0] < placeBefore[0] || (place[0] === placeBefore[0] && place[1] <= placeBefore[1]))
        return wrong("order");
      [withdrawnAt, placeBefore] = [at, place];
    }
    const taker = prize === null ? null : seating.passOn(prize);
    if (taker !== change.taken_by) return wrong("taker");
    if (change.reason === "unclaimed") {
      const since = takenAt.get(change.rank) ?? claims.roundAt;
      if (claims.withinSeconds === null) return wrong("no_claims");
      if (at < since + claims.withinSeconds * 1000) return wrong("claim_time");
    }
    if (taker !== null) takenAt.set(taker, at);
    if (prize !== null) seats.push({ rank: change.rank, prize, reason: change.reason, taken_by: taker });
    else leftLine += 1;
  }
  return { wrong: null, isWhole, seats, leftLine };
}
