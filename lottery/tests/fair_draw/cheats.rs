//! What an organiser could try, who holds the signing key and writes the proof: each is stopped by a step, or
//! exposed to everybody who noted the commitment.

use lottery::manifest::NamedRound;
use lottery::receipt::{LabelReceipt, Receipt};
use lottery::timestamp::ProofTimestamp;
use lottery::verify::{Options, Pins, Report, StepName, verify};
use lottery::{DrawStatus, Tickets};

use super::bundles::{Draw, check, entries, prizes};
use super::naive::{entry, one_prize};

fn honest() -> Draw {
    Draw::seal(entries(60), prizes())
}

/// A check by somebody who noted the honest commitment before the round.
fn check_by_a_witness(bundle: &str) -> Report {
    let commitment = Some(honest().manifest.commitment());
    let pins = Pins { commitment, ..Pins::default() };
    verify(bundle.as_bytes(), &Options { pins, ..Options::default() })
}

/// Exposed to a witness, and only to one: the report for anybody else says that the time is the organiser's word.
fn exposed_to_a_witness_only(cheat: &Draw) {
    assert!(check_by_a_witness(&honest().bundle()).holds);
    let bundle = cheat.bundle();
    assert!(check(&bundle).holds, "the cheat is consistent in itself");
    assert_eq!(check_by_a_witness(&bundle).broken(), Some(StepName::Commitment));
}

#[test]
fn a_late_participant_changes_the_commitment() {
    let mut late = entries(60);
    late.push(entry(1000, 1000, None));
    late.sort_by_key(|entry| entry.label);
    exposed_to_a_witness_only(&Draw::seal(late.clone(), prizes()));
    let under_the_old_seal = honest().proof().to_canonical_json(Some(&late));
    assert_eq!(check(&under_the_old_seal).broken(), Some(StepName::Entries));
}

#[test]
fn a_removed_participant_changes_the_commitment() {
    let mut without = entries(60);
    without.remove(20);
    exposed_to_a_witness_only(&Draw::seal(without, prizes()));
}

#[test]
fn changed_weights_change_the_commitment() {
    let mut weighted = entries(60);
    weighted[20].tickets = Tickets::try_from(1000).unwrap();
    exposed_to_a_witness_only(&Draw::seal(weighted.clone(), prizes()));
    let under_the_old_seal = honest().proof().to_canonical_json(Some(&weighted));
    assert_eq!(check(&under_the_old_seal).broken(), Some(StepName::Entries));
}

#[test]
fn changed_prizes_change_the_commitment() {
    exposed_to_a_witness_only(&Draw::seal(entries(60), one_prize(1)));
}

#[test]
fn a_chosen_round_is_not_the_one_that_follows_from_the_seal() {
    let mut chosen = honest();
    chosen.manifest.beacon.round += 100;
    assert_eq!(check(&chosen.bundle()).broken(), Some(StepName::Round));
    // A margin that was made to fit is part of the commitment.
    let mut fitted = honest();
    fitted.manifest.margin_seconds += 300;
    let (sealed_at, margin) = (fitted.manifest.sealed_at, fitted.manifest.margin_seconds);
    fitted.manifest.beacon = NamedRound::after(fitted.beacon.chain(), sealed_at, margin).unwrap();
    exposed_to_a_witness_only(&fitted);
}

#[test]
fn a_round_of_ones_own_making_is_not_the_beacons() {
    let forger = lottery::beacon::local::LocalBeacon::from_seed(
        &[9; 32],
        1_750_000_000,
        lottery::beacon::Period::try_from(3).unwrap(),
    );
    let draw = honest();
    let forged = forger.round(draw.manifest.beacon.round);
    let bundle = draw.proof_with(forged).to_canonical_json(Some(&draw.entries));
    assert_eq!(check(&bundle).broken(), Some(StepName::Randomness));
}

#[test]
fn a_beacon_of_ones_own_never_passes_for_a_public_one() {
    let report = check(&honest().bundle());
    assert!(report.verdict.contains("NOT PUBLICLY RANDOM") && !report.verdict.contains("HOLDS"), "{report}");
}

