//! The reconciler, for every way in which an execution can be gone.

use std::time::Duration;

use lottery::{DrawId, DrawStatus};
use serde_json::{Value, json};
use workflow_tasks::{Clock, TaskError, invoke};

use test_world::{PATH, World};

async fn reconcile(world: &World) -> Value {
    invoke(&world.cx, "reconcile-draws", json!({"source": "aws.events"})).await.unwrap()
}

fn did(what: &str) -> Value {
    let mut output = json!({"left": 0, "started": 0, "resumed": 0, "outstanding": 0, "released": 0, "ended": 0, "failed": 0,
               "later": 0, "erased": 0});
    output[what] = json!(1);
    output
}

/// A draw after so many steps, whose execution has this status.
async fn draw_at(steps: usize, execution: &str) -> (World, DrawId) {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 2})).await;
    for function in PATH.into_iter().take(steps) {
        world.call(function, &draw_id).await.unwrap();
    }
    world.executions.set("draw-d1", execution);
    world.clock.advance(Duration::from_secs(600));
    (world, draw_id)
}

#[tokio::test]
async fn a_draw_whose_execution_runs_is_left_alone() {
    for steps in 0..=4 {
        let (world, draw_id) = draw_at(steps, "RUNNING").await;
        let before = world.draw(&draw_id).await;
        assert_eq!(reconcile(&world).await, did("left"));
        assert_eq!(world.draw(&draw_id).await, before);
    }
}

#[tokio::test]
async fn a_draw_that_somebody_stopped_before_the_commitment_is_released() {
    let (world, draw_id) = draw_at(0, "ABORTED").await;
    assert_eq!(reconcile(&world).await, did("released"));
    let draw = world.draw(&draw_id).await;
    assert_eq!(draw.status, DrawStatus::Failed);
    assert_eq!(draw.reason.unwrap().name, "ExecutionAborted");
    assert_eq!(world.open_draw().await, None);
    assert_eq!(world.executions.names(), ["draw-d1"]);
    assert_eq!(reconcile(&world).await["released"], json!(0));

    let next = world.ask("d2", json!({"winners": 2})).await;
    world.run(&next).await;
    assert_eq!(world.status(&next).await, DrawStatus::Succeeded);
}

#[tokio::test]
async fn a_draw_that_failed_before_the_commitment_is_resumed_and_can_be_cancelled_until_then() {
    for status in ["FAILED", "TIMED_OUT"] {
        let (world, draw_id) = draw_at(0, status).await;
        assert_eq!(reconcile(&world).await, did("resumed"));
        let resumed = world.executions.get("draw-d1-r1").unwrap();
        assert_eq!(resumed.input, json!({"lottery_id": "party", "draw_id": "d1"}));
        let reason = lottery::Reason {
            name: "Cancelled".to_owned(),
            sentence: "Called off.".to_owned(),
            groups: Vec::new(),
        };
        let now = world.clock.now();
        world.cx.store.cancel_draw(&world.lottery_id, &draw_id, &reason, now).await.unwrap();
        assert_eq!(world.status(&draw_id).await, DrawStatus::Cancelled);
        world.executions.set("draw-d1-r1", "FAILED");
        assert_eq!(reconcile(&world).await["resumed"], json!(0));
    }
}

#[tokio::test]
async fn only_errors_that_can_never_pass_end_a_draw_and_all_others_are_resumed_for_ever() {
    for steps in 0..=3 {
        for error in
            TaskError::NAMES.into_iter().chain(["DrawOutstanding", "Lambda.Unknown", "States.Runtime"])
        {
            let (world, draw_id) = draw_at(steps, "RUNNING").await;
            world.executions.fail("draw-d1", error, 1);
            let is_permanent = TaskError::PERMANENT.contains(&error);
            let action = if is_permanent { "released" } else { "resumed" };
            assert_eq!(reconcile(&world).await, did(action), "{error} after {steps} steps");
            let ended = if steps == 0 { DrawStatus::Failed } else { DrawStatus::Abandoned };
            assert_eq!(world.status(&draw_id).await == ended, is_permanent, "{error} after {steps} steps");
        }
    }
}

