//! Token buckets over the stack's clock.

use std::sync::Mutex;

use jiff::Timestamp;

use crate::lock::locked;

/// A token bucket's figures: it holds `burst` calls and gains `per_second` of them each second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Calls gained each second.
    pub per_second: f64,
    /// Calls that may come at once.
    pub burst: f64,
}

impl Rate {
    /// A bucket of this size and refill rate.
    pub const fn new(burst: f64, per_second: f64) -> Rate {
        Rate { per_second, burst }
    }

    /// So many a second, and as many at once.
    pub const fn per_second(calls: f64) -> Rate {
        Rate { per_second: calls, burst: calls }
    }
}

/// A bucket of that rate, full at first.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    level: Mutex<Level>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    tokens: f64,
    filled_at: Timestamp,
}

impl Bucket {
    pub(super) fn new(rate: Rate, now: Timestamp) -> Bucket {
        Bucket { rate, level: Mutex::new(Level { tokens: rate.burst, filled_at: now }) }
    }

    /// Takes `tokens` if there are as many.
    pub(super) fn take(&self, tokens: f64, now: Timestamp) -> bool {
        let mut level = locked(&self.level);
        level.fill(self.rate, now);
        let has = level.tokens >= tokens;
        if has {
            level.tokens -= tokens;
        }
        has
    }

    /// Whether anything is left: for what is charged afterwards.
    pub(super) fn has_any(&self, now: Timestamp) -> bool {
        let mut level = locked(&self.level);
        level.fill(self.rate, now);
        level.tokens > 0.0
    }

    /// Takes `tokens`, below zero too.
    pub(super) fn charge(&self, tokens: f64, now: Timestamp) {
        let mut level = locked(&self.level);
        level.fill(self.rate, now);
        level.tokens -= tokens;
    }
}

impl Level {
    fn fill(&mut self, rate: Rate, now: Timestamp) {
        // A clock that goes back fills nothing and takes nothing.
        let seconds = now.duration_since(self.filled_at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + seconds * rate.per_second).min(rate.burst);
        self.filled_at = now;
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let start = Timestamp::UNIX_EPOCH;
        let bucket = Bucket::new(Rate::new(3.0, 2.0), start);
        assert!((0..3).all(|_| bucket.take(1.0, start)));
        assert!(!bucket.take(1.0, start));
        let later = start + SignedDuration::from_millis(500);
        assert!(bucket.take(1.0, later));
        assert!(!bucket.take(1.0, later));
        let much_later = start + SignedDuration::from_hours(1);
        assert!((0..3).all(|_| bucket.take(1.0, much_later)), "never more than the burst");
        assert!(!bucket.take(1.0, much_later));
    }

    #[test]
    fn what_is_charged_afterwards_is_paid_back_by_waiting() {
        let start = Timestamp::UNIX_EPOCH;
        let bucket = Bucket::new(Rate::per_second(10.0), start);
        bucket.charge(30.0, start);
        assert!(!bucket.has_any(start + SignedDuration::from_secs(2)));
        assert!(bucket.has_any(start + SignedDuration::from_millis(2_100)));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing() {
        let start = Timestamp::UNIX_EPOCH;
        let bucket = Bucket::new(Rate::per_second(1.0), start);
        assert!(bucket.take(1.0, start));
        assert!(!bucket.take(1.0, start - SignedDuration::from_hours(1)));
    }
}
