//! One heap of moments for all executions, and the one task that waits for them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;

use super::Inner;
use crate::execution::Stimulus;

/// The moments at which executions want to be woken.
#[derive(Default)]
pub(crate) struct Timers {
    /// (milliseconds since 1970, the execution's number). An execution that wants nothing any more ignores it.
    heap: Mutex<BinaryHeap<Reverse<(i64, u64)>>>,
    earlier: Notify,
}

impl Timers {
    pub(crate) fn set(&self, due: i64, execution: u64) {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = heap.peek().is_none_or(|Reverse((first, _))| due < *first);
        heap.push(Reverse((due, execution)));
        drop(heap);
        if is_first {
            self.earlier.notify_one();
        }
    }

    fn first(&self) -> Option<i64> {
        self.heap.lock().unwrap_or_else(PoisonError::into_inner).peek().map(|Reverse((due, _))| *due)
    }

    fn take_due(&self, now: i64) -> Option<u64> {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        if heap.peek().is_some_and(|Reverse((due, _))| *due <= now) {
            heap.pop().map(|Reverse((_, execution))| execution)
        } else {
            None
        }
    }
}

/// Wakes executions at their moments, as long as the engine lives.
pub(crate) async fn run(engine: Weak<Inner>, timers: Arc<Timers>, clock: crate::Clock) {
    loop {
        match timers.first() {
            None => timers.earlier.notified().await,
            Some(due) => tokio::select! {
                () = clock.sleep_until_millis(due) => {}
                () = timers.earlier.notified() => {}
            },
        }
        let Some(engine) = engine.upgrade() else { return };
        while let Some(execution) = timers.take_due(clock.now_millis()) {
            if let Some(cell) = engine.active.by_number(execution) {
                engine.feed(&cell, Stimulus::Tick);
            }
        }
    }
}
