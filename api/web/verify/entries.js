// @ts-check
// The list of entries: its order, its sums, its Merkle root (RFC 6962, section 2.1).

import { canonical, hex, sha256, utf8 } from "./bytes.js";
import { ENTRY, fits } from "./shape.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Takes entries one by one, in their order, in memory that does not grow with them. */
export class EntryList {
  constructor() {
    this.count = 0;
    this.tickets = 0;
    this.last = "";
    this.peaks = [];
    this.pastWinnersOf = new Set();
  }

  /** Takes an entry; answers what is wrong with it, or null. */
  add(entry) {
    if (!fits(entry, ENTRY)) return "entry_form";
    if (!(this.last < entry.label)) return "entry_order";
    this.last = entry.label;
    this.count += 1;
    this.tickets += entry.tickets;
    if (entry.excluded?.startsWith("past_winner:")) this.pastWinnersOf.add(entry.excluded.slice(12));
    let peak = { hash: sha256(LEAF, utf8(canonical(entry))), leaves: 1 };
    while (this.peaks.at(-1)?.leaves === peak.leaves) {
      const left = this.peaks.pop();
      peak = { hash: sha256(NODE, left.hash, peak.hash), leaves: peak.leaves * 2 };
    }
    this.peaks.push(peak);
    return null;
  }

  /** The root over all entries taken. */
  root() {
    if (!this.count) return hex(sha256(new Uint8Array()));
    const hashes = this.peaks.map((peak) => peak.hash);
    return hex(hashes.reduceRight((right, left) => sha256(NODE, left, right)));
  }
}
