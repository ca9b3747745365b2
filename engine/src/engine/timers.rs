//! One heap of timestamps for all executions, and the one task that waits for them.
//!
//! It waits by the wall clock, which it reads at least each second: timers that fell due while the machine was suspended
//! fire within that time. After the clock was set back, timers fire later, with a warning that says how much.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use tokio::sync::Notify;

use super::Inner;
use super::active::ActiveExecution;
use crate::Clock;
use crate::execution::Command;
use crate::health::{Health, Part};

/// By how much the clock must differ from what is expected before that is logged.
const TOLERANCE_MILLIS: i64 = 2_000;

/// The timestamps at which executions want to be woken.
#[derive(Default)]
pub(crate) struct Timers {
    /// (milliseconds since 1970, the execution's number). An execution without a due timer ignores it.
    heap: Mutex<BinaryHeap<Reverse<(i64, u64)>>>,
    earlier: Notify,
}

impl Timers {
    fn heap(&self) -> MutexGuard<'_, BinaryHeap<Reverse<(i64, u64)>>> {
        self.heap.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, due: i64, execution: u64) {
        let mut heap = self.heap();
        let is_first = heap.peek().is_none_or(|Reverse((first, _))| due < *first);
        heap.push(Reverse((due, execution)));
        drop(heap);
        if is_first {
            self.earlier.notify_one();
        }
    }

    fn first(&self) -> Option<i64> {
        self.heap().peek().map(|Reverse((due, _))| *due)
    }

    /// How many there are, and the last of them.
    fn extent(&self) -> Option<(usize, i64)> {
        let heap = self.heap();
        heap.iter().map(|Reverse((due, _))| *due).max().map(|last| (heap.len(), last))
    }

    fn take_due(&self, now: i64) -> Option<(i64, u64)> {
        let mut heap = self.heap();
        if heap.peek().is_some_and(|Reverse((due, _))| *due <= now) {
            heap.pop().map(|Reverse(entry)| entry)
        } else {
            None
        }
    }
}

/// Wakes executions at their timestamps, as long as the engine lives.
pub(crate) async fn run(
    engine: Weak<Inner>,
    timers: Arc<Timers>,
    clock: Clock,
    health: Health,
    mut watch: ClockWatch,
) {
    loop {
        tokio::select! {
            () = clock.sleep_towards(timers.first().unwrap_or(i64::MAX)) => {}
            () = timers.earlier.notified() => {}
        }
        let Some(engine) = engine.upgrade() else { return };
        let now = clock.now_millis();
        watch.look(now, &timers, &health);
        while let Some((due, execution)) = timers.take_due(now) {
            if let Some(active) = engine.executions.by_number(execution) {
                // In a task of its own: code of the definition must not run in the task that all others wait for.
                let inner = Arc::clone(&engine);
                engine.runtime.spawn(async move { inner.wake(&active, due).await });
            }
        }
    }
}

impl Inner {
    /// Applies the timer of an execution.
    async fn wake(self: &Arc<Inner>, active: &Arc<ActiveExecution>, due: i64) {
        let is_awake = self.apply(active, Command::Tick).await.is_some();
        // If the clock was set back since it was read, the timer is due later.
        if !is_awake && active.look(|execution| execution.next_tick()).is_some_and(|next| next <= due) {
            self.timers.set(due, active.identity.number);
        }
    }
}

/// The last reading of the clock, and its time by a monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClockWatch {
    shown: i64,
    looked_at: Instant,
}

impl ClockWatch {
    pub(crate) fn new(clock: &Clock) -> ClockWatch {
        ClockWatch { shown: clock.now_millis(), looked_at: Instant::now() }
    }

    /// Logs what follows from a clock that was set.
    fn look(&mut self, now: i64, timers: &Timers, health: &Health) {
        let looked_at = Instant::now();
        let passed = looked_at.saturating_duration_since(self.looked_at).as_millis();
        let expected = self.shown.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX));
        if now < self.shown.saturating_sub(TOLERANCE_MILLIS) {
            let (waiting, last) = timers.extent().unwrap_or((0, now));
            let seconds_until = |due: i64| due.saturating_sub(now).max(0) / 1000;
            tracing::warn!(
                went_back_seconds = (self.shown.saturating_sub(now)) / 1000,
                waiting,
                first_in_seconds = seconds_until(timers.first().unwrap_or(now)),
                last_in_seconds = seconds_until(last),
                "the clock went back: Waits, time-outs and retries wait until it shows their timestamps again"
            );
        } else if now > expected.saturating_add(TOLERANCE_MILLIS) {
            tracing::info!(
                seconds = (now.saturating_sub(expected)) / 1000,
                "the clock went forward: what fell due meanwhile begins now"
            );
        }
        if now < 0 {
            if self.shown >= 0 {
                tracing::error!(
                    "the clock shows a date before 1970: nothing that waits for a timestamp begins"
                );
            }
            health.is_down(
                Part::Clock,
                "the clock shows a date before 1970, and what waits for a timestamp waits until it is set",
            );
        } else if self.shown < 0 {
            health.is_up(Part::Clock);
        }
        *self = ClockWatch { shown: now, looked_at };
    }
}
