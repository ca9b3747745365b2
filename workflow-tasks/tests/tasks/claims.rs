//! Prizes that have to be claimed: a winner who claims in time keeps the seat, an unclaimed seat is passed on by the rule, and neither
//! races nor kills lose a seat, give one to two people, or tell anybody twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use lottery::claim::ClaimToken;
use lottery::verify::{Options, verify};
use lottery::{Draw, DrawId, DrawStatus, ReplaceReason};
use lottery_store::{Claimed, CloseDraw, Forfeited, NotificationState, Replaced, Winner};
use serde_json::{Value, json};
use workflow_tasks::{Clock, TaskError, invoke};

use test_world::{CHANNELS, Kill, World};

const HOUR: u64 = 3_600;

/// A draw of so many winners of `people`, recorded, with an hour to claim.
async fn asking(people: usize, winners: usize) -> (World, DrawId) {
    asking_for(people, json!({"winners": winners, "channels": ["sms"]})).await
}

async fn asking_for(people: usize, mut request: Value) -> (World, DrawId) {
    let world = World::with_phones(people).await;
    request["claim_within_seconds"] = json!(HOUR);
    world.cx.store.prepare_claims(&world.lottery_id).await.unwrap();
    let draw_id = world.ask("d1", request).await;
    world.record(&draw_id).await;
    (world, draw_id)
}

async fn winners(world: &World, draw_id: &DrawId) -> Vec<Winner> {
    world.cx.store.winners(&world.lottery_id, draw_id).await.unwrap()
}

/// Claims as the API does: for a winner with a seat and time.
async fn claim(world: &World, draw_id: &DrawId, rank: u32) -> Option<Claimed> {
    let (draw, now) = (world.draw(draw_id).await, world.clock.now());
    let winner = world.cx.store.winners_ranked(&draw, [rank]).await.unwrap().pop()?;
    if !winner.has_seat() {
        return Some(Claimed::Left);
    }
    let is_late = draw.claim_deadline(rank).is_some_and(|deadline| deadline <= now);
    if is_late && winner.claimed_at.is_none() {
        return None;
    }
    Some(world.cx.store.claim_prize(&draw, rank, now).await.unwrap())
}

async fn has_claimed(world: &World, draw_id: &DrawId, rank: u32) -> bool {
    matches!(claim(world, draw_id, rank).await, Some(Claimed::Done { .. }))
}

async fn replace(world: &World, draw_id: &DrawId, rank: u32) -> bool {
    let (key, now) = (world.cx.organiser_key.clone().unwrap(), world.clock.now());
    let reason = ReplaceReason::Absent;
    let replaced = world.cx.store.replace_winner(&world.lottery_id, draw_id, rank, reason, &key, now);
    matches!(replaced.await.unwrap(), Replaced::Done(_))
}

async fn seated(world: &World, draw_id: &DrawId) -> Vec<u32> {
    let seated = winners(world, draw_id).await.into_iter().filter(Winner::has_seat);
    seated.map(|winner| winner.rank).collect()
}

/// The verdict of a proof that holds.
async fn verdict(world: &World, draw_id: &DrawId) -> String {
    let (proof, entries) = world.proof(draw_id).await;
    let report = verify(proof.to_canonical_json(Some(&entries)).as_bytes(), &Options::default());
    assert!(report.holds, "{report}");
    report.verdict
}

/// How many SMS each phone got.
fn notified(world: &World) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for message in world.sns.taken() {
        *counts.entry(message.to).or_default() += 1;
    }
    counts
}

/// An execution from RecordWinners on, a state at a time.
struct Execution<'a> {
    world: &'a World,
    draw_id: &'a DrawId,
    notify: Value,
    state: &'static str,
    /// The token of the wait.
    tokens: u32,
    /// Everything that its history holds.
    history: String,
}

impl<'a> Execution<'a> {
    async fn begin(world: &'a World, draw_id: &'a DrawId) -> Self {
        let notify = world.call("record-winners", draw_id).await.unwrap()["notify"].clone();
        Self { world, draw_id, notify, state: "Notify", tokens: 0, history: String::new() }
    }

