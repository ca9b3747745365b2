//! The fair draw, task by task: what is committed to, what decides, and what cannot be done again.

use std::collections::BTreeSet;
use std::time::Duration;

use lottery::beacon::{BeaconRound, Chain};
use lottery::selection::{Ranked, Seat};
use lottery::verify::{Options, Pins, verify};
use lottery::{DrawId, DrawStatus, Entry, Exclusion, Part, ParticipantId, PassedOn};
use lottery_store::RankedEntry;
use serde_json::{Value, json};
use workflow_tasks::Clock;

use test_support::dynamodb;
use test_world::beacon::Misbehaviour;
use test_world::{PATH, World};

async fn verdict(world: &World, draw_id: &DrawId) -> (bool, String) {
    let (proof, entries) = world.proof(draw_id).await;
    let report = verify(proof.to_canonical_json(Some(&entries)).as_bytes(), &Options::default());
    (report.holds, report.verdict)
}

/// People `001`… in turn of the groups a, b and none, with tickets.
async fn world_of_groups(count: usize) -> World {
    let world = World::new().await;
    let people = (1..=count).map(|number| {
        let group = ["a", "b", ""][number % 3];
        let fields = json!({
            "participant_id": format!("{number:03}"), "name": "Rose", "group": group, "tickets": number % 7 + 1,
            "phone": format!("+1202555{number:04}"), "excluded": number == 5,
        });
        dynamodb::participant(fields)
    });
    world.cx.store.put_participants(&world.lottery_id, people.collect(), dynamodb::now()).await.unwrap();
    world
}

#[tokio::test]
async fn prizes_quotas_tickets_exclusions_and_alternates_stand_in_one_proof_that_holds() {
    let world = world_of_groups(1_100).await;
    let quota = json!([{"group": "a", "at_least": 2}, {"group": "b", "at_most": 1}]);
    let prizes = json!([{"name": "Car", "winners": 1}, {"name": "Bicycle", "winners": 5, "quota": quota}]);
    let first = world.ask("d1", json!({"prizes": prizes, "alternates": 4})).await;
    world.run(&first).await;
    assert_eq!(world.status(&first).await, DrawStatus::Succeeded);
    let (holds, sentence) = verdict(&world, &first).await;
    assert!(holds, "{sentence}");

    let (published, entries) = world.proof(&first).await;
    assert!(entries.is_sorted_by_key(|entry| entry.label));
    let excluded = |entries: &[Entry], reason: &Exclusion| {
        entries.iter().filter(|entry| entry.excluded.as_ref() == Some(reason)).count()
    };
    assert_eq!(excluded(&entries, &Exclusion::Organiser), 1);
    let ranking = published.ranking.unwrap();
    let seats = |seat| ranking.iter().filter(|ranked: &&Ranked| ranked.seat == seat).count();
    assert_eq!([Seat::Reserved, Seat::Open, Seat::Alternate].map(seats), [2, 4, 4]);
    let winners = world.winners(&first).await;
    assert_eq!(winners.len(), 6, "alternates have not won: {winners:?}");
    assert!(!winners.contains(&"005".to_owned()));
    assert_eq!(world.sns.taken().len(), 6);

    let second = world.ask("d2", json!({"winners": 3})).await;
    world.run(&second).await;
    assert!(verdict(&world, &second).await.0);
    let (published, entries) = world.proof(&second).await;
    assert_eq!(excluded(&entries, &Exclusion::PastWinner(first.clone())), 6);
    assert_eq!(published.manifest.previous_commitment, world.draw(&first).await.commitment);
    assert_eq!(published.manifest.previous_status, Some(DrawStatus::Succeeded));
    assert_eq!(published.manifest.sequence, 2);
}

