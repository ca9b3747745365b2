//! Whatever is changed in a proof is refused, and the message names the step.

use lottery::manifest::NamedRound;
use lottery::receipt::{LabelReceipt, Receipt};
use lottery::verify::{Options, Outcome, Pins, StepName, verify};
use lottery::{DrawStatus, HexBytes, Nonce, ParticipantId};
use proptest::prelude::*;

use super::bundles::{Draw, check, entries, prizes, strange_hash};
use super::naive::{self, bytes, one_prize};
use super::selection::prize_lists;

fn draw() -> Draw {
    Draw::seal(entries(60), prizes())
}

/// The step at which a bundle is refused; it is in the verdict too.
fn refused_at(bundle: &str) -> StepName {
    let report = check(bundle);
    assert!(!report.holds, "{report}");
    let step = report.broken().unwrap_or_else(|| panic!("not refused: {report}"));
    assert!(report.verdict.contains(&format!("'{step}'")), "{report}");
    step
}

#[test]
fn an_untouched_bundle_holds_with_any_number_of_threads() {
    let draw = draw();
    let bundle = draw.bundle();
    for threads in 1..5 {
        let threads = std::num::NonZeroUsize::new(threads);
        let report = verify(bundle.as_bytes(), &Options { threads, ..Options::default() });
        assert!(report.holds, "{report}");
        assert_eq!(report.ranking, draw.proof().ranking);
        assert_eq!(report.commitment, Some(draw.manifest.commitment()));
        assert!(report.verdict.starts_with("CONSISTENT, NOT PUBLICLY RANDOM"), "{report}");
    }
}

/// A small bundle, and the places to change: every byte but in the long lists, whose lines are all alike and
/// cost a pairing each; of these the first 200 bytes and every 23rd one.
fn places_to_change() -> (Vec<u8>, Vec<usize>) {
    let bundle = Draw::seal(entries(12), one_prize(3)).bundle();
    let lists = ["\"entries\":", "\"ranking\":"].map(|list| bundle.find(list).unwrap());
    let ends = ["\"manifest\":", "\"signature\":{"].map(|behind| bundle.find(behind).unwrap());
    let within = |place: usize| std::iter::zip(lists, ends).find(|(from, to)| (*from..*to).contains(&place));
    let chosen = |place: &usize| {
        within(*place).is_none_or(|(from, _)| *place < from + 200 || place.is_multiple_of(23))
    };
    let places = (0..bundle.len()).filter(chosen).collect();
    (bundle.into_bytes(), places)
}

#[test]
fn any_byte_changed_is_refused() {
    let (bundle, places) = places_to_change();
    let mut steps = std::collections::BTreeMap::new();
    for place in places {
        let mut changed = bundle.clone();
        changed[place] ^= 1 << (place % 7);
        let report = verify(&changed, &Options::default());
        let step = report.broken();
        assert!(!report.holds && step.is_some(), "byte {place}: {report}");
        *steps.entry(step.map(|step| step.to_string())).or_insert(0) += 1;
    }
    assert!(steps.len() >= 6, "the refusals come from many steps: {steps:?}");
}

#[test]
fn any_byte_removed_or_added_is_refused() {
    let (bundle, places) = places_to_change();
    for place in places {
        let mut shorter = bundle.clone();
        shorter.remove(place);
        assert!(!verify(&shorter, &Options::default()).holds, "without byte {place}");
        let mut longer = bundle.clone();
        longer.insert(place, b' ');
        assert!(!verify(&longer, &Options::default()).holds, "a space at {place}");
    }
    assert!(!verify(&[&bundle[..], b"\n"].concat(), &Options::default()).holds);
    assert!(!verify(b"", &Options::default()).holds);
}

#[test]
fn an_entry_added_removed_or_moved_is_refused() {
    let draw = draw();
    let refused = |change: &dyn Fn(&mut Vec<lottery::Entry>)| {
        let mut entries = draw.entries.clone();
        change(&mut entries);
        refused_at(&draw.proof().to_canonical_json(Some(&entries)))
    };
    let added = |entries: &mut Vec<_>| {
        entries.push(naive::entry(1000, 1, None));
        entries.sort_by_key(|entry| entry.label);
    };
    assert_eq!(refused(&added), StepName::Entries);
    assert_eq!(refused(&|entries| entries.truncate(59)), StepName::Entries);
    assert_eq!(refused(&|entries| entries.swap(3, 4)), StepName::Entries);
    assert_eq!(refused(&|entries| entries[5] = entries[6].clone()), StepName::Entries);
    assert_eq!(refused(&|entries| entries.clear()), StepName::Entries);
    assert_eq!(refused(&|entries| entries[9].group = lottery::Group::parse("other").ok()), StepName::Entries);
    assert_eq!(refused(&|entries| entries[9] = naive::entry(1001, 1, None)), StepName::Entries);
}

