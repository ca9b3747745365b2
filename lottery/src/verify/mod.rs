//! Checks a proof offline, step by step, trusting nothing in it: every step recomputes what the one before left open.

mod changes;
mod entries;
mod report;
mod time;

use std::collections::BTreeMap;

use serde::Serialize;

pub use report::{Outcome, Report, Step, StepName};

use crate::beacon::{BeaconRound, Randomness};
use crate::manifest::Manifest;
use crate::proof::{Bundle, Proof};
use crate::ranking::Prk;
use crate::receipt::Receipt;
use crate::selection::{Ranked, Seat, Selection};
use crate::witness::Roots;
use crate::{Commitment, DrawStatus, HexBytes};
use entries::ReadEntries;

/// What the verifier knows from elsewhere, and wants the proof held against.
#[derive(Debug, Clone, Default)]
pub struct Pins {
    /// The commitment as it was noted before the round came out.
    pub commitment: Option<Commitment>,
    /// The organiser's public key.
    pub organiser_key: Option<HexBytes<32>>,
    /// The hash of the beacon's chain: of its key, and of when its rounds come out. A key alone would not do, for under
    /// another time of the first round an old round of the same key would be the computed one.
    pub chain_hash: Option<HexBytes<32>>,
}

/// What to check beside the proof itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What is known from elsewhere.
    pub pins: Pins,
    /// A participant's receipt, to show their place.
    pub receipt: Option<Receipt>,
    /// The beacon's round, for a proof that was published without it.
    pub round: Option<BeaconRound>,
    /// The roots of the time-stamp authorities whose stamps count.
    pub roots: Roots,
    /// How many threads may read the entries; without an answer, one.
    pub threads: Option<std::num::NonZeroUsize>,
}

/// Checks a proof's exact bytes. Whatever they are, this answers.
pub fn verify(bytes: &[u8], options: &Options) -> Report {
    let mut report = Report {
        rehearsal: false,
        holds: false,
        outcome: Outcome::Refused,
        commitment: None,
        organiser_key: None,
        witnesses: Vec::new(),
        steps: Vec::new(),
        ranking: None,
        passed_on: None,
        left_line: None,
        manifest: None,
        past_winners: BTreeMap::new(),
        verdict: String::new(),
    };
    report.verdict = match check(bytes, options, &mut report) {
        Ok((_, verdict)) if report.rehearsal => {
            report.outcome = Outcome::Rehearsal;
            format!("REHEARSAL, NOT A DRAW: nobody has won anything by it. As a rehearsal: {verdict}")
        }
        Ok((outcome, verdict)) => {
            (report.holds, report.outcome) = (true, outcome);
            verdict
        }
        Err(Stop::Broken(step, found)) => {
            report.steps.push(Step { step, holds: false, open: false, found: found.clone() });
            format!("REFUSED: this is no proof of a draw; the step '{step}' does not hold: {found}.")
        }
        Err(Stop::Incomplete(verdict)) => {
            report.outcome = Outcome::Incomplete;
            verdict
        }
    };
    report
}

/// Why a verification ends before its end.
enum Stop {
    /// A step does not hold.
    Broken(StepName, String),
    /// What is there holds, but something is missing; the verdict says what.
    Incomplete(String),
}

