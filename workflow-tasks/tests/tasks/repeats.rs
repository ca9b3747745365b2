//! The function behind the schedules of repeating draws, killed at any of its calls: one draw for one time.

use jiff::{SignedDuration, Timestamp};
use lottery::{DrawStatus, Repeat, RepeatId};
use lottery_store::StoredRepeat;
use serde_json::{Value, json};
use workflow_tasks::{Clock, invoke};

use test_world::{Kill, World};

/// A repeating draw that is due at this time, each day.
async fn due(world: &World, number: u8, at: Timestamp) -> RepeatId {
    let zone = world.cx.store.lottery(&world.lottery_id).await.unwrap().unwrap().time_zone.time_zone();
    let time = zone.to_datetime(at).strftime("%H:%M").to_string();
    let request = json!({"name": "Daily", "every": "day", "time": time, "draw": {"winners": 1}});
    let stored = StoredRepeat {
        repeat_id: RepeatId::from_random([number; 16]),
        repeat: Repeat::parse(&request).unwrap(),
        created_at: at,
        changed_at: at,
        revision: 0,
        results: Vec::new(),
    };
    assert!(world.cx.store.create_repeat(&world.lottery_id, &stored).await.unwrap());
    stored.repeat_id
}

async fn deliver(world: &World, id: &RepeatId, at: Timestamp) -> Value {
    let input = json!({"lottery_id": world.lottery_id, "repeat_id": id, "scheduled_time": at});
    invoke(&world.cx, "start-repeat", input).await.unwrap()
}

#[tokio::test]
async fn a_function_that_is_killed_at_any_of_its_calls_and_run_again_starts_one_draw() {
    let world = World::with_phones(3).await;
    // At a full minute, as all times are.
    let second = world.clock.now().as_second();
    let at = Timestamp::from_second(second - second % 60 + 60).unwrap();
    world.clock.set(at);
    let (mut number, mut kills) = (0, 0);
    for kill in [Kill::BeforeCall, Kill::AfterCall] {
        for call in 1.. {
            number += 1;
            let id = due(&world, number, at).await;
            let is_killed = world.kill_call(deliver(&world, &id, at), kill, call).await;
            let place = format!("killed at call {call}, {kill:?}");
            for _ in 0..2 {
                assert_eq!(deliver(&world, &id, at).await, "started", "{place}");
            }
            let stored = world.cx.store.repeat(&world.lottery_id, &id).await.unwrap().unwrap();
            let draw_id = id.draw_at(&world.lottery_id, at);
            assert_eq!(stored.results.len(), 1, "{place}");
            assert_eq!(stored.results[0].draw_id.as_ref(), Some(&draw_id), "{place}");
            let draw = world.draw(&draw_id).await;
            assert_eq!((draw.status, draw.execution_arn.is_some()), (DrawStatus::Waiting, true), "{place}");
            if !is_killed {
                break;
            }
            kills += 1;
        }
    }
    assert!(kills > 10, "{kills}");
    let draws = world.cx.store.draws(&world.lottery_id, None, 100).await.unwrap().items;
    assert_eq!(draws.len(), usize::from(number));
}

#[tokio::test]
async fn of_several_times_that_were_missed_the_last_one_is_drawn() {
    let world = World::with_phones(3).await;
    let second = world.clock.now().as_second();
    let at = Timestamp::from_second(second - second % 60 + 60).unwrap();
    let id = due(&world, 1, at).await;
    world.clock.set(at + SignedDuration::from_hours(23));
    assert_eq!(deliver(&world, &id, at).await, "started");
    let late = due(&world, 2, at).await;
    // The time of the next day is over, too: that one alone counts.
    world.clock.set(at + SignedDuration::from_hours(47));
    assert_eq!(deliver(&world, &late, at).await, "started");
    let stored = world.cx.store.repeat(&world.lottery_id, &late).await.unwrap().unwrap();
    assert_eq!(stored.results[0].due_at, at + SignedDuration::from_hours(24));
}
