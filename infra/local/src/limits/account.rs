//! What the functions of one account share: how many may run at once, when they are throttled, and the bill.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asl_engine::Clock;
use jiff::Timestamp;

use super::meter::{FunctionBill, Meter};
use super::services::Services;
use super::window::Windows;
use super::{Limits, Refusal, Service};
use crate::functions::InvokeError;
use crate::iam::FunctionFigures;
use crate::lock::locked;

/// An account with limits.
pub(crate) struct Account {
    limits: Limits,
    clock: Clock,
    /// Memory and time-outs, by the names of the functions.
    figures: BTreeMap<String, FunctionFigures>,
    running: Mutex<HashMap<String, u32>>,
    windows: Windows,
    services: Services,
    meter: Meter,
    /// Whatever begins or ends: for who waits until nothing does.
    changes: AtomicU64,
    /// Calls of services under way.
    calls: AtomicU64,
    /// When tasks wake up that sleep.
    sleepers: Mutex<Vec<Timestamp>>,
}

/// What happens in a stack at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Activity {
    /// How often something has begun or ended.
    pub(crate) changes: u64,
    /// Calls of services under way.
    pub(crate) calls: u64,
    /// Invocations that run.
    pub(crate) running: usize,
    /// Sleeps of tasks, most of them in such invocations.
    pub(crate) sleeping: usize,
    /// When the next task wakes up that sleeps.
    pub(crate) next_wake: Option<Timestamp>,
}

/// An invocation that may run; it ends when this is dropped.
pub(crate) struct Permit {
    account: Arc<Account>,
    function: String,
    began: Timestamp,
}

impl Account {
    /// An account with these limits, for functions with these figures.
    pub(crate) fn new(
        limits: Limits,
        clock: Clock,
        figures: BTreeMap<String, FunctionFigures>,
    ) -> Arc<Account> {
        let now = clock.now();
        Arc::new(Account {
            windows: Windows::new(&limits.windows),
            services: Services::new(&limits, now),
            limits,
            clock,
            figures,
            running: Mutex::default(),
            meter: Meter::default(),
            changes: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            sleepers: Mutex::default(),
        })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets an invocation of the function run, or refuses it as Lambda does with 429.
    pub(crate) fn admit(self: &Arc<Account>, function: &str) -> Result<Permit, InvokeError> {
        self.changed();
        let now = self.clock.now();
        if self.windows.strike_function(function, now) {
            return Err(self.throttled(function));
        }
        let mut running = locked(&self.running);
        let count = |running: &HashMap<String, u32>, name: &str| running.get(name).copied().unwrap_or(0);
        let has_room = match self.limits.reserved_concurrency.get(function) {
            Some(reserved) => count(&running, function) < *reserved,
            None => self.limits.lambda_concurrency.is_none_or(|total| {
                let reserved = &self.limits.reserved_concurrency;
                let others = running.iter().filter(|(name, _)| !reserved.contains_key(*name));
                let unreserved = total.saturating_sub(reserved.values().sum());
                others.map(|(_, count)| count).sum::<u32>() < unreserved
            }),
        };
        if !has_room {
            drop(running);
            return Err(self.throttled(function));
        }
        let now_running = count(&running, function) + 1;
        running.insert(function.to_owned(), now_running);
        drop(running);
        self.meter.began(function, now_running);
        Ok(Permit { account: self.clone(), function: function.to_owned(), began: now })
    }

    fn throttled(&self, function: &str) -> InvokeError {
        self.meter.throttled(function);
        InvokeError::Service {
            status: 429,
            exception: "TooManyRequestsException".to_owned(),
            message: "Rate Exceeded.".to_owned(),
        }
    }

    /// How long an invocation of the function may take, if that is limited.
    pub(crate) fn timeout_of(&self, function: &str) -> Option<Duration> {
        self.limits.function_timeouts.then(|| self.figures.get(function).map(|it| it.timeout))?
    }

    /// Starts an execution environment of the function.
    pub(crate) async fn start_environment(&self, function: &str) {
        self.meter.started_environment(function);
        if !self.limits.cold_start.is_zero() {
            self.sleep(self.limits.cold_start).await;
        }
    }

    /// Waits by the stack's clock.
    pub(crate) async fn sleep(&self, duration: Duration) {
        let due = self.clock.now().checked_add(duration).unwrap_or(Timestamp::MAX);
        let _sleeper = Sleeper::new(self, due);
        self.clock.sleep_until(due).await;
    }

    /// The outcome, if it comes within the time by the stack's clock.
    pub(crate) async fn within<T>(
        &self,
        limit: Option<Duration>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let Some(limit) = limit else { return Some(work.await) };
        let due = self.clock.now().checked_add(limit).unwrap_or(Timestamp::MAX);
        tokio::select! {
            biased;
            outcome = work => Some(outcome),
            () = self.clock.sleep_until(due) => None,
        }
    }

    /// Whether the services take this call now.
    pub(crate) fn take(&self, call: &Service<'_>) -> Result<(), Refusal> {
        let now = self.clock.now();
        if self.windows.strike_service(&call.window(), now) {
            return Err(call.refusal());
        }
        self.services.take(call, now)
    }

    /// Charges a table with what a call has used.
    pub(crate) fn charge_table(&self, operation: &str, table: &str, units: f64) {
        self.services.charge_table(operation, table, units, self.clock.now());
    }

    /// Notes a call of a service, which lasts until the value is dropped, and takes its latency.
    pub(crate) async fn service_call(self: &Arc<Account>) -> ServiceCall {
        self.changed();
        // What waits is not at work; and a caller that gives up meanwhile leaves no entry.
        if !self.limits.latency.is_zero() {
            self.sleep(self.limits.latency).await;
        }
        self.unlimited_call()
    }

    /// Notes a call of a service that has no limits here, which lasts until the value is dropped.
    pub(crate) fn unlimited_call(self: &Arc<Account>) -> ServiceCall {
        self.changed();
        self.calls.fetch_add(1, Ordering::SeqCst);
        ServiceCall(self.clone())
    }

    /// What each function has used.
    pub(crate) fn functions(&self) -> BTreeMap<String, FunctionBill> {
        self.meter.functions()
    }

    pub(crate) fn activity(&self) -> Activity {
        let running = locked(&self.running).values().sum::<u32>();
        let sleepers = locked(&self.sleepers);
        Activity {
            changes: self.changes.load(Ordering::SeqCst),
            calls: self.calls.load(Ordering::SeqCst),
            running: running as usize,
            sleeping: sleepers.len(),
            next_wake: sleepers.iter().min().copied(),
        }
    }

    fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

impl Activity {
    /// Whether something works, as far as that can be seen.
    pub(crate) fn is_busy(&self) -> bool {
        self.calls > 0 || self.running > self.sleeping
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Permit { account, function, began } = self;
        let took = account.clock.now().duration_since(*began).unsigned_abs();
        let memory = account.figures.get(function.as_str()).map_or(128, |it| it.memory_mb);
        account.meter.ended(function, took, memory);
        let mut running = locked(&account.running);
        if let Some(count) = running.get_mut(function.as_str()) {
            *count = count.saturating_sub(1);
        }
        drop(running);
        account.changed();
    }
}

/// A call of a service under way.
pub(crate) struct ServiceCall(Arc<Account>);

impl Drop for ServiceCall {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
        self.0.changed();
    }
}

/// A task that sleeps until then.
struct Sleeper<'a>(&'a Account, Timestamp);

