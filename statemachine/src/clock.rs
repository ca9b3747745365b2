//! Time as a port: the system's clock, or one that a test moves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

/// Where the engine reads the time and waits for a moment.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(ManualClock),
}

impl Clock {
    /// The time of the machine.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp::now(),
            Source::Manual(clock) => clock.now(),
        }
    }

    /// The present moment in milliseconds since 1970, the unit in which the engine counts.
    pub(crate) fn now_millis(&self) -> i64 {
        self.now().as_millisecond()
    }

    /// Returns when the clock shows `due` or later, to the millisecond.
    pub async fn sleep_until(&self, due: Timestamp) {
        let due = due.as_millisecond() + i64::from(due.subsec_nanosecond() % 1_000_000 > 0);
        while self.now_millis() < due {
            self.sleep_until_millis(due).await;
        }
    }

    /// Returns once the clock shows `due` (milliseconds since 1970) or later.
    pub(crate) async fn sleep_until_millis(&self, due: i64) {
        match &self.0 {
            Source::System => {
                let left = due.saturating_sub(self.now_millis());
                if left > 0 {
                    // A clock set back or forth is noticed within the hour.
                    let left = Duration::from_millis(left.unsigned_abs()).min(Duration::from_secs(3600));
                    tokio::time::sleep(left).await;
                }
            }
            Source::Manual(clock) => clock.sleep_until_millis(due).await,
        }
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Clock {
        Clock(Source::Manual(clock))
    }
}

/// A clock that stands still until a test moves it.
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

    /// The moment it shows.
    pub fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the clock forward; whatever fell due in between happens now.
    pub fn advance(&self, by: Duration) {
        let millis = {
            let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = now.checked_add(by).unwrap_or(Timestamp::MAX);
            now.as_millisecond()
        };
        self.moved.send_replace(millis);
    }

    async fn sleep_until_millis(&self, due: i64) {
        let mut moved = self.moved.subscribe();
        // The sender lives in `self`, so that the wait ends only when the moment has come.
        let _ = moved.wait_for(|now| *now >= due).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_a_sleeper_when_it_is_moved_past_the_moment() {
        let manual = ManualClock::new(Timestamp::UNIX_EPOCH);
        let clock = Clock::from(manual.clone());
        let sleeper = tokio::spawn(async move { clock.sleep_until_millis(31_536_000_000).await });
        manual.advance(Duration::from_secs(31_535_999));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        manual.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }
}