fn check(bytes: &[u8], options: &Options, report: &mut Report) -> Result<(Outcome, String), Stop> {
    let pins = &options.pins;
    let Bundle { proof, entries } =
        Bundle::read(bytes).map_err(|error| broken(StepName::Form, format!("the proof {error}")))?;
    let (manifest, signature) = (&proof.manifest, &proof.signature);
    report.organiser_key = Some(signature.public_key);
    report.rehearsal = manifest.is_rehearsal();
    report.pass(StepName::Form, "canonical JSON with every field that a proof has, and no other");

    manifest.check().map_err(|reason| broken(StepName::Manifest, format!("the manifest {reason}")))?;
    let which = match manifest.is_rehearsal() {
        true => "a REHEARSAL without a number".to_owned(),
        false => format!("number {}", manifest.sequence),
    };
    report.pass(
        StepName::Manifest,
        format!(
            "draw {} is {which} of lottery {}, sealed at {}, {} winners{}",
            manifest.draw_id,
            manifest.lottery_id,
            manifest.sealed_at,
            manifest.prizes.winners(),
            match manifest.claim_within_seconds {
                Some(seconds) => format!(", who have {seconds} s to claim their prizes"),
                None => String::new(),
            }
        ),
    );

    report.manifest = Some(manifest.clone());
    let commitment = manifest.commitment();
    report.commitment = Some(commitment);
    let how = match pins.commitment {
        Some(noted) if noted != commitment => {
            return Err(broken(StepName::Commitment, format!("it is {commitment}, not {noted} as noted")));
        }
        Some(_) => "is the one that you noted",
        None => "computed from the manifest, not compared with one noted beforehand",
    };
    report.pass(StepName::Commitment, format!("{commitment} {how}"));

    signature.verify(&commitment).map_err(|wrong| broken(StepName::Signature, wrong))?;
    let how = match pins.organiser_key {
        Some(key) if key != signature.public_key => {
            let found = format!("made by the key {}, not by {key}", signature.public_key);
            return Err(broken(StepName::Signature, found));
        }
        Some(_) => "is the one that you gave",
        None => "is not compared with one known from elsewhere",
    };
    report.pass(StepName::Signature, format!("the organiser's key {} {how}", signature.public_key));

    let chain = &proof.beacon.chain;
    if let Some(hash) = pins.chain_hash.filter(|hash| *hash != chain.hash()) {
        return Err(broken(StepName::Round, format!("the beacon's chain is {}, not {hash}", chain.hash())));
    }
    manifest.check_round(chain).map_err(|reason| broken(StepName::Round, reason))?;
    let time = chain.time_of(manifest.beacon.round).map_err(|reason| broken(StepName::Round, reason))?;
    let whose = if chain.is_public() { "drand quicknet" } else { "a beacon that is not public" };
    report.pass(
        StepName::Round,
        format!(
            "round {} of {whose}, at {time}: the first at least {} s after sealing",
            manifest.beacon.round, manifest.margin_seconds
        ),
    );

    time::examine(&proof, &commitment, time, &options.roots, report);
    let randomness = check_randomness(&proof, options, report)?;
    let Some(list) = entries else {
        return Err(Stop::Incomplete(
            "INCOMPLETE: the entries are published apart from this proof; read it with --url to check them."
                .to_owned(),
        ));
    };
    let selection = randomness.map(|randomness| {
        let prk = Prk::extract(commitment.as_bytes(), randomness.as_bytes());
        let last = manifest.alternates.saturating_add(proof.people_behind_ranking());
        Selection::new(prk, &manifest.prizes, last)
    });
    let threads = options.threads.map_or(1, std::num::NonZeroUsize::get);
    let label = options.receipt.as_ref().and_then(|receipt| receipt.label(manifest).ok());
    let read = ReadEntries::read(list, selection.as_ref(), label, threads)
        .and_then(|read| read.check(manifest, threads))
        .map_err(|found| broken(StepName::Entries, found))?;
    report.pass(
        StepName::Entries,
        format!("{} entries with {} tickets give the root {}", read.count, read.tickets, manifest.root),
    );

    report.past_winners.clone_from(&read.past_winners);
    let line = read.selection.map(|selection| changes::Line::of(selection, manifest.alternates));
    let verdict = check_ranking(&proof, &commitment, pins, line.as_ref(), report);
    if let Err(Stop::Broken(..)) = verdict {
        return verdict;
    }
    let replayed = changes::check(&proof, &commitment, time, line.as_ref(), report)?;
    if let Some(receipt) = &options.receipt {
        let place = read.wanted.as_ref().map(|(place, entry)| (*place, entry));
        let found = entries::own_place(receipt, manifest, place, line.as_ref(), &replayed.passed_on)
            .map_err(|found| broken(StepName::Receipt, found))?;
        report.pass(StepName::Receipt, found);
    }
    let (outcome, verdict) = verdict?;
    let (signer, before) = (signer(pins), draw_before(manifest));
    Ok((outcome, format!("{verdict}{signer}{before}{}", changes::in_words(&replayed))))
}

/// What the verdict adds if nothing says whose key signed.
fn signer(pins: &Pins) -> &'static str {
    match pins.organiser_key {
        Some(_) => "",
        None => {
            " Whose draw this is it does not show: anybody can sign with a key of their own (--organiser-key)."
        }
    }
}

/// What the verdict adds if the draw before has not simply succeeded: it may have been given up for its winners.
fn draw_before(manifest: &Manifest) -> String {
    match manifest.previous_status {
        None | Some(DrawStatus::Succeeded) => String::new(),
        Some(status) => format!(" The draw before it in the lottery was {status}."),
    }
}