#[tokio::test]
async fn every_label_has_a_proof_of_its_place_whatever_the_number_of_entries() {
    for count in [1, 511, 512, 513, 1_025] {
        let world = World::with_phones(count).await;
        let draw_id = world.ask("d1", json!({"winners": 1})).await;
        world.call("seal-entries", &draw_id).await.unwrap();
        let (proof, entries) = world.proof(&draw_id).await;
        assert_eq!(entries.len(), count);
        let seal = world.cx.store.seal(&world.lottery_id, &draw_id).await.unwrap().unwrap();
        for place in (0..count).step_by(100).chain([count - 1]) {
            let found = world.cx.store.entry_inclusion(&seal, &entries[place].label).await.unwrap().unwrap();
            assert_eq!(found.entry, entries[place]);
            let leaf = lottery::merkle::leaf_hash(found.entry.to_canonical_json().as_bytes());
            assert_eq!((found.inclusion.index, found.inclusion.leaves), (place as u64, count as u64));
            assert_eq!(found.inclusion.root(leaf), Some(proof.manifest.root));
        }
        for nobody in [[0; 16], [0xff; 16]] {
            let nobody = lottery::Label::from_random(nobody);
            assert_eq!(world.cx.store.entry_inclusion(&seal, &nobody).await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn the_commitment_is_public_before_its_round_and_the_round_is_computed() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    let sealed_at = world.clock.now();
    let answer = world.call("seal-entries", &draw_id).await.unwrap();
    let draw = world.draw(&draw_id).await;
    assert_eq!(draw.status, DrawStatus::Sealed);
    assert_eq!(answer, json!({"entries": 3, "round_at": draw.round_at, "announce": false}));
    let round_at = draw.round_at.unwrap();
    assert!(world.clock.now() < round_at);
    let wait = round_at.duration_since(sealed_at).as_secs_f64();
    assert!((1.0..4.0).contains(&wait), "the margin is 1 s and the period 3 s: {wait}");
    let (proof, _) = world.proof(&draw_id).await;
    assert_eq!(Some(proof.manifest.commitment()), draw.commitment);
    proof.signature.verify(&proof.manifest.commitment()).unwrap();
    assert!(proof.manifest.check_round(world.beacon.chain()).is_ok());
    // Nobody can draw before, not even the tasks.
    let error = world.call("draw-winners", &draw_id).await.unwrap_err();
    assert_eq!(error.name(), "BeaconUnavailable");
}

#[tokio::test]
async fn a_relay_that_is_down_lies_or_answers_another_round_is_passed_over() {
    use Misbehaviour::{AnotherRound, Down, Exchanged, Forged, Nonsense, ServerError};
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    world.call("seal-entries", &draw_id).await.unwrap();
    world.beacon.misbehave([Down, ServerError, Nonsense, AnotherRound, Forged, Exchanged, Down]);
    world.call("fetch-beacon", &draw_id).await.unwrap();
    let asked = world.beacon.asked();
    assert_eq!(asked.len(), 8);
    let round = format!("/public/{}", world.draw(&draw_id).await.round.unwrap());
    assert!(asked.iter().all(|address| address.ends_with(&round)), "no other round is asked for: {asked:?}");
    let relays: BTreeSet<_> = asked.iter().map(|address| address.split('/').nth(2).unwrap()).collect();
    assert_eq!(relays.len(), 2);
    world.call("draw-winners", &draw_id).await.unwrap();
    world.call("record-winners", &draw_id).await.unwrap();
    assert!(verdict(&world, &draw_id).await.0);
}

#[tokio::test]
async fn a_draw_without_its_round_waits_however_often_it_is_asked() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    world.call("seal-entries", &draw_id).await.unwrap();
    for _ in 0..5 {
        world.beacon.misbehave([Misbehaviour::Down; 12]);
        assert_eq!(world.call("fetch-beacon", &draw_id).await.unwrap_err().name(), "BeaconUnavailable");
        assert_eq!(world.status(&draw_id).await, DrawStatus::Sealed);
    }
    let other = world.ask("d2", json!({"winners": 1})).await;
    assert_eq!(world.call("seal-entries", &other).await.unwrap_err().name(), "LotteryBusy");
    world.run(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}

#[tokio::test]
async fn a_task_called_twice_or_at_the_same_time_gives_the_same_proof() {
    let world = World::with_phones(40).await;
    let draw_id = world.ask("d1", json!({"winners": 3, "alternates": 2})).await;
    world.call("seal-entries", &draw_id).await.unwrap();
    let sealed = world.proof(&draw_id).await;
    world.clock.advance(Duration::from_secs(1));
    for function in PATH {
        let again = [world.call(function, &draw_id), world.call(function, &draw_id)];
        futures_util::future::join_all(again).await.into_iter().for_each(|answer| drop(answer.unwrap()));
    }
    let (drawn, entries) = world.proof(&draw_id).await;
    assert_eq!(
        (&drawn.manifest, &drawn.signature, &entries),
        (&sealed.0.manifest, &sealed.0.signature, &sealed.1)
    );
    for function in PATH {
        world.call(function, &draw_id).await.unwrap();
    }
    assert_eq!(world.proof(&draw_id).await, (drawn, entries));
}

#[tokio::test]
async fn an_abandoned_draw_keeps_its_number_and_the_next_manifest_names_it() {
    let world = World::with_phones(6).await;
    let abandoned = world.ask("d1", json!({"winners": 2})).await;
    for function in &PATH[..3] {
        world.call(function, &abandoned).await.unwrap();
    }
    world.call_with("release-winners", &abandoned, json!({"error": "RecordingRefused"})).await.unwrap();
    assert_eq!(world.status(&abandoned).await, DrawStatus::Abandoned);
    // Commitment, entries and round stay public, so that anybody can compute who would have won.
    let (published, entries) = world.proof(&abandoned).await;
    assert_eq!((published.ranking.as_ref(), published.beacon.round.is_some()), (None, true));
    let report = verify(published.to_canonical_json(Some(&entries)).as_bytes(), &Options::default());
    assert!(!report.holds && report.verdict.contains("would have won"), "{}", report.verdict);
    assert_eq!(report.ranking.unwrap().len(), 2);

    let next = world.ask("d2", json!({"winners": 2})).await;
    world.run(&next).await;
    let (published, entries) = world.proof(&next).await;
    assert_eq!(published.manifest.sequence, 2);
    assert_eq!(published.manifest.previous_status, Some(DrawStatus::Abandoned));
    assert_eq!(published.manifest.previous_commitment, world.draw(&abandoned).await.commitment);
    assert!(entries.iter().all(|entry| entry.excluded.is_none()), "nobody has won in an abandoned draw");
}

#[tokio::test]
async fn a_draw_that_never_sealed_takes_no_number() {
    let world = World::with_phones(3).await;
    let rejected = world.ask("d1", json!({"winners": 9})).await;
    assert_eq!(world.call("seal-entries", &rejected).await.unwrap_err().name(), "NotEnoughParticipants");
    let dump = world.dynamodb.dump("Lottery");
    let traces = ["#CHUNK#", "#INDEX#", "SEAL_ATTEMPTS"];
    assert!(traces.iter().all(|trace| !dump.contains(trace)), "what it wrote is erased");
    let next = world.ask("d2", json!({"winners": 1})).await;
    world.record(&next).await;
    let (published, _) = world.proof(&next).await;
    assert_eq!((published.manifest.sequence, published.manifest.previous_commitment), (1, None));
}

#[tokio::test]
async fn quotas_that_may_leave_a_seat_empty_are_refused_before_anything_is_committed() {
    let world = world_of_groups(12).await;
    let quota = json!([{"group": "a", "at_least": 5}]);
    let prizes = json!([{"name": "Car", "winners": 6, "quota": quota}]);
    let draw_id = world.ask("d1", json!({"prizes": prizes})).await;
    for _ in 0..2 {
        let error = world.call("seal-entries", &draw_id).await.unwrap_err();
        assert_eq!(error.name(), "QuotaNotSatisfiable");
        assert!(error.to_string().contains("reserved for a"), "{error}");
    }
    let draw = world.draw(&draw_id).await;
    assert_eq!((draw.status, draw.commitment), (DrawStatus::Rejected, None));
    assert_eq!(world.open_draw().await, None);
}

#[tokio::test]
async fn a_quota_for_a_group_that_left_before_the_seal_is_refused_by_name_and_nothing_is_committed() {
    let world = world_of_groups(12).await;
    let quota = json!([{"group": "A", "at_most": 0}, {"groups": ["b", "C"], "at_most": 9}]);
    let prizes = json!([{"name": "Car", "winners": 2, "quota": quota}]);
    let draw_id = world.ask("d1", json!({"prizes": prizes})).await;
    for _ in 0..2 {
        let error = world.call("seal-entries", &draw_id).await.unwrap_err();
        assert_eq!(error.name(), "UnknownGroup");
        let message = "Nobody on the list is in the group A; the nearest are: a, b; \
            nobody on the list is in the group C; the nearest are: a, b.";
        assert_eq!(error.to_string(), message);
    }
    let draw = world.draw(&draw_id).await;
    assert_eq!((draw.status, draw.commitment), (DrawStatus::Rejected, None));
    let named: Vec<_> = draw.reason.unwrap().groups.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["A", "C"]);
    assert_eq!(world.open_draw().await, None);
}

#[tokio::test]
async fn a_quota_for_people_without_a_group_is_kept_by_winners_and_by_who_takes_a_forfeited_seat() {
    let world = world_of_groups(60).await;
    let quota =
        json!([{"without_group": true, "at_least": 1, "at_most": 1}, {"groups": ["a", "b"], "at_least": 1}]);
    let prizes = json!([{"name": "Car", "winners": 2, "quota": quota}]);
    let draw_id = world.ask("d1", json!({"prizes": prizes, "alternates": 30})).await;
    for function in &PATH[..3] {
        world.call(function, &draw_id).await.unwrap();
    }
    let ranking = world.cx.store.ranked_entries(&world.lottery_id, &draw_id).await.unwrap();
    let (winners, alternates): (Vec<_>, Vec<_>) = ranking.iter().partition(|it| it.ranked.prize.is_some());
    let has_none = |entry: &&RankedEntry| entry.part == Part::WithoutGroup;
    assert_eq!(winners.iter().copied().filter(|entry| has_none(entry)).count(), 1);
    let winner = winners.into_iter().find(has_none).unwrap();
    let next = alternates.into_iter().find(has_none).unwrap();
    world.withdraw_before_round(&draw_id, &winner.participant_id).await;
    world.call("record-winners", &draw_id).await.unwrap();
    let forfeit = PassedOn { rank: winner.rank, prize: 0, taken_by: Some(next.rank), reason: None };
    assert_eq!(world.draw(&draw_id).await.passed_on, [forfeit]);
    let (holds, sentence) = verdict(&world, &draw_id).await;
    assert!(holds, "{sentence}");
}

#[tokio::test]
async fn who_comes_or_goes_after_the_seal_does_not_change_the_list() {
    let world = World::with_phones(20).await;
    let draw_id = world.ask("d1", json!({"winners": 20})).await;
    world.call("seal-entries", &draw_id).await.unwrap();
    let sealed = world.proof(&draw_id).await.1;
    world.import(dynamodb::with_phone("late", "+12025559999")).await;
    world.withdraw_before_round(&draw_id, &ParticipantId::parse("007").unwrap()).await;
    world.run(&draw_id).await;
    assert_eq!(world.proof(&draw_id).await.1, sealed);
    assert!(verdict(&world, &draw_id).await.0);
    let winners = world.cx.store.winners(&world.lottery_id, &draw_id).await.unwrap();
    assert_eq!(winners.len(), 20);
    let without_seat: Vec<_> = winners.iter().filter(|winner| !winner.has_seat()).collect();
    assert_eq!((without_seat.len(), without_seat[0].participant_id.as_str()), (1, "007"));
    assert_eq!(without_seat[0].left.unwrap().taken_by, None, "there are no alternates: it stays empty");
    assert_eq!(world.sns.taken().len(), 19);
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded, "everybody who has a seat was told");
}

#[tokio::test]
async fn a_winner_who_withdraws_before_the_round_forfeits_the_seat_to_the_best_ranked_alternate() {
    let world = World::with_phones(20).await;
    let draw_id = world.ask("d1", json!({"winners": 3, "alternates": 4})).await;
    for function in &PATH[..3] {
        world.call(function, &draw_id).await.unwrap();
    }
    // Of the seven ranked, the second winner goes, and so does the first alternate.
    let ranked = world.ranked(&draw_id).await;
    world.withdraw_before_round(&draw_id, &ranked[1]).await;
    world.withdraw_before_round(&draw_id, &ranked[3]).await;
    let first = world.call("record-winners", &draw_id).await.unwrap();
    let forfeits = world.draw(&draw_id).await.passed_on;
    assert_eq!(forfeits, [PassedOn { rank: 2, prize: 0, taken_by: Some(5), reason: None }]);
    let seated: Vec<_> = [0, 2, 4].map(|place: usize| ranked[place].to_string()).into();
    assert_eq!(world.winners(&draw_id).await, seated);

    // What was seen first counts, whatever a second run sees.
    world.withdraw(&ranked[2]).await;
    assert_eq!(world.call("record-winners", &draw_id).await.unwrap(), first);
    assert_eq!(world.draw(&draw_id).await.passed_on, forfeits);
    world.import(dynamodb::with_phone(ranked[1].as_str(), "+12025559998")).await;
    world.import(dynamodb::with_phone(ranked[2].as_str(), "+12025559999")).await;
    world.run_resumed(&draw_id).await;
    let texts: Vec<_> = world.sns.taken().into_iter().map(|message| message.text).collect();
    assert_eq!(
        texts.len(),
        2,
        "nobody who has withdrawn, nor who has come again under the same id: {texts:?}"
    );
    assert_eq!(world.status(&draw_id).await, DrawStatus::Incomplete, "one went after the pivot");
    let (holds, sentence) = verdict(&world, &draw_id).await;
    assert!(holds && sentence.contains("the 3 winners"), "the ranking stays: {sentence}");

    // A past winner is who had a seat in the end: neither who forfeited it nor an alternate without one.
    let next = world.ask("d2", json!({"winners": 1})).await;
    world.call("seal-entries", &next).await.unwrap();
    let seal = world.cx.store.seal(&world.lottery_id, &next).await.unwrap().unwrap();
    let sealed = world.cx.store.chunks(&seal, 0..seal.chunks).await.unwrap().concat();
    let excluded = sealed.into_iter().filter(|sealed| sealed.entry.excluded.is_some());
    let excluded: BTreeSet<_> = excluded.map(|sealed| sealed.participant_id.to_string()).collect();
    assert_eq!(excluded, seated.into_iter().collect());
}

#[tokio::test]
async fn a_forfeited_seat_keeps_the_quotas_that_were_sealed() {
    let world = world_of_groups(60).await;
    let quota = json!([{"group": "a", "at_least": 1, "at_most": 1}]);
    let prizes = json!([{"name": "Car", "winners": 2, "quota": quota}]);
    let draw_id = world.ask("d1", json!({"prizes": prizes, "alternates": 30})).await;
    for function in &PATH[..3] {
        world.call(function, &draw_id).await.unwrap();
    }
    let ranking = world.cx.store.ranked_entries(&world.lottery_id, &draw_id).await.unwrap();
    let is_of_a = |entry: &&RankedEntry| entry.part.group().is_some_and(|group| group.as_str() == "a");
    let (winners, alternates): (Vec<_>, Vec<_>) = ranking.iter().partition(|it| it.ranked.prize.is_some());
    let winner = winners.into_iter().find(is_of_a).unwrap();
    let next = alternates.into_iter().find(is_of_a).unwrap();
    world.withdraw_before_round(&draw_id, &winner.participant_id).await;
    // A participant who changes groups after the seal counts for the sealed group.
    world
        .import(dynamodb::participant(json!({
            "participant_id": next.participant_id, "name": "Rose", "group": "b", "phone": "+12025550000",
        })))
        .await;
    world.call("record-winners", &draw_id).await.unwrap();
    let forfeit = PassedOn { rank: winner.rank, prize: 0, taken_by: Some(next.rank), reason: None };
    assert_eq!(world.draw(&draw_id).await.passed_on, [forfeit]);
}

#[tokio::test]
async fn a_participant_removed_or_added_behind_the_tasks_back_is_exposed_by_the_commitment() {
    let world = World::with_phones(5).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    world.run(&draw_id).await;
    let (published, mut entries) = world.proof(&draw_id).await;
    let refused = |entries: &[Entry]| {
        let report = verify(published.to_canonical_json(Some(entries)).as_bytes(), &Options::default());
        assert!(!report.holds);
        report.verdict
    };
    let removed = entries.pop().unwrap();
    assert!(refused(&entries).contains("entries"));
    entries.push(removed.clone());
    entries.push(Entry { label: lottery::Label::from_random([0xff; 16]), ..removed });
    assert!(refused(&entries).contains("entries"));
}

#[tokio::test]
async fn back_dating_is_exposed_to_whoever_held_the_commitment() {
    let world = World::with_phones(5).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    world.run(&draw_id).await;
    let (published, entries) = world.proof(&draw_id).await;
    let text = published.to_canonical_json(Some(&entries));
    let pinned = |commitment| Options {
        pins: Pins { commitment: Some(commitment), ..Pins::default() },
        ..Options::default()
    };
    assert!(verify(text.as_bytes(), &pinned(published.manifest.commitment())).holds);
    assert!(!verify(text.as_bytes(), &pinned(lottery::Commitment::from([1; 32]))).holds);
}

#[tokio::test]
async fn a_seal_that_others_are_in_the_way_of_is_dated_anew() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    let conflict = || {
        json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "message": "cancelled",
            "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}, {"Code": "None"}],
        })
    };
    // The first transaction takes the lottery, and finds nobody in its way.
    world.dynamodb.pass_next("TransactWriteItems");
    for _ in 0..3 {
        world.dynamodb.fail_next("TransactWriteItems", 400, conflict());
    }
    let began = world.clock.now();
    world.call("seal-entries", &draw_id).await.unwrap();
    assert!(world.draw(&draw_id).await.sealed_at.unwrap() > began);
    world.record(&draw_id).await;
    let (holds, sentence) = verdict(&world, &draw_id).await;
    assert!(holds, "{sentence}");
    assert_eq!(world.draw(&draw_id).await.sequence, Some(1));
}