    fn look(&self) -> Value {
        json!({"notify": self.notify, "entered_at": self.world.clock.now()})
    }

    fn wait(&self) -> Value {
        json!({
            "token": format!("token-{}", self.tokens), "reopened": self.notify["release"]["reopened"],
            "entered_at": self.world.clock.now(), "attempt": 0
        })
    }

    /// Makes one step. `false` if it waits, or has ended.
    async fn step(&mut self) -> bool {
        self.world.clock.advance(Duration::from_millis(10));
        self.state = match self.state {
            "Notify" => {
                for (channel, function) in CHANNELS {
                    let position = self.notify[channel].clone();
                    self.notify[channel] = self.world.send_all(function, self.draw_id, position).await.0;
                }
                match self.notify["release"]["claims"] == true {
                    true => "CheckClaims",
                    false => "CompleteDraw",
                }
            }
            "CheckClaims" => {
                let look = self.world.call_with("check-claims", self.draw_id, self.look()).await.unwrap();
                self.notify = look["notify"].clone();
                match self.notify["release"]["next"].as_str().unwrap() {
                    "WAIT" => "AwaitClaims",
                    "AGAIN" => "CheckClaims",
                    "DONE" => "CompleteDraw",
                    _ => "Notify",
                }
            }
            "AwaitClaims" => {
                self.tokens += 1;
                match self.world.call_with("await-claims", self.draw_id, self.wait()).await {
                    Ok(_) => "waiting",
                    Err(TaskError::ClaimedMeanwhile) => "CheckClaims",
                    Err(error) => panic!("{error}"),
                }
            }
            "CompleteDraw" => {
                let ended = self.world.end("complete-draw", self.draw_id, &self.notify).await;
                self.notify = ended["notify"].clone();
                if ended["outcome"] == "COMPLETE" { "ended" } else { "Notify" }
            }
            state => state,
        };
        self.history += &format!("{} {}\n", self.state, self.notify);
        !["waiting", "ended"].contains(&self.state)
    }

    async fn run(&mut self) {
        for _ in 0..100 {
            if !self.step().await {
                return;
            }
        }
        panic!("it does not end: {}", self.history);
    }

    /// What ends a wait: the holder of the token, or the deadline.
    async fn wake(&mut self) {
        assert_eq!(self.state, "waiting");
        self.state = "CheckClaims";
        self.run().await;
    }

    /// Lets the time pass that the wait has.
    async fn time_out(&mut self) {
        let seconds = self.notify["release"]["wait_seconds"].as_u64().unwrap();
        self.world.clock.advance(Duration::from_secs(seconds));
        self.wake().await;
    }

    /// Whether the API would complete this wait now.
    async fn is_woken(&self) -> bool {
        let draw = self.world.draw(self.draw_id).await;
        let wait = self.world.cx.store.claim_wait(&self.world.lottery_id, self.draw_id).await.unwrap();
        wait.is_some_and(|wait| wait.token.is_some() && draw.ends_claim_wait(wait.seen))
    }
}

/// The claim link in each SMS, by rank.
fn links(world: &World) -> BTreeMap<u32, String> {
    let texts = world.sns.taken().into_iter().map(|message| message.text);
    let token = |text: String| text.split("https://lottery.example/#/claims/").nth(1).map(str::to_owned);
    texts.filter_map(token).map(|token| (ClaimToken::parse(&token).unwrap().rank, token)).collect()
}

