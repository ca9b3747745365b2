// @ts-check
// Verifies the proof of a draw, step by step (docs/fair-draw.md, section 5), in the reader's own browser.

import { isBeacons } from "./beacon.js";
import { bigEndian, canonical, hex, join, sha256, unhex, utf8 } from "./bytes.js";
import { replay } from "./changes.js";
import { EntryList } from "./entries.js";
import { inLine, ranking, scorer } from "./ranking.js";
import { ownEntry } from "./receipt.js";
import { fits, isRehearsal, isTimestamp, proofShape } from "./shape.js";
import { isSigned } from "./signature.js";
import { fromBase64, worth } from "./witness.js";

/** The public chain whose rounds nobody can know beforehand: drand's quicknet. */
const QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971";

/** In this order. */
export const STEPS = [
  "form",
  "manifest",
  "commitment",
  "signature",
  "round",
  "witness",
  "randomness",
  "entries",
  "ranking",
  "changes",
  "receipt",
];

/** A step that does not hold, with the name of the reason. */
class Broken extends Error {}

function need(isTrue, reason) {
  if (!isTrue) throw new Broken(reason);
}

/**
 * Verifies a proof. `readEntries()` gives the pages of entries of a proof that has them apart, `noted` is the
 * commitment that the reader noted, `receipt` the reader's receipt; each may be null. After each step
 * `tell({step, state, reason, places})` is called with the state `holds`, `broken` or `open`, the last for a step that
 * was not checked or not to its end; nothing follows a broken step. Returns the verdict: `broken`, `incomplete`,
 * `unseated` (which is incomplete for want of a round or of winners), `rehearsal` (all holds, and it is no draw), `consistent`
 * or `holds`. The step `manifest` tells a rehearsal by its reason, and by another that prizes have to be claimed; of every
 * draw it tells as `previous` what had become of the draw before. The step `changes` tells how many `leftLine` without a seat.
 */
export async function verify(bytes, { readEntries, noted, receipt }, tell) {
  let step = "form";
  let isWhole = true;
  const holds = (places) => tell({ step, state: "holds", places });
  const open = (reason) => tell({ step, state: "open", reason });
  try {
    const { proof, entries } = read(bytes);
    const { manifest, beacon } = proof;
    holds();

    step = "manifest";
    checkManifest(manifest);
    if (isRehearsal(manifest)) tell({ step, state: "holds", reason: "rehearsal" });
    else {
      const { sequence, claim_within_seconds: seconds, previous_status: previous } = manifest;
      const isClaimed = seconds !== null;
      const reason = isClaimed ? "manifest_claims" : undefined;
      tell({
        step,
        state: "holds",
        reason,
        places: isClaimed ? { sequence, seconds } : { sequence },
        previous,
      });
    }

    step = "commitment";
    const commitment = sha256(utf8(canonical(manifest)));
    if (noted) {
      need(noted === hex(commitment), "commitment_other");
      holds({ commitment: hex(commitment) });
    } else {
      open("commitment_unnoted");
    }

    step = "signature";
    const signed = await isSigned(proof.signature, commitment);
    need(signed !== false, "signature_wrong");
    if (signed) holds();
    else {
      isWhole = false;
      open("signature_unsupported");
    }

    step = "round";
    checkRound(manifest, beacon.chain);
    holds({ round: manifest.beacon.round });

    step = "witness";
    tell({ step, ...(await witnessed(proof, commitment)) });

    step = "randomness";
    if (beacon.round) {
      need(beacon.round.round === manifest.beacon.round, "randomness_round");
      need(hex(sha256(unhex(beacon.round.signature))) === beacon.round.randomness, "randomness_hash");
      const isOfBeacon = await isBeacons(beacon.chain.public_key, beacon.round);
      need(isOfBeacon !== false, "randomness_signature");
      if (isOfBeacon) holds();
      else {
        isWhole = false;
        open("randomness_unsupported");
      }
    } else {
      open("randomness_missing");
    }

    step = "entries";
    const score = beacon.round ? scorer(commitment, unhex(beacon.round.randomness)) : null;
    const pages = entries === null ? readEntries?.() : [readList(entries)];
    if (!pages) {
      open("entries_apart");
      return "incomplete";
    }
    const mine = receipt ? ownEntry(receipt, manifest) : null;
    const { list, scored, own } = await take(pages, score, mine?.label);
    need(list.count === manifest.entries, "entries_count");
    need(list.tickets === manifest.tickets, "entries_tickets");
    need(list.root() === manifest.root, "entries_root");
    if (manifest.version === 2) checkPastWinners(manifest, list.pastWinnersOf);
    holds({ entries: list.count, tickets: list.tickets });

    step = "ranking";
    const line = inLine(scored);
    const isRanked = score !== null && proof.ranking !== null;
    need(score !== null || proof.ranking === null, "ranking_unfounded");
    if (score !== null) {
      const found = ranking(line, manifest);
      const seats = manifest.prizes.reduce((sum, prize) => sum + prize.winners, 0);
      need(found.filter((one) => one.prize !== null).length === seats, "ranking_empty");
      need(!isRanked || canonical(found) === canonical(proof.ranking), "ranking_other");
      if (isRanked) holds({ winners: seats });
    }
    if (!isRanked) open("ranking_missing");

    step = "changes";
    const changes = proof.changes ?? [];
    need(isRanked || !changes.length, "changes_unfounded");
    const key = proof.signature.public_key;
    const claims = { withinSeconds: manifest.claim_within_seconds, roundAt: timeOfRound(proof) };
    const known = { commitment, key, ranking: proof.ranking ?? [], line, prizes: manifest.prizes, claims };
    const replayed = await replay(isRanked ? changes : [], known);
    need(replayed.wrong === null, replayed.wrong);
    if (!replayed.isWhole) {
      isWhole = false;
      open("changes_unsupported");
    } else if (isRanked) {
      const reasons = replayed.seats.map((seat) => seat.reason ?? "withdrawn");
      const empty = replayed.seats.filter((seat) => seat.taken_by === null).length;
      const reason = reasons.length ? "changes_some" : undefined;
      tell({ step, state: "holds", reason, reasons, empty, leftLine: replayed.leftLine });
    }

    if (receipt) {
      step = "receipt";
      if (!mine) throw new Broken("receipt_version");
      need(own, "receipt_unknown");
      need(isBound(own, mine), "receipt_wrong");
      tell({ step, state: "holds", ...ownPlace(mine.label, known, replayed.seats) });
    }
    if (!isWhole) return "incomplete";
    if (!isRanked) return "unseated";
    if (isRehearsal(manifest)) return "rehearsal";
    return manifest.beacon.chain_hash === QUICKNET ? "holds" : "consistent";
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    tell({ step, state: "broken", reason: error.message });
    return "broken";
  }
}