impl Sleeper<'_> {
    fn new(account: &Account, due: Timestamp) -> Sleeper<'_> {
        locked(&account.sleepers).push(due);
        account.changed();
        Sleeper(account, due)
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        let mut sleepers = locked(&self.0.sleepers);
        if let Some(index) = sleepers.iter().position(|due| *due == self.1) {
            sleepers.swap_remove(index);
        }
        drop(sleepers);
        self.0.changed();
    }
}

#[cfg(test)]
pub(super) fn for_tests(limits: Limits) -> (Arc<Account>, asl_engine::ManualClock) {
    let clock = asl_engine::ManualClock::new(Timestamp::UNIX_EPOCH);
    let figures = FunctionFigures { memory_mb: 1_024, timeout: Duration::from_secs(30) };
    let figures = BTreeMap::from([("api".to_owned(), figures), ("echo".to_owned(), figures)]);
    (Account::new(limits, clock.clone().into(), figures), clock)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_throttled(outcome: &Result<Permit, InvokeError>) -> bool {
        matches!(outcome, Err(InvokeError::Service { status: 429, exception, .. }) if exception == "TooManyRequestsException")
    }

    #[test]
    fn functions_share_the_account_and_one_with_a_reservation_has_its_own() {
        let (account, _) = for_tests("lambda-concurrency=3,reserved-concurrency=api:1".parse().unwrap());
        let api = account.admit("api").unwrap();
        assert!(is_throttled(&account.admit("api")), "no more than its reservation");
        let one = account.admit("echo").unwrap();
        let _other = account.admit("other").unwrap();
        assert!(is_throttled(&account.admit("echo")), "the third is kept for the API");
        drop(api);
        assert!(is_throttled(&account.admit("echo")), "also while the API does not run");
        drop(one);
        assert!(account.admit("echo").is_ok());
        let bill = account.functions();
        assert_eq!((bill["echo"].invocations, bill["echo"].throttles), (2, 2));
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_while_it_waits_is_not_under_way() {
        let (account, _) = for_tests("latency-ms=10".parse().unwrap());
        let given_up = tokio::time::timeout(Duration::ZERO, account.service_call()).await;
        assert!(given_up.is_err());
        let activity = account.activity();
        assert_eq!((activity.calls, activity.sleeping, activity.is_busy()), (0, 0, false));
    }

    #[test]
    fn what_ran_is_billed_by_the_clock() {
        let (account, clock) = for_tests(Limits::default());
        let permit = account.admit("echo").unwrap();
        clock.advance(Duration::from_secs(2));
        drop(permit);
        assert_eq!(account.functions()["echo"].gb_seconds, 2.0);
    }

    #[tokio::test]
    async fn a_time_limit_ends_by_the_clock() {
        let (account, clock) = for_tests(Limits::default());
        assert_eq!(account.within(Some(Duration::from_secs(1)), async { 7 }).await, Some(7));
        let waiting = tokio::spawn({
            let account = account.clone();
            async move { account.within(Some(Duration::from_secs(900)), std::future::pending::<()>()).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(900));
        assert_eq!(waiting.await.unwrap(), None);
    }
}
