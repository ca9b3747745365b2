//! EventBridge and its Scheduler on loopback: buses, rules with patterns and schedules, and deliveries that outlive the
//! process.
//!
//! What comes in is matched against the rules and written down once for each target in the same transaction; a loop then
//! calls the targets and strikes off what they took. The database is opened with the first request, or at the start if
//! there is one already, because something may have to be delivered. The stack's own buses and rules are created when it is
//! opened.
//!
//! In reading order: `service` (the protocols), `store` with `buses`, `policies`, `rules`, `put`, `destinations` and `scheduler` (the operations),
//! `pattern` (which events are meant), `input` (what targets get), `deliveries`, `deliver`, `targets` and `http_target` (how it
//! gets there), `sources` (the events of S3 and of Step Functions).

mod buses;
mod database;
mod deliver;
mod deliveries;
mod destinations;
mod error;
mod http_target;
mod input;
mod pattern;
mod policies;
mod put;
mod request;
mod rules;
mod scheduler;
mod service;
mod sources;
mod store;
mod targets;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use asl_engine::Clock;
use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::{Notify, OnceCell};
use tokio::task::AbortHandle;

pub(crate) use error::EventsError;
pub(crate) use put::OwnEvent;
pub(crate) use service::{TARGET, has, is_meant, needed};
use sources::OWN_SOURCES;
use store::Store;
pub(crate) use targets::Targets;

use crate::api_call::ApiCaller;
use crate::connections::Connection as HttpConnection;
use crate::lock::locked;
use crate::worker::Worker;

/// How the service behaves.
struct Settings {
    /// Without it everything is in memory.
    file: Option<PathBuf>,
    clock: Clock,
    /// The operations that create what has to be there from the beginning.
    initial: Vec<Operation>,
}

/// An operation with its request.
pub(crate) type Operation = (&'static str, Value);

/// The service, as its callers see it.
#[derive(Clone)]
pub(crate) struct Events(Arc<Inner>);

struct Inner {
    settings: Settings,
    worker: OnceCell<Worker<Store>>,
    /// Whether an event of each of the stack's own services could meet a rule.
    has_rules: Arc<[AtomicBool; OWN_SOURCES.len()]>,
    targets: Mutex<Option<Arc<Targets>>>,
    /// Events of executions that are not written down yet.
    reported: Mutex<Vec<OwnEvent>>,
    /// Calls API destinations.
    caller: std::sync::OnceLock<ApiCaller>,
    /// Wakes the loop that delivers.
    wake: Arc<Notify>,
    delivering: Mutex<Option<AbortHandle>>,
}

impl Events {
    /// EventBridge in this file, or in memory. Nothing is opened yet; `initial` creates what is there from the beginning
    /// as soon as it is, and may be repeated.
    pub(crate) fn new(file: Option<PathBuf>, clock: Clock, initial: Vec<Operation>) -> Events {
        // An event that such a rule is about is what opens the database.
        let has_rules = OWN_SOURCES.map(|source| AtomicBool::new(store::have_rules_for(&initial, source)));
        Events(Arc::new(Inner {
            settings: Settings { file, clock, initial },
            worker: OnceCell::new(),
            has_rules: Arc::new(has_rules),
            targets: Mutex::default(),
            reported: Mutex::default(),
            caller: std::sync::OnceLock::new(),
            wake: Arc::default(),
            delivering: Mutex::default(),
        }))
    }

    /// Adds the services that targets are of. Where there is a database already, deliveries go on.
    pub(crate) async fn complete(&self, targets: Targets) -> Result<(), EventsError> {
        *locked(&self.0.targets) = Some(Arc::new(targets));
        self.0.wake.notify_one();
        if self.0.settings.file.as_ref().is_some_and(|file| file.exists()) {
            self.0.open().await?;
        }
        Ok(())
    }

    /// Does one operation of EventBridge.
    pub(crate) async fn call(&self, operation: &str, request: Value) -> Result<Value, EventsError> {
        let called = operation.to_owned();
        let answer = self.0.on_store(move |store| store.call(&called, &request)).await;
        self.0.wake.notify_one();
        answer
    }

    /// The connection that an ARN names; none if there is none.
    pub(crate) async fn connection(&self, arn: &str) -> Result<Option<HttpConnection>, EventsError> {
        // What is not open yet is empty.
        if self.0.worker.get().is_none() {
            return Ok(None);
        }
        let arn = arn.to_owned();
        self.0.on_store(move |store| store.connection(&arn)).await
    }

    /// Whether an event of this service could meet a rule; otherwise none has to be made.
    fn has_rules_for(&self, source: &str) -> bool {
        let mut known = OWN_SOURCES.iter().zip(&*self.0.has_rules);
        known.any(|(own, has_rules)| *own == source && has_rules.load(Ordering::Relaxed))
    }

    /// Puts an event of a service on the default bus. Afterwards it is on disk.
    pub(crate) async fn put_own(&self, event: OwnEvent) {
        if let Err(error) = self.0.on_store(move |store| store.put_own(&[event])).await {
            tracing::error!(%error, "an event of the stack's own was lost");
        }
        self.0.wake.notify_one();
    }

    /// Ends the deliveries; what is under way is repeated after the next start.
    pub(crate) fn end(&self) {
        if let Some(delivering) = locked(&self.0.delivering).take() {
            delivering.abort();
        }
        locked(&self.0.targets).take();
    }

    /// Ends the deliveries and the thread of the database.
    pub(crate) async fn stop(&self) {
        self.end();
        if let Some(worker) = self.0.worker.get() {
            worker.stop().await;
        }
    }
}

impl Inner {
    /// The thread of the database, which the first call starts, and the loop that delivers.
    async fn open(self: &Arc<Inner>) -> Result<&Worker<Store>, EventsError> {
        let opened = self.worker.get_or_try_init(|| async {
            let inner = self.clone();
            let open = move || {
                let Settings { file, clock, initial } = &inner.settings;
                let database = match file {
                    Some(file) => {
                        // One that was there was looked over at the start.
                        if !file.exists() {
                            crate::trouble::look_over(file, &[])
                                .map_err(|error| EventsError::internal(error.to_string()))?;
                        }
                        Connection::open(file)?
                    }
                    None => Connection::open_in_memory()?,
                };
                let store = Store::open(database, clock.clone(), initial, inner.has_rules.clone())?;
                Worker::start("events", store).map_err(|error| EventsError::internal(error.to_string()))
            };
            // Opening reads the disk.
            let worker = tokio::task::spawn_blocking(open);
            let worker = worker.await.map_err(|error| EventsError::internal(error.to_string()))??;
            let delivering = tokio::spawn(deliver::run(Arc::downgrade(self)));
            *locked(&self.delivering) = Some(delivering.abort_handle());
            Ok(worker)
        });
        opened.await
    }

    /// Does `work` on the database.
    async fn on_store<R: Send + 'static>(
        self: &Arc<Inner>,
        work: impl FnOnce(&mut Store) -> Result<R, EventsError> + Send + 'static,
    ) -> Result<R, EventsError> {
        let worker = self.open().await?;
        worker
            .call(work)
            .await
            .map_err(|error| EventsError::new(503, "InternalException", error.to_string()))?
    }

    fn targets(&self) -> Option<Arc<Targets>> {
        locked(&self.targets).clone()
    }

    /// Milliseconds since 1970.
    fn now(&self) -> i64 {
        self.settings.clock.now().as_millisecond()
    }
}
