//! What others learn of objects: created, or removed.

use std::sync::{Arc, RwLock};

use futures_util::future::BoxFuture;

/// An object was created or removed. The change is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectEvent {
    /// As S3 names it: `ObjectCreated:Put`, `ObjectCreated:Copy`, `ObjectCreated:CompleteMultipartUpload`,
    /// `ObjectRemoved:Delete`.
    pub(crate) name: &'static str,
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// Of an object that was created.
    pub(crate) size: u64,
    /// Of an object that was created, without quotation marks.
    pub(crate) etag: String,
    /// Milliseconds since 1970.
    pub(crate) time: i64,
}

/// What an observer still does before the request is answered, if anything.
type Noted = Option<BoxFuture<'static, ()>>;

type Observer = Arc<dyn Fn(&ObjectEvent) -> Noted + Send + Sync>;

/// Who is notified of events, in the order in which they were added: after the change is stored, and before its request is answered.
#[derive(Default)]
pub(crate) struct Observers(RwLock<Vec<Observer>>);

impl Observers {
    /// Adds one, which must not block.
    pub(crate) fn add(&self, observer: impl Fn(&ObjectEvent) -> Noted + Send + Sync + 'static) {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner).push(Arc::new(observer));
    }

    pub(super) async fn tell(&self, event: &ObjectEvent) {
        let observers = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        for observer in observers {
            if let Some(noted) = observer(event) {
                noted.await;
            }
        }
    }
}
