//! Whole draws, task by task: in order, repeated, side by side, undone.

use std::collections::HashSet;

use futures_util::future::join_all;
use lottery::DrawStatus;
use serde_json::json;
use workflow_tasks::invoke;

use test_support::dynamodb;
use test_world::{PATH, World};

#[tokio::test]
async fn a_draw_ends_with_its_winners_told() {
    let world = World::with_phones(10).await;
    let draw_id = world.ask("d1", json!({"winners": 2})).await;
    world.run(&draw_id).await;

    let draw = world.draw(&draw_id).await;
    assert_eq!(draw.status, DrawStatus::Succeeded);
    assert_eq!(draw.reason, None);
    assert_eq!((draw.entries, draw.sequence), (Some(10), Some(1)));
    assert_eq!((draw.notifications.unwrap().sent, draw.notified.sms.sent), (2, 2));
    let milestones = [draw.sealed_at, draw.beacon_at, draw.drawn_at, draw.recorded_at, draw.completed_at];
    assert!(milestones.iter().all(Option::is_some) && milestones.is_sorted(), "{milestones:?}");
    assert_eq!(world.winners(&draw_id).await.len(), 2);
    assert_eq!(world.open_draw().await, None);
    assert_eq!(world.cx.store.unfinished_draws().await.unwrap(), []);

    let taken = world.sns.taken();
    assert_eq!(taken.len(), 2);
    for message in taken {
        assert!(message.text.starts_with("Party: congratulations Name 0"), "{}", message.text);
        assert_eq!(message.attributes["AWS.SNS.SMS.SMSType"], "Transactional");
        assert_eq!(message.attributes["AWS.SNS.SMS.MaxPrice"], "0.25");
    }
}

#[tokio::test]
async fn five_draws_of_two_exhaust_ten_people_and_the_sixth_is_rejected() {
    let world = World::with_phones(10).await;
    let mut winners = HashSet::new();
    for number in 1..=5 {
        let draw_id = world.ask(&format!("d{number}"), json!({"winners": 2})).await;
        world.run(&draw_id).await;
        assert_eq!(world.draw(&draw_id).await.sequence, Some(number));
        winners.extend(world.winners(&draw_id).await);
    }
    assert_eq!(winners.len(), 10);

    let sixth = world.ask("d6", json!({"winners": 2})).await;
    for _ in 0..2 {
        let error = world.call("seal-entries", &sixth).await.unwrap_err();
        assert_eq!(error.name(), "NotEnoughParticipants");
        assert_eq!(error.to_string(), "2 winners asked for, but only 0 participants can win.");
    }
    let draw = world.draw(&sixth).await;
    assert_eq!(draw.status, DrawStatus::Rejected);
    assert_eq!(draw.reason.unwrap().name, "NotEnoughParticipants");
    assert_eq!(world.open_draw().await, None);
    assert_eq!(world.sns.taken().len(), 10);
}

#[tokio::test]
async fn past_winners_may_win_again_on_request() {
    let world = World::with_phones(2).await;
    for draw_id in ["d1", "d2"] {
        let draw_id = world.ask(draw_id, json!({"winners": 2, "exclude_past_winners": false})).await;
        world.run(&draw_id).await;
        assert_eq!(world.winners(&draw_id).await.len(), 2);
    }
}

#[tokio::test]
async fn several_prizes_go_to_different_people_in_order() {
    let world = World::with_phones(5).await;
    let prizes = json!({"prizes": [{"name": "Bicycle", "winners": 1}, {"name": "Book", "winners": 2}]});
    let draw_id = world.ask("d1", prizes).await;
    world.run(&draw_id).await;
    let winners = world.cx.store.winners(&world.lottery_id, &draw_id).await.unwrap();
    let prizes: Vec<_> = winners.iter().map(|winner| (winner.rank, winner.prize.as_str())).collect();
    assert_eq!(prizes, [(1, "Bicycle"), (2, "Book"), (3, "Book")]);
    assert!(world.sns.taken().iter().any(|message| message.text.contains("Bicycle")));
}

