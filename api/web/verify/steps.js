// Verifies the proof of a draw, step by step (docs/fair-draw.md, section 5), in the reader's own browser.

import { bigEndian, canonical, hex, join, sha256, unhex, utf8 } from "./bytes.js";
import { EntryList, explains } from "./entries.js";
import { inLine, ranking, scorer } from "./ranking.js";
import { PROOF, RECEIPT, fits } from "./shape.js";

/** The public chain whose rounds nobody can know beforehand: drand's quicknet. */
const QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971";

/** In this order. Randomness is checked but for its BLS signature, which is `verify-draw`'s own step. */
export const STEPS = ["form", "manifest", "commitment", "signature", "round", "randomness", "bls", "entries", "ranking", "receipt"];

/** A step that does not hold, with the name of the reason. */
class Broken extends Error {}

function need(isTrue, reason) {
  if (!isTrue) throw new Broken(reason);
}

/**
 * Verifies a proof. `readEntries()` gives the pages of entries of a proof that has them apart, `noted` is the
 * commitment that the reader noted, `receipt` the reader's receipt; each may be null. After each step
 * `tell({step, state, reason, places})` is called with the state `holds`, `broken` or `open`; nothing follows a
 * broken step. Answers the verdict: `broken`, `incomplete`, `unseated`, `consistent` or `holds`.
 */
export async function verify(bytes, { readEntries, noted, receipt }, tell) {
  let step = "form";
  let isWhole = true;
  const holds = (places) => tell({ step, state: "holds", places });
  const open = (reason) => tell({ step, state: "open", reason });
  try {
    const proof = read(bytes);
    const { manifest, beacon } = proof;
    holds();

    step = "manifest";
    checkManifest(manifest);
    holds({ sequence: manifest.sequence });

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
    if (signed) holds(); else {
      isWhole = false;
      open("signature_unsupported");
    }

    step = "round";
    checkRound(manifest, beacon.chain);
    holds({ round: manifest.beacon.round });

    step = "randomness";
    if (beacon.round) {
      need(beacon.round.round === manifest.beacon.round, "randomness_round");
      need(hex(sha256(unhex(beacon.round.signature))) === beacon.round.randomness, "randomness_hash");
      holds();
      step = "bls";
      open("bls_elsewhere");
    } else {
      open("randomness_missing");
    }

    step = "entries";
    const score = beacon.round ? scorer(commitment, unhex(beacon.round.randomness)) : null;
    const pages = proof.entries ? [proof.entries] : readEntries?.();
    if (!pages) {
      open("entries_apart");
      return "incomplete";
    }
    const { list, scored, own } = await take(pages, score, receipt);
    need(list.count === manifest.entries, "entries_count");
    need(list.tickets === manifest.tickets, "entries_tickets");
    need(list.root() === manifest.root, "entries_root");
    holds({ entries: list.count, tickets: list.tickets });

    step = "ranking";
    const isRanked = score !== null && proof.ranking !== null;
    if (isRanked) {
      const found = ranking(inLine(scored), manifest);
      const seats = manifest.prizes.reduce((sum, prize) => sum + prize.winners, 0);
      need(found.filter((one) => one.prize !== null).length === seats, "ranking_empty");
      need(canonical(found) === canonical(proof.ranking), "ranking_other");
      holds({ winners: seats });
    } else {
      open("ranking_missing");
    }

    if (receipt) {
      step = "receipt";
      need(own, "receipt_unknown");
      need(explains(receipt, own), "receipt_wrong");
      const rank = (proof.ranking ?? []).findIndex((one) => one.label === receipt.label);
      const place = rank < 0 ? null : proof.ranking[rank];
      tell({ step, state: "holds", reason: place === null ? "receipt_listed" : place.prize === null ? "receipt_alternate" : "receipt_won", places: { prize: place?.prize == null ? "" : manifest.prizes[place.prize].name, rank: rank + 1 } });
    }
    if (!isRanked) return "unseated";
    if (!isWhole) return "incomplete";
    return manifest.beacon.chain_hash === QUICKNET ? "holds" : "consistent";
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    tell({ step, state: "broken", reason: error.message });
    return "broken";
  }
}

/** The proof in these bytes, which must be its canonical text and nothing else. */
export function read(bytes) {
  let text;
  let proof;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    proof = JSON.parse(text);
  } catch {
    throw new Broken("form_json");
  }
  need(fits(proof, PROOF), "form_fields");
  need(canonical(proof) === text, "form_canonical");
  return proof;
}

/** A receipt as it was kept, or null. */
export function readReceipt(text) {
  try {
    const receipt = JSON.parse(text);
    return fits(receipt, RECEIPT) ? receipt : null;
  } catch {
    return null;
  }
}

function checkManifest(manifest) {
  const isFirst = manifest.sequence === 1;
  need(manifest.sequence > 0, "manifest_sequence");
  need((manifest.previous_commitment === null) === isFirst, "manifest_previous");
  need((manifest.previous_status === null) === isFirst, "manifest_previous");
  need(manifest.closes_at === null || Date.parse(manifest.closes_at) <= Date.parse(manifest.sealed_at), "manifest_closes");
}

function checkRound(manifest, chain) {
  const named = manifest.beacon;
  const name = chain.beacon_id === "default" ? "" : chain.beacon_id;
  const parameters = join(bigEndian(chain.period, 4), bigEndian(chain.genesis_time, 8), unhex(chain.public_key), unhex(chain.group_hash), utf8(name));
  need(hex(sha256(parameters)) === named.chain_hash, "round_chain");
  need(chain.public_key === named.public_key && chain.scheme === named.scheme, "round_chain");
  const earliest = Date.parse(manifest.sealed_at) + manifest.margin_seconds * 1000;
  const periods = Math.ceil(Math.max(0, earliest - chain.genesis_time * 1000) / (chain.period * 1000));
  need(named.round === periods + 1, "round_other");
}

/** Whether the key signed the commitment; null if this browser cannot tell. */
async function isSigned({ public_key: key, signature }, commitment) {
  const message = join(utf8("fair-draw commitment 1\n"), commitment);
  try {
    const imported = await crypto.subtle.importKey("raw", unhex(key), { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, imported, unhex(signature), message);
  } catch (error) {
    return globalThis.crypto?.subtle && error.name !== "NotSupportedError" ? false : null;
  }
}

/** Takes all entries, and leaves the page time to breathe. */
async function take(pages, score, receipt) {
  const list = new EntryList();
  const scored = [];
  let own = null;
  let breathed = performance.now();
  for await (const page of pages) {
    for (const entry of page) {
      const wrong = list.add(entry);
      need(wrong === null, wrong);
      if (receipt && entry.label === receipt.label) own = entry;
      if (score && entry.excluded === null) scored.push({ label: entry.label, group: entry.group, score: score(entry) });
      if (performance.now() - breathed > 30) {
        await new Promise((resolve) => { setTimeout(resolve); });
        breathed = performance.now();
      }
    }
  }
  return { list, scored, own };
}
