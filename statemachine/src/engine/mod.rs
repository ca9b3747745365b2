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

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

pub use api::*;
pub use config::{Config, Storage};
pub use error::{EngineError, Refusal};
pub(crate) use health::words_of;
pub use invoker::{Call, Invoker, NoServices, TaskFailure};
pub(crate) use token::TaskToken;

use crate::store::{Batch, Store, Write};
use active::Active;
use activities::Activities;
use health::{Health, Part};
use machines::Machines;
use nested::Watchers;
use timers::{ClockWatch, Timers};
use workers::Workers;

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
        let store = Store::open(&config.storage)?;
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
        written.await.map_err(|_| Refusal::Engine(EngineError::Stopped))
    }
}
