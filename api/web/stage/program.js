// @ts-check
// The order of the show: what follows what, computed from the position alone. Nothing here draws or waits.

/**
 * A winner as the API gives it.
 * @typedef {{prize: string, rank: number, label: string, name: string | null, group?: string | null, participant_id?: string,
 *   phone?: string | null, forfeited?: boolean, replaced?: string | null, instead_of?: number | null, released?: boolean,
 *   claimed_at?: string | null}} Winner
 */
/** @typedef {{name: string, winners: number}} Prize */
/**
 * Where the show is: `prize` is an index in the draw's prizes; `from` and `to` bound the winners of that prize which the
 * reveal shows. The service keeps it, so that screens stay in step (`PUT …/stage`).
 * @typedef {{screen: "commitment" | "prize" | "roll" | "names" | "wall", prize: number, from: number, to: number,
 *   order: number[], batches: number[]}} Position
 */

/** Up to this many winners of a prize are called up one by one. */
const FEW = 5;
/** Up to this many come in tens, more in sixties. */
const SOME = 30;

/**
 * The prizes from the smallest to the greatest: what many win comes first; of equals, what stands later in the list.
 * @param {Prize[]} prizes
 */
export function defaultOrder(prizes) {
  return prizes.map((_, index) => index).sort((a, b) => prizes[b].winners - prizes[a].winners || b - a);
}

/**
 * How many winners one reveal shows.
 * @param {Prize} prize
 */
export function defaultBatch(prize) {
  return prize.winners <= FEW ? 1 : prize.winners <= SOME ? 10 : 60;
}

/**
 * The position before anything was revealed.
 * @param {Prize[]} prizes
 * @returns {Position}
 */
export function firstPosition(prizes) {
  const order = defaultOrder(prizes);
  return {
    screen: "commitment",
    prize: order[0] ?? 0,
    from: 0,
    to: 0,
    order,
    batches: prizes.map(defaultBatch),
  };
}

/**
 * The rank that decides when a winner is called up: that of the first who had the seat, so that whoever takes a seat stands
 * where it was, and nobody moves.
 * @param {Winner} winner
 * @param {Map<number, Winner>} byRank
 */
function turn(winner, byRank) {
  let rank = winner.rank;
  for (let one = winner; one?.instead_of; one = /** @type {Winner} */ (byRank.get(one.instead_of)))
    rank = one.instead_of;
  return rank;
}

/**
 * The winners of each prize, by rank, as they are called up. Who has left a seat is not. Prizes of one name share their
 * winners in the order of the list.
 * @param {Prize[]} prizes
 * @param {Winner[]} winners
 * @returns {Winner[][]}
 */
export function seats(prizes, winners) {
  /** @type {Map<string, Winner[]>} */
  const byName = new Map();
  const byRank = new Map(winners.map((winner) => [winner.rank, winner]));
  const turns = new Map(winners.map((winner) => [winner, turn(winner, byRank)]));
  for (const winner of [...winners].sort((a, b) => (turns.get(a) ?? 0) - (turns.get(b) ?? 0))) {
    if (winner.forfeited || winner.replaced) continue;
    if (!byName.has(winner.prize)) byName.set(winner.prize, []);
    byName.get(winner.prize)?.push(winner);
  }
  return prizes.map((prize, index) => {
    const list = byName.get(prize.name) ?? [];
    const isLast = prizes.findLastIndex((one) => one.name === prize.name) === index;
    return list.splice(0, isLast ? list.length : prize.winners);
  });
}

/**
 * Whether a winner has claimed the prize, where that is asked for: `open` while it is waited for, `unclaimed` when it is over.
 * @param {Winner} winner
 * @param {{claims?: {until?: string | null} | null, closed_at?: string | null, status?: string}} draw
 * @returns {"claimed" | "open" | "unclaimed" | null}
 */
export function claimOf(winner, { claims, closed_at: closedAt, status }) {
  if (!claims) return null;
  if (winner.claimed_at) return "claimed";
  return !closedAt && status === "RECORDED" ? "open" : "unclaimed";
}

/**
 * The prizes that somebody has won, in the order of the show.
 * @param {Position} position
 * @param {Winner[][]} won
 */
function shownPrizes(position, won) {
  return position.order.filter((prize) => won[prize]?.length > 0);
}

/**
 * What comes next; the same position at the end.
 * @param {Position} position
 * @param {Winner[][]} won
 * @returns {Position}
 */
