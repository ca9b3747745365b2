//! The one place that acts: it invokes tasks, waits for timers, writes what happened and answers.

mod acting;
mod active;
mod activities;
mod api;
mod cell;
mod config;
mod error;
mod executions;
mod health;
mod invoker;
mod machines;
mod map_runs;
mod nested;
mod recovery;
mod running;
mod timers;
mod token;
mod workers;

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

pub use api::*;
pub use config::{Config, MemoryBounds, Storage};
pub use error::{EngineError, Refusal};
pub(crate) use health::{Health, Part, words_of};
pub use invoker::{Call, Invoker, NoServices, TaskFailure};
pub(crate) use token::TaskToken;
pub(crate) use workers::Lane;

use crate::data::Json;
use crate::store::{Batch, Store, Write};
use active::Active;
use activities::Activities;
use machines::Machines;
use nested::Watchers;
use timers::{ClockWatch, Timers};
use workers::Workers;

/// How long a caller waits for a store that cannot be written at present.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running engine. Clones are handles to the same one.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

/// What the handles share.
pub(crate) struct Inner {
    config: Config,
    store: Store,
    machines: Machines,
    activities: Activities,
    active: Active,
    watchers: Watchers,
    timers: Arc<Timers>,
    workers: Workers,
    health: Health,
    runtime: Handle,
    last_number: AtomicU64,
}

impl Engine {
    /// Opens the store and resumes what was under way. Must be called within a tokio runtime.
    pub async fn start(config: Config) -> Result<Engine, EngineError> {
        let runtime = Handle::try_current().map_err(|_| EngineError::NoRuntime)?;
        let now = config.clock.now();
        if now < Timestamp::UNIX_EPOCH {
            return Err(EngineError::ClockBeforeEpoch { shown: now });
        }
        let health = Health::default();
        let store = Store::open(&config.storage, &health)?;
        let timers = Arc::new(Timers::default());
        let inner = Arc::new(Inner {
            machines: Machines::default(),
            activities: Activities::default(),
            active: Active::default(),
            watchers: Watchers::default(),
            timers: Arc::clone(&timers),
            workers: Workers::new(&health),
            health: health.clone(),
            runtime,
            last_number: AtomicU64::new(store.last_number()?),
            store,
            config,
        });
        inner.machines.load(inner.store.machines()?);
        inner.activities.load(inner.store.activities()?);
        let (clock, weak) = (inner.config.clock.clone(), Arc::downgrade(&inner));
        let (told, watch) = (health.clone(), ClockWatch::new(&clock));
        health.supervise(&inner.runtime, Part::Timers, move || {
            timers::run(Weak::clone(&weak), Arc::clone(&timers), clock.clone(), told.clone(), watch)
        });
        inner.resume()?;
        Ok(Engine(inner))
    }

    /// Waits until everything that happened is stored. Executions under way go on with the next start.
    pub async fn shutdown(&self) {
        let inner = Arc::clone(&self.0);
        for cell in inner.active.all() {
            cell.running.abort_all();
        }
        let closed = tokio::task::spawn_blocking(move || inner.store.close()).await;
        if let Err(error) = closed {
            tracing::error!(%error, "the history store could not be closed");
        }
    }

    /// Whether all parts of the engine work; if not, a sentence that says which one is down and why.
    pub fn health(&self) -> Result<(), String> {
        self.0.health.check()
    }

    /// Runs something that others wrote on a thread for such things; what a panic said if it ended in one.
    pub(crate) async fn apart<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        self.0.workers.run(lane, job).await
    }

    /// Has the host do something; a panic there is a failure of the task.
    pub(crate) async fn invoke(&self, call: Call) -> Result<Json, TaskFailure> {
        self.0.invoke(call).await
    }

    /// What it was started with.
    pub fn config(&self) -> &Config {
        &self.0.config
    }
}

impl Inner {
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

    /// Writes something that no execution is part of.
    async fn write(&self, writes: Vec<Write>) -> Result<(), Refusal> {
        let (sender, written) = oneshot::channel();
        self.store.submit(Batch { writes, done: Box::new(move || sender.send(()).unwrap_or_default()) });
        self.store.settle();
        let written = async { written.await.map_err(|_| EngineError::Stopped) };
        self.wait_patiently(written).await.map_err(Refusal::Engine)
    }

    /// Waits for something to be stored on behalf of a caller, who is told if that cannot be done at present. It is
    /// done later all the same.
    async fn wait_patiently(
        &self,
        stored: impl Future<Output = Result<(), EngineError>>,
    ) -> Result<(), EngineError> {
        let mut stored = pin!(stored);
        // In memory it is stored already: then no timer is made.
        if let Some(stored) = (&mut stored).now_or_never() {
            return stored;
        }
        loop {
            match tokio::time::timeout(PATIENCE, &mut stored).await {
                Ok(stored) => return stored,
                Err(_) if self.store.is_failing() => return Err(EngineError::StoreUnavailable),
                Err(_) => {}
            }
        }
    }

    /// Refuses what would have to wait for a store that cannot be written at present.
    fn check_store(&self) -> Result<(), Refusal> {
        if self.store.is_failing() { Err(Refusal::Engine(EngineError::StoreUnavailable)) } else { Ok(()) }
    }
}
