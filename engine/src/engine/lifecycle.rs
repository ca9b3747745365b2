//! The engine's start, the resumption of executions that had not ended, and shutdown.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};

use jiff::Timestamp;
use tokio::runtime::Handle;

use super::active::{ActiveExecution, ActiveExecutions};
use super::activities::Activities;
use super::machines::Machines;
use super::nested::Watchers;
use super::timers::{self, ClockWatch, Timers};
use super::workers::Workers;
use super::{Config, Engine, EngineError, Inner};
use crate::health::{Health, Part};
use crate::store::Store;

impl Engine {
    /// Opens the store and resumes the executions that had not ended. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`EngineError::NoRuntime`] outside of a runtime, [`EngineError::ClockBeforeEpoch`], and whatever keeps the store
    /// from being opened.
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
            executions: ActiveExecutions::default(),
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
        inner.machines.load_published(inner.store.published()?);
        inner.activities.load(inner.store.activities()?);
        let (clock, weak) = (inner.config.clock.clone(), Arc::downgrade(&inner));
        let (watched, watch) = (health.clone(), ClockWatch::new(&clock));
        health.supervise(&inner.runtime, Part::Timers, move || {
            timers::run(Weak::clone(&weak), Arc::clone(&timers), clock.clone(), watched.clone(), watch)
        });
        inner.resume()?;
        Ok(Engine(inner))
    }

    /// Waits until all records are stored. Executions under way resume with the next start.
    pub async fn shutdown(&self) {
        let inner = Arc::clone(&self.0);
        for active in inner.executions.all() {
            active.host_calls.abort_all();
        }
        let closed = tokio::task::spawn_blocking(move || inner.store.close()).await;
        if let Err(error) = closed {
            tracing::error!(%error, "the history store could not be closed");
        }
    }
}

impl Inner {
    /// Brings the executions that had not ended back into memory. One that cannot be read stays as it is and is named in
    /// the log; the others are not affected.
    fn resume(self: &Arc<Inner>) -> Result<(), EngineError> {
        let mut resumed = Vec::new();
        for row in self.store.open_executions()? {
            let number = row.number;
            let arn = row.identity.as_ref().map(|identity| Arc::clone(&identity.arn)).ok();
            match self.replay(row) {
                // Its end is in its records, and the row would have been marked in the same transaction.
                Ok(replayed) if replayed.execution.outcome().is_some() => {
                    tracing::error!(
                        number,
                        arn = arn.as_deref(),
                        "an execution is marked as open although it has ended"
                    );
                }
                Ok(replayed) => {
                    let mocked = self.mocked(&replayed.identity);
                    let active = Arc::new(ActiveExecution::resumed(replayed).with_mocks(mocked));
                    if self.executions.add(&active).is_ok() {
                        resumed.push(active);
                    }
                }
                Err(error) => {
                    tracing::error!(number, arn = arn.as_deref(), %error, "an execution cannot be resumed");
                }
            }
        }
        if !resumed.is_empty() {
            tracing::info!(executions = resumed.len(), "resuming executions");
        }
        // They act once all of them are in memory: one may wait for another.
        for active in &resumed {
            for action in active.look(|execution| execution.pending()) {
                self.perform(active, action);
            }
            if let Some(due) = active.look(|execution| execution.next_tick()) {
                self.timers.set(due, active.identity.number);
            }
            if active.look(|execution| execution.has_more()) {
                self.continue_later(active);
            }
        }
        Ok(())
    }
}
