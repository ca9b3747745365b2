//! What runs on a timer: functions, as EventBridge Scheduler calls them on AWS, and looking after the stack itself.
//!
//! Times are looked at each second, by the clock on the wall and by the time that the machine was awake: after a sleep of
//! hours what is due happens within seconds, and a clock that is set back delays nothing.

mod expression;

use std::sync::Arc;
use std::time::Duration;

use asl_engine::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::Instant;

pub(crate) use expression::Expression;

use crate::aws::DynamoDb;
use crate::functions::Functions;
use crate::sns::Sns;
use crate::sqs::Queues;
use crate::token::Token;
use crate::worker::Worker;

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A clock that goes further than this beside the machine's own time has been set.
const SET: SignedDuration = SignedDuration::from_secs(5);

/// A function and how often it is called.
pub(crate) struct Schedule {
    /// The function's name.
    pub(crate) function: &'static str,
    /// The time from one call to the next.
    pub(crate) every: Duration,
}

impl Schedule {
    /// Calls the function at its times from now on, one call after the other, for ever.
    pub(crate) fn run(self, functions: Arc<Functions>, clock: Clock) -> impl Future<Output = ()> {
        let mut times = Times::new(clock, self.every);
        async move {
            loop {
                times.tick().await;
                match functions.invoke(self.function, json!({})).await {
                    Ok(result) => tracing::debug!(function = self.function, %result, "ran on schedule"),
                    Err(error) => tracing::warn!(function = self.function, %error, "failed on schedule"),
                }
            }
        }
    }
}

/// Once a minute overwrites what was erased, empties DynamoDB's log after a quiet minute and renews the organiser's token in time,
/// and once an hour lets DynamoDB delete what has expired; for ever. AWS takes up to a few days for that; and every item is looked at, which takes seconds of a
/// million people.
pub(crate) fn tidy(clock: Clock, dynamodb: Arc<DynamoDb>, token: Arc<Token>) -> impl Future<Output = ()> {
    let mut times = Times::new(clock.clone(), Duration::from_secs(60));
    let mut sweeps = Times::new(clock.clone(), Duration::from_secs(3_600));
    async move {
        loop {
            times.tick().await;
            token.renew_in_time(clock.now());
            if sweeps.take() {
                dynamodb.sweep().await;
            }
            dynamodb.scrub().await;
            dynamodb.empty_log_at_rest().await;
        }
    }
}

/// Each second tries what has failed, and tells of a clock that was set; for ever.
pub(crate) async fn watch(clock: Clock, dynamodb: Arc<DynamoDb>, sns: Arc<Worker<Sns>>, sqs: Arc<Queues>) {
    let mut watched = WatchedClock::new(clock.now(), Instant::now());
    loop {
        tokio::time::sleep(LOOK).await;
        watched.look(clock.now(), Instant::now());
        dynamodb.recover().await;
        // Refused only while the stack stops.
        let _ = sns.call(Sns::recover).await;
        sqs.recover().await;
    }
}

/// The times of something regular; a late one does not make the next come early.
struct Times {
    clock: Clock,
    every: Duration,
    /// When the last was, by either clock.
    last: (Timestamp, Instant),
}

impl Times {
    /// Times of which the first comes after `every`.
    fn new(clock: Clock, every: Duration) -> Times {
        let last = (clock.now(), Instant::now());
        Times { clock, every, last }
    }

    /// Whether the next time has come; it is over then.
    fn take(&mut self) -> bool {
        let (now, awake) = (self.clock.now(), Instant::now());
        let is_due = self.is_due(now, awake);
        if is_due {
            self.last = (now, awake);
        }
        is_due
    }

    /// Waits for the next time.
    async fn tick(&mut self) {
        while !self.take() {
            let left = self.every.saturating_sub(Instant::now() - self.last.1);
            tokio::time::sleep(left.clamp(Duration::from_millis(1), LOOK)).await;
        }
    }

    fn is_due(&self, now: Timestamp, awake: Instant) -> bool {
        let by_wall = now.duration_since(self.last.0);
        let every = SignedDuration::try_from(self.every).unwrap_or(SignedDuration::MAX);
        by_wall >= every || awake - self.last.1 >= self.every
    }
}

/// The clock on the wall beside the one that nobody sets.
struct WatchedClock(Timestamp, Instant);

impl WatchedClock {
    fn new(now: Timestamp, awake: Instant) -> WatchedClock {
        WatchedClock(now, awake)
    }

    /// Tells of a leap since the last look, and gives it.
    fn look(&mut self, now: Timestamp, awake: Instant) -> Option<SignedDuration> {
        let passed = SignedDuration::try_from(awake - self.1).unwrap_or(SignedDuration::MAX);
        let leap = now.duration_since(self.0).saturating_sub(passed);
        (self.0, self.1) = (now, awake);
        if leap >= SET {
            tracing::warn!(?leap, "the clock went forward, or the machine slept: what is due happens now");
        } else if leap <= -SET {
            tracing::warn!(
                ?leap,
                "the clock was set back: draws that wait for a time wait until the clock shows it, so much longer"
            );
        } else {
            return None;
        }
        Some(leap)
    }
}

#[cfg(test)]
mod tests {
    use asl_engine::ManualClock;

    use super::*;

    fn noon() -> Timestamp {
        "2026-11-28T12:00:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn after_a_sleep_of_hours_what_is_due_happens_within_seconds() {
        let clock = ManualClock::new(noon());
        let mut times = Times::new(clock.clone().into(), Duration::from_secs(3600));
        let waiting = tokio::spawn(async move { times.tick().await });
        clock.advance(Duration::from_secs(5 * 3600));
        tokio::time::timeout(Duration::from_secs(5), waiting).await.expect("at the next look").unwrap();
    }

    #[test]
    fn what_comes_once_an_hour_is_taken_once() {
        let clock = ManualClock::new(noon());
        let mut times = Times::new(clock.clone().into(), Duration::from_secs(3600));
        clock.advance(Duration::from_secs(3599));
        assert!(!times.take());
        clock.advance(Duration::from_secs(1));
        assert!(times.take() && !times.take());
    }

    #[test]
    fn either_clock_makes_a_time_come_and_one_that_is_set_back_delays_nothing() {
        let start = Instant::now();
        let clock = ManualClock::new(noon());
        let times = Times { clock: clock.into(), every: Duration::from_secs(60), last: (noon(), start) };
        let after = |wall: i64, awake: u64| {
            times.is_due(noon() + SignedDuration::from_secs(wall), start + Duration::from_secs(awake))
        };
        assert!(!after(59, 59));
        assert!(after(60, 0) && after(0, 60) && after(-36_000, 60));
        assert!(!after(-36_000, 59));
    }

    #[test]
    fn a_clock_that_was_set_is_told_once() {
        let start = Instant::now();
        let mut watched = WatchedClock::new(noon(), start);
        let mut look = |wall: i64, awake: u64| {
            let now = noon() + SignedDuration::from_secs(wall);
            watched.look(now, start + Duration::from_secs(awake)).map(|leap| leap.as_secs())
        };
        assert_eq!(look(1, 1), None);
        assert_eq!(look(7_202, 2), Some(7_200));
        assert_eq!(look(7_203, 3), None);
        assert_eq!(look(4, 4), Some(-7_200));
        assert_eq!(look(5, 5), None);
    }
}