#[tokio::test]
async fn a_recorded_round_of_drand_quicknet_decides_a_draw_sealed_before_it() {
    let recorded: Value = serde_json::from_str(include_str!("drand-quicknet.json")).unwrap();
    let rounds: Vec<BeaconRound> = serde_json::from_value(recorded["rounds"].clone()).unwrap();
    let round = rounds.iter().max_by_key(|round| round.round).unwrap();
    let mut world = World::with_phones(10).await;
    let quicknet = Chain::quicknet();
    let server = crate::drand::Server::start(&quicknet, &rounds).await;
    world.cx.config.beacon.chain = quicknet.clone();
    world.cx.config.beacon.margin_seconds = 10;
    world.cx.config.beacon.relays = server.relays();
    world.cx.services = world.cx.services.clone().with_http(crate::drand::Server::connector());

    let round_at = quicknet.time_of(round.round).unwrap().timestamp();
    world.clock.set(round_at - Duration::from_secs(12));
    let draw_id = world.ask("d1", json!({"winners": 2})).await;
    world.run(&draw_id).await;
    assert_eq!(world.draw(&draw_id).await.round, Some(round.round));
    let (holds, sentence) = verdict(&world, &draw_id).await;
    assert!(holds && sentence.contains("drand quicknet"), "{sentence}");
    assert!(sentence.contains("the organiser's word"), "without a noted commitment: {sentence}");
}

