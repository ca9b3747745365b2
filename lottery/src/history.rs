//! Checks across several draws: no draw is missing between them, and every entry excluded as a past winner can have won one.
//!
//! Each draw is verified by itself first; a history takes the reports of those verifications, and the heads that the operator
//! publishes.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::manifest::{Manifest, OperatorPlace};
use crate::verify::{Outcome, Report};
use crate::{Commitment, DrawId, DrawStatus, HexBytes, LotteryId};

/// What the operator's key page says of the last draws.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Heads {
    /// The keys that have signed the last draws of the lanes.
    pub organiser_keys: Vec<HexBytes<32>>,
    /// The last draw of each lane that has any.
    pub lanes: Vec<LaneHead>,
    /// The last draw of each lottery that has any.
    pub lotteries: Vec<LotteryHead>,
}

/// The last draw of a lane.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LaneHead {
    /// The lane.
    pub lane: u8,
    /// The draw's number in it.
    pub sequence: u64,
    /// The draw's commitment.
    pub commitment: Commitment,
}

/// The last draw of a lottery.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LotteryHead {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// The draw's number in it, which is how many have been sealed.
    pub sequence: u64,
    /// The draw's commitment, unless older code has sealed it.
    pub commitment: Option<Commitment>,
}

/// Draws that were verified one by one.
#[derive(Debug, Clone, Default)]
pub struct History {
    draws: Vec<VerifiedDraw>,
    faults: Vec<String>,
}

#[derive(Debug, Clone)]
struct VerifiedDraw {
    manifest: Manifest,
    commitment: Commitment,
    key: HexBytes<32>,
    past_winners: BTreeMap<DrawId, u64>,
    is_whole: bool,
}

impl History {
    /// Takes the report of a draw.
    pub fn add(&mut self, report: &Report) {
        let (Some(manifest), Some(commitment), Some(key)) =
            (&report.manifest, report.commitment, report.organiser_key)
        else {
            return self.faults.push(report.verdict.clone());
        };
        if report.outcome == Outcome::Refused {
            self.faults.push(format!("{}: {}", named(manifest), report.verdict));
        }
        self.draws.push(VerifiedDraw {
            manifest: manifest.clone(),
            commitment,
            key,
            past_winners: report.past_winners.clone(),
            is_whole: report.holds,
        });
    }

    /// How many draws were taken.
    pub fn draws(&self) -> usize {
        self.draws.len()
    }

    /// What is wrong with one lottery; `head` is what the operator says of it.
    pub fn faults_of_lottery(&self, head: &LotteryHead) -> Vec<String> {
        let lottery_id = &head.lottery_id;
        let mut draws: Vec<_> =
            self.draws.iter().filter(|draw| draw.manifest.lottery_id == *lottery_id).collect();
        draws.sort_by_key(|draw| draw.manifest.sequence);
        let mut faults = Vec::new();
        for (number, draw) in (1..).zip(&draws) {
            if draw.manifest.sequence != number {
                faults.push(format!("lottery {lottery_id}: draw number {number} is missing or stands twice"));
                return faults;
            }
        }
        if draws.len() as u64 != head.sequence {
            faults.push(format!(
                "lottery {lottery_id}: {} draws are shown, of {} that were sealed",
                draws.len(),
                head.sequence
            ));
        }
        let last = draws.last().map(|draw| draw.commitment);
        if head.commitment.is_some() && last != head.commitment {
            faults.push(format!("lottery {lottery_id}: its last draw is not the one of the key page"));
        }
        for pair in draws.windows(2) {
            faults.extend(follows(pair[0], pair[1]));
        }
        let mut before: BTreeMap<&DrawId, &VerifiedDraw> = BTreeMap::new();
        for draw in &draws {
            faults.extend(excluded_rightly(draw, &before));
            before.insert(&draw.manifest.draw_id, draw);
        }
        faults
    }

