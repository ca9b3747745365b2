//! Execution environments of a function: each has a state of its own and runs one invocation at a time.

use std::sync::{Arc, Mutex};

use super::Account;
use crate::lock::locked;

/// Those of one function. The one that was used last is used first, as on Lambda.
pub(crate) struct Environments<E> {
    function: String,
    account: Arc<Account>,
    start: Box<dyn Fn() -> E + Send + Sync>,
    idle: Mutex<Vec<E>>,
}

impl<E> Environments<E> {
    /// Environments that `start` makes when they are needed.
    pub(crate) fn new(
        function: &str,
        account: Arc<Account>,
        start: impl Fn() -> E + Send + Sync + 'static,
    ) -> Environments<E> {
        let function = function.to_owned();
        Environments { function, account, start: Box::new(start), idle: Mutex::default() }
    }

    /// An environment that nobody uses, or a new one.
    pub(crate) async fn take(&self) -> E {
        let idle = locked(&self.idle).pop();
        match idle {
            Some(environment) => environment,
            None => {
                self.account.start_environment(&self.function).await;
                (self.start)()
            }
        }
    }

    /// Gives one back whose invocation has ended. One whose invocation broke off is not given back: Lambda starts anew.
    pub(crate) fn give_back(&self, environment: E) {
        locked(&self.idle).push(environment);
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn function(&self) -> &str {
        &self.function
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::Limits;
    use super::super::account::for_tests;
    use super::*;

    #[tokio::test]
    async fn the_one_used_last_is_used_first_and_none_is_shared() {
        let (account, _) = for_tests(Limits::default());
        let started = Arc::new(AtomicU32::new(0));
        let environments = Environments::new("echo", account.clone(), {
            let started = started.clone();
            move || started.fetch_add(1, Ordering::SeqCst)
        });
        let (first, second) = (environments.take().await, environments.take().await);
        assert_ne!(first, second);
        environments.give_back(first);
        environments.give_back(second);
        assert_eq!(environments.take().await, second);
        assert_eq!(account.functions()["echo"].cold_starts, 2);
    }
}