#[tokio::test]
async fn every_task_may_be_called_twice_in_a_row() {
    let world = World::with_phones(10).await;
    let draw_id = world.ask("d1", json!({"winners": 3})).await;
    for function in PATH {
        let first = world.call(function, &draw_id).await.unwrap();
        assert_eq!(world.call(function, &draw_id).await.unwrap(), first, "{function}");
    }
    let winners = world.winners(&draw_id).await;
    let notified: Vec<_> = world.notify(&draw_id).await.into_iter().map(Result::unwrap).collect();
    let again: Vec<_> = world.notify(&draw_id).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(notified, again);
    for function in ["complete-draw", "complete-draw", "mark-incomplete"] {
        assert_eq!(world.end(function, &draw_id, &world.first()).await["outcome"], "COMPLETE");
    }
    // Even the earlier ones, late.
    for function in PATH {
        world.call(function, &draw_id).await.unwrap();
    }
    assert_eq!(world.winners(&draw_id).await, winners);
    assert_eq!(world.sns.taken().len(), 3);
    assert!(world.sns.notified_nobody_twice());
}

#[tokio::test]
async fn every_task_may_be_called_at_the_same_time() {
    let world = World::with_phones(10).await;
    let draw_id = world.ask("d1", json!({"winners": 3})).await;
    for function in PATH {
        let answers = join_all((0..3).map(|_| world.call(function, &draw_id))).await;
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
    assert_eq!(world.draw(&draw_id).await.sequence, Some(1));
    assert_eq!(world.winners(&draw_id).await.len(), 3);
    join_all((0..3).map(|_| world.notify(&draw_id))).await;
    assert_eq!(world.sns.taken().len(), 3);
    assert!(world.sns.notified_nobody_twice());
    let first = world.first();
    join_all((0..3).map(|_| world.end("complete-draw", &draw_id, &first))).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}

#[tokio::test]
async fn a_run_started_in_the_middle_of_another_comes_to_the_same_winners() {
    let world = World::with_phones(20).await;
    let draw_id = world.ask("d1", json!({"winners": 5})).await;
    for function in &PATH[..2] {
        world.call(function, &draw_id).await.unwrap();
    }
    // Somebody joins after the seal, and somebody leaves.
    world.import(dynamodb::with_phone("late", "+12025559999")).await;
    let (first, second) =
        tokio::join!(world.call("draw-winners", &draw_id), world.call("draw-winners", &draw_id));
    assert_eq!(first.unwrap(), second.unwrap());
    world.call("record-winners", &draw_id).await.unwrap();
    let winners = world.winners(&draw_id).await;
    assert_eq!(winners.len(), 5);
    assert!(!winners.contains(&"late".to_owned()));
}

#[tokio::test]
async fn one_draw_at_a_time_has_the_lottery() {
    let world = World::with_phones(10).await;
    let (first, second) =
        (world.ask("d1", json!({"winners": 1})).await, world.ask("d2", json!({"winners": 1})).await);
    world.call("seal-entries", &first).await.unwrap();
    let error = world.call("seal-entries", &second).await.unwrap_err();
    assert_eq!(
        (error.name(), error.to_string()),
        ("LotteryBusy", "the lottery is held by draw d1".to_owned())
    );
    for function in &PATH[1..3] {
        world.call(function, &first).await.unwrap();
        assert_eq!(world.call("seal-entries", &second).await.unwrap_err().name(), "LotteryBusy");
    }
    world.call("record-winners", &first).await.unwrap();
    world.record(&second).await;
    assert_ne!(world.winners(&first).await, world.winners(&second).await);
}

#[tokio::test]
async fn twenty_draws_at_once_on_ten_people_give_ten_winners_and_ten_rejections() {
    let world = World::with_phones(10).await;
    let mut draws = Vec::new();
    for number in 0..20 {
        draws.push(world.ask(&format!("d{number}"), json!({"winners": 1})).await);
    }
    let run = async |draw_id| {
        loop {
            match world.call("seal-entries", draw_id).await {
                Ok(_) => break,
                Err(error) if error.name() == "LotteryBusy" => tokio::task::yield_now().await,
                Err(error) => return assert_eq!(error.name(), "NotEnoughParticipants"),
            }
        }
        for function in &PATH[1..] {
            world.call(function, draw_id).await.unwrap();
        }
    };
    join_all(draws.iter().map(run)).await;
    let mut winners = HashSet::new();
    let mut rejected = 0;
    for draw_id in &draws {
        match world.status(draw_id).await {
            DrawStatus::Recorded => winners.extend(world.winners(draw_id).await),
            DrawStatus::Rejected => rejected += 1,
            status => panic!("{status}"),
        }
    }
    assert_eq!((winners.len(), rejected), (10, 10));
    assert_eq!(world.open_draw().await, None);
}

#[tokio::test]
async fn a_draw_released_before_the_pivot_leaves_nobody_drawn_and_the_lottery_free() {
    let world = World::with_phones(2).await;
    for steps in 0..=3 {
        let draw_id = world.ask(&format!("d{steps}"), json!({"winners": 2})).await;
        for function in PATH.into_iter().take(steps) {
            world.call(function, &draw_id).await.unwrap();
        }
        for _ in 0..2 {
            let released = world
                .call_with("release-winners", &draw_id, json!({"error": "RecordingRefused"}))
                .await
                .unwrap();
            assert_eq!(released["released"], json!(true));
            assert_eq!(
                (&released["notify"]["sms"]["next"], &released["notify"]["email"]["next"]),
                (&json!(0), &json!(0))
            );
        }
        let draw = world.draw(&draw_id).await;
        // After the commitment failing is no way to draw again: the draw keeps its number for all to see.
        let end = if steps == 0 { DrawStatus::Failed } else { DrawStatus::Abandoned };
        assert_eq!((draw.status, draw.commitment.is_some()), (end, steps > 0));
        assert_eq!(draw.reason.unwrap().name, "RecordingRefused");
        assert_eq!(world.open_draw().await, None);
        assert_eq!(world.winners(&draw_id).await.len(), 0);
        // What comes too late comes to nothing.
        for function in PATH.into_iter().chain(["send-sms", "complete-draw"]) {
            let first = world.first();
            let late =
                world.call_with(function, &draw_id, json!({"position": first["sms"], "notify": first})).await;
            assert_eq!(late.unwrap_err().name(), "DrawElsewhere", "{function}");
        }
    }
    let dump = world.dynamodb.dump("Lottery");
    assert!(!dump.contains("WINNER#") && !dump.contains("PAST_WINNERS"), "{dump}");
    assert_eq!(world.sns.calls(), 0);

    let next = world.ask("next", json!({"winners": 2})).await;
    world.run(&next).await;
    assert_eq!(world.status(&next).await, DrawStatus::Succeeded);
}

#[tokio::test]
async fn winners_drawn_but_never_official_are_no_past_winners() {
    let world = World::with_phones(2).await;
    let draw_id = world.ask("d1", json!({"winners": 2})).await;
    for function in &PATH[..3] {
        world.call(function, &draw_id).await.unwrap();
    }
    // Ended behind the tasks' back, so that the rows and marks of its winners are still there.
    world.dynamodb.set("Lottery", "LOTTERY#party#DRAW#d1", "META", "status", "FAILED");
    world.dynamodb.set("Lottery", "LOTTERY#party", "LOTTERY", "open_draw", "d2");
    assert!(world.dynamodb.dump("Lottery").contains("PAST_WINNERS"));
    let next = world.ask("d2", json!({"winners": 2})).await;
    world.run(&next).await;
    assert_eq!(world.winners(&next).await.len(), 2);
}

#[tokio::test]
async fn a_release_after_the_pivot_changes_nothing_and_says_whom_to_tell() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 2})).await;
    world.record(&draw_id).await;
    let winners = world.winners(&draw_id).await;
    let error = json!({"error": "Lambda.Unknown"});
    let released = world.call_with("release-winners", &draw_id, error).await.unwrap();
    assert_eq!(released["released"], json!(false));
    assert_eq!(released["notify"], world.call("record-winners", &draw_id).await.unwrap()["notify"]);
    assert_eq!(released["notify"], world.first());
    assert_eq!(world.winners(&draw_id).await, winners);
    assert_eq!(world.status(&draw_id).await, DrawStatus::Recorded);
}

