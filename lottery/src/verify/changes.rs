//! The seats that changed hands after the draw: the log replayed from the recomputed line.

use super::{Report, Stop, broken};
use crate::proof::Proof;
use crate::seat_changes::{self, ClaimTerms, PassedOnCounts, replay};
use crate::seats::{PassedOn, Seating};
use crate::selection::{Ranked, Selection};
use crate::timestamp::ProofTimestamp;
use crate::verify::StepName;
use crate::{Commitment, Label, Part};

/// How many people behind the ranking are needed to replay the log of a proof.
pub(super) fn reach(proof: &Proof) -> u32 {
    let ranked = proof.ranking.as_ref().map_or(0, Vec::len);
    seat_changes::reach(proof.changes.as_deref().unwrap_or_default(), ranked)
}

/// The sealed list as it was drawn: the ranking, and behind it those who follow in line, as far as they are needed.
pub(super) struct Line {
    people: Vec<(Ranked, Part)>,
    /// How many of them are the ranking.
    ranking: usize,
}

impl Line {
    /// The line of a selection that keeps more alternates than the ranking has.
    pub(super) fn of(selection: Selection<'_>, alternates: u32) -> Self {
        let (mut people, behind) = selection.into_ranking_and_rest(alternates);
        let ranking = people.len();
        people.extend(behind);
        Self { people, ranking }
    }

    /// The ranking.
    pub(super) fn ranking(&self) -> Vec<Ranked> {
        self.people.iter().take(self.ranking).map(|(ranked, _)| ranked.clone()).collect()
    }

    /// The rank of the entry with this label, if it is known.
    pub(super) fn rank_of(&self, label: &Label) -> Option<(u32, &Ranked)> {
        let found = (1..).zip(&self.people).find(|(_, (ranked, _))| ranked.label == *label);
        found.map(|(rank, (ranked, _))| (rank, ranked))
    }

    /// Whether the rank is in the ranking, and not behind it.
    pub(super) fn is_in_ranking(&self, rank: u32) -> bool {
        rank as usize <= self.ranking
    }
}

/// The step `changes`. A proof without winners has none.
pub(super) fn check(
    proof: &Proof,
    commitment: &Commitment,
    round_at: ProofTimestamp,
    line: Option<&Line>,
    report: &mut Report,
) -> Result<Vec<PassedOn>, Stop> {
    let changes = proof.changes.as_deref().unwrap_or_default();
    let refused = |found: String| broken(StepName::Changes, found);
    let (Some(line), true) = (line, proof.ranking.is_some()) else {
        return match changes.is_empty() {
            true => Ok(Vec::new()),
            false => Err(refused("seats were passed on of which no winners are named".to_owned())),
        };
    };
    let people = line.people.iter().map(|(ranked, part)| (ranked.prize, part.clone()));
    let mut seating = Seating::new(&proof.manifest.prizes, people);
    let claims = ClaimTerms { within_seconds: proof.manifest.claim_within_seconds, round_at };
    let passed_on = replay(changes, commitment, &proof.signature.public_key, claims, &mut seating);
    let passed_on = passed_on.map_err(|error| refused(error.to_string()))?;
    let counts = PassedOnCounts::of(&passed_on);
    let found = match counts.total() {
        0 => "no seat was passed on".to_owned(),
        _ => format!("{}, each to the first in line who fits", counts.in_words()),
    };
    report.pass(StepName::Changes, found);
    report.passed_on = Some(counts);
    Ok(passed_on)
}
