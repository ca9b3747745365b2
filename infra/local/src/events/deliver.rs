//! The loop that delivers: it looks at what is due, calls targets beside one another, and writes down how it went.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;

use super::deliveries::{Delivery, Due, Outcome};
use super::store::Event;
use super::targets::{Failure, Kind, Remedy, Targets};
use super::{Inner, http_target};

/// The most deliveries at a time.
const CONCURRENCY: usize = 64;

/// The most buses that one event goes over.
const MAX_HOPS: u32 = 8;

/// The pause after the first failed attempt, and the longest, in milliseconds.
const FIRST_PAUSE: i64 = 1_000;
const MAX_PAUSE: i64 = 10 * 60 * 1_000;

/// The pauses that Lambda makes before it calls a function again.
const LAMBDA_PAUSES: [i64; 2] = [60_000, 120_000];

/// Delivers until the service is gone.
pub(super) fn run(events: Weak<Inner>) -> BoxFuture<'static, ()> {
    // It opens the database that starts it, and so has to have a name.
    Box::pin(deliver(events))
}

async fn deliver(events: Weak<Inner>) {
    let mut attempts: JoinSet<(i64, Outcome)> = JoinSet::new();
    let mut under_way = HashSet::new();
    let mut outcomes = Vec::new();
    loop {
        let Some(inner) = events.upgrade() else { return };
        let wake = inner.wake.clone();
        let woken = wake.notified();
        tokio::pin!(woken);
        // Before looking: what comes after the look wakes the loop.
        woken.as_mut().enable();
        let mut next = None;
        if let Some(targets) = inner.targets() {
            match look(&inner, &outcomes, &under_way).await {
                Ok(due) => {
                    for (number, _) in outcomes.drain(..) {
                        under_way.remove(&number);
                    }
                    next = due.next;
                    for delivery in due.deliveries {
                        under_way.insert(delivery.number);
                        attempts.spawn(attempt(inner.clone(), targets.clone(), delivery));
                    }
                }
                Err(error) => {
                    tracing::error!(
                        error,
                        "the deliveries of the local EventBridge cannot be read; trying again"
                    );
                    next = Some(inner.now() + FIRST_PAUSE);
                }
            }
        }
        let clock = inner.settings.clock.clone();
        drop(inner);
        let due = next.and_then(|next| jiff::Timestamp::from_millisecond(next).ok());
        let timer = async {
            match due {
                Some(due) => clock.sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = woken => {}
            () = timer => {}
            Some(done) = attempts.join_next() => {
                outcomes.extend(done.ok());
                while let Some(done) = attempts.try_join_next() {
                    outcomes.extend(done.ok());
                }
            }
        }
    }
}

async fn look(
    inner: &Arc<Inner>,
    outcomes: &[(i64, Outcome)],
    under_way: &HashSet<i64>,
) -> Result<Due, String> {
    let (outcomes, under_way) = (outcomes.to_vec(), under_way.clone());
    let ended: HashSet<i64> = outcomes.iter().map(|(number, _)| *number).collect();
    let still: HashSet<i64> = under_way.difference(&ended).copied().collect();
    let room = CONCURRENCY.saturating_sub(still.len());
    inner.on_store(move |store| store.due(&outcomes, &still, room)).await.map_err(|error| error.to_string())
}

/// Tries one delivery once. A panic there is a failure that passes.
async fn attempt(inner: Arc<Inner>, targets: Arc<Targets>, delivery: Delivery) -> (i64, Outcome) {
    let handed_over = AssertUnwindSafe(hand_over(&inner, &targets, &delivery)).catch_unwind().await;
    let handed_over = handed_over
        .unwrap_or_else(|_| Err(failure("INTERNAL_ERROR", "the delivery panicked", Remedy::Retry)));
    let outcome = match handed_over {
        Ok(()) => Outcome::Done,
        Err(failure) => give_up_or_retry(&inner, &targets, &delivery, &failure).await,
    };
    (delivery.number, outcome)
}

async fn hand_over(inner: &Arc<Inner>, targets: &Targets, delivery: &Delivery) -> Result<(), Failure> {
    let arn = delivery.target["Arn"].as_str().unwrap_or_default();
    match Kind::of(arn) {
        Some(Kind::Bus(bus)) => forward(inner, bus, delivery).await,
        Some(Kind::Destination(name)) => call_destination(inner, name, delivery).await,
        Some(kind) => targets.deliver(arn, kind, delivery).await,
        None => Err(failure("INVALID_PARAMETER", "the target is none of the local stack", Remedy::None)),
    }
}

/// Calls an API destination.
async fn call_destination(inner: &Arc<Inner>, name: &str, delivery: &Delivery) -> Result<(), Failure> {
    let wanted = name.to_owned();
    match inner.on_store(move |store| store.destination(&wanted)).await {
        Ok(Some(found)) => {
            let caller = inner.caller.get_or_init(http_target::caller);
            http_target::call(caller, &found, delivery).await
        }
        Ok(None) => {
            let message = format!("ApiDestination {name} does not exist.");
            Err(failure("RESOURCE_NOT_FOUND", &message, Remedy::None))
        }
        Err(error) => Err(failure("InternalException", &error.message, Remedy::Retry)),
    }
}

/// Puts an event on another bus.
async fn forward(inner: &Arc<Inner>, bus: &str, delivery: &Delivery) -> Result<(), Failure> {
    if delivery.hops >= MAX_HOPS {
        return Err(failure("LOOP", "the event has gone over too many event buses", Remedy::None));
    }
    let value = serde_json::from_str(&delivery.payload)
        .map_err(|error| failure("INVALID_PARAMETER", &error.to_string(), Remedy::None))?;
    let (id, text) = (delivery.event_id.clone(), delivery.payload.clone());
    let event = Event { id, value, text, hops: delivery.hops + 1 };
    let name = bus.to_owned();
    let is_there = inner.on_store(move |store| {
        let is_there = store.has_bus(&name)?;
        if is_there {
            store.in_transaction(|store| store.accept(&name, &event))?;
        }
        Ok(is_there)
    });
    match is_there.await {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(failure("RESOURCE_NOT_FOUND", &format!("Event bus {bus} does not exist."), Remedy::None))
        }
        Err(error) => Err(failure("InternalException", &error.message, Remedy::Retry)),
    }
}

