//! Seats that change hands: any sequence of withdrawals and replacements keeps the quotas, and gives what verifiers recompute.

use std::collections::BTreeSet;

use lottery::proof::Proof;
use lottery::ranking::Prk;
use lottery::seat_changes::{LogEnd, SeatChange};
use lottery::seats::Seating;
use lottery::selection::{Ranked, Selection};
use lottery::timestamp::ProofTimestamp;
use lottery::verify::{Options, StepName, verify};
use lottery::{Part, PrizeList, ReplaceReason};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::bundles::{Draw, entries, prizes, prizes_of_several};
use super::naive::{one_prize, prize};
use super::verifiers::Others;

/// How long winners of these draws have to claim, in milliseconds.
const HOUR: i64 = 3_600_000;

/// A draw with a log, written as the service writes it.
pub(crate) struct Evening {
    pub(crate) draw: Draw,
    line: Vec<(Ranked, Part)>,
    pub(crate) changes: Vec<SeatChange>,
}

impl Evening {
    pub(crate) fn new(draw: Draw) -> Self {
        let commitment = draw.manifest.commitment();
        let prk = Prk::extract(commitment.as_bytes(), draw.round().randomness.as_bytes());
        let mut selection = Selection::new(prk, &draw.manifest.prizes, u32::MAX);
        draw.entries.iter().for_each(|entry| selection.offer(entry));
        let (mut line, behind) = selection.into_ranking_and_rest(draw.manifest.alternates);
        line.extend(behind);
        Self { draw, line, changes: Vec::new() }
    }

    /// The seats as the log leaves them.
    pub(crate) fn seating(&self) -> Seating<'_> {
        let places = self.line.iter().map(|(ranked, part)| (ranked.prize, part.clone()));
        let mut seating = Seating::new(&self.draw.manifest.prizes, places);
        for change in &self.changes {
            lottery::seat_changes::apply(&mut seating, change).unwrap();
        }
        seating
    }

    /// Somebody leaves: a withdrawal without a reason. `false` if nobody can leave by this rank.
    pub(crate) fn leave(&mut self, rank: u32, reason: Option<ReplaceReason>) -> bool {
        let mut seating = self.seating();
        let prize = match reason {
            Some(_) => seating.vacate(rank).ok().map(Some),
            None => seating.leave(rank).ok(),
        };
        let Some(prize) = prize else { return false };
        let taken_by = prize.and_then(|prize| seating.pass_on(prize));
        self.append(rank, reason, taken_by);
        true
    }

    /// Those of these ranks who are there withdraw before the round, in the order in which the service writes it.
    pub(crate) fn withdraw(&mut self, ranks: impl IntoIterator<Item = u32>) {
        let seating = self.seating();
        let gone: BTreeSet<_> = ranks.into_iter().map(|rank| (seating.prize_of(rank), rank)).collect();
        for (_, rank) in gone {
            self.leave(rank, None);
        }
    }

    /// Signs an entry, whatever it says.
    pub(crate) fn append(&mut self, rank: u32, reason: Option<ReplaceReason>, taken_by: Option<u32>) {
        let first = ProofTimestamp::parse("2026-04-20T12:31:00.000Z").unwrap();
        let at = match reason {
            // Long enough after whatever was before.
            Some(ReplaceReason::Unclaimed) => {
                self.changes.last().map_or(first, |last| last.at).as_millisecond() + HOUR
            }
            _ => first.as_millisecond(),
        };
        self.append_at(rank, reason, taken_by, at);
    }

    /// The same, dated so many milliseconds after 1970, or as the entry before if that is later.
    pub(crate) fn append_at(
        &mut self,
        rank: u32,
        reason: Option<ReplaceReason>,
        taken_by: Option<u32>,
        at: i64,
    ) {
        let mut end = LogEnd::of(&self.draw.manifest.commitment(), &self.changes);
        let at = ProofTimestamp::from_millisecond(at).unwrap();
        self.changes.push(end.append(&self.draw.organiser, reason, rank, taken_by, at));
    }

    pub(crate) fn proof(&self) -> Proof {
        let Proof { beacon, manifest, ranking, signature, .. } = self.draw.proof();
        Proof::new(beacon, manifest, ranking, signature, Vec::new(), self.changes.clone())
    }

    pub(crate) fn bundle(&self) -> String {
        self.proof().to_canonical_json(Some(&self.draw.entries))
    }

    /// The last rank in line.
    pub(crate) fn last(&self) -> u32 {
        u32::try_from(self.line.len()).unwrap()
    }

    /// Holds the seats to what they must be, after any log.
    fn check(&self) {
        let seating = self.seating();
        let left: BTreeSet<u32> = self.changes.iter().map(|change| change.rank).collect();
        assert_eq!(left.len(), self.changes.len(), "nobody leaves twice");
        for (index, prize) in (0..).zip(self.draw.manifest.prizes.as_slice()) {
            let seated: Vec<u32> =
                (1..=self.last()).filter(|rank| seating.prize_of(*rank) == Some(index)).collect();
            assert!(seated.len() <= prize.winners as usize, "no seat has two people");
            assert!(seated.iter().all(|rank| !left.contains(rank)));
            let empty = prize.winners as usize - seated.len();
            let part = |rank: &u32| &self.line[*rank as usize - 1].1;
            let mut lacking = 0;
            for quota in &prize.quota {
                let named = seated.iter().filter(|rank| quota.names(part(rank))).count();
                assert!(quota.at_most.is_none_or(|most| named <= most as usize), "{seated:?}");
                lacking += (quota.reserved() as usize).saturating_sub(named);
            }
            assert!(lacking <= empty, "what is empty suffices for what the quotas lack: {seated:?}");
            // No seat is lost that can be filled.
            assert_eq!(seating.clone().pass_on(index), None, "prize {index}: {seated:?}, {empty} empty");
        }
    }
}

