//! Held draws: no message before its release, none twice, none forgotten.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use lottery::{DrawId, DrawStatus, ParticipantId};
use lottery_store::{NotificationState, ReleaseRequest, ReleaseWait, Released, Visit, WaitToken};
use serde_json::{Value, json};
use workflow_tasks::{Clock, TaskError, invoke};

use test_world::{CHANNELS, Kill, World};

/// A held draw of so many winners, recorded.
async fn held(winners: usize) -> (World, DrawId) {
    let world = World::with_phones(winners + 2).await;
    let request = json!({"winners": winners, "release": "manual", "channels": ["sms"]});
    let draw_id = world.ask("d1", request).await;
    world.record(&draw_id).await;
    (world, draw_id)
}

async fn release(world: &World, draw_id: &DrawId, request: ReleaseRequest) -> u32 {
    let now = world.clock.now();
    match world.cx.store.release_held(&world.lottery_id, draw_id, &request, now).await.unwrap() {
        Released::Done { newly, .. } => newly,
        other => panic!("{other:?}"),
    }
}

async fn release_rank(world: &World, draw_id: &DrawId, rank: u32) -> u32 {
    release(world, draw_id, ReleaseRequest::Ranks(vec![rank])).await
}

/// Those who have an SMS.
async fn notified(world: &World, draw_id: &DrawId) -> BTreeSet<ParticipantId> {
    let ledger = world.ledger(draw_id).await;
    assert!(ledger.iter().all(|line| line.state == NotificationState::Sent), "{ledger:?}");
    ledger.into_iter().map(|line| line.participant_id).collect()
}

/// Those who are released.
async fn released(world: &World, draw_id: &DrawId) -> BTreeSet<ParticipantId> {
    let draw = world.draw(draw_id).await;
    let winners = world.cx.store.winners(&world.lottery_id, draw_id).await.unwrap();
    let released = winners.into_iter().filter(|winner| draw.is_released(winner.rank));
    released.map(|winner| winner.participant_id).collect()
}

/// An execution from RecordWinners on, a state at a time.
struct Execution<'a> {
    world: &'a World,
    draw_id: &'a DrawId,
    notify: Value,
    state: &'static str,
    /// The token of the wait.
    tokens: u32,
}

impl<'a> Execution<'a> {
    async fn begin(world: &'a World, draw_id: &'a DrawId) -> Self {
        let notify = world.call("record-winners", draw_id).await.unwrap()["notify"].clone();
        let state = if notify["release"]["held"] == true { "CheckRelease" } else { "Notify" };
        Self { world, draw_id, notify, state, tokens: 0 }
    }

    fn look(&self) -> Value {
        json!({"notify": self.notify, "entered_at": self.world.clock.now()})
    }

    fn wait(&self) -> Value {
        json!({
            "token": format!("token-{}", self.tokens), "seen": self.notify["release"]["seen"],
            "entered_at": self.world.clock.now(), "attempt": 0
        })
    }

    /// Makes one step. `false` if it waits, or has ended.
    async fn step(&mut self) -> bool {
        self.world.clock.advance(Duration::from_millis(10));
        self.state = match self.state {
            "CheckRelease" => {
                let look = self.world.call_with("check-release", self.draw_id, self.look()).await.unwrap();
                self.notify = look["notify"].clone();
                if self.notify["release"]["next"] == "WAIT" { "AwaitRelease" } else { "Notify" }
            }
            "AwaitRelease" => {
                self.tokens += 1;
                match self.world.call_with("await-release", self.draw_id, self.wait()).await {
                    Ok(_) => "waiting",
                    Err(TaskError::ReleasedMeanwhile) => "CheckRelease",
                    Err(error) => panic!("{error}"),
                }
            }
            "Notify" => {
                for (channel, function) in CHANNELS {
                    let position = self.notify[channel].clone();
                    self.notify[channel] = self.world.send_all(function, self.draw_id, position).await.0;
                }
                if self.notify["release"]["held"] == true { "CheckRelease" } else { "CompleteDraw" }
            }
            "CompleteDraw" => {
                let ended = self.world.end("complete-draw", self.draw_id, &self.notify).await;
                assert_eq!(ended["outcome"], "COMPLETE");
                "ended"
            }
            state => state,
        };
        !["waiting", "ended"].contains(&self.state)
    }

    async fn run(&mut self) {
        while self.step().await {}
    }

    /// Ends a wait, as the holder of the token or the deadline does.
    async fn wake(&mut self) {
        assert_eq!(self.state, "waiting");
        self.state = "CheckRelease";
        self.run().await;
    }

    /// Whether the store has this wait's token.
    async fn has_token(&self) -> bool {
        let wait = self.world.cx.store.release_wait(&self.world.lottery_id, self.draw_id).await.unwrap();
        let token = WaitToken::new(format!("token-{}", self.tokens));
        wait.and_then(|wait| wait.token) == Some(token)
    }
}