fn failure(code: &str, message: &str, remedy: Remedy) -> Failure {
    Failure { code: code.to_owned(), message: message.to_owned(), remedy }
}

/// What becomes of a delivery that failed.
async fn give_up_or_retry(
    inner: &Arc<Inner>,
    targets: &Targets,
    delivery: &Delivery,
    failure: &Failure,
) -> Outcome {
    let now = inner.now();
    let (origin, target) = (&delivery.origin, &delivery.target["Arn"]);
    let exhausted = match failure.remedy {
        Remedy::None => None,
        Remedy::RetryByLambda => {
            if let Some(pause) = LAMBDA_PAUSES.get(delivery.attempts as usize) {
                return Outcome::Again(now + pause);
            }
            // EventBridge has done its part: dead letters of functions are Lambda's.
            tracing::warn!(origin, %target, message = failure.message, "a function failed for an event three times");
            return Outcome::Done;
        }
        Remedy::Retry => match exhausted_by(delivery, now) {
            None => return Outcome::Again(now + pause_after(delivery.attempts)),
            condition => condition,
        },
    };
    let queue = delivery.target.pointer("/DeadLetterConfig/Arn").and_then(|arn| arn.as_str());
    let Some(Kind::Queue(name)) = queue.and_then(Kind::of) else {
        let Failure { code, message, .. } = failure;
        tracing::warn!(origin, %target, code, message, "an event could not be delivered and is dropped");
        return Outcome::Done;
    };
    match targets.bury(name, delivery, failure, exhausted).await {
        Err(error) if error.remedy == Remedy::Retry => Outcome::Again(now + pause_after(delivery.attempts)),
        Err(error) => {
            tracing::warn!(
                origin,
                queue,
                message = error.message,
                "a dead letter could not be sent and is dropped"
            );
            Outcome::Done
        }
        Ok(()) => Outcome::Done,
    }
}

/// The limit of its target that a delivery has reached.
fn exhausted_by(delivery: &Delivery, now: i64) -> Option<&'static str> {
    let limit = |name: &str, default: i64| {
        delivery.target.get("RetryPolicy").and_then(|policy| policy.get(name)?.as_i64()).unwrap_or(default)
    };
    if i64::from(delivery.attempts) >= limit("MaximumRetryAttempts", 185) {
        return Some("MaximumRetryAttempts");
    }
    let age = now.saturating_sub(delivery.created);
    (age >= limit("MaximumEventAgeInSeconds", 86_400) * 1_000).then_some("MaximumEventAgeInSeconds")
}

/// The pause after so many failed attempts and one more.
fn pause_after(attempts: u32) -> i64 {
    FIRST_PAUSE.saturating_mul(1_i64 << attempts.min(20)).min(MAX_PAUSE)
}