fn lists() -> [PrizeList; 4] {
    let tight = [("Vertrieb", Some(2), Some(2)), ("研发", Some(1), Some(1)), ("-", None, Some(1))];
    [
        one_prize(3),
        prizes(),
        prizes_of_several(),
        PrizeList::try_from(vec![prize(1, &[]), prize(4, &tight)]).unwrap(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_withdrawals_and_replacements_keeps_quotas_and_replays(
        list in 0..4_usize,
        alternates in 0..4_u32,
        withdrawn in prop::collection::vec(1..30_u32, 0..6),
        replaced in prop::collection::vec((1..45_u32, 0..5_usize), 0..30),
    ) {
        let mut draw = Draw::seal(entries(44), lists()[list].clone());
        draw.manifest.alternates = alternates;
        draw.manifest.claim_within_seconds = Some(3_600);
        let mut evening = Evening::new(draw);
        evening.withdraw(withdrawn);
        evening.check();
        for (rank, reason) in replaced {
            evening.leave(rank, Some(ReplaceReason::ALL[reason]));
            evening.check();
        }
        let report = verify(evening.bundle().as_bytes(), &Options::default());
        prop_assert!(report.holds, "{report}");
        let counts = report.passed_on.unwrap();
        prop_assert!(counts.total() as usize <= evening.changes.len());
    }
}

#[test]
fn the_other_verifiers_replay_the_same() {
    let mut others = Others::start();
    let mut random = 7_u64;
    let mut below = |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % bound
    };
    for case in 0..24 {
        let mut draw = Draw::seal(entries(44), lists()[case % 4].clone());
        draw.manifest.alternates = (case / 4) as u32;
        draw.manifest.claim_within_seconds = Some(3_600);
        let mut evening = Evening::new(draw);
        evening.withdraw([(); 3].map(|()| 1 + below(20) as u32));
        for _ in 0..9 {
            let reason = ReplaceReason::ALL[below(5) as usize];
            evening.leave(1 + below(20) as u32, Some(reason));
        }
        if case % 3 == 0 {
            // By choice: the next but one.
            let seated =
                (1..=evening.last()).find(|rank| evening.seating().prize_of(*rank).is_some()).unwrap();
            evening.append(seated, Some(ReplaceReason::Absent), Some(evening.last()));
        }
        let bundle = evening.bundle();
        others.ask(bundle.as_bytes());
        let ours = super::verifiers::ours(bundle.as_bytes());
        for (who, said) in others.hear() {
            assert_eq!(said, ours, "{who}, case {case}: {bundle}");
        }
        assert_eq!(ours.step.as_deref(), (case % 3 == 0).then_some("changes"), "case {case}");
    }
}

/// A draw whose winners have an hour to claim.
pub(crate) fn claimed_draw() -> Evening {
    let mut draw = Draw::seal(entries(24), prizes());
    draw.manifest.claim_within_seconds = Some(3_600);
    Evening::new(draw)
}

/// When the round of such a draw comes out, in milliseconds after 1970.
pub(crate) fn round_at(evening: &Evening) -> i64 {
    let chain = evening.draw.beacon.chain();
    chain.time_of(evening.draw.manifest.beacon.round).unwrap().as_millisecond()
}

#[test]
fn nobody_has_less_time_to_claim_than_the_manifest_promises() {
    let unclaimed = Some(ReplaceReason::Unclaimed);
    let first = |evening: &Evening, rank| {
        let mut seating = evening.seating();
        let prize = seating.vacate(rank).unwrap();
        seating.pass_on(prize)
    };
    let verdict = |evening: &Evening| {
        let report = verify(evening.bundle().as_bytes(), &Options::default());
        (report.broken(), report.verdict)
    };
    let mut evening = claimed_draw();
    let round_at = round_at(&evening);
    let taker = first(&evening, 1);
    evening.append_at(1, unclaimed, taker, round_at + HOUR - 1);
    let (step, words) = verdict(&evening);
    assert_eq!(step, Some(StepName::Changes));
    assert!(words.contains("entry 1 is for a prize that could be claimed until 2026-04-20T13:3"), "{words}");
    evening.changes.clear();
    evening.append_at(1, unclaimed, taker, round_at + HOUR);
    assert!(verdict(&evening).1.ends_with("1 seat was passed on: 1 unclaimed."));
    // The winner who took the seat has as long again; another winner's hour is over.
    let (taker, next) = (taker.unwrap(), first(&evening, taker.unwrap()));
    evening.append_at(taker, unclaimed, next, round_at + 2 * HOUR - 1);
    assert_eq!(verdict(&evening).0, Some(StepName::Changes));
    evening.changes.pop();
    let other = (2..=evening.last()).find(|rank| evening.seating().prize_of(*rank).is_some()).unwrap();
    let next = first(&evening, other);
    evening.append_at(other, unclaimed, next, round_at + HOUR);
    let next = first(&evening, taker);
    evening.append_at(taker, unclaimed, next, round_at + 2 * HOUR);
    assert!(verdict(&evening).1.ends_with("3 seats were passed on: 3 unclaimed."));
    // Nor can it be the reason where nobody had to claim.
    let mut evening = Evening::new(Draw::seal(entries(24), prizes()));
    let taker = first(&evening, 1);
    evening.append_at(1, unclaimed, taker, round_at + HOUR);
    let (step, words) = verdict(&evening);
    assert_eq!(step, Some(StepName::Changes));
    assert!(words.contains("a prize that nobody had to claim"), "{words}");
}

#[test]
fn the_verdict_says_how_many_have_left_the_line_for_somebody_behind_them() {
    let mut evening = Evening::new(Draw::seal(entries(24), prizes()));
    let waiting: Vec<u32> =
        (1..=evening.last()).filter(|rank| evening.seating().prize_of(*rank).is_none()).collect();
    evening.withdraw(waiting[..2].iter().copied().chain([1]));
    let report = verify(evening.bundle().as_bytes(), &Options::default());
    assert!(report.holds, "{report}");
    assert_eq!((report.left_line, report.passed_on.map(|counts| counts.withdrawn)), (Some(2), Some(1)));
    let words = "1 seat was passed on: 1 withdrawn before the round. 2 people without a seat left the line before the round.";
    assert!(report.verdict.ends_with(words), "{}", report.verdict);
}

fn evening() -> Evening {
    let mut evening = Evening::new(Draw::seal(entries(24), prizes()));
    assert!(evening.leave(1, Some(ReplaceReason::Absent)));
    assert!(evening.leave(2, Some(ReplaceReason::Absent)));
    assert!(evening.leave(3, Some(ReplaceReason::Declined)));
    evening
}

#[test]
fn an_organiser_who_replaces_until_it_pleases_is_seen_doing_so() {
    let report = verify(evening().bundle().as_bytes(), &Options::default());
    assert!(report.holds, "{report}");
    let words = "3 seats were passed on: 2 absent, 1 declined.";
    assert!(report.verdict.ends_with(words), "{}", report.verdict);
    let json: Value = serde_json::from_str(&report.to_json()).unwrap();
    let counts = &json["passed_on"];
    assert_eq!((&counts["absent"], &counts["declined"], &counts["empty"]), (&json!(2), &json!(1), &json!(0)));
    let nothing = Evening::new(Draw::seal(entries(24), prizes())).bundle();
    let report = verify(nothing.as_bytes(), &Options::default());
    assert!(report.holds && !report.verdict.contains("passed on"), "{}", report.verdict);
}

/// The evening's proof with another log, and the step and words that refuse it.
fn refused(evening: &Evening, change: impl Fn(&mut Vec<Value>)) -> (Option<StepName>, String) {
    let mut proof: Value = serde_json::from_str(&evening.bundle()).unwrap();
    change(proof["changes"].as_array_mut().unwrap());
    let report = verify(proof.to_string().as_bytes(), &Options::default());
    (report.broken(), report.verdict)
}

#[test]
fn a_log_that_was_tampered_with_is_refused_where_it_was() {
    let evening = evening();
    for (what, change) in [
        (
            "entry 1 has the number 2",
            &(|log: &mut Vec<Value>| drop(log.remove(0))) as &dyn Fn(&mut Vec<Value>),
        ),
        ("entry 2 has the number 3", &|log| log.swap(1, 2)),
        ("entry 2 does not name the entry before it", &|log| {
            log.remove(1);
            log[1]["number"] = json!(2);
        }),
        ("entry 2 is not signed by", &|log| log[1]["reason"] = json!("declined")),
        ("entry 2 is not signed by", &|log| {
            log[1]["signature"] = log[2]["signature"].clone();
        }),
        ("entry 1 is of a kind", &|log| log[0]["reason"] = Value::Null),
        ("entry 2 is dated before", &|log| log[1]["at"] = json!("2026-04-20T12:30:59.999Z")),
    ] {
        let (step, verdict) = refused(&evening, change);
        assert_eq!(step, Some(StepName::Changes), "{what}: {verdict}");
        assert!(verdict.contains(what), "{what}: {verdict}");
    }
}

#[test]
fn a_seat_given_by_choice_is_refused_although_the_organiser_signed_it() {
    let mut evening = evening();
    let seated = (1..=evening.last()).find(|rank| evening.seating().prize_of(*rank).is_some()).unwrap();
    evening.append(seated, Some(ReplaceReason::Absent), Some(evening.last()));
    let report = verify(evening.bundle().as_bytes(), &Options::default());
    assert_eq!(report.broken(), Some(StepName::Changes), "{report}");
    assert!(report.verdict.contains("is the first in line who fits"), "{}", report.verdict);
}