    /// What is wrong with all draws together: `heads` is all that the operator says, and every lottery of it was read.
    pub fn faults(&self, heads: &Heads) -> Vec<String> {
        let mut faults = self.faults.clone();
        faults.extend(heads.lotteries.iter().flat_map(|head| self.faults_of_lottery(head)));
        for lane in 0..OperatorPlace::LANES {
            let head = heads.lanes.iter().find(|head| head.lane == lane);
            faults.extend(self.faults_of_lane(lane, head));
        }
        let unknown = self.draws.iter().filter(|draw| !heads.organiser_keys.contains(&draw.key));
        faults
            .extend(unknown.map(|draw| format!("{}: its key is not on the key page", named(&draw.manifest))));
        faults
    }

    /// What is wrong with the draws that were taken, whatever the heads: refused ones, and more than one key.
    pub fn faults_of_draws(&self) -> Vec<String> {
        let mut faults = self.faults.clone();
        if let Some(first) = self.draws.first() {
            let others = self.draws.iter().filter(|draw| draw.key != first.key);
            faults.extend(others.map(|draw| format!("{}: another key than before", named(&draw.manifest))));
        }
        faults
    }

    fn faults_of_lane(&self, lane: u8, head: Option<&LaneHead>) -> Vec<String> {
        let placed = self.draws.iter().filter_map(|draw| Some((draw.manifest.operator?, draw)));
        let mut placed: Vec<_> = placed.filter(|(place, _)| place.lane == lane).collect();
        placed.sort_by_key(|(place, _)| place.sequence);
        let mut previous = None;
        for (number, (place, draw)) in (1..).zip(&placed) {
            if place.sequence != number {
                return vec![format!(
                    "lane {lane} of the operator: draw number {number} is shown nowhere, or two have it"
                )];
            }
            if place.previous_commitment != previous {
                return vec![format!(
                    "{}: follows another draw in its lane than the one before",
                    named(&draw.manifest)
                )];
            }
            previous = Some(draw.commitment);
        }
        let last = head.map(|head| (head.sequence, head.commitment));
        match last == previous.map(|commitment| (placed.len() as u64, commitment)) {
            true => Vec::new(),
            false => {
                vec![format!("lane {lane} of the operator: its last draw is not the one of the key page")]
            }
        }
    }
}

/// What is wrong between a draw and the next of its lottery.
fn follows(one: &VerifiedDraw, next: &VerifiedDraw) -> Vec<String> {
    let (manifest, name) = (&next.manifest, named(&next.manifest));
    let mut faults = Vec::new();
    if manifest.previous_commitment != Some(one.commitment) {
        faults.push(format!("{name}: names another draw before it than {}", one.manifest.draw_id));
    }
    if one.is_whole && manifest.previous_status == Some(DrawStatus::Abandoned) {
        faults.push(format!("{name}: says that {} was abandoned, which has winners", one.manifest.draw_id));
    }
    if manifest.version != one.manifest.version {
        faults.push(format!("{name}: has another version than the draw before it"));
    }
    faults
}

/// Who is excluded for having won earlier: in a draw of the lottery that has winners, and no more than these.
fn excluded_rightly(draw: &VerifiedDraw, before: &BTreeMap<&DrawId, &VerifiedDraw>) -> Vec<String> {
    let name = named(&draw.manifest);
    let wrong = draw.past_winners.iter().filter_map(|(draw_id, count)| {
        let Some(earlier) = before.get(draw_id) else {
            return Some(format!("{name}: excludes winners of {draw_id}, which was not before it"));
        };
        if !earlier.is_whole {
            return Some(format!("{name}: excludes winners of {draw_id}, which has none"));
        }
        let winners = earlier.manifest.prizes.winners() as u64;
        (*count > winners)
            .then(|| format!("{name}: excludes {count} as winners of {draw_id}, which has {winners}"))
    });
    wrong.collect()
}

fn named(manifest: &Manifest) -> String {
    format!("draw {} of lottery {}", manifest.draw_id, manifest.lottery_id)
}