/// The transactions of sealing: the lottery is taken, then the commitment is stored.
const COMMIT: usize = 2;

#[tokio::test(start_paused = true)]
async fn a_commitment_whose_write_never_arrived_is_dated_anew_with_a_later_round() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    world.dynamodb.pass_next("TransactWriteItems");
    for _ in 0..3 {
        let down = json!({"__type": "InternalServerError", "message": "down"});
        world.dynamodb.fail_next("TransactWriteItems", 500, down);
    }
    let clock = world.clock.clone();
    let late = world.clock.now() + Duration::from_secs(3_600);
    world.dynamodb.after("UpdateItem", 1, move || clock.set(late));
    world.run(&draw_id).await;
    let draw = world.draw(&draw_id).await;
    assert_eq!(
        (draw.status, draw.sequence),
        (DrawStatus::Succeeded, Some(1)),
        "nothing was published, no number used"
    );
    let (proof, _) = world.proof(&draw_id).await;
    assert!(proof.manifest.margin_seconds >= 2, "a slow store is given more time");
    assert!(proof.manifest.sealed_at.timestamp() >= late, "the round is one that nobody knew");
    assert!(verdict(&world, &draw_id).await.0);
}

#[tokio::test(start_paused = true)]
async fn a_commitment_that_is_stored_without_an_answer_is_found_again() {
    let world = World::with_phones(600).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    world.dynamodb.pass_next("TransactWriteItems");
    world.dynamodb.lose_next("TransactWriteItems");
    world.call("seal-entries", &draw_id).await.unwrap();
    let commitment = world.draw(&draw_id).await.commitment;
    world.run(&draw_id).await;
    let draw = world.draw(&draw_id).await;
    assert_eq!((draw.status, draw.commitment), (DrawStatus::Succeeded, commitment));
    assert!(verdict(&world, &draw_id).await.0, "its chunks are there");
}