#[tokio::test]
async fn a_draw_stopped_after_the_commitment_goes_on_with_the_same_commitment_and_round() {
    for steps in 1..=3 {
        let (world, draw_id) = draw_at(steps, "ABORTED").await;
        let before = world.draw(&draw_id).await;
        assert_eq!(reconcile(&world).await, did("resumed"));
        let resumed = world.executions.get("draw-d1-r1").unwrap();
        assert_eq!(resumed.input, json!({"lottery_id": "party", "draw_id": "d1"}));
        world.run(&draw_id).await;
        let after = world.draw(&draw_id).await;
        assert_eq!(after.status, DrawStatus::Succeeded);
        assert_eq!((after.commitment, after.round), (before.commitment, before.round));
        assert_eq!(after.sequence, Some(1));
    }
}

#[tokio::test]
async fn executions_of_a_draw_begin_up_to_an_hour_apart_and_no_draw_is_given_up() {
    for steps in [1, 2, 3, 4] {
        let (world, draw_id) = draw_at(steps, "FAILED").await;
        assert_eq!(reconcile(&world).await, did("resumed"), "at once the first time");
        for resume in 1..40_u32 {
            let began_at = world.clock.now().as_second();
            world.executions.fail(&format!("draw-d1-r{resume}"), "DrawOutstanding", began_at);
            let back_off = (60_u64 << (resume - 1).min(6)).min(3_600);
            world.clock.advance(Duration::from_secs(back_off - 1));
            let described = world.executions.described();
            for _ in 0..3 {
                assert_eq!(reconcile(&world).await, did("outstanding"), "{resume} after {steps} steps");
            }
            assert_eq!(world.executions.described(), described + 1, "it is known when it is due");
            world.clock.advance(Duration::from_secs(1));
            assert_eq!(reconcile(&world).await, did("resumed"), "{resume} after {steps} steps");
        }
        world.run(&draw_id).await;
        assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    }
}

#[tokio::test]
async fn an_execution_that_ran_for_hours_is_followed_at_once() {
    let (world, _) = draw_at(4, "FAILED").await;
    assert_eq!(reconcile(&world).await, did("resumed"));
    world.executions.fail("draw-d1-r1", "DrawOutstanding", world.clock.now().as_second());
    world.clock.advance(Duration::from_secs(7 * 3_600));
    assert_eq!(reconcile(&world).await, did("resumed"));
}

#[tokio::test]
async fn draws_that_wait_for_a_day_to_come_are_not_asked_for_each_minute() {
    let world = World::with_phones(3).await;
    for number in 0..150 {
        let request = json!({"winners": 1, "closes_at": "2027-06-01T00:00:00Z"});
        world.ask(&format!("d{number}"), request).await;
        world.executions.set(&format!("draw-d{number}"), "RUNNING");
    }
    let first = reconcile(&world).await;
    assert_eq!(
        (&first["left"], &first["later"], world.executions.described()),
        (&json!(100), &json!(50), 100)
    );
    let second = reconcile(&world).await;
    assert_eq!(
        (&second["left"], &second["later"], world.executions.described()),
        (&json!(150), &json!(0), 150)
    );
    for _ in 0..200 {
        world.clock.advance(Duration::from_secs(60));
        reconcile(&world).await;
    }
    assert_eq!(world.executions.described(), 150, "nor within the first hours");
    world.clock.advance(Duration::from_secs(40 * 60));
    let mut each = Vec::new();
    for _ in 0..8 {
        world.clock.advance(Duration::from_secs(15 * 60));
        let before = world.executions.described();
        reconcile(&world).await;
        each.push(world.executions.described() - before);
    }
    assert!(each.iter().all(|&described| described < 60), "and then not all in one minute: {each:?}");
    assert_eq!(each.iter().sum::<usize>(), 150, "{each:?}");
}

