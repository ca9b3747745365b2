//! The persons behind entries: labels that are new in each draw, receipts that name a person, past winners who come back;
//! and seals that were not seen in time.

use std::collections::BTreeSet;
use std::time::Duration;

use lottery::receipt::Receipt;
use lottery::verify::{Options, verify};
use lottery::{DrawId, DrawStatus, Exclusion, LotteryId, ParticipantId};
use serde_json::json;
use test_support::dynamodb;
use test_world::{Kill, World};

/// The receipt of a participant, as the service gives it.
async fn receipt(world: &World, id: &ParticipantId) -> Receipt {
    let lottery = world.cx.store.lottery(&world.lottery_id).await.unwrap().unwrap();
    let contacts = world.cx.store.contacts(&world.lottery_id, std::slice::from_ref(id)).await.unwrap();
    contacts[0].receipt(lottery.manifest_version)
}

/// What the receipt shows in a draw.
async fn own_place(world: &World, draw_id: &DrawId, receipt: &Receipt) -> (bool, String) {
    let (proof, entries) = world.proof(draw_id).await;
    let options = Options { receipt: Some(receipt.clone()), ..Options::default() };
    let report = verify(proof.to_canonical_json(Some(&entries)).as_bytes(), &options);
    (report.holds, report.steps.last().unwrap().found.clone())
}

async fn excluded(world: &World, draw_id: &DrawId) -> usize {
    let (_, entries) = world.proof(draw_id).await;
    entries.iter().filter(|entry| matches!(entry.excluded, Some(Exclusion::PastWinner(_)))).count()
}

#[tokio::test]
async fn one_receipt_is_valid_in_every_draw_and_no_label_is_met_twice() {
    let world = World::with_phones(40).await;
    let id = ParticipantId::parse("007").unwrap();
    let before = receipt(&world, &id).await;
    let (mut labels, mut holders) = (BTreeSet::new(), BTreeSet::new());
    for name in ["d1", "d2"] {
        let draw_id = world.ask(name, json!({"winners": 2, "exclude_past_winners": false})).await;
        world.run(&draw_id).await;
        let (holds, found) = own_place(&world, &draw_id, &before).await;
        assert!(holds && found.starts_with("007 is entry "), "{found}");
        let (proof, entries) = world.proof(&draw_id).await;
        assert_eq!(proof.manifest.exclude_past_winners, Some(false));
        assert!(entries.is_sorted_by_key(|entry| entry.label));
        for entry in entries {
            assert!(labels.insert(entry.label.to_string()) && holders.insert(entry.holder.to_string()));
        }
    }
    // A corrected name: the receipt from before still finds the entry, and does not explain it.
    let corrected = json!({"participant_id": "007", "name": "Rose Tyler", "phone": "+12025550007"});
    world.import(dynamodb::participant(corrected)).await;
    let draw_id = world.ask("d3", json!({"winners": 2, "exclude_past_winners": false})).await;
    world.run(&draw_id).await;
    let (holds, found) = own_place(&world, &draw_id, &before).await;
    assert!(!holds && found.contains("corrected"), "{found}");
    let after = receipt(&world, &id).await;
    assert!(own_place(&world, &draw_id, &after).await.0);
    assert!(
        !own_place(&world, &DrawId::parse("d1").unwrap(), &after).await.0,
        "it was bound by the old name"
    );
}

#[tokio::test]
async fn a_winner_who_comes_back_under_another_id_cannot_win_again_and_who_gets_the_old_id_can() {
    let world = World::new().await;
    let rose = |id: &str, email: &str| {
        let fields = json!({"participant_id": id, "name": format!("Rose {id}"), "email": email});
        dynamodb::participant(fields)
    };
    world.import(rose("001", "Rose@example.com")).await;
    let first = world.ask("d1", json!({"winners": 1, "channels": []})).await;
    world.record(&first).await;
    assert_eq!(world.winners(&first).await, ["001"]);
    world.withdraw(&ParticipantId::parse("001").unwrap()).await;
    world.import(rose("900", "rose@example.com")).await;
    let other = json!({"participant_id": "001", "name": "Martha", "email": "martha@example.com"});
    world.import(dynamodb::participant(other)).await;
    let dump = world.dynamodb.dump("Lottery").to_lowercase();
    assert!(!dump.contains("example.com") && !dump.contains("martha"), "no contact data with the marks");

    let second = world.ask("d2", json!({"winners": 1, "channels": []})).await;
    world.record(&second).await;
    assert_eq!((world.winners(&second).await, excluded(&world, &second).await), (vec!["001".to_owned()], 1));
    let third = world.ask("d3", json!({"winners": 1, "channels": []})).await;
    let error = world.call("seal-entries", &third).await.unwrap_err();
    assert_eq!(error.name(), "NotEnoughParticipants", "both have won");
}

#[tokio::test]
async fn draws_of_different_lotteries_are_numbered_together_in_their_lanes() {
    let world = World::with_phones(3).await;
    let mut last = None;
    for number in 1..=3 {
        let draw_id = world.ask(&format!("d{number}"), json!({"winners": 1})).await;
        world.call("seal-entries", &draw_id).await.unwrap();
        let (proof, _) = world.proof(&draw_id).await;
        let place = proof.manifest.operator.unwrap();
        assert_eq!((place.sequence, place.previous_commitment), (number, last));
        last = Some(proof.manifest.commitment());
        world.run(&draw_id).await;
    }
    let heads = world.cx.store.lane_heads().await.unwrap();
    assert_eq!((heads.len(), heads[0].sequence, Some(heads[0].commitment)), (1, 3, last));
    let same_lane = (0..).map(|number| LotteryId::parse(&format!("l{number}")).unwrap());
    let lane = lottery::manifest::OperatorPlace::lane_of;
    let other = same_lane.into_iter().find(|id| lane(id) == lane(&world.lottery_id)).unwrap();
    assert_eq!(world.cx.store.next_operator_place(&other).await.unwrap().sequence, 4);
}

/// Seals a draw whose run is killed right after its commit.
async fn sealed_and_killed() -> (World, DrawId) {
    for call in 1.. {
        let world = World::with_phones(3).await;
        let draw_id = world.ask("d1", json!({"winners": 1})).await;
        assert!(world.kill("seal-entries", &draw_id, Kill::AfterCall, call).await, "nothing was sealed");
        if world.status(&draw_id).await == DrawStatus::Sealed {
            return (world, draw_id);
        }
    }
    unreachable!("a task makes a limited number of calls")
}

#[tokio::test]
async fn a_seal_that_nobody_has_seen_before_its_round_does_not_count() {
    let (world, draw_id) = sealed_and_killed().await;
    let draw = world.draw(&draw_id).await;
    assert!(!draw.is_seal_confirmed);
    world.clock.set(draw.round_at.unwrap());
    let error = world.call("seal-entries", &draw_id).await.unwrap_err();
    assert_eq!(error.name(), "SealedTooLate");
    assert_eq!(world.status(&draw_id).await, DrawStatus::Abandoned);
}

#[tokio::test]
async fn a_seal_that_another_run_finds_before_its_round_counts_from_then_on() {
    let (world, draw_id) = sealed_and_killed().await;
    world.call("seal-entries", &draw_id).await.unwrap();
    assert!(world.draw(&draw_id).await.is_seal_confirmed);
    world.clock.advance(Duration::from_secs(3_600));
    world.run(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}
