//! The timestamps that an execution waits for.

use std::collections::BTreeMap;

/// A timestamp in milliseconds since 1970, and a number that makes it unique.
pub(crate) type TimerKey = (i64, u64);

/// The purpose of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The end of a Wait state, or the next attempt of a retrier.
    Wake { branch: usize, serial: u64 },
    /// `TimeoutSeconds` of a task.
    Timeout { task: u64 },
    /// `HeartbeatSeconds` of a task.
    Heartbeat { task: u64 },
    /// `TimeoutSeconds` of the machine.
    Execution,
}

/// The timers, earliest first.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    waiting: BTreeMap<TimerKey, Timer>,
    set: u64,
}

impl Timers {
    pub(crate) fn set(&mut self, due: i64, timer: Timer) -> TimerKey {
        self.set += 1;
        let key = (due, self.set);
        self.waiting.insert(key, timer);
        key
    }

    pub(crate) fn cancel(&mut self, key: TimerKey) {
        self.waiting.remove(&key);
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// The earliest timestamp.
    pub(crate) fn next(&self) -> Option<i64> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes the next timer that is due.
    pub(crate) fn due(&mut self, now: i64) -> Option<Timer> {
        let entry = self.waiting.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}