/** What became of whoever has this label. */
function ownPlace(label, { ranking: ranked, line, prizes }, seats) {
  const labels = ranked.map((one) => one.label);
  const isRanked = new Set(labels);
  const behind = seats.length ? line.map((one) => one.label).filter((one) => !isRanked.has(one)) : [];
  const rank = [...labels, ...behind].indexOf(label) + 1;
  const took = seats.find((seat) => seat.taken_by === rank);
  const left = seats.find((seat) => seat.rank === rank);
  const prize = ranked[rank - 1]?.prize ?? took?.prize ?? null;
  const places = { prize: prize === null ? "" : prizes[prize].name, rank };
  if (prize !== null) return { reason: left ? "receipt_left" : "receipt_won", places };
  return { reason: rank && rank <= labels.length ? "receipt_alternate" : "receipt_listed", places };
}

/**
 * The proof in these bytes, which must be its canonical text and nothing else, without its entries; and what stands
 * between the brackets of their list, in bytes that are not read yet, or null. The text is cut at `,"entries":` and at
 * `,"manifest":`, neither of which can stand within a text: its quotation marks are escaped.
 */
function read(bytes) {
  const BEFORE = ',"entries":';
  const ascii = new TextDecoder("latin1").decode(bytes);
  const [head, tail] = [ascii.indexOf(BEFORE), ascii.lastIndexOf(',"manifest":')];
  const first = head + BEFORE.length;
  need(head >= 0 && first <= tail, "form_json");
  const list = ascii.slice(first, tail);
  need(list === "null" || (list.length > 1 && list.startsWith("[") && list.endsWith("]")), "form_fields");
  let text;
  let proof;
  try {
    text = decode(bytes.subarray(0, head)) + decode(bytes.subarray(tail));
    proof = JSON.parse(text);
  } catch {
    throw new Broken("form_json");
  }
  need(fits(proof, proofShape(proof)), "form_fields");
  need(canonical(proof) === text, "form_canonical");
  return { proof, entries: list === "null" ? null : bytes.subarray(first + 1, tail - 1) };
}

/** The entries between these brackets. */
function readList(bytes) {
  let text;
  let list;
  try {
    text = `[${decode(bytes)}]`;
    list = JSON.parse(text);
  } catch {
    throw new Broken("entry_form");
  }
  need(canonical(list) === text, "entry_form");
  return list;
}

