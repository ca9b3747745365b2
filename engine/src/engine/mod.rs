//! The engine: applies a command to an execution, stores what followed, and only then acts on it.
//!
//! `Inner::step`, the first method below, is these three steps; everything else prepares a command or serves a reader.
//! Nothing leaves the engine before the record it rests on is stored, so that a restarted engine, which folds the stored
//! commands, has every execution as it was.
//!
//! In reading order: `active` (an execution in memory), `actions` (invoking tasks, starting and stopping executions),
//! `timers`, `host_calls`, `activities`, `nested`, `map_runs`, `reading`, `results` and `mocked` (what actions lead to), `logging` and `observing`, `executions`, `search`, `machines` and
//! `versions` (the operations), `lifecycle` (start, resumption, shutdown), `workers` (the threads that run costly definitions).

mod actions;
mod active;
mod activities;
mod config;
mod executions;
mod host_calls;
mod invoker;
mod lifecycle;
mod logging;
mod machines;
mod map_runs;
mod mocked;
mod nested;
mod observing;
mod reading;
mod results;
mod search;
mod timers;
mod versions;
mod workers;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

pub use crate::model::*;
pub use config::Config;
pub use invoker::{Call, HttpExchange, HttpResponse, Invoker, Job, NoServices, ObjectPart, Secrets, Traced};
pub use logging::{ExecutionLog, LogEntry};
pub use machines::StateMachineDescription;
pub use observing::ExecutionObserver;
pub use versions::VersionDescription;
pub(crate) use workers::Lane;

use crate::data::Json;
use crate::execution::Command;
use crate::health::Health;
use crate::store::{Batch, Store, Write};
use active::{ActiveExecution, ActiveExecutions, Applied, Step, Unstored};
use activities::Activities;
use machines::Machines;
use nested::Watchers;
use timers::Timers;
use workers::Workers;

/// How long a caller waits for a store that cannot be written at present.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// A running engine. Clones are handles to the same one.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// The state that the handles share.
pub(crate) struct Inner {
    config: Config,
    store: Store,
    machines: Machines,
    activities: Activities,
    executions: ActiveExecutions,
    watchers: Watchers,
    timers: Arc<Timers>,
    workers: Workers,
    health: Health,
    runtime: Handle,
    last_number: AtomicU64,
}

impl Inner {
    /// One step of an execution: apply the command, persist the record, act on it. `None`: the command came too late or
    /// has no meaning there, and nothing is stored.
    fn step(self: &Arc<Inner>, active: &Arc<ActiveExecution>, command: Command) -> Option<Applied> {
        let mut state = active.lock();
        // Apply: a pure function of the execution, the command and the time.
        let now = self.config.clock.now_millis();
        let Step { applied, writes, follow_up } = active.apply(&mut state, command, now)?;
        // Persist: submitted under the lock, so that the records of an execution keep their order.
        let (engine, execution, unstored) = (Arc::clone(self), Arc::clone(active), Unstored::new(active));
        let done = Box::new(move || {
            unstored.disarm();
            // Act: the record is stored, and the world may rest on it.
            engine.act(&execution, follow_up);
        });
        self.store.submit(Batch { writes, done });
        drop(state);
        self.store.flush();
        Some(applied)
    }

    /// Applies a command on the thread that suits it: here, or on a worker where the definition may take long.
    pub(crate) async fn apply(
        self: &Arc<Inner>,
        active: &Arc<ActiveExecution>,
        command: Command,
    ) -> Option<Applied> {
        let Some(lane) = active.lane(&command) else { return self.step(active, command) };
        let _turn = active.turn().await;
        let (inner, execution) = (Arc::clone(self), Arc::clone(active));
        let applied = self.workers.run(lane, move || {
            let began = Instant::now();
            let applied = inner.step(&execution, command);
            execution.machine.took(began.elapsed());
            applied
        });
        applied.await.unwrap_or_default()
    }

    /// Continues an execution that has more to do than one record holds, after the executions that wait for their next
    /// slice have had theirs.
    fn continue_later(self: &Arc<Inner>, active: &Arc<ActiveExecution>) {
        let (inner, active) = (Arc::clone(self), Arc::clone(active));
        if active.lane(&Command::Continue).is_some() {
            self.runtime.spawn(async move { inner.apply(&active, Command::Continue).await });
        } else {
            self.workers.submit(Lane::Continuing, move || {
                inner.step(&active, Command::Continue);
            });
        }
    }

    /// `arn:aws:states:REGION:ACCOUNT`, in the partition of the region.
    fn arn_prefix(&self) -> String {
        let Config { region, account, .. } = &self.config;
        let partition = match region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        format!("arn:{partition}:states:{region}:{account}")
    }

    fn next_number(&self) -> u64 {
        self.last_number.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Stores a change that belongs to no execution.
    async fn write(&self, writes: Vec<Write>) -> Result<(), Refusal> {
        let written = self.submit(writes);
        self.written(written).await
    }

    /// Submits a change that belongs to no execution: those submitted under one lock are stored in that order.
    fn submit(&self, writes: Vec<Write>) -> oneshot::Receiver<()> {
        let (sender, written) = oneshot::channel();
        self.store.submit(Batch { writes, done: Box::new(move || sender.send(()).unwrap_or_default()) });
        written
    }

    /// Waits until a submitted change is stored; called without a lock.
    async fn written(&self, written: oneshot::Receiver<()>) -> Result<(), Refusal> {
        self.store.flush();
        let written = async { written.await.map_err(|_| EngineError::Stopped) };
        self.wait_for_caller(written).await.map_err(Refusal::Engine)
    }

    /// Waits for a write on behalf of a caller, who gets an error if the store cannot be written at present. The write is
    /// done later all the same.
    async fn wait_for_caller(
        &self,
        stored: impl Future<Output = Result<(), EngineError>>,
    ) -> Result<(), EngineError> {
        let mut stored = pin!(stored);
        // In memory it is stored already: then no timer is made.
        if let Some(stored) = (&mut stored).now_or_never() {
            return stored;
        }
        loop {
            match tokio::time::timeout(STORE_TIMEOUT, &mut stored).await {
                Ok(stored) => return stored,
                Err(_) if self.store.is_failing() => return Err(EngineError::StoreUnavailable),
                Err(_) => {}
            }
        }
    }

    /// Refuses a request that would have to wait for a store that cannot be written at present.
    fn check_store(&self) -> Result<(), Refusal> {
        if self.store.is_failing() { Err(Refusal::Engine(EngineError::StoreUnavailable)) } else { Ok(()) }
    }
}

impl Engine {
    /// Whether all parts of the engine work; if not, a sentence that names the part that is down and the reason.
    pub fn health(&self) -> Result<(), String> {
        self.0.health.check()
    }

    /// The configuration that the engine was started with.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Runs code of a definition on a worker thread; the message of its panic if it ended in one.
    pub(crate) async fn apart<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        self.0.workers.run(lane, job).await
    }

    /// Invokes the host; a panic there is a failure of the task.
    pub(crate) async fn invoke(&self, call: Call) -> Result<Json, TaskFailure> {
        self.0.invoke(call).await
    }

    /// The same, with what an HTTP Task sent and received.
    pub(crate) async fn invoke_traced(&self, call: Call, secrets: Secrets) -> Traced {
        self.0.invoke_traced(call, secrets).await
    }
}