#[tokio::test]
async fn when_everybody_has_claimed_the_draw_ends_before_its_time() {
    let (world, draw_id) = asking(6, 3).await;
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    assert_eq!((execution.state, world.status(&draw_id).await), ("waiting", DrawStatus::Recorded));
    assert_eq!(execution.notify["release"]["wait_seconds"], HOUR, "the time counts once all are notified");
    for rank in [2, 1, 3] {
        assert!(!execution.is_woken().await);
        let newly = |claimed| matches!(claimed, Some(Claimed::Done { newly: true, .. }));
        assert!(newly(claim(&world, &draw_id, rank).await));
        world.clock.advance(Duration::from_millis(1));
        let again = claim(&world, &draw_id, rank).await;
        assert!(matches!(again, Some(Claimed::Done { newly: false, .. })), "claimed twice: {again:?}");
    }
    assert!(execution.is_woken().await);
    execution.wake().await;
    assert_eq!((execution.state, world.status(&draw_id).await), ("ended", DrawStatus::Succeeded));
    assert_eq!((notified(&world).len(), seated(&world, &draw_id).await), (3, vec![1, 2, 3]));
    // A winner who claimed can still be replaced, by somebody who is asked too.
    assert!(replace(&world, &draw_id, 1).await);
    assert!(!has_claimed(&world, &draw_id, 1).await, "of a seat that was passed on nothing is claimed");
    let counts = |draw: &Draw| draw.claim_counts().map(|counts| (counts.claimed, counts.open)).unwrap();
    assert_eq!(counts(&world.draw(&draw_id).await), (2, 1));
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    assert_eq!(execution.state, "waiting");
    assert!(has_claimed(&world, &draw_id, 4).await);
    execution.wake().await;
    assert_eq!((execution.state, notified(&world).len()), ("ended", 4));
    assert!(verdict(&world, &draw_id).await.contains("1 seat was passed on: 1 absent"));
}

#[tokio::test]
async fn an_unclaimed_seat_goes_to_the_first_in_line_who_has_as_long_until_nobody_is_left() {
    let (world, draw_id) = asking(4, 2).await;
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    assert!(has_claimed(&world, &draw_id, 1).await);
    world.clock.advance(Duration::from_secs(HOUR - 2));
    execution.wake().await;
    assert_eq!((execution.state, seated(&world, &draw_id).await), ("waiting", vec![1, 2]), "too early");
    for taker in [3, 4] {
        execution.time_out().await;
        assert_eq!((execution.state, seated(&world, &draw_id).await), ("waiting", vec![1, taker]));
        assert_eq!(claim(&world, &draw_id, taker - 1).await, Some(Claimed::Left));
        let wait = execution.notify["release"]["wait_seconds"].as_u64().unwrap();
        assert!((HOUR - 5..=HOUR).contains(&wait), "a time of their own: {wait}");
    }
    execution.time_out().await;
    assert_eq!((execution.state, world.status(&draw_id).await), ("ended", DrawStatus::Succeeded));
    assert_eq!(seated(&world, &draw_id).await, [1]);
    assert!(notified(&world).values().all(|count| *count == 1) && notified(&world).len() == 4);
    let counts = world.draw(&draw_id).await.claim_counts().unwrap();
    assert_eq!((counts.claimed, counts.open, counts.passed_on), (1, 0, 3));
    let verdict = verdict(&world, &draw_id).await;
    assert!(verdict.contains("3 seats were passed on: 3 unclaimed; 1 of them to nobody"), "{verdict}");
    // Late: the API refuses by the deadline, the store by the seat.
    let draw = world.draw(&draw_id).await;
    let late = world.cx.store.claim_prize(&draw, 4, world.clock.now()).await.unwrap();
    assert_eq!(late, Claimed::Left);
}

#[tokio::test]
async fn of_a_claim_and_a_forfeiture_at_the_same_time_exactly_one_happens() {
    for turn in 0..12 {
        let (world, draw_id) = asking(12, 6).await;
        let mut execution = Execution::begin(&world, &draw_id).await;
        execution.run().await;
        let draw = world.draw(&draw_id).await;
        let before = world.clock.now();
        world.clock.advance(Duration::from_secs(HOUR));
        let (store, key) = (&world.cx.store, world.cx.organiser_key.clone().unwrap());
        // The claims were checked against the time just before it was over.
        let claims = (1..=6).map(|rank| {
            let draw = &draw;
            async move {
                for _ in 0..turn * rank {
                    tokio::task::yield_now().await;
                }
                store.claim_prize(draw, rank, before).await.unwrap()
            }
        });
        let forfeit = store.forfeit_unclaimed(&world.lottery_id, &draw_id, &key, world.clock.now());
        let (claimed, forfeited) = tokio::join!(join_all(claims), forfeit);
        let Forfeited::Done { seats, .. } = forfeited.unwrap() else { panic!("{turn}") };
        let claimed: BTreeSet<u32> = (1..=6)
            .zip(&claimed)
            .filter(|(_, claimed)| matches!(claimed, Claimed::Done { .. }))
            .map(|(rank, _)| rank)
            .collect();
        let kept: BTreeSet<u32> =
            seated(&world, &draw_id).await.into_iter().filter(|rank| *rank <= 6).collect();
        assert_eq!(claimed, kept, "{turn}");
        assert_eq!(seats as usize, 6 - kept.len(), "{turn}");
        assert_eq!(seated(&world, &draw_id).await.len(), 6, "{turn}: no seat is lost");
        verdict(&world, &draw_id).await;
    }
}

