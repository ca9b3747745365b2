//! The rate at which messages are sent: each waits for its turn, so that a service gets no more than it accepts.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::Clock;

/// The maximum number of concurrent messages. Those being sent when a process dies become UNKNOWN.
const MAX_CONCURRENCY: usize = 64;
/// The number of concurrent messages without a rate.
const CONCURRENCY: usize = 16;
/// The minimum rate of a run, in messages a minute: if a service accepts less, the state machine waits.
const MIN_PER_MINUTE: f64 = 12.0;
/// The maximum rate that is remembered, in messages a minute; above it there is no limit.
const MAX_PER_MINUTE: f64 = 60_000.0;

/// The turns of one run.
pub(crate) struct Pace {
    per_second: Option<f64>,
    next: Mutex<Timestamp>,
}

impl Pace {
    /// Turns at the rate that was found, or else at the configured one, or else without a rate.
    pub(crate) fn new(configured: Option<f64>, found_per_minute: u32, now: Timestamp) -> Self {
        let found = (found_per_minute > 0).then(|| f64::from(found_per_minute) / 60.0);
        let per_second = match (found, configured) {
            (Some(found), Some(configured)) => Some(found.min(configured)),
            (found, configured) => found.or(configured),
        };
        Self { per_second, next: Mutex::new(now) }
    }

    /// The number of concurrent messages: as many as are sent within a second.
    pub(crate) fn concurrency(&self) -> usize {
        match self.per_second {
            None => CONCURRENCY,
            Some(rate) => (rate.ceil() as usize).clamp(2, MAX_CONCURRENCY),
        }
    }

    /// Waits for a turn. `false` if it would come after the deadline.
    pub(crate) async fn turn(&self, clock: &dyn Clock, deadline: Timestamp) -> bool {
        let wait = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = clock.now();
            let turn = now.max(*next);
            if turn >= deadline {
                return false;
            }
            if let Some(rate) = self.per_second {
                *next = turn + Duration::from_secs_f64(1.0 / rate);
            }
            turn.duration_since(now).unsigned_abs()
        };
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
        true
    }

    /// The rate to remember after a throttle: half of the rate at which it happened.
    pub(crate) fn slower(&self, handed_over: usize, took: Duration) -> u32 {
        let observed = handed_over as f64 / took.as_secs_f64().max(1.0);
        let rate = self.per_second.unwrap_or(observed);
        (rate * 60.0 / 2.0).clamp(MIN_PER_MINUTE, MAX_PER_MINUTE) as u32
    }

    /// The rate to remember after a run without a throttle: half as much again, up to the configured rate.
    pub(crate) fn faster(found_per_minute: u32, configured: Option<f64>) -> u32 {
        let faster = f64::from(found_per_minute) * 1.5;
        let enough = configured.map_or(MAX_PER_MINUTE, |rate| rate * 60.0);
        if faster >= enough { 0 } else { faster as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_found_rate_never_exceeds_the_configured_one() {
        let rate = |configured, found| Pace::new(configured, found, at(0)).per_second;
        assert_eq!(rate(Some(14.0), 0), Some(14.0));
        assert_eq!(rate(Some(14.0), 60), Some(1.0));
        assert_eq!(rate(Some(0.5), 60), Some(0.5));
        assert_eq!(rate(None, 60), Some(1.0));
        assert_eq!(rate(None, 0), None);
    }

    #[test]
    fn a_throttled_rate_halves_and_comes_back() {
        let mut found = 0;
        for expected in [420, 210, 105, 52, 26, 13, 12, 12] {
            found = Pace::new(Some(14.0), found, at(0)).slower(9, Duration::from_secs(1));
            assert_eq!(found, expected);
        }
        let mut runs = 0;
        while found > 0 {
            found = Pace::faster(found, Some(14.0));
            runs += 1;
        }
        assert_eq!(runs, 11, "within some minutes");
        assert_eq!(Pace::new(None, 0, at(0)).slower(400, Duration::from_secs(2)), 6_000);
    }

    #[test]
    fn what_is_under_way_at_once_is_bounded() {
        let concurrency = |configured| Pace::new(configured, 0, at(0)).concurrency();
        assert_eq!([Some(0.2), Some(14.0), Some(300.0), None].map(concurrency), [2, 14, 64, 16]);
    }
}