function decode(bytes) {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

function checkManifest(manifest) {
  // A rehearsal stands in no row of draws.
  const isFirst = isRehearsal(manifest) || manifest.sequence === 1;
  need(manifest.sequence > 0 !== isRehearsal(manifest), "manifest_sequence");
  need((manifest.previous_commitment === null) === isFirst, "manifest_previous");
  need((manifest.previous_status === null) === isFirst, "manifest_previous");
  need(
    manifest.closes_at === null || Date.parse(manifest.closes_at) <= Date.parse(manifest.sealed_at),
    "manifest_closes",
  );
  if (manifest.version === 2) {
    const { lane, previous_commitment: previous, sequence } = manifest.operator;
    need(lane === sha256(utf8(manifest.lottery_id))[0] >> 4, "manifest_operator");
    const isPlaced = sequence > 0 && (previous === null) === (sequence === 1);
    need(isRehearsal(manifest) ? sequence === 0 && previous === null : isPlaced, "manifest_operator");
    // Every draw of the lottery has a number in the lane too.
    need(sequence >= manifest.sequence, "manifest_operator");
    const isAlone = sequence === manifest.sequence;
    need(!isAlone || previous === manifest.previous_commitment, "manifest_operator");
  }
}

/** Nobody can have won in a draw that is no earlier one. */
function checkPastWinners(manifest, draws) {
  need(!draws.size || manifest.exclude_past_winners, "entries_past_winners");
  need(!draws.size || manifest.sequence !== 1, "entries_past_winners");
  need(!draws.has(manifest.draw_id), "entries_past_winners");
}

function checkRound(manifest, chain) {
  const named = manifest.beacon;
  const name = chain.beacon_id === "default" ? "" : chain.beacon_id;
  const parameters = join(
    bigEndian(chain.period, 4),
    bigEndian(chain.genesis_time, 8),
    unhex(chain.public_key),
    unhex(chain.group_hash),
    utf8(name),
  );
  need(hex(sha256(parameters)) === named.chain_hash, "round_chain");
  need(chain.public_key === named.public_key && chain.scheme === named.scheme, "round_chain");
  const earliest = Date.parse(manifest.sealed_at) + manifest.margin_seconds * 1000;
  const periods = Math.ceil(Math.max(0, earliest - chain.genesis_time * 1000) / (chain.period * 1000));
  need(named.round === periods + 1, "round_other");
  need(isTimestamp((chain.genesis_time + periods * chain.period) * 1000), "round_other");
}

/** When the round comes out that a manifest names, in milliseconds since 1970. */
function timeOfRound({ manifest, beacon: { chain } }) {
  return (chain.genesis_time + (manifest.beacon.round - 1) * chain.period) * 1000;
}

/** Who else vouches that the commitment was made before its round. A stamp that does not count leaves the step open. */
async function witnessed({ manifest, beacon: { chain }, witnesses = [] }, commitment) {
  const roundAt = timeOfRound({ manifest, beacon: { chain } });
  const found = await Promise.all(
    witnesses.map(({ token }) => worth(fromBase64(token), commitment, roundAt)),
  );
  const counting = found.filter(({ outcome }) => outcome === "witnessed");
  if (counting.length) {
    const authorities = [...new Set(counting.map(({ authority }) => authority))].join(", ");
    return {
      state: "holds",
      places: { authorities, before: counting.map(({ before }) => before).sort()[0] },
    };
  }
  const [first] = ["local", "unsupported", "nothing"].flatMap((outcome) =>
    found.filter((it) => it.outcome === outcome),
  );
  return { state: "open", reason: `witness_${first?.reason ?? first?.outcome ?? "none"}` };
}

/** Whether an entry has the holder that a receipt gives. */
function isBound(entry, mine) {
  return entry.holder === mine.holder;
}

/** Takes all entries, and leaves the page time to breathe. */
async function take(pages, score, label) {
  const list = new EntryList();
  const scored = [];
  let own = null;
  let breathed = performance.now();
  for await (const page of pages) {
    for (const entry of page) {
      const wrong = list.add(entry);
      need(wrong === null, wrong);
      if (entry.label === label) own = entry;
      if (score && entry.excluded === null)
        scored.push({ label: entry.label, group: entry.group, score: score(entry) });
      if (performance.now() - breathed > 30) {
        await new Promise((resolve) => {
          setTimeout(resolve);
        });
        breathed = performance.now();
      }
    }
  }
  return { list, scored, own };
}
