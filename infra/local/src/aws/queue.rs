//! The transactions that wait for the thread of the database, and how long it waits for more of them before it commits.
//!
//! A commit syncs the file, which takes as long as many writes: a caller that writes much has several transactions under way, and
//! those share one. How many will come is not known, so that it is learnt: while there is company the thread waits for
//! more, a few milliseconds each; once it has waited in vain it does not wait again until there is company.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::dynamodb::DynamoDbReply;
use super::transactions::{MAX_GROUP, Transaction};

/// How long another transaction is waited for.
const TIMEOUT: Duration = Duration::from_millis(4);

/// A transaction, and who waits for its answer. It goes back with the answer, to be freed where it was made.
pub(super) struct Waiting {
    pub(super) transaction: Transaction,
    pub(super) answer: oneshot::Sender<(DynamoDbReply, Option<Transaction>)>,
}

/// The transactions that the thread has not begun.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    /// Other calls for which the thread shall not keep a commit waiting.
    others: usize,
    /// Transactions came while others were under way, so that more may come.
    has_company: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a transaction.
    pub(super) fn push(&self, waiting: Waiting) {
        self.state().waiting.push(waiting);
        self.changed.notify_one();
    }

    /// Notes a call that is not in this queue, until the value is dropped.
    pub(super) fn other(self: &std::sync::Arc<Self>) -> Other {
        self.state().others += 1;
        self.changed.notify_one();
        Other(self.clone())
    }

    /// All that wait now.
    pub(super) fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut self.state().waiting)
    }

    /// Those that share the commit of so many others: what waits, or what comes in time.
    pub(super) fn take_more(&self, begun: usize) -> Vec<Waiting> {
        let mut state = self.state();
        state.has_company |= begun > 1 || !state.waiting.is_empty();
        if begun >= MAX_GROUP {
            return Vec::new();
        }
        if state.waiting.is_empty() && state.others == 0 && state.has_company {
            let is_alone = |state: &mut State| state.waiting.is_empty() && state.others == 0;
            let waited = self.changed.wait_timeout_while(state, TIMEOUT, is_alone);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.has_company = !state.waiting.is_empty();
        }
        std::mem::take(&mut state.waiting)
    }
}

/// A call that waits for the thread.
pub(super) struct Other(std::sync::Arc<Queue>);

impl Drop for Other {
    fn drop(&mut self) {
        self.0.state().others -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    fn waiting() -> Waiting {
        let request = serde_json::from_str(r#"{"TransactItems": []}"#).unwrap();
        Waiting { transaction: Transaction::new(request), answer: oneshot::channel().0 }
    }

    #[test]
    fn one_alone_waits_for_nobody() {
        let queue = Queue::default();
        queue.push(waiting());
        assert_eq!(queue.take().len(), 1);
        let began = Instant::now();
        assert!(queue.take_more(1).is_empty());
        assert!(began.elapsed() < TIMEOUT);
    }

    #[test]
    fn where_there_is_company_more_are_waited_for_once_in_vain() {
        let queue = Arc::new(Queue::default());
        queue.push(waiting());
        queue.push(waiting());
        assert_eq!(queue.take().len(), 2);
        let began = Instant::now();
        assert!(queue.take_more(2).is_empty());
        assert!(began.elapsed() >= TIMEOUT);
        // The next one is alone again.
        let began = Instant::now();
        assert!(queue.take_more(1).is_empty());
        assert!(began.elapsed() < TIMEOUT);
    }

    #[test]
    fn another_call_does_not_wait_and_a_full_group_takes_no_more() {
        let queue = Arc::new(Queue::default());
        let other = queue.other();
        let began = Instant::now();
        assert!(queue.take_more(2).is_empty());
        assert!(began.elapsed() < TIMEOUT);
        drop(other);
        queue.push(waiting());
        assert!(queue.take_more(MAX_GROUP).is_empty());
        assert_eq!(queue.take_more(2).len(), 1);
    }
}