#[tokio::test]
async fn a_draw_that_waits_costs_a_line_to_read_each_minute() {
    let world = World::with_phones(3).await;
    for number in 0..100 {
        let request = json!({"winners": 1, "closes_at": "2027-06-01T00:00:00Z"});
        world.ask(&format!("d{number:02}"), request).await;
        world.executions.set(&format!("draw-d{number:02}"), "RUNNING");
    }
    world.dynamodb.meter();
    reconcile(&world).await;
    let (read, written) = world.dynamodb.units();
    assert!(read <= 200.0 && written <= 100.0, "a look takes {read} and {written} units for a hundred");
    let before = (read, written);
    reconcile(&world).await;
    let (read, written) = world.dynamodb.units();
    assert_eq!(written, before.1);
    assert!((read - before.0) / 100.0 < 0.05, "{} units for a hundred", read - before.0);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_step_functions_is_asked_in_the_next_run_and_is_no_failure() {
    let world = World::with_phones(3).await;
    for number in 0..20 {
        world.ask(&format!("d{number}"), json!({"winners": 1})).await;
        world.executions.set(&format!("draw-d{number}"), "RUNNING");
    }
    world.executions.throttle(1_000);
    let output = reconcile(&world).await;
    assert_eq!((&output["later"], &output["failed"]), (&json!(20), &json!(0)));
    assert!(world.executions.described() <= 8 * 3, "those that were under way, with the SDK's repetitions");
    world.executions.throttle(0);
    assert_eq!(reconcile(&world).await["left"], json!(20));
}

#[tokio::test]
async fn a_draw_stopped_after_the_pivot_goes_forward_and_tells_nobody_twice() {
    let (world, draw_id) = draw_at(4, "ABORTED").await;
    let winners = world.winners(&draw_id).await;
    world.sns.reply([test_support::sns::Reply::Accept, test_support::sns::Reply::Refuse(429, "Throttled")]);
    world.call_with("send-sms", &draw_id, json!({"position": world.first()["sms"]})).await.unwrap();

    assert_eq!(reconcile(&world).await, did("resumed"));
    let resumed = world.executions.get("draw-d1-r1").unwrap();
    assert_eq!(
        resumed.input,
        json!({"lottery_id": "party", "draw_id": "d1", "resume_from": "RecordWinners"})
    );
    assert_eq!(world.draw(&draw_id).await.execution_arn.as_deref(), Some("execution:draw-d1-r1"));
    assert_eq!(reconcile(&world).await, did("left"));

    world.run_resumed(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    assert_eq!(world.winners(&draw_id).await, winners);
    assert_eq!(world.sns.taken().len(), 2);
    assert!(world.sns.notified_nobody_twice());
}

#[tokio::test]
async fn two_reconcilers_at_once_resume_a_draw_once() {
    let (world, _) = draw_at(4, "FAILED").await;
    tokio::join!(reconcile(&world), reconcile(&world));
    assert_eq!(world.executions.names(), ["draw-d1", "draw-d1-r1"]);
}

#[tokio::test]
async fn a_resumed_execution_that_was_counted_but_never_started_is_started() {
    let (world, draw_id) = draw_at(4, "FAILED").await;
    assert!(world.cx.store.count_resume(&world.lottery_id, &draw_id, 0).await.unwrap());
    assert!(!world.cx.store.count_resume(&world.lottery_id, &draw_id, 0).await.unwrap());
    assert_eq!(reconcile(&world).await, did("resumed"));
    assert_eq!(world.executions.names(), ["draw-d1", "draw-d1-r1"]);
}

#[tokio::test]
async fn a_draw_with_everything_settled_is_ended_without_another_execution() {
    let (world, draw_id) = draw_at(4, "SUCCEEDED").await;
    world.notify(&draw_id).await;
    assert_eq!(reconcile(&world).await, did("ended"));
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    assert_eq!(world.executions.names(), ["draw-d1"]);
}

#[tokio::test]
async fn a_draw_whose_start_was_lost_is_started_after_a_while() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1, "closes_at": "2026-11-23T00:00:00Z"})).await;
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(reconcile(&world).await, did("left"));
    assert!(world.executions.names().is_empty());
    world.clock.advance(Duration::from_secs(120));
    assert_eq!(reconcile(&world).await, did("started"));
    assert_eq!(
        world.executions.get("draw-d1").unwrap().input,
        json!({"lottery_id": "party", "draw_id": "d1", "closes_at": "2026-11-23T00:00:00Z"})
    );
    assert_eq!(reconcile(&world).await, did("left"));
    assert_eq!(world.status(&draw_id).await, DrawStatus::Waiting);
}