#[tokio::test]
async fn whoever_takes_a_seat_by_hand_is_told_and_asked_and_the_others_keep_their_time() {
    let (world, draw_id) = asking(5, 2).await;
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    world.clock.advance(Duration::from_secs(1_800));
    assert!(replace(&world, &draw_id, 1).await);
    assert!(execution.is_woken().await);
    execution.wake().await;
    assert_eq!((execution.state, notified(&world).len()), ("waiting", 3));
    let draw = world.draw(&draw_id).await;
    let left = |rank| draw.claim_deadline(rank).unwrap().duration_since(world.clock.now()).as_secs();
    assert!((1_790..=1_800).contains(&left(2)) && (3_590..=3_600).contains(&left(3)));
    execution.time_out().await;
    assert_eq!(seated(&world, &draw_id).await, [3, 4], "who was asked first is late first");
    let close = world.cx.store.close_draw(&world.lottery_id, &draw_id, world.clock.now()).await.unwrap();
    assert!(matches!(close, CloseDraw::Closed(_)) && execution.is_woken().await);
    execution.wake().await;
    assert_eq!(execution.state, "ended", "of a closed draw no seat is passed on any more");
    assert_eq!(seated(&world, &draw_id).await, [3, 4]);
}

#[tokio::test]
async fn a_claim_link_is_in_the_message_alone() {
    let (world, draw_id) = asking(4, 2).await;
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    execution.time_out().await;
    let links = links(&world);
    assert_eq!(links.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
    let (proof, entries) = world.proof(&draw_id).await;
    let proof = proof.to_canonical_json(Some(&entries));
    let draw = format!("{:?}", world.draw(&draw_id).await);
    for (rank, link) in &links {
        for (place, text) in [("history", &execution.history), ("proof", &proof), ("draw", &draw)] {
            assert!(!text.contains(link.as_str()), "the link of rank {rank} is in the {place}");
        }
        let token = ClaimToken::parse(link).unwrap();
        let found = world.cx.store.draw_of_claim(&token).await.unwrap();
        assert_eq!(found, Some((world.lottery_id.clone(), draw_id.clone())));
    }
    // Guessed: any other last character, and another rank with the same rest.
    for link in [format!("{}A", &links[&1][..35]), format!("{}{}", &links[&1][..16], &links[&2][16..])] {
        let forged = ClaimToken::parse(&link).filter(|_| link != links[&1]);
        if let Some(forged) = forged {
            assert_eq!(world.cx.store.draw_of_claim(&forged).await.unwrap(), None, "{link}");
        }
    }
}

#[tokio::test]
async fn a_killed_task_loses_no_seat_and_tells_nobody_twice() {
    for kill in [Kill::BeforeCall, Kill::AfterCall] {
        for call in 1.. {
            let (world, draw_id) = asking(4, 1).await;
            let mut execution = Execution::begin(&world, &draw_id).await;
            let (mut kills, mut looks) = (0, 0);
            // Each look and each wait is killed, and tried again.
            while execution.state != "ended" {
                let killed = match execution.state {
                    "CheckClaims" => Some(("check-claims", execution.look())),
                    "AwaitClaims" => {
                        execution.tokens += 1;
                        Some(("await-claims", execution.wait()))
                    }
                    _ => None,
                };
                if let Some((function, input)) = killed {
                    kills += u32::from(world.kill_with(function, &draw_id, input, kill, call).await);
                }
                execution.step().await;
                if execution.state == "waiting" {
                    looks += 1;
                    if looks == 3 {
                        assert!(has_claimed(&world, &draw_id, 3).await, "{kill:?} {call}");
                    }
                    let seconds = execution.notify["release"]["wait_seconds"].as_u64().unwrap();
                    world.clock.advance(Duration::from_secs(seconds));
                    execution.state = "CheckClaims";
                }
            }
            let place = format!("{kill:?} {call}");
            assert_eq!(seated(&world, &draw_id).await, [3], "{place}");
            assert!(notified(&world).values().all(|count| *count == 1), "{place}");
            assert_eq!(notified(&world).len(), 3, "{place}");
            assert!(verdict(&world, &draw_id).await.contains("2 unclaimed"), "{place}");
            if kills == 0 {
                assert!(call > 8, "{call}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn claims_replacements_and_stopped_executions_in_any_order_keep_every_seat() {
    for seed in 1..=8_u64 {
        let request = json!({"prizes": [
            {"name": "One", "winners": 2}, {"name": "Two", "winners": 3}
        ], "alternates": seed % 3, "channels": ["sms"]});
        let (world, draw_id) = asking_for(12, request).await;
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut below = |bound: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % bound
        };
        let mut execution = Execution::begin(&world, &draw_id).await;
        let mut claimed = BTreeSet::new();
        for _ in 0..80 {
            let seats = seated(&world, &draw_id).await;
            let somebody = seats.get(below(seats.len().max(1) as u64) as usize).copied().unwrap_or(1);
            match below(12) {
                0 | 1 => {
                    if has_claimed(&world, &draw_id, somebody).await {
                        claimed.insert(somebody);
                    }
                }
                2 if below(6) == 0 => {
                    if replace(&world, &draw_id, somebody).await {
                        claimed.remove(&somebody);
                    }
                }
                3 if below(4) == 0 && execution.state != "ended" => {
                    execution = Execution::begin(&world, &draw_id).await;
                }
                4 => world.clock.advance(Duration::from_secs(below(HOUR))),
                5 if execution.state == "waiting" => execution.state = "CheckClaims",
                _ if execution.state == "waiting" && execution.is_woken().await => {
                    execution.state = "CheckClaims";
                }
                _ => drop(execution.step().await),
            }
            let seats = seated(&world, &draw_id).await;
            assert!(claimed.iter().all(|rank| seats.contains(rank)), "seed {seed}: a claimed seat stays");
            let draw = world.draw(&draw_id).await;
            let empty = draw.passed_on.iter().filter(|seat| seat.taken_by.is_none()).count();
            assert_eq!(seats.len() + empty, 5, "seed {seed}: as many seats as before");
            if world.status(&draw_id).await == DrawStatus::Succeeded && execution.state != "ended" {
                break;
            }
        }
        // To its end.
        for _ in 0..40 {
            if world.status(&draw_id).await != DrawStatus::Recorded {
                break;
            }
            if ["waiting", "ended"].contains(&execution.state) {
                world.clock.advance(Duration::from_secs(HOUR));
                execution = Execution::begin(&world, &draw_id).await;
            }
            execution.run().await;
        }
        assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded, "seed {seed}");
        let at_the_end = winners(&world, &draw_id).await;
        let in_seats: Vec<_> = at_the_end.iter().filter(|winner| winner.has_seat()).collect();
        assert!(in_seats.iter().all(|winner| winner.claimed_at.is_some()), "seed {seed}");
        let people: BTreeSet<_> = at_the_end.iter().map(|winner| &winner.participant_id).collect();
        assert_eq!(people.len(), at_the_end.len(), "seed {seed}: nobody has two seats");
        assert!(notified(&world).values().all(|count| *count == 1), "seed {seed}");
        let ledger = world.ledger(&draw_id).await;
        assert!(ledger.iter().all(|line| line.state == NotificationState::Sent), "seed {seed}");
        verdict(&world, &draw_id).await;
    }
}

#[tokio::test]
async fn many_unclaimed_seats_are_few_transactions_and_one_wait() {
    let (world, draw_id) = asking(700, 300).await;
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    assert_eq!((execution.state, execution.tokens), ("waiting", 1));
    for rank in 1..=50 {
        assert!(has_claimed(&world, &draw_id, rank).await);
    }
    execution.time_out().await;
    assert_eq!((execution.state, execution.tokens), ("waiting", 2));
    assert_eq!(seated(&world, &draw_id).await.len(), 300);
    let log = world.cx.store.seat_changes(&world.draw(&draw_id).await).await.unwrap();
    assert_eq!(log.len(), 250);
    assert_eq!(notified(&world).len(), 550);
    verdict(&world, &draw_id).await;
}

#[tokio::test]
async fn rounds_are_bounded_and_then_seats_stay() {
    let (world, draw_id) = asking(4, 1).await;
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    // Longer after the recording than a round may open.
    world.clock.advance(Duration::from_secs(361 * 24 * HOUR));
    execution.wake().await;
    assert_eq!((execution.state, world.status(&draw_id).await), ("ended", DrawStatus::Succeeded));
    assert_eq!(seated(&world, &draw_id).await, [2], "the first is late, the second is not asked any more");
    assert_eq!(notified(&world).len(), 2);
    verdict(&world, &draw_id).await;
}

#[tokio::test]
async fn held_winners_are_asked_once_all_are_released_and_a_rehearsal_asks_nobody() {
    let (world, draw_id) =
        asking_for(4, json!({"winners": 2, "channels": ["sms"], "release": "manual"})).await;
    let recorded = world.call("record-winners", &draw_id).await.unwrap();
    let release = &recorded["notify"]["release"];
    assert_eq!((&release["held"], &release["claims"]), (&json!(true), &json!(true)));
    let draw = world.draw(&draw_id).await;
    assert!(draw.claims.unwrap().rounds.is_empty());
    let world = World::with_phones(3).await;
    let request = json!({"winners": 2, "rehearsal": true, "claim_within_seconds": 60, "channels": []});
    let draw_id = world.ask("d1", request).await;
    world.run(&draw_id).await;
    assert_eq!(world.status(&draw_id).await, DrawStatus::Succeeded);
}

async fn reconcile(world: &World) -> Value {
    invoke(&world.cx, "reconcile-draws", json!({})).await.unwrap()
}

#[tokio::test]
async fn the_reconciler_wakes_a_draw_whose_last_claim_woke_nobody_and_resumes_one_whose_token_is_lost() {
    let (world, draw_id) = asking(4, 2).await;
    world.executions.set("draw-d1", "RUNNING");
    let mut execution = Execution::begin(&world, &draw_id).await;
    execution.run().await;
    world.clock.advance(Duration::from_secs(600));
    assert!(has_claimed(&world, &draw_id, 1).await);
    assert_eq!(reconcile(&world).await["left"], 1);
    assert!(world.executions.completed().is_empty());
    // The process of the last claim died before the token was used.
    assert!(has_claimed(&world, &draw_id, 2).await);
    assert_eq!(reconcile(&world).await["left"], 1);
    assert_eq!(world.executions.completed(), ["token-1"]);

    let (world, draw_id) = asking(4, 2).await;
    world.executions.set("draw-d1", "RUNNING");
    Execution::begin(&world, &draw_id).await.run().await;
    assert_eq!(reconcile(&world).await["left"], 1);
    world.dynamodb.delete("Lottery", "LOTTERY#party#DRAW#d1", "CLAIM_WAIT");
    assert_eq!(reconcile(&world).await["resumed"], 1);
    assert_eq!(world.executions.get("draw-d1").unwrap().status, "ABORTED");
    assert_eq!(world.executions.get("draw-d1-r1").unwrap().input["resume_from"], "RecordWinners");
    // One that has asked as often as its history allows is followed at once.
    world.executions.fail("draw-d1-r1", "ClaimsHandedOver", world.clock.now().as_second());
    assert_eq!(reconcile(&world).await["resumed"], 1);
    // And one whose execution was stopped: claims are waited for, so it is not ended.
    world.executions.set("draw-d1-r2", "ABORTED");
    assert_eq!(reconcile(&world).await["ended"], 0);
    assert_eq!(world.status(&draw_id).await, DrawStatus::Recorded);
}
