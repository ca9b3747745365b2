//! Winners who are replaced: the first in line takes the seat, is notified once, and nothing is lost by races and kills.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use lottery::signature::OrganiserKey;
use lottery::verify::{Options, verify};
use lottery::{DrawId, DrawStatus, ReplaceReason};
use lottery_store::{
    CloseDraw, NotificationState, PassedSeat, ReleaseRequest, Released, Replaced, RetryRequest,
};
use serde_json::json;
use workflow_tasks::Clock;

use test_world::{Kill, World};

/// A draw of so many winners with one alternate, by SMS, of `people`.
async fn ended(people: usize, winners: usize) -> (World, DrawId) {
    let world = World::with_phones(people).await;
    let draw_id = world.ask("d1", json!({"winners": winners, "alternates": 1, "channels": ["sms"]})).await;
    world.run(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    (world, draw_id)
}

async fn replace(world: &World, draw_id: &DrawId, rank: u32) -> Replaced<PassedSeat> {
    let (key, now) = (world.cx.organiser_key.clone().unwrap(), world.clock.now());
    let reason = ReplaceReason::Absent;
    world.cx.store.replace_winner(&world.lottery_id, draw_id, rank, reason, &key, now).await.unwrap()
}

/// The rank of the entry that took the seat.
fn taker(replaced: &Replaced<PassedSeat>) -> Option<u32> {
    match replaced {
        Replaced::Done(done) => done.change.taken_by,
        other => panic!("{other:?}"),
    }
}

/// The report of the proof as the API publishes it.
async fn checked(world: &World, draw_id: &DrawId) -> String {
    let (proof, entries) = world.proof(draw_id).await;
    let report = verify(proof.to_canonical_json(Some(&entries)).as_bytes(), &Options::default());
    assert!(report.holds, "{report}");
    report.verdict
}

async fn seated(world: &World, draw_id: &DrawId) -> BTreeSet<u32> {
    let winners = world.cx.store.winners(&world.lottery_id, draw_id).await.unwrap();
    winners.iter().filter(|winner| winner.has_seat()).map(|winner| winner.rank).collect()
}

#[tokio::test]
async fn the_first_in_line_takes_the_seat_is_told_once_and_then_those_behind_the_alternates() {
    let (world, draw_id) = ended(6, 2).await;
    let before = world.sns.taken().len();
    let replaced = replace(&world, &draw_id, 1).await;
    assert_eq!(taker(&replaced), Some(3));
    assert!(matches!(&replaced, Replaced::Done(done) if done.resumed.is_some_and(|it| it.resumes == 1)));
    assert_eq!(world.status(&draw_id).await, DrawStatus::Recorded, "somebody is to be notified");
    world.run_resumed(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    assert_eq!(world.sns.taken().len(), before + 1, "whoever took the seat, once");
    // No alternates are left: the sealed list supplies the next ones.
    assert_eq!(taker(&replace(&world, &draw_id, 3).await), Some(4));
    assert_eq!(taker(&replace(&world, &draw_id, 2).await), Some(5));
    assert_eq!(taker(&replace(&world, &draw_id, 4).await), Some(6));
    assert_eq!(taker(&replace(&world, &draw_id, 5).await), None, "nobody is left");
    world.run_resumed(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    // A winner who was replaced before the notification gets none.
    let ledger = world.ledger(&draw_id).await;
    assert_eq!((ledger.len(), world.sns.taken().len()), (4, before + 2));
    assert_eq!(seated(&world, &draw_id).await, [6].into());
    assert!(
        checked(&world, &draw_id).await.contains("5 seats were passed on: 5 absent; 1 of them to nobody")
    );
    assert_eq!(world.proof(&draw_id).await.0.ranking.unwrap().len(), 3, "the ranking stays");
    // A past winner is who has a seat in the end.
    let past = world.cx.store.past_winners(&world.lottery_id).await.unwrap();
    assert_eq!(past.len(), 1);
    let ranked = world.ranked(&draw_id).await;
    assert_eq!(past[0].participant_id, ranked[5], "{past:?} {ranked:?}");
}

#[tokio::test]
async fn a_rank_without_a_seat_cannot_be_replaced_nor_anybody_once_the_draw_is_closed() {
    let (world, draw_id) = ended(5, 2).await;
    for rank in [3, 4, 9] {
        assert_eq!(replace(&world, &draw_id, rank).await, Replaced::NoSeat);
    }
    replace(&world, &draw_id, 1).await;
    let again = replace(&world, &draw_id, 1).await;
    assert!(matches!(again, Replaced::LeftAlready(Some(left)) if left.taken_by == Some(3)), "{again:?}");
    let (store, lottery_id, now) = (&world.cx.store, &world.lottery_id, world.clock.now());
    let other = OrganiserKey::from_seed(&[9; 32]);
    let reason = ReplaceReason::Declined;
    let unsigned = store.replace_winner(lottery_id, &draw_id, 2, reason, &other, now).await.unwrap();
    assert_eq!(unsigned, Replaced::OtherKey);
    for _ in 0..2 {
        assert!(matches!(store.close_draw(lottery_id, &draw_id, now).await.unwrap(), CloseDraw::Closed(_)));
    }
    assert_eq!(replace(&world, &draw_id, 2).await, Replaced::Closed);
    let waiting = world.ask("d2", json!({"winners": 1})).await;
    assert_eq!(replace(&world, &waiting, 1).await, Replaced::NotOfficial(DrawStatus::Waiting));
    let closed = store.close_draw(lottery_id, &waiting, now).await.unwrap();
    assert_eq!(closed, CloseDraw::NotOfficial(DrawStatus::Waiting));
}

#[tokio::test]
async fn of_two_who_press_at_once_one_replaces_and_both_see_the_same() {
    let (world, draw_id) = ended(12, 4).await;
    let pressed = join_all([1, 1, 2, 3, 1, 2].map(|rank| replace(&world, &draw_id, rank))).await;
    let done: Vec<u32> = pressed
        .iter()
        .filter_map(|it| match it {
            Replaced::Done(done) => done.change.taken_by,
            Replaced::LeftAlready(_) => None,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(done.iter().collect::<BTreeSet<_>>().len(), 3, "{pressed:?}");
    assert_eq!(seated(&world, &draw_id).await, [4, 5, 6, 7].into());
    world.run_resumed(&draw_id).await;
    assert_eq!(world.ledger(&draw_id).await.len(), 7);
    assert!(checked(&world, &draw_id).await.contains("3 seats were passed on: 3 absent"));
}

#[tokio::test]
async fn a_replacement_killed_at_any_of_its_calls_and_pressed_again_passes_the_seat_on_once() {
    let mut kills = 0;
    for at in [Kill::BeforeCall, Kill::AfterCall] {
        for call in 1.. {
            // Of the two seats the second goes to somebody behind the ranking.
            let (world, draw_id) = ended(5, 2).await;
            replace(&world, &draw_id, 1).await;
            world.run_resumed(&draw_id).await;
            let is_killed = world.kill_call(replace(&world, &draw_id, 2), at, call).await;
            let again = replace(&world, &draw_id, 2).await;
            let place = format!("killed at call {call}, {at:?}: {again:?}");
            match again {
                Replaced::Done(_) => assert!(is_killed, "{place}"),
                Replaced::LeftAlready(Some(left)) => assert_eq!(left.taken_by, Some(4), "{place}"),
                _ => panic!("{place}"),
            }
            assert_eq!(seated(&world, &draw_id).await, [3, 4].into(), "{place}");
            assert_eq!(world.draw(&draw_id).await.seat_changes, 2, "{place}");
            // Nobody started an execution: the draw is on the list of those that the reconciler resumes.
            assert_eq!(world.cx.store.unfinished_draws().await.unwrap().len(), 1, "{place}");
            world.run_resumed(&draw_id).await;
            assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded, "{place}");
            let taken = world.sns.taken();
            let distinct: BTreeSet<_> = taken.iter().map(|message| message.to.clone()).collect();
            assert_eq!((taken.len(), distinct.len()), (4, 4), "{place}");
            assert!(checked(&world, &draw_id).await.contains("2 seats were passed on"), "{place}");
            if !is_killed {
                break;
            }
            kills += 1;
        }
    }
    assert!(kills > 15, "{kills}");
}

#[tokio::test]
async fn whoever_takes_a_seat_is_released_as_the_seat_is() {
    let world = World::with_phones(6).await;
    let request = json!({"winners": 2, "alternates": 3, "channels": ["sms"], "release": "manual"});
    let draw_id = world.ask("d1", request).await;
    world.record(&draw_id).await;
    let release = async |rank| {
        let (request, now) = (ReleaseRequest::Ranks(vec![rank]), world.clock.now());
        match world.cx.store.release_held(&world.lottery_id, &draw_id, &request, now).await.unwrap() {
            Released::Done { draw, newly } => (draw.released(), newly),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(release(1).await, (1, 1));
    assert_eq!(
        [taker(&replace(&world, &draw_id, 1).await), taker(&replace(&world, &draw_id, 2).await)],
        [Some(3), Some(4)]
    );
    let draw = world.draw(&draw_id).await;
    assert_eq!([1, 2, 3, 4].map(|rank| draw.is_released(rank)), [true, false, true, false]);
    assert_eq!((draw.released(), draw.seated(), draw.is_held()), (1, 2, true));
    assert_eq!(release(2).await, (1, 0), "who has left the seat is not released any more");
    world.run_resumed_held(&draw_id).await;
    assert_eq!(world.sns.taken().len(), 1, "nobody before the release");
    assert_eq!(release(4).await, (2, 1));
    assert!(!world.draw(&draw_id).await.is_held());
    world.run_resumed(&draw_id).await;
    assert_eq!(world.sns.taken().len(), 2);
}

#[tokio::test]
async fn a_winner_who_could_not_be_told_and_was_replaced_leaves_no_unsent_message() {
    let world = World::with_phones(4).await;
    let draw_id = world.ask("d1", json!({"winners": 2, "alternates": 2, "channels": ["sms"]})).await;
    world.record(&draw_id).await;
    let gone = world.ranked(&draw_id).await.swap_remove(0);
    // After the round: a winner without a name.
    world.withdraw(&gone).await;
    world.run_resumed(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Incomplete);
    assert_eq!(taker(&replace(&world, &draw_id, 1).await), Some(3));
    world.run_resumed(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded, "everybody with a seat was told");
    let failed =
        world.ledger(&draw_id).await.into_iter().filter(|line| line.state == NotificationState::Failed);
    assert_eq!(failed.count(), 1, "what failed stays visible");
    let now = world.clock.now();
    let retry = RetryRequest::default();
    let again = world.cx.store.reopen_notifications(&world.lottery_id, &draw_id, &retry, now).await.unwrap();
    assert_eq!(again, lottery_store::Reopened::Nothing, "nothing more is due to whoever was replaced");
}

#[tokio::test]
async fn who_withdraws_once_the_round_is_out_forfeits_nothing() {
    let world = World::with_phones(8).await;
    let draw_id = world.ask("d1", json!({"winners": 3, "alternates": 2})).await;
    for function in &test_world::PATH[..3] {
        world.call(function, &draw_id).await.unwrap();
    }
    // The organiser knows the round, and erases whom it has named.
    let ranked = world.ranked(&draw_id).await;
    world.withdraw(&ranked[0]).await;
    world.withdraw_before_round(&draw_id, &ranked[1]).await;
    world.call("record-winners", &draw_id).await.unwrap();
    let draw = world.draw(&draw_id).await;
    assert_eq!((draw.passed_on.len(), draw.seat_changes), (1, 1));
    assert_eq!(seated(&world, &draw_id).await, [1, 3, 4].into());
    assert!(checked(&world, &draw_id).await.contains("1 seat was passed on: 1 withdrawn before the round"));
}

#[tokio::test]
async fn seats_of_those_who_withdrew_go_on_behind_the_alternates() {
    let world = World::with_phones(9).await;
    let draw_id = world.ask("d1", json!({"winners": 3, "channels": []})).await;
    for function in &test_world::PATH[..3] {
        world.call(function, &draw_id).await.unwrap();
    }
    let winners = world.ranked(&draw_id).await;
    let everybody: Vec<_> = (1..=9).map(|n| format!("{n:03}").parse().unwrap()).collect();
    // Two winners go, and half of those who are not even ranked.
    world.withdraw_before_round(&draw_id, &winners[0]).await;
    world.withdraw_before_round(&draw_id, &winners[2]).await;
    for other in everybody.iter().filter(|id| !winners.contains(id)).take(3) {
        world.withdraw_before_round(&draw_id, other).await;
    }
    world.call("record-winners", &draw_id).await.unwrap();
    let seated = world.winners(&draw_id).await;
    assert_eq!(seated.len(), 3, "all seats are taken");
    let people = world.cx.store.contacts(&world.lottery_id, &everybody).await.unwrap();
    let present: Vec<_> = people.iter().map(|contact| contact.participant_id.to_string()).collect();
    assert!(seated.iter().all(|id| present.contains(id)), "by people who are there: {seated:?}");
    assert!(checked(&world, &draw_id).await.contains("2 seats were passed on: 2 withdrawn before the round"));
}

#[tokio::test]
async fn a_draw_sealed_with_another_key_waits_for_it_rather_than_losing_a_seat() {
    let mut world = World::with_phones(5).await;
    let draw_id = world.ask("d1", json!({"winners": 2, "alternates": 1})).await;
    for function in &test_world::PATH[..3] {
        world.call(function, &draw_id).await.unwrap();
    }
    let winner = world.ranked(&draw_id).await.swap_remove(0);
    world.withdraw_before_round(&draw_id, &winner).await;
    let key = world.cx.organiser_key.replace(OrganiserKey::from_seed(&[9; 32]));
    assert_eq!(world.call("record-winners", &draw_id).await.unwrap_err().name(), "NotConfigured");
    assert_eq!(world.status(&draw_id).await, DrawStatus::Drawn);
    world.cx.organiser_key = key;
    world.run(&draw_id).await;
    assert_eq!(seated(&world, &draw_id).await, [2, 3].into());
}