fn check_randomness(
    proof: &Proof,
    options: &Options,
    report: &mut Report,
) -> Result<Option<Randomness>, Stop> {
    let (round, source) = match (&proof.beacon.round, &options.round) {
        (Some(round), _) => (round, "the proof"),
        (None, Some(round)) => (round, "you"),
        (None, None) => return Ok(None),
    };
    let randomness = proof.beacon.chain.verify(proof.manifest.beacon.round, round);
    let randomness = randomness.map_err(|error| broken(StepName::Randomness, error))?;
    let found = format!("{} from {source}, signed by the beacon", round.randomness);
    report.pass(StepName::Randomness, found);
    Ok(Some(randomness))
}

fn check_ranking(
    proof: &Proof,
    commitment: &Commitment,
    pins: &Pins,
    line: Option<&changes::Line>,
    report: &mut Report,
) -> Result<(Outcome, String), Stop> {
    let (manifest, chain) = (&proof.manifest, &proof.beacon.chain);
    let Some(line) = line else {
        if proof.ranking.is_some() {
            return Err(broken(StepName::Ranking, "winners are named without a round that decides them"));
        }
        return Err(Stop::Incomplete(format!(
            "INCOMPLETE: commitment and entries hold; the winners follow from round {}, which this proof does not have.",
            manifest.beacon.round
        )));
    };
    let ranking = line.ranking();
    let winners = ranking.iter().filter(|ranked| ranked.seat != Seat::Alternate).count();
    if winners < manifest.prizes.winners() {
        let found = format!("only {winners} of {} seats can be filled", manifest.prizes.winners());
        return Err(broken(StepName::Ranking, found));
    }
    let published = match &proof.ranking {
        Some(published) => {
            compare(published, &ranking)?;
            true
        }
        None => false,
    };
    let alternates = ranking.len() - winners;
    let how = if published { "as published" } else { "who would have won: none are published" };
    report.pass(StepName::Ranking, format!("{winners} winners and {alternates} alternates, {how}"));
    report.ranking = Some(ranking);
    if !published {
        return Err(Stop::Incomplete(
            "INCOMPLETE: commitment, entries and round hold, but no winners were published; those recomputed here would have won."
                .to_owned(),
        ));
    }
    let follow = format!(
        "the {winners} winners follow from {} entries committed to as {commitment} and from round {} of",
        manifest.entries, manifest.beacon.round
    );
    let time = time::in_words(pins.commitment.is_some(), manifest, &report.witnesses);
    Ok(match (chain.is_public(), pins.chain_hash) {
        (true, _) => (Outcome::Holds, format!("HOLDS: {follow} drand quicknet, {time}.")),
        (false, Some(_)) => {
            (Outcome::Holds, format!("HOLDS: {follow} the beacon whose chain you gave, {time}."))
        }
        (false, None) => (
            Outcome::Consistent,
            format!(
                "CONSISTENT, NOT PUBLICLY RANDOM: {follow} a beacon that only its owner vouches for, who could know the winners{}.",
                time::of_own_clock(&report.witnesses)
            ),
        ),
    })
}

fn compare(published: &[Ranked], recomputed: &[Ranked]) -> Result<(), Stop> {
    let differs = published.iter().zip(recomputed).position(|(theirs, ours)| theirs != ours);
    match differs {
        Some(place) => Err(broken(
            StepName::Ranking,
            format!(
                "rank {} is {} in the proof, but {} by the scores",
                place + 1,
                shown(&published[place]),
                shown(&recomputed[place])
            ),
        )),
        None if published.len() != recomputed.len() => Err(broken(
            StepName::Ranking,
            format!("the proof ranks {} entries, the scores {}", published.len(), recomputed.len()),
        )),
        None => Ok(()),
    }
}

fn shown(ranked: &Ranked) -> String {
    match ranked.prize {
        Some(prize) => format!("{} for prize {} with score {}", ranked.label, prize + 1, ranked.score),
        None => format!("{} as alternate with score {}", ranked.label, ranked.score),
    }
}

fn broken(step: StepName, found: impl ToString) -> Stop {
    Stop::Broken(step, found.to_string())
}

impl Report {
    fn pass(&mut self, step: StepName, found: impl Into<String>) {
        self.steps.push(Step { step, holds: true, open: false, found: found.into() });
    }

    /// The report as JSON.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Answer<'a> {
            version: u32,
            #[serde(flatten)]
            report: &'a Report,
        }
        serde_json::to_string(&Answer { version: 1, report: self })
            .expect("a report holds text, numbers and lists only, which always serialise")
    }
}
