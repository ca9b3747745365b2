//! Time as a port: the system's clock, or one that a test moves.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::sync::watch;

/// How often a clock that announces nothing is looked at while something waits for it. A clock that was moved, as by
/// a suspend of the machine or by NTP, is noticed within this time.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Where the engine reads the time and waits for a timestamp.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    /// Read again and again: nobody says when it was moved.
    Read(Arc<dyn Fn() -> Timestamp + Send + Sync>),
    Manual(ManualClock),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Read(_) => f.write_str("Read"),
            Source::Manual(clock) => clock.fmt(f),
        }
    }
}

impl Clock {
    /// The time of the machine.
    pub fn system() -> Clock {
        Clock::reading(system_time)
    }

    /// The time that a function returns, which is asked each second at least. As with the machine's own clock, it may
    /// jump without a word.
    pub fn reading(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        Clock(Source::Read(Arc::new(now)))
    }

    /// The present timestamp.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Read(now) => now(),
            Source::Manual(clock) => clock.now(),
        }
    }

    /// The present timestamp in milliseconds since 1970, the unit in which the engine counts.
    pub(crate) fn now_millis(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// Returns when the clock shows `due` or later, to the millisecond.
    pub async fn sleep_until(&self, due: Timestamp) {
        let due = due.as_millisecond() + i64::from(due.subsec_nanosecond() % 1_000_000 > 0);
        while self.now_millis() < due {
            self.sleep_towards(due).await;
        }
    }

    /// Returns when the clock shows `due` (milliseconds since 1970) or later, or after a second: the caller looks at
    /// the clock again.
    pub(crate) async fn sleep_towards(&self, due: i64) {
        let check = match &self.0 {
            Source::Read(now) => {
                let left = due.saturating_sub(now().as_millisecond()).max(0);
                CHECK_INTERVAL.min(Duration::from_millis(left.unsigned_abs()))
            }
            Source::Manual(clock) => {
                let moved = clock.sleep_until_millis(due);
                return drop(tokio::time::timeout(CHECK_INTERVAL, moved).await);
            }
        };
        tokio::time::sleep(check).await;
    }
}

/// The machine's clock. What it shows beyond the year 9999 or before the year -9999 counts as the nearest of these.
fn system_time() -> Timestamp {
    let now = SystemTime::now();
    Timestamp::try_from(now).unwrap_or(if now > SystemTime::UNIX_EPOCH {
        Timestamp::MAX
    } else {
        Timestamp::MIN
    })
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Clock {
        Clock(Source::Manual(clock))
    }
}

/// A clock that stops until a test moves it.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<Mutex<Timestamp>>,
    moved: Arc<watch::Sender<i64>>,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> ManualClock {
        ManualClock {
            now: Arc::new(Mutex::new(start)),
            moved: Arc::new(watch::Sender::new(start.as_millisecond())),
        }
    }

    /// The timestamp it shows.
    pub fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the clock forward; whatever fell due in between happens now.
    pub fn advance(&self, by: Duration) {
        self.change(|now| now.checked_add(by).unwrap_or(Timestamp::MAX));
    }

    /// Makes the clock show `to`, which may lie before what it shows.
    pub fn set(&self, to: Timestamp) {
        self.change(|_| to);
    }

    fn change(&self, change: impl FnOnce(Timestamp) -> Timestamp) {
        let millis = {
            let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = change(*now);
            now.as_millisecond()
        };
        self.moved.send_replace(millis);
    }

    async fn sleep_until_millis(&self, due: i64) {
        let mut moved = self.moved.subscribe();
        // The sender lives in `self`, so that the wait ends only when the timestamp has come.
        let _ = moved.wait_for(|now| *now >= due).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_a_sleeper_when_it_is_moved_past_the_timestamp() {
        let manual = ManualClock::new(Timestamp::UNIX_EPOCH);
        let sleeping = manual.clone();
        let sleeper = tokio::spawn(async move { sleeping.sleep_until_millis(31_536_000_000).await });
        manual.advance(Duration::from_secs(31_535_999));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        manual.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }
}