export function next(position, won) {
  const prizes = shownPrizes(position, won);
  if (!prizes.length || position.screen === "wall") return position;
  const { prize } = position;
  const batch = (/** @type {number} */ from) => {
    const to = Math.min(from + position.batches[prize], won[prize].length);
    return { ...position, screen: /** @type {const} */ ("roll"), from, to };
  };
  if (position.screen === "commitment")
    return { ...position, screen: "prize", prize: prizes[0], from: 0, to: 0 };
  if (position.screen === "roll") return { ...position, screen: "names" };
  if (position.screen === "prize" && won[prize]?.length) return batch(0);
  if (position.screen === "names" && position.to < (won[prize]?.length ?? 0)) return batch(position.to);
  const following = prizes[prizes.indexOf(prize) + 1];
  if (following === undefined) return { ...position, screen: "wall", from: 0, to: 0 };
  return { ...position, screen: "prize", prize: following, from: 0, to: 0 };
}

/**
 * What came before; the commitment is the beginning.
 * @param {Position} position
 * @param {Winner[][]} won
 * @returns {Position}
 */
export function back(position, won) {
  const prizes = shownPrizes(position, won);
  const { prize, screen, from } = position;
  /** @returns {Position} */
  const lastOf = (/** @type {number} */ one, /** @type {number} */ end) => {
    const start = Math.max(0, Math.floor((end - 1) / position.batches[one]) * position.batches[one]);
    return { ...position, screen: "names", prize: one, from: start, to: end };
  };
  if (!prizes.length || screen === "commitment") return position;
  if (screen === "wall") {
    const last = prizes[prizes.length - 1];
    return lastOf(last, won[last].length);
  }
  if (screen !== "prize")
    return from > 0 ? lastOf(prize, from) : { ...position, screen: "prize", from: 0, to: 0 };
  const before = prizes[prizes.indexOf(prize) - 1];
  if (before === undefined) return { ...position, screen: "commitment", from: 0, to: 0 };
  return lastOf(before, won[before].length);
}

/**
 * All winners of the prize that is being drawn.
 * @param {Position} position
 * @param {Winner[][]} won
 * @returns {Position}
 */
export function allOfPrize(position, won) {
  if (position.screen === "commitment" || position.screen === "wall") return position;
  const all = won[position.prize]?.length ?? 0;
  return all ? { ...position, screen: "names", from: 0, to: all } : position;
}

/**
 * How many winners of each prize have been revealed: those that were on the screen, in any earlier step too.
 * @param {Position} position
 * @param {Winner[][]} won
 * @returns {number[]}
 */
export function revealed(position, won) {
  if (position.screen === "commitment") return won.map(() => 0);
  if (position.screen === "wall") return won.map((list) => list.length);
  const here = position.order.indexOf(position.prize);
  return won.map((list, prize) => {
    const place = position.order.indexOf(prize);
    if (place !== here) return place < here ? list.length : 0;
    if (position.screen === "names") return Math.min(position.to, list.length);
    return position.screen === "roll" ? Math.min(position.from, list.length) : 0;
  });
}

/**
 * The winners who have been revealed and are not released: by rank, for `POST …/release`.
 * @param {Position} position
 * @param {Winner[][]} won
 */
export function toRelease(position, won) {
  const counts = revealed(position, won);
  return won
    .flatMap((list, prize) => list.slice(0, counts[prize]))
    .filter((winner) => winner.released === false)
    .map((winner) => winner.rank);
}

/**
 * What is written under a name: the group, and what tells namesakes apart.
 * @param {Winner} winner
 * @param {Set<string>} ambiguous names that more than one person has
 */
export function underName(winner, ambiguous) {
  const parts = winner.group ? [winner.group] : [];
  if (winner.name !== null && ambiguous.has(winner.name))
    parts.push(winner.participant_id ?? winner.label.slice(0, 8));
  return parts.join(" · ");
}

/**
 * The names that stand more than once in a list.
 * @param {Iterable<string | null>} names
 * @returns {Set<string>}
 */
export function repeated(names) {
  const seen = new Set();
  const twice = new Set();
  for (const name of names) {
    if (name === null) continue;
    if (seen.has(name)) twice.add(name);
    seen.add(name);
  }
  return twice;
}

/**
 * Whether a position that came from outside belongs to a draw with so many prizes.
 * @param {any} position
 * @param {Prize[]} prizes
 * @returns {position is Position}
 */
export function isPosition(position, prizes) {
  return (
    Boolean(position) &&
    ["commitment", "prize", "roll", "names", "wall"].includes(position.screen) &&
    Number.isInteger(position.prize) &&
    position.prize >= 0 &&
    position.prize < prizes.length &&
    Number.isInteger(position.from) &&
    Number.isInteger(position.to) &&
    position.from >= 0 &&
    position.from <= position.to &&
    Array.isArray(position.order) &&
    prizes.every((_, index) => position.order.includes(index)) &&
    position.order.length === prizes.length &&
    Array.isArray(position.batches) &&
    position.batches.length === prizes.length &&
    position.batches.every((/** @type {any} */ one) => one >= 1)
  );
}