#[tokio::test]
async fn recording_and_releasing_at_once_come_to_one_end() {
    for round in 0..4 {
        let world = World::with_phones(3).await;
        let draw_id = world.ask("d1", json!({"winners": 2})).await;
        for function in &PATH[..3] {
            world.call(function, &draw_id).await.unwrap();
        }
        let release = async {
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            world.call_with("release-winners", &draw_id, json!({"error": "E"})).await
        };
        let (recorded, released) = tokio::join!(world.call("record-winners", &draw_id), release);
        let released = released.unwrap()["released"] == json!(true);
        assert_eq!(recorded.is_ok(), !released);
        let expected = if released { DrawStatus::Abandoned } else { DrawStatus::Recorded };
        assert_eq!(world.status(&draw_id).await, expected);
        assert_eq!(world.winners(&draw_id).await.len(), if released { 0 } else { 2 });
        assert_eq!(world.open_draw().await, None);
    }
}

#[tokio::test]
async fn a_cancelled_draw_is_not_sealed() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 2})).await;
    let reason = lottery::Reason {
        name: "Cancelled".to_owned(),
        sentence: "Called off.".to_owned(),
        groups: Vec::new(),
    };
    let now = dynamodb::now();
    world.cx.store.cancel_draw(&world.lottery_id, &draw_id, &reason, now).await.unwrap();
    assert_eq!(world.call("seal-entries", &draw_id).await.unwrap_err().name(), "DrawCancelled");
    assert_eq!(world.open_draw().await, None);
}

