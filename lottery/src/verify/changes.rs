//! The seats that changed hands after the draw: the log replayed from the recomputed line.

use super::{Report, Stop, broken};
use crate::proof::Proof;
use crate::seat_changes::{ClaimTerms, PassedOnCounts, Replayed, replay};
use crate::seats::Seating;
use crate::selection::{Ranked, Selection};
use crate::timestamp::ProofTimestamp;
use crate::verify::StepName;
use crate::{Commitment, Label, Part};

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
) -> Result<Replayed, Stop> {
    let changes = proof.changes.as_deref().unwrap_or_default();
    let refused = |found: String| broken(StepName::Changes, found);
    let (Some(line), true) = (line, proof.ranking.is_some()) else {
        return match changes.is_empty() {
            true => Ok(Replayed::default()),
            false => Err(refused("seats were passed on of which no winners are named".to_owned())),
        };
    };
    let people = line.people.iter().map(|(ranked, part)| (ranked.prize, part.clone()));
    let mut seating = Seating::new(&proof.manifest.prizes, people);
    let claims = ClaimTerms { within_seconds: proof.manifest.claim_within_seconds, round_at };
    let replayed = replay(changes, commitment, &proof.signature.public_key, claims, &mut seating);
    let replayed = replayed.map_err(|error| refused(error.to_string()))?;
    let counts = PassedOnCounts::of(&replayed.passed_on);
    let mut found = match counts.total() {
        0 => "no seat was passed on".to_owned(),
        _ => format!("{}, each to the first in line who fits", counts.in_words()),
    };
    if let Some(left) = left_line_in_words(replayed.left_line) {
        found = format!("{found}; {left}");
    }
    report.pass(StepName::Changes, found);
    report.passed_on = Some(counts);
    report.left_line = Some(replayed.left_line);
    Ok(replayed)
}

/// How many have left the line without a seat; none if nobody has. Who comes next depends on them too.
fn left_line_in_words(count: u32) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 person without a seat left the line before the round".to_owned()),
        count => Some(format!("{count} people without a seat left the line before the round")),
    }
}

/// What the verdict adds on the log.
pub(super) fn in_words(replayed: &Replayed) -> String {
    let counts = PassedOnCounts::of(&replayed.passed_on);
    let passed_on = (counts.total() > 0).then(|| counts.in_words());
    let words = passed_on.into_iter().chain(left_line_in_words(replayed.left_line));
    words.map(|words| format!(" {words}.")).collect()
}
