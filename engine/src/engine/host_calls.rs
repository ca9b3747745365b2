//! [`HostCalls`]: the calls of the host that an execution waits for, so that they can be cancelled.
//!
//! They have a lock of their own, so that the writer of histories does not wait for an expression.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// The calls under way, by task.
#[derive(Default)]
pub(crate) struct HostCalls(Mutex<HashMap<u64, Call>>);

enum Call {
    UnderWay(AbortHandle),
    /// It ended before it was registered.
    Ended,
}

impl HostCalls {
    fn calls(&self) -> MutexGuard<'_, HashMap<u64, Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a call that has just started, and may have ended.
    pub(crate) fn began(&self, task: u64, handle: AbortHandle) {
        let mut calls = self.calls();
        if calls.remove(&task).is_none() {
            calls.insert(task, Call::UnderWay(handle));
        }
    }

    /// A call ended; called by the call itself, once.
    pub(crate) fn ended(&self, task: u64) {
        let mut calls = self.calls();
        if calls.remove(&task).is_none() {
            calls.insert(task, Call::Ended);
        }
    }

    /// Cancels a call, if there is one.
    pub(crate) fn abort(&self, task: u64) {
        if let Some(Call::UnderWay(handle)) = self.calls().remove(&task) {
            handle.abort();
        }
    }

    /// Cancels all calls: they are repeated after the next start.
    pub(crate) fn abort_all(&self) {
        for (_, call) in self.calls().drain() {
            if let Call::UnderWay(handle) = call {
                handle.abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_kept_of_a_call_that_ended_before_or_after_it_was_registered() {
        let running = HostCalls::default();
        let call = || tokio::spawn(std::future::pending::<()>());
        running.ended(1);
        running.began(1, call().abort_handle());
        running.began(2, call().abort_handle());
        running.ended(2);
        let (third, fourth) = (call(), call());
        running.began(3, third.abort_handle());
        running.abort(3);
        running.began(4, fourth.abort_handle());
        running.abort_all();
        assert!(third.await.unwrap_err().is_cancelled() && fourth.await.unwrap_err().is_cancelled());
        assert!(running.calls().is_empty());
    }
}