#[tokio::test]
async fn a_draw_of_many_chunks_tells_each_winner_once() {
    let world = World::with_phones(1_234).await;
    let draw_id = world.ask("d1", json!({"winners": 100})).await;
    world.run(&draw_id).await;
    assert_eq!(world.draw(&draw_id).await.entries, Some(1_234));
    assert_eq!(world.sns.taken().len(), 100);
    assert!(world.sns.notified_nobody_twice());
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}

#[tokio::test]
async fn what_is_not_there_or_malformed_has_a_name_and_repeats_nothing() {
    let world = World::new().await;
    let nowhere = lottery::DrawId::parse("nowhere").unwrap();
    for function in PATH.into_iter().chain(["complete-draw", "mark-incomplete"]) {
        let answer = world.call_with(function, &nowhere, json!({"notify": world.first()})).await;
        assert_eq!(answer.unwrap_err().name(), "DrawUnknown", "{function}");
    }
    let malformed = json!({"lottery_id": "+12025550001", "draw_id": 7});
    let error = invoke(&world.cx, "seal-entries", malformed).await.unwrap_err();
    assert_eq!(error.name(), "WrongInput");
    assert!(!error.to_string().contains("2025550001"));
    assert_eq!(invoke(&world.cx, "no-such", json!({})).await.unwrap_err().name(), "UnknownFunction");
}

#[test]
fn a_call_may_move_between_threads() {
    fn movable<T: Send>(_: impl FnOnce(&'static workflow_tasks::TaskContext) -> T) {}
    movable(|cx| invoke(cx, "seal-entries", json!({})));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_down_is_an_error_that_is_retried() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    for _ in 0..3 {
        let down = json!({"__type": "InternalServerError", "message": "down"});
        world.dynamodb.fail_next("TransactWriteItems", 500, down);
    }
    assert_eq!(world.call("seal-entries", &draw_id).await.unwrap_err().name(), "StoreUnavailable");
    world.run(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}
