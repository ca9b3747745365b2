// @ts-check
// The ranking: scores from commitment, randomness and entries, and the seats (docs/fair-draw.md, section 4).

import { bigEndian, compare, hex, hmac, join, utf8 } from "./bytes.js";
import { partsOf } from "./shape.js";

const FIRST_BLOCK = Uint8Array.of(1);
const ZERO = Uint8Array.of(0);

/** Gives the score of an entry: the lowest of its tickets'. */
export function scorer(commitment, randomness) {
  const expand = hmac(hmac(commitment)(randomness));
  return (entry) => {
    const label = utf8(entry.label);
    let lowest = expand(join(label, FIRST_BLOCK));
    for (let ticket = 1; ticket < entry.tickets; ticket += 1) {
      const score = expand(join(label, ZERO, bigEndian(ticket, 4), FIRST_BLOCK));
      if (compare(score, lowest) < 0) lowest = score;
    }
    return lowest;
  };
}

/** The line of those who can win, `{score, label, group}`, best first. */
export function inLine(scored) {
  return scored.sort((a, b) => compare(a.score, b.score) || (a.label < b.label ? -1 : 1));
}

/** Gives the seats to the line; answers the ranking as a proof has it. */
export function ranking(line, manifest) {
  const seats = new Array(line.length).fill(null);
  // Of each prize: the quota that names a group, or null for those without one.
  const quotas = manifest.prizes.map(
    (prize) => new Map(prize.quota.flatMap((bound) => partsOf(bound).map((part) => [part, bound]))),
  );
  manifest.prizes.forEach((prize, place) => {
    for (const bound of prize.quota) {
      let left = bound.at_least ?? 0;
      for (let i = 0; i < line.length && left > 0; i += 1) {
        if (seats[i] || quotas[place].get(line[i].group) !== bound) continue;
        seats[i] = { prize: place, seat: "reserved" };
        left -= 1;
      }
    }
  });
  manifest.prizes.forEach((prize, place) => {
    const room = new Map();
    let open = prize.winners;
    for (const bound of prize.quota) {
      const least = bound.at_least ?? 0;
      open -= least;
      if (bound.at_most !== null) room.set(bound, bound.at_most - least);
    }
    for (let i = 0; i < line.length && open > 0; i += 1) {
      const bound = quotas[place].get(line[i].group);
      if (seats[i] || room.get(bound) === 0) continue;
      if (room.has(bound)) room.set(bound, room.get(bound) - 1);
      seats[i] = { prize: place, seat: "open" };
      open -= 1;
    }
  });
  for (let i = 0, left = manifest.alternates; i < line.length && left > 0; i += 1) {
    if (seats[i]) continue;
    seats[i] = { prize: null, seat: "alternate" };
    left -= 1;
  }
  return line.flatMap((one, i) =>
    seats[i] ? [{ label: one.label, prize: seats[i].prize, score: hex(one.score), seat: seats[i].seat }] : [],
  );
}