#[tokio::test]
async fn a_commitment_that_was_published_too_late_is_abandoned_and_not_sealed_again() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    let clock = world.clock.clone();
    world.dynamodb.after("TransactWriteItems", COMMIT, move || clock.advance(Duration::from_secs(60)));
    for _ in 0..2 {
        let error = world.call("seal-entries", &draw_id).await.unwrap_err();
        assert!(["SealedTooLate", "DrawElsewhere"].contains(&error.name()), "{error}");
    }
    let draw = world.draw(&draw_id).await;
    assert_eq!((draw.status, draw.sequence), (DrawStatus::Abandoned, Some(1)));
    assert_eq!(draw.reason.unwrap().name, "SealedTooLate");
    assert!(draw.commitment.is_some(), "what was published stays");
    assert_eq!(world.open_draw().await, None);
}

#[tokio::test]
async fn nothing_is_sealed_by_a_clock_that_is_behind_the_beacons() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    // Three seconds each.
    world.beacon.be_ahead(2);
    assert_eq!(world.call("seal-entries", &draw_id).await.unwrap_err().name(), "ClockBehind");
    assert_eq!(world.status(&draw_id).await, DrawStatus::Waiting);
    assert_eq!(world.draw(&draw_id).await.commitment, None);
    // Where the clock is right, the same draw is sealed.
    world.beacon.be_ahead(0);
    world.run(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}