#[test]
fn a_second_draw_has_another_number_and_names_the_first() {
    let first = honest();
    let mut second = honest();
    second.manifest.sequence += 1;
    second.manifest.previous_commitment = Some(first.manifest.commitment());
    second.manifest.previous_status = Some(DrawStatus::Abandoned);
    let report = check(&second.bundle());
    assert!(report.holds && report.steps[1].found.contains("number 3"), "{report}");
    // Passing it off as the first needs the first's number, which the witness has seen with another commitment.
    let mut instead = honest();
    instead.manifest.alternates += 1;
    exposed_to_a_witness_only(&instead);
    // And it cannot leave out what came before.
    second.manifest.previous_commitment = None;
    assert_eq!(check(&second.bundle()).broken(), Some(StepName::Manifest));
}

#[test]
fn a_back_dated_seal_is_exposed_to_a_witness_only_and_the_verdict_says_so() {
    // The round is known already when this list is written and dated before it.
    let mut back_dated = entries(60);
    back_dated.retain(|entry| entry.tickets.get() > 1);
    let cheat = Draw::seal(back_dated, prizes());
    exposed_to_a_witness_only(&cheat);

    // With a public beacon the verdict names what depends on the organiser's word.
    let recorded: serde_json::Value =
        serde_json::from_str(include_str!("../vectors/drand-quicknet.json")).unwrap();
    let round: lottery::beacon::BeaconRound = serde_json::from_value(recorded["rounds"][1].clone()).unwrap();
    let chain = lottery::beacon::Chain::quicknet();
    let mut draw = honest();
    let earlier = chain.time_of(round.round).unwrap().as_millisecond() - 10_000;
    draw.manifest.sealed_at = ProofTimestamp::from_millisecond(earlier).unwrap();
    draw.manifest.closes_at = None;
    draw.manifest.beacon = NamedRound::after(&chain, draw.manifest.sealed_at, 10).unwrap();
    assert_eq!(draw.manifest.beacon.round, round.round);
    let mut proof = draw.proof_with(round);
    proof.beacon.chain = chain;
    let bundle = proof.to_canonical_json(Some(&draw.entries));
    let report = check(&bundle);
    assert!(report.holds && report.verdict.contains("drand quicknet"), "{report}");
    assert!(report.verdict.contains("is the organiser's word"), "{report}");
    let pins = Pins { commitment: Some(draw.manifest.commitment()), ..Pins::default() };
    let report = verify(bundle.as_bytes(), &Options { pins, ..Options::default() });
    assert!(report.holds && report.verdict.contains("the one you noted"), "{report}");
}

#[test]
fn the_winning_label_cannot_be_claimed_for_somebody_else() {
    let draw = honest();
    let winner = &draw.proof().ranking.unwrap()[0];
    let entry = draw.entries.iter().find(|entry| entry.label == winner.label).unwrap();
    let friend = Receipt::One(LabelReceipt {
        label: entry.label,
        nonce: lottery::HexBytes::from([0; 32]),
        participant_id: lottery::ParticipantId::parse("friend").unwrap(),
    });
    assert!(friend.explains(entry, &draw.manifest).is_err());
    let options = Options { receipt: Some(friend), ..Options::default() };
    let report = verify(draw.bundle().as_bytes(), &options);
    assert_eq!(report.broken(), Some(StepName::Receipt));
    assert!(report.verdict.contains("somebody else"), "{report}");
}

#[test]
fn a_step_failing_after_the_round_hides_no_winner() {
    let draw = honest();
    let mut proof = draw.proof();
    proof.ranking = None;
    proof.beacon.round = None;
    let options = Options { round: Some(draw.round()), ..Options::default() };
    let report = verify(proof.to_canonical_json(Some(&draw.entries)).as_bytes(), &options);
    assert_eq!(report.ranking, draw.proof().ranking, "anybody can tell who would have won");
}

#[test]
fn a_bundle_holds_labels_and_nothing_of_a_person() {
    let draw = honest();
    let bundle: serde_json::Value = serde_json::from_str(&draw.bundle()).unwrap();
    for entry in bundle["entries"].as_array().unwrap() {
        let names: Vec<_> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["excluded", "group", "holder", "label", "tickets"]);
    }
}