#[test]
fn another_round_or_chain_is_refused() {
    let draw = draw();
    let next = draw.beacon.round(draw.manifest.beacon.round + 1);
    let bundle = |proof: lottery::proof::Proof| proof.to_canonical_json(Some(&draw.entries));
    assert_eq!(refused_at(&bundle(draw.proof_with(next.clone()))), StepName::Randomness);
    let mut renamed = next;
    renamed.round -= 1;
    assert_eq!(refused_at(&bundle(draw.proof_with(renamed))), StepName::Randomness);
    let mut proof = draw.proof();
    proof.beacon.chain.period = lottery::beacon::Period::try_from(4).unwrap();
    assert_eq!(refused_at(&bundle(proof)), StepName::Round);
    let mut proof = draw.proof();
    proof.beacon.chain = lottery::beacon::Chain::quicknet();
    assert_eq!(refused_at(&bundle(proof)), StepName::Round);
}

#[test]
fn anything_changed_in_the_manifest_breaks_the_signature() {
    let draw = draw();
    let refused = |change: &dyn Fn(&mut lottery::manifest::Manifest)| {
        let mut proof = draw.proof();
        change(&mut proof.manifest);
        refused_at(&proof.to_canonical_json(Some(&draw.entries)))
    };
    assert_eq!(refused(&|manifest| manifest.prizes = one_prize(3)), StepName::Signature);
    assert_eq!(refused(&|manifest| manifest.alternates = 4), StepName::Signature);
    assert_eq!(refused(&|manifest| manifest.sequence = 3), StepName::Signature);
    assert_eq!(refused(&|manifest| manifest.previous_commitment = None), StepName::Manifest);
    assert_eq!(refused(&|manifest| manifest.sequence = 1), StepName::Manifest);
    assert_eq!(
        refused(&|manifest| manifest.closes_at =
            lottery::timestamp::ProofTimestamp::parse("2027-01-01T00:00:00.000Z").ok()),
        StepName::Manifest
    );
}

#[test]
fn another_ranking_is_refused() {
    let draw = draw();
    let refused = |change: &dyn Fn(&mut Vec<lottery::selection::Ranked>)| {
        let mut proof = draw.proof();
        change(proof.ranking.as_mut().unwrap());
        refused_at(&proof.to_canonical_json(Some(&draw.entries)))
    };
    assert_eq!(refused(&|ranking| ranking.swap(0, 1)), StepName::Ranking);
    assert_eq!(refused(&|ranking| ranking[0].score = strange_hash()), StepName::Ranking);
    assert_eq!(
        refused(&|ranking| ranking[0].prize = ranking[0].prize.map(|prize| 1 - prize)),
        StepName::Ranking
    );
    assert_eq!(refused(&|ranking| ranking.truncate(8)), StepName::Ranking);
    assert_eq!(refused(&|ranking| ranking.push(ranking[0].clone())), StepName::Ranking);
    let mut proof = draw.proof();
    proof.beacon.round = None;
    assert_eq!(refused_at(&proof.to_canonical_json(Some(&draw.entries))), StepName::Ranking);
}

#[test]
fn pins_are_compared() {
    let draw = draw();
    let bundle = draw.bundle();
    let with = |pins: Pins| verify(bundle.as_bytes(), &Options { pins, ..Options::default() });
    let right = Pins {
        commitment: Some(draw.manifest.commitment()),
        organiser_key: Some(draw.organiser.public_key()),
        chain_hash: Some(draw.beacon.chain().hash()),
    };
    let report = with(right.clone());
    assert!(report.holds && report.verdict.contains("the beacon whose chain you gave"), "{report}");
    let wrong = |pins: Pins| with(pins).broken();
    let commitment = Some(lottery::Commitment::from([1; 32]));
    assert_eq!(wrong(Pins { commitment, ..right.clone() }), Some(StepName::Commitment));
    assert_eq!(
        wrong(Pins { organiser_key: Some(strange_hash()), ..right.clone() }),
        Some(StepName::Signature)
    );
    assert_eq!(wrong(Pins { chain_hash: Some(HexBytes::from([1; 32])), ..right }), Some(StepName::Round));
}

#[test]
fn a_chain_that_is_known_by_its_key_alone_does_not_make_a_draw_public() {
    // The beacon's key and a later first round: an old round, which everybody knows, becomes the computed one.
    let mut draw = draw();
    let mut chain = draw.beacon.chain().clone();
    let old = draw.beacon.round(1_000);
    let later = chain.time_of(draw.manifest.beacon.round).unwrap().as_millisecond() / 1000 - 999 * 3;
    chain.genesis_time = later.try_into().unwrap();
    let manifest = &mut draw.manifest;
    manifest.beacon = NamedRound::after(&chain, manifest.sealed_at, manifest.margin_seconds).unwrap();
    assert_eq!(manifest.beacon.round, 1_000);
    let mut proof = draw.proof_with(old);
    proof.beacon.chain = chain;
    let bundle = proof.to_canonical_json(Some(&draw.entries));
    assert_eq!(check(&bundle).outcome, Outcome::Consistent);
    let pins = Pins { chain_hash: Some(draw.beacon.chain().hash()), ..Pins::default() };
    let report = verify(bundle.as_bytes(), &Options { pins, ..Options::default() });
    assert_eq!(report.broken(), Some(StepName::Round), "{report}");
}