#[tokio::test]
async fn nobody_is_told_before_the_release_and_everybody_once_after_it() {
    let (world, draw_id) = held(4).await;
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    assert_eq!(execution.state, "waiting");
    assert!(notified(&world, &draw_id).await.is_empty());
    for rank in [3, 1, 4, 2] {
        assert_eq!(release_rank(&world, &draw_id, rank).await, 1);
        assert_eq!(release_rank(&world, &draw_id, rank).await, 0, "a second press releases nobody");
        assert!(execution.has_token().await);
        execution.wake().await;
        assert_eq!(notified(&world, &draw_id).await, released(&world, &draw_id).await);
    }
    assert_eq!(execution.state, "ended");
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
    assert_eq!(world.ledger(&draw_id).await.len(), 4);
}

#[tokio::test]
async fn releases_at_the_same_time_add_up() {
    let (world, draw_id) = held(12).await;
    let newly = join_all((1..=12).chain(1..=12).map(|rank| release_rank(&world, &draw_id, rank))).await;
    assert_eq!(released(&world, &draw_id).await.len(), 12);
    assert!(newly.iter().sum::<u32>() >= 12);
    assert!(!world.draw(&draw_id).await.is_held());
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    assert_eq!((execution.state, notified(&world, &draw_id).await.len()), ("ended", 12));
}

#[tokio::test]
async fn who_is_forgotten_is_released_when_the_time_has_come() {
    let (world, draw_id) = held(3).await;
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    release_rank(&world, &draw_id, 2).await;
    execution.wake().await;
    let left = execution.notify["release"]["wait_seconds"].as_u64().unwrap();
    assert!((86_000..=86_400).contains(&left), "{left}");
    world.clock.advance(Duration::from_secs(left - 1));
    execution.wake().await;
    assert_eq!(
        (execution.state, notified(&world, &draw_id).await.len()),
        ("waiting", 1),
        "a second too early"
    );
    world.clock.advance(Duration::from_secs(1));
    execution.wake().await;
    assert_eq!((execution.state, notified(&world, &draw_id).await.len()), ("ended", 3));
}

#[tokio::test]
async fn what_is_released_before_the_wait_ends_it_at_once() {
    let (world, draw_id) = held(2).await;
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.step().await;
    assert_eq!(execution.state, "AwaitRelease");
    release_rank(&world, &draw_id, 1).await;
    execution.step().await;
    assert_eq!(execution.state, "CheckRelease");
    execution.run().await;
    assert_eq!((execution.state, notified(&world, &draw_id).await.len()), ("waiting", 1));
}

#[tokio::test]
async fn an_attempt_that_comes_late_does_not_replace_the_token_of_a_later_one() {
    let (world, draw_id) = held(2).await;
    let (store, now) = (&world.cx.store, world.clock.now());
    let note = |token: Option<&str>, later: u64, attempt| {
        let wait = ReleaseWait { token: token.map(|token| WaitToken::new(token.to_owned())), seen: 0 };
        let visit = Visit { entered_at: now + Duration::from_secs(later), attempt };
        let (lottery_id, draw_id) = (&world.lottery_id, &draw_id);
        async move {
            store.note_release_wait(lottery_id, draw_id, visit, &wait).await.unwrap();
            store.release_wait(lottery_id, draw_id).await.unwrap().unwrap().token
        }
    };
    let token = |text: &str| Some(WaitToken::new(text.to_owned()));
    assert_eq!(note(Some("first"), 5, 0).await, token("first"));
    assert_eq!(note(Some("retried"), 5, 1).await, token("retried"));
    assert_eq!(note(Some("late"), 5, 0).await, token("retried"));
    assert_eq!(note(None, 4, 0).await, token("retried"), "a look before this wait");
    assert_eq!(note(None, 6, 0).await, None);
}

#[tokio::test]
async fn a_task_token_is_shown_nowhere() {
    assert!(!format!("{:?}", WaitToken::new("secret".to_owned())).contains("secret"));
}

#[tokio::test]
async fn a_killed_task_of_a_held_draw_forgets_nobody_and_tells_nobody_twice() {
    for kill in [Kill::BeforeCall, Kill::AfterCall] {
        for call in 1..=4 {
            let (world, draw_id) = held(2).await;
            let mut execution = Execution::begin(&world, &draw_id).await;
            // Each is killed, and tried again, before and after a release.
            for rank in [1, 2] {
                world.kill_with("check-release", &draw_id, execution.look(), kill, call).await;
                execution.step().await;
                if execution.state == "AwaitRelease" {
                    execution.tokens += 1;
                    world.kill_with("await-release", &draw_id, execution.wait(), kill, call).await;
                    execution.step().await;
                }
                release_rank(&world, &draw_id, rank).await;
                if execution.state == "waiting" {
                    execution.wake().await;
                } else {
                    execution.run().await;
                }
                assert_eq!(
                    notified(&world, &draw_id).await,
                    released(&world, &draw_id).await,
                    "{kill:?} {call}"
                );
            }
            assert_eq!(execution.state, "ended", "{kill:?} {call}");
        }
    }
}

