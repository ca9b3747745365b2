//! S3 for the local stack: buckets and objects on SQLite, behind the REST protocol that every AWS SDK speaks.
//!
//! It is opened with the first request, so that who needs no objects pays nothing; the stack's own bucket is created then.
//! In reading order: `request` (what is
//! asked of what), `service` and `objects` (the operations), `multipart`, `receive` and `chunked` (how bytes come in),
//! `send` (how they go out), `cors` (what web pages may send), then what runs on the database's thread: `store`, `uploads`, `contents`, `database`. `events`
//! is where others learn of new objects.

mod chunked;
mod contents;
mod cors;
mod database;
mod error;
mod events;
mod multipart;
mod objects;
mod receive;
mod request;
mod send;
mod service;
mod store;
#[cfg(test)]
mod tests;
mod uploads;
mod xml;

use std::path::PathBuf;
use std::sync::Arc;

use asl_engine::Clock;
use rusqlite::Connection;
use tokio::sync::OnceCell;

pub(crate) use error::S3Error;
pub(crate) use events::{ObjectEvent, Observers};
pub(crate) use request::{is_meant, needed};
pub(crate) use service::{denied, has};
use store::Store;
use xml::Document;

use crate::forward::Element;
use crate::worker::Worker;

/// The number of a content in the database.
type ContentId = i64;

/// A bucket that is there from the beginning, and tells EventBridge of its objects.
#[derive(Clone)]
pub(crate) struct InitialBucket {
    pub(crate) name: &'static str,
    /// Whose pages may read and write its objects, with an address that is signed.
    pub(crate) origins: Vec<String>,
}

impl InitialBucket {
    fn create(&self, store: &mut Store, now: i64) -> Result<(), S3Error> {
        store.create_bucket(self.name, now)?;
        let mut notification = Document::new("NotificationConfiguration");
        notification.begin("EventBridgeConfiguration");
        store.configure(self.name, "notification", Some(&notification.finish()))?;
        let mut cors = Document::new("CORSConfiguration");
        cors.begin("CORSRule").leaf("AllowedMethod", "GET").leaf("AllowedMethod", "PUT");
        for origin in &self.origins {
            cors.leaf("AllowedOrigin", origin);
        }
        cors.leaf("AllowedHeader", "content-type").leaf("MaxAgeSeconds", "3000");
        store.configure(self.name, "cors", Some(&cors.finish()))
    }
}

/// S3.
pub(crate) struct S3 {
    /// Without it everything is in memory.
    file: Option<PathBuf>,
    clock: Clock,
    initial: Option<InitialBucket>,
    worker: OnceCell<Arc<Worker<Store>>>,
    /// Who is notified of objects that were created or removed.
    pub(crate) observers: Observers,
}

impl S3 {
    /// S3 in this file, or in memory. Nothing is opened yet; `initial` is created as soon as it is.
    pub(crate) fn new(file: Option<PathBuf>, clock: Clock, initial: Option<InitialBucket>) -> S3 {
        let observers = Observers::default();
        observers.add(|ObjectEvent { name, bucket, key, size, etag, time }| {
            tracing::debug!(name, bucket, key, size, etag, time, "an object changed");
            None
        });
        S3 { file, clock, initial, worker: OnceCell::new(), observers }
    }

    /// The thread of the database, which the first call starts.
    async fn worker(&self) -> Result<&Arc<Worker<Store>>, S3Error> {
        let opened = self.worker.get_or_try_init(|| async {
            let (file, initial, now) = (self.file.clone(), self.initial.clone(), self.now());
            let open = move || {
                let mut store = match &file {
                    Some(file) => {
                        // One that was there was looked over at the start.
                        if !file.exists() {
                            crate::trouble::look_over(file, &[])
                                .map_err(|error| S3Error::unavailable(error.to_string()))?;
                        }
                        Store::open(Connection::open(file)?, false)?
                    }
                    None => Store::open(Connection::open_in_memory()?, true)?,
                };
                if let Some(bucket) = initial {
                    bucket.create(&mut store, now)?;
                }
                let started = Worker::start("s3", store);
                Ok(Arc::new(started.map_err(|error| S3Error::unavailable(error.to_string()))?))
            };
            // Opening reads the disk.
            tokio::task::spawn_blocking(open)
                .await
                .map_err(|error| S3Error::unavailable(error.to_string()))?
        });
        opened.await
    }

    /// Does `work` on the database.
    async fn on_store<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<R, S3Error> + Send + 'static,
    ) -> Result<R, S3Error> {
        let worker = self.worker().await?;
        worker.call(work).await.map_err(|error| S3Error::unavailable(error.to_string()))?
    }

    /// Whether a bucket sends its events to EventBridge.
    pub(crate) async fn sends_events(&self, bucket: &str) -> Result<bool, S3Error> {
        let bucket = bucket.to_owned();
        let document = self.on_store(move |store| store.configuration(&bucket, "notification")).await?;
        let root = document.as_deref().and_then(Element::parse);
        Ok(root.is_some_and(|root| root.child("EventBridgeConfiguration").is_some()))
    }

    /// Ends the thread of the database, if it was started.
    pub(crate) async fn stop(&self) {
        if let Some(worker) = self.worker.get() {
            worker.stop().await;
        }
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }
}