#[test]
fn the_verdict_says_what_it_does_not_show() {
    let mut draw = draw();
    let verdict = check(&draw.bundle()).verdict;
    assert!(verdict.contains("Whose draw this is it does not show"), "{verdict}");
    assert!(verdict.contains("The draw before it in the lottery was ABANDONED."), "{verdict}");
    draw.manifest.previous_status = Some(DrawStatus::Succeeded);
    let pins = Pins { organiser_key: Some(draw.organiser.public_key()), ..Pins::default() };
    let verdict = verify(draw.bundle().as_bytes(), &Options { pins, ..Options::default() }).verdict;
    assert!(!verdict.contains("Whose draw") && !verdict.contains("The draw before"), "{verdict}");
}

#[test]
fn a_receipt_shows_its_owner_their_place_and_nobody_elses() {
    let draw = draw();
    let bundle = draw.bundle();
    let receipt = |number: u64| {
        let participant_id = ParticipantId::parse(&number.to_string()).unwrap();
        let nonce = Nonce::from_random(bytes("nonce", number));
        let nonce = HexBytes::from(*nonce.as_bytes());
        LabelReceipt { label: naive::entry(number, 1, None).label, nonce, participant_id }
    };
    let with = |receipt: LabelReceipt| {
        let receipt = Receipt::One(receipt);
        verify(bundle.as_bytes(), &Options { receipt: Some(receipt), ..Options::default() })
    };
    let proof = draw.proof();
    for number in 0..60 {
        let report = with(receipt(number));
        assert!(report.holds, "{report}");
        let found = &report.steps.last().unwrap().found;
        let expected = match (number % 11, proof.rank_of(&receipt(number).label)) {
            (7, _) => "cannot win (organiser)",
            (9, _) => "cannot win (past_winner:spring)",
            (_, None) => "does not win",
            (_, Some((_, ranked))) if ranked.prize.is_some() => "wins prize",
            _ => "is an alternate",
        };
        assert!(found.contains(expected), "{found}");
    }
    let claimed = LabelReceipt { participant_id: receipt(2).participant_id, ..receipt(1) };
    assert_eq!(with(claimed).broken(), Some(StepName::Receipt));
    assert_eq!(with(receipt(999)).broken(), Some(StepName::Receipt));
}

#[test]
fn a_proof_without_entries_or_round_or_ranking_says_what_is_missing() {
    let draw = draw();
    let report = check(&draw.proof().to_canonical_json(None));
    assert!(!report.holds && report.broken().is_none() && report.verdict.contains("--url"), "{report}");
    let mut proof = draw.proof();
    proof.ranking = None;
    let report = check(&proof.to_canonical_json(Some(&draw.entries)));
    assert!(!report.holds && report.verdict.contains("would have won"), "{report}");
    assert_eq!(report.ranking, draw.proof().ranking, "an abandoned draw shows who would have won");
    proof.beacon.round = None;
    let bundle = proof.to_canonical_json(Some(&draw.entries));
    let report = check(&bundle);
    assert!(
        !report.holds && report.broken().is_none() && report.verdict.contains("follow from round"),
        "{report}"
    );
    let options = Options { round: Some(draw.round()), ..Options::default() };
    assert_eq!(verify(bundle.as_bytes(), &options).ranking, draw.proof().ranking);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_random_draw_that_can_be_sealed_is_proven(
        prizes in prize_lists(4),
        groups in proptest::collection::vec((0..5usize, 1..9u32), 1..60),
        alternates in 0..4u32,
    ) {
        let mut entries: Vec<_> = (0..)
            .zip(groups)
            .map(|(number, (group, tickets))| {
                naive::entry(number, tickets, ["a", "b", "c", "d"].get(group).copied())
            })
            .collect();
        entries.sort_by_key(|entry| entry.label);
        let mut seal = lottery::seal::Seal::new(&prizes);
        for entry in &entries {
            seal.push(entry).unwrap();
        }
        prop_assume!(seal.finish().is_ok());
        let mut draw = Draw::seal(entries, prizes);
        draw.manifest.alternates = alternates;
        let report = check(&draw.bundle());
        prop_assert!(report.holds, "{}", report);
    }

    #[test]
    fn bytes_that_are_no_proof_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(!verify(&bytes, &Options::default()).holds);
    }
}