#[tokio::test]
async fn a_draw_whose_closing_time_is_ahead_by_the_clock_here_is_asked_for_again() {
    let world = World::with_phones(3).await;
    let closes_at = (world.clock.now() + Duration::from_secs(60)).to_string();
    let draw_id = world.ask("d1", json!({"winners": 1, "closes_at": closes_at})).await;
    assert_eq!(world.call("seal-entries", &draw_id).await.unwrap_err().name(), "NotClosedYet");
    assert_eq!(world.status(&draw_id).await, DrawStatus::Waiting);
    world.clock.advance(Duration::from_secs(58));
    world.run(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}

#[tokio::test]
async fn what_was_sealed_and_is_damaged_is_a_named_error_and_what_is_refused_is_another() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    for function in &PATH[..2] {
        world.call(function, &draw_id).await.unwrap();
    }
    let refused = json!({"__type": "AccessDeniedException", "message": "no identity-based policy allows it"});
    world.dynamodb.fail_next("GetItem", 400, refused);
    assert_eq!(world.call("draw-winners", &draw_id).await.unwrap_err().name(), "StoreRefused");
    world.dynamodb.set("Lottery", "LOTTERY#party#DRAW#d1", "SEAL", "manifest", "{}");
    assert_eq!(world.call("draw-winners", &draw_id).await.unwrap_err().name(), "SealBroken");
}
