//! What a verification found: one line for each step, and a verdict in one sentence.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::manifest::Manifest;
use crate::seat_changes::PassedOnCounts;
use crate::selection::Ranked;
use crate::witness::Worth;
use crate::{Commitment, DrawId, HexBytes};

/// The steps of a verification, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// The proof's exact bytes: canonical, with every field and no other.
    Form,
    /// What the manifest says of itself can be.
    Manifest,
    /// The commitment is the hash of the manifest, and the one that was noted beforehand.
    Commitment,
    /// The organiser signed the commitment.
    Signature,
    /// The beacon is the one named, and its round follows from the time of sealing.
    Round,
    /// Who else vouches that the commitment was made before the round; open if nobody does.
    Witness,
    /// The beacon signed the round, and the randomness is the hash of that signature.
    Randomness,
    /// The entries are those that were committed to.
    Entries,
    /// The ranking follows from entries and randomness, and every seat is filled.
    Ranking,
    /// The seats that changed hands did so by the rule, signed by the organiser and in an order without gaps.
    Changes,
    /// A participant's own place.
    Receipt,
}

/// One step with what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The step.
    pub step: StepName,
    /// Whether it holds.
    pub holds: bool,
    /// Whether it says nothing: neither that something holds nor that it does not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// What was found, in a few words.
    pub found: String,
}

/// What a verification comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything holds, and the round is one that nobody could know beforehand.
    Holds,
    /// Everything holds, but the beacon is one that only its owner vouches for.
    Consistent,
    /// What is there holds, but it is a rehearsal and no draw.
    Rehearsal,
    /// What is there holds, but something is missing.
    Incomplete,
    /// A step does not hold.
    Refused,
}

/// What was found, and what it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether this is a rehearsal, and no draw: then nothing below is about winners.
    pub rehearsal: bool,
    /// Whether every step was taken and holds, winners included: the outcome is `Holds` or `Consistent`.
    pub holds: bool,
    /// What all of it comes to.
    pub outcome: Outcome,
    /// The commitment, computed from the manifest.
    pub commitment: Option<Commitment>,
    /// The organiser's key in the proof.
    pub organiser_key: Option<HexBytes<32>>,
    /// What each stamp of the proof is worth, in their order.
    pub witnesses: Vec<Worth>,
    /// The steps that were taken; none after the first that does not hold.
    pub steps: Vec<Step>,
    /// Winners and alternates as recomputed here.
    pub ranking: Option<Vec<Ranked>>,
    /// How many seats were passed on, and why; none if the changes could not be checked.
    pub passed_on: Option<PassedOnCounts>,
    /// How many have left the line without having had a seat; none if the changes could not be checked.
    pub left_line: Option<u32>,
    /// The manifest, if the proof has the form of one.
    #[serde(skip)]
    pub manifest: Option<Manifest>,
    /// How many entries are excluded for having won in each earlier draw.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub past_winners: BTreeMap<DrawId, u64>,
    /// What all of it means, in one sentence.
    pub verdict: String,
}

impl Report {
    /// The step that does not hold, if there is one.
    pub fn broken(&self) -> Option<StepName> {
        self.steps.iter().find(|step| !step.holds && !step.open).map(|step| step.step)
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Form => "form",
            Self::Manifest => "manifest",
            Self::Commitment => "commitment",
            Self::Signature => "signature",
            Self::Round => "round",
            Self::Witness => "witness",
            Self::Randomness => "randomness",
            Self::Entries => "entries",
            Self::Ranking => "ranking",
            Self::Changes => "changes",
            Self::Receipt => "receipt",
        })
    }
}

impl fmt::Display for Report {
    /// One line for each step, then the verdict.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rehearsal {
            writeln!(formatter, "This is a rehearsal, not a draw.")?;
        }
        for Step { step, holds, open, found } in &self.steps {
            let mark = match (holds, open) {
                (true, _) => "ok     ",
                (false, true) => "open   ",
                (false, false) => "REFUSED",
            };
            writeln!(formatter, "{mark} {:<10} {found}", step.to_string())?;
        }
        writeln!(formatter, "{}", self.verdict)
    }
}
