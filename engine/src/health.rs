//! [`Health`]: which parts of the engine are down, and restarting them.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;

/// How long a part that panicked is down before it is restarted.
const RESTART_DELAY: Duration = Duration::from_millis(200);

/// A part of the engine that must run as long as the engine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// The task that wakes executions.
    Timers,
    /// The clock of the machine.
    Clock,
    /// The writer of the histories.
    Store,
    /// The threads that run code of definitions.
    Workers,
}

/// The parts that are down, each with a sentence that says why.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health(Arc<Mutex<BTreeMap<Part, String>>>);

impl Health {
    fn parts(&self) -> MutexGuard<'_, BTreeMap<Part, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A part is down.
    pub(crate) fn is_down(&self, part: Part, sentence: impl Into<String>) {
        self.parts().insert(part, sentence.into());
    }

    /// A part works again.
    pub(crate) fn is_up(&self, part: Part) {
        self.parts().remove(&part);
    }

    /// The sentences of all parts that are down, if any.
    pub(crate) fn check(&self) -> Result<(), String> {
        let parts = self.parts();
        if parts.is_empty() {
            return Ok(());
        }
        Err(parts.values().map(String::as_str).collect::<Vec<_>>().join("; "))
    }

    /// Runs a task until it ends. After a panic it is restarted, and its part is down meanwhile.
    pub(crate) fn supervise<F>(&self, runtime: &Handle, part: Part, task: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        let health = self.clone();
        runtime.spawn(async move {
            while let Err(panic) = AssertUnwindSafe(task()).catch_unwind().await {
                let message = panic_message(&*panic);
                tracing::error!(?part, panic = message, "a part of the engine failed and is started again");
                health.is_down(part, format!("{part:?} failed and is being started again: {message}"));
                tokio::time::sleep(RESTART_DELAY).await;
                health.is_up(part);
            }
        });
    }
}

/// The message of a panic.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_down_until_it_has_been_started_again() {
        let health = Health::default();
        let starts = AtomicUsize::new(0);
        let (starts, observed) = (Arc::new(starts), health.clone());
        let (sender, mut ended) = tokio::sync::mpsc::unbounded_channel();
        health.supervise(&Handle::current(), Part::Timers, move || {
            let (starts, observed, sender) = (Arc::clone(&starts), observed.clone(), sender.clone());
            async move {
                assert!(starts.fetch_add(1, Ordering::Relaxed) > 0, "on purpose");
                sender.send(observed.check()).unwrap();
            }
        });
        while health.check().is_ok() {
            tokio::task::yield_now().await;
        }
        let message = health.check().unwrap_err();
        assert_eq!(message, "Timers failed and is being started again: on purpose");
        assert_eq!(ended.recv().await, Some(Ok(())));
    }
}