#[tokio::test]
async fn releases_at_any_step_and_executions_stopped_at_any_step_tell_each_winner_once() {
    for seed in 0..40_u64 {
        let (world, draw_id) = held(6).await;
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut below = |bound: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % bound
        };
        let mut execution = Execution::begin(&world, &draw_id).await;
        for _ in 0..200 {
            match below(5) {
                0 => drop(release_rank(&world, &draw_id, 1 + below(6) as u32).await),
                1 if execution.state == "waiting" => execution.state = "CheckRelease",
                // Stopped, and resumed in another one.
                2 if below(4) == 0 && execution.state != "ended" => {
                    execution = Execution::begin(&world, &draw_id).await;
                }
                _ => drop(execution.step().await),
            }
            let notified = notified(&world, &draw_id).await;
            assert!(notified.is_subset(&released(&world, &draw_id).await), "seed {seed}");
        }
        release(&world, &draw_id, ReleaseRequest::All).await;
        if execution.state == "waiting" {
            execution.state = "CheckRelease";
        }
        execution.run().await;
        assert_eq!((execution.state, notified(&world, &draw_id).await.len()), ("ended", 6), "seed {seed}");
        assert_eq!(world.sns.taken().len(), 6, "seed {seed}");
    }
}

async fn reconcile(world: &World) -> Value {
    invoke(&world.cx, "reconcile-draws", json!({})).await.unwrap()
}

#[tokio::test]
async fn a_held_draw_is_not_taken_for_a_dead_one_and_a_release_that_woke_nobody_is_found() {
    let (world, draw_id) = held(2).await;
    world.executions.set("draw-d1", "RUNNING");
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    world.clock.advance(Duration::from_secs(6 * 3_600));
    assert_eq!(reconcile(&world).await["left"], 1);
    assert!(world.executions.completed().is_empty() && world.executions.names() == ["draw-d1"]);
    // The release was interrupted before the token was used.
    release_rank(&world, &draw_id, 1).await;
    assert_eq!(reconcile(&world).await["left"], 1);
    assert_eq!(world.executions.completed(), [format!("token-{}", execution.tokens)]);
    execution.wake().await;
    assert_eq!(notified(&world, &draw_id).await.len(), 1);
    assert_eq!(reconcile(&world).await["left"], 1);
    assert_eq!(world.executions.completed().len(), 1, "what is told already wakes nobody");
}

#[tokio::test]
async fn an_execution_whose_token_is_lost_is_stopped_and_resumed() {
    let (world, draw_id) = held(2).await;
    world.executions.set("draw-d1", "RUNNING");
    assert_eq!(reconcile(&world).await["left"], 1, "it may not have come so far");
    world.clock.advance(Duration::from_secs(121));
    assert_eq!(reconcile(&world).await["resumed"], 1);
    assert_eq!(world.executions.get("draw-d1").unwrap().status, "ABORTED");
    let resumed = world.executions.get("draw-d1-r1").unwrap();
    assert_eq!(resumed.input["resume_from"], "RecordWinners");
    assert_eq!(world.status(&draw_id).await, DrawStatus::Recorded);
}

#[tokio::test]
async fn an_execution_that_hands_over_is_followed_at_once_however_often() {
    let (world, draw_id) = held(2).await;
    for resumes in 0..5 {
        let name = if resumes == 0 { "draw-d1".to_owned() } else { format!("draw-d1-r{resumes}") };
        world.executions.fail(&name, "ReleasesHandedOver", world.clock.now().as_second());
        assert_eq!(reconcile(&world).await["resumed"], 1, "{resumes}");
    }
    // Any other error is waited after.
    world.executions.fail("draw-d1-r5", "DrawOutstanding", world.clock.now().as_second());
    assert_eq!(reconcile(&world).await["outstanding"], 1);
    assert_eq!(world.status(&draw_id).await, DrawStatus::Recorded, "nothing is settled yet");
}

#[tokio::test]
async fn a_draw_that_tells_nobody_succeeds_held_or_not() {
    for request in [json!({"winners": 2}), json!({"winners": 2, "release": "on_reveal"})] {
        let world = World::with_phones(3).await;
        let mut request = request;
        request["channels"] = json!([]);
        let draw_id = world.ask("d1", request).await;
        world.record(&draw_id).await;
        let mut execution = Execution::begin(&world, &draw_id).await;
        execution.run().await;
        if execution.state == "waiting" {
            release(&world, &draw_id, ReleaseRequest::Prize(0)).await;
            execution.wake().await;
        }
        assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
        assert!(world.ledger(&draw_id).await.is_empty());
    }
}