#[tokio::test]
async fn a_sealed_draw_whose_execution_step_functions_has_forgotten_goes_on() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    world.call("seal-entries", &draw_id).await.unwrap();
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(reconcile(&world).await, did("resumed"));
    assert_eq!(world.executions.names(), ["draw-d1-r1"]);
}

#[tokio::test]
async fn chunks_of_an_attempt_to_seal_that_died_are_erased_and_those_of_the_seal_stay() {
    let world = World::with_phones(1_100).await;
    let store = &world.cx.store;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    // A run that died with its chunks written, and one that is alive for all anybody knows.
    let dead = store.begin_attempt(&world.lottery_id, &draw_id, "dead", world.clock.now()).await.unwrap();
    for number in 0..3 {
        store.put_chunk(&dead, number, &[]).await.unwrap();
    }
    store.put_chunk_index(&dead, &[]).await.unwrap();
    world.call("seal-entries", &draw_id).await.unwrap();
    world.clock.advance(Duration::from_secs(3_500));
    let late = store.begin_attempt(&world.lottery_id, &draw_id, "late", world.clock.now()).await.unwrap();
    store.put_chunk(&late, 0, &[]).await.unwrap();
    let chunks =
        |attempt: &str| world.dynamodb.dump("Lottery").matches(&format!("#CHUNK#{attempt}#")).count();
    assert_eq!(reconcile(&world).await["erased"], json!(0));
    assert_eq!((chunks("dead"), chunks("late")), (3, 1));

    world.clock.advance(Duration::from_secs(200));
    assert_eq!(reconcile(&world).await["erased"], json!(1));
    assert_eq!((chunks("dead"), chunks("late")), (0, 1));
    assert_eq!(reconcile(&world).await["erased"], json!(0));
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(reconcile(&world).await["erased"], json!(1));
    assert!(!world.dynamodb.dump("Lottery").contains("SEAL_ATTEMPTS"));
    let seal = store.seal(&world.lottery_id, &draw_id).await.unwrap().unwrap();
    assert_eq!(store.chunks(&seal, 0..seal.chunks).await.unwrap().concat().len(), 1_100);
}

#[tokio::test]
async fn an_attempt_to_seal_that_was_given_up_is_never_committed_to() {
    let world = World::with_phones(3).await;
    let draw_id = world.ask("d1", json!({"winners": 1})).await;
    let mut sealing = Box::pin(world.call("seal-entries", &draw_id));
    // Until it has noted its attempt; then it sleeps for hours, and the reconciler thinks it dead.
    while !world.dynamodb.dump("Lottery").contains("SEAL_ATTEMPTS") {
        assert!(futures_util::poll!(&mut sealing).is_pending());
    }
    world.clock.advance(Duration::from_secs(2 * 3_600));
    assert_eq!(reconcile(&world).await["erased"], json!(1));
    assert_eq!(sealing.await.unwrap_err().name(), "AttemptGivenUp");
    assert_eq!(world.status(&draw_id).await, DrawStatus::Waiting);
    assert!(!world.dynamodb.dump("Lottery").contains("#CHUNK#"), "it erases what it has written since");
    world.run(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}

#[tokio::test]
async fn one_broken_draw_does_not_keep_the_others_waiting() {
    let (world, draw_id) = draw_at(0, "ABORTED").await;
    world.ask("d2", json!({"winners": 1})).await;
    world.dynamodb.set("Lottery", "LOTTERY#party#DRAW#d2", "META", "status", "NONSENSE");
    let output = reconcile(&world).await;
    assert_eq!((&output["released"], &output["failed"]), (&json!(1), &json!(1)));
    assert_eq!(world.status(&draw_id).await, DrawStatus::Failed);
}

#[tokio::test]
async fn the_reconciler_says_by_name_that_it_does_not_know_the_state_machine() {
    let mut world = World::new().await;
    world.cx.config.state_machine_arn = None;
    let error = invoke(&world.cx, "reconcile-draws", Value::Null).await.unwrap_err();
    assert_eq!(
        (error.name(), error.to_string()),
        ("NotConfigured", "STATE_MACHINE_ARN is not set".to_owned())
    );
}
