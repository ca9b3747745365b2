//! The cache of all public reads.
//!
//! Concurrent requests for a value that is not cached share one read. The cache is bounded in bytes, and each value has its own
//! lifetime: short for a draw under way; what never changes stays as long as there is room. On Lambda every execution
//! environment has a cache of its own.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use lottery::odds::Odds;
use lottery::{DrawId, LotteryId};
use moka::Expiry;

use super::draw::WatchedDraw;
use crate::answer::Answer;
use crate::cache_control::LASTING;
use crate::error::ApiError;

/// Bytes of cached responses.
const MAX_ANSWERS_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of cached draws with their events.
const MAX_DRAWS_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of cached odds.
const MAX_ODDS_BYTES: u64 = 16 * 1024 * 1024;
/// The approximate weight of a key and of the entry around a value, in bytes.
const ENTRY_BYTES: usize = 256;

/// Cached values of one kind, each with its lifetime.
pub(crate) struct Entries<V> {
    entries: moka::future::Cache<String, Entry<V>>,
}

#[derive(Clone)]
struct Entry<V> {
    value: V,
    lifetime: Duration,
    read_at: SystemTime,
    bytes: usize,
}

impl<V> Entry<V> {
    /// Measured by the wall clock: the monotonic clock of the cache does not advance while Lambda has frozen the environment.
    fn is_over(&self) -> bool {
        SystemTime::now().duration_since(self.read_at).map_or(true, |age| age > self.lifetime)
    }
}

/// A value that was read, and for how long it counts as current.
pub(crate) struct Read<V> {
    pub(crate) value: V,
    /// Zero: only for the requests that waited for this read.
    pub(crate) lifetime: Duration,
    /// Its size in the cache.
    pub(crate) bytes: usize,
}

/// Each entry has its own lifetime, also where it replaces an expired one.
struct Lifetime;

impl<V> Expiry<String, Entry<V>> for Lifetime {
    fn expire_after_create(&self, _: &String, entry: &Entry<V>, _: Instant) -> Option<Duration> {
        Some(entry.lifetime)
    }

    fn expire_after_update(
        &self,
        _: &String,
        entry: &Entry<V>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.lifetime)
    }
}

impl<V: Clone + Send + Sync + 'static> Entries<V> {
    fn new(max_bytes: u64) -> Self {
        let weight = |key: &String, entry: &Entry<V>| {
            (key.len() + ENTRY_BYTES + entry.bytes).min(u32::MAX as usize) as u32
        };
        let entries = moka::future::Cache::builder()
            .max_capacity(max_bytes)
            .weigher(weight)
            .expire_after(Lifetime)
            .build();
        Self { entries }
    }

    /// The value of this key: cached, or read by the first request for it. The future is boxed: those that call AWS are large,
    /// and each layer around one would hold it on the stack once more.
    fn get<'a>(
        &'a self,
        key: String,
        read: BoxFuture<'a, Result<Read<V>, ApiError>>,
    ) -> BoxFuture<'a, Result<V, ApiError>> {
        async move {
            match self.entries.get(&key).await {
                Some(entry) if entry.is_over() => self.entries.invalidate(&key).await,
                Some(entry) => return Ok(entry.value),
                None => {}
            }
            let entry = async {
                let read_at = SystemTime::now();
                let Read { value, lifetime, bytes } = read.await?;
                Ok(Entry { value, lifetime, read_at, bytes })
            };
            let entry = self.entries.try_get_with(key, entry).await;
            entry.map(|entry| entry.value).map_err(|error: Arc<ApiError>| error.shared())
        }
        .boxed()
    }
}

/// The cache of all public reads.
pub(crate) struct Cache {
    answers: Entries<Arc<Answer>>,
    draws: Entries<Arc<WatchedDraw>>,
    odds: Entries<Arc<Odds>>,
    /// For how long a draw under way, or a list, counts as current.
    freshness: Duration,
    /// Incremented by each write of this process; part of every key, so that earlier reads no longer count as current.
    writes: AtomicU64,
}

impl Cache {
    pub(crate) fn new(freshness: Duration) -> Self {
        Self {
            answers: Entries::new(MAX_ANSWERS_BYTES),
            draws: Entries::new(MAX_DRAWS_BYTES),
            odds: Entries::new(MAX_ODDS_BYTES),
            freshness,
            writes: AtomicU64::new(0),
        }
    }

    /// Invalidates earlier reads after a write of this process.
    pub(crate) fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// For how long a list, or a draw under way, counts as current.
    pub(crate) fn freshness(&self) -> Duration {
        self.freshness
    }

    /// A key for a value that any write may change.
    pub(crate) fn key(&self, what: impl std::fmt::Display) -> String {
        format!("{}/{what}", self.writes.load(Ordering::Relaxed))
    }

    /// A draw with its events, read once for all its watchers.
    pub(crate) fn draw<'a>(
        &'a self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        read: impl Future<Output = Result<WatchedDraw, ApiError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Arc<WatchedDraw>, ApiError>> {
        let read = read.map_ok(|watched| {
            let lifetime = watched.lifetime(self.freshness);
            Read { lifetime, bytes: watched.bytes(), value: Arc::new(watched) }
        });
        self.current(&self.draws, self.key(format_args!("{lottery_id}/{draw_id}")), read.boxed())
    }

    /// The response of this key, made once for all requests for it.
    pub(crate) fn answer<'a>(
        &'a self,
        key: String,
        lifetime: Duration,
        make: impl Future<Output = Result<Answer, ApiError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Arc<Answer>, ApiError>> {
        let read =
            make.map_ok(move |answer| Read { lifetime, bytes: answer.bytes(), value: Arc::new(answer) });
        self.current(&self.answers, key, read.boxed())
    }

    /// The odds of a draw by its commitment, computed once.
    pub(crate) fn odds<'a>(
        &'a self,
        commitment: String,
        compute: impl Future<Output = Result<Odds, ApiError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Arc<Odds>, ApiError>> {
        let read = compute.map_ok(|odds| {
            let bytes = odds.classes.iter().map(|class| 96 + 16 * class.prizes.len()).sum();
            Read { lifetime: LASTING, bytes, value: Arc::new(odds) }
        });
        self.odds.get(commitment, read.boxed())
    }

    /// With a freshness of zero each request reads anew.
    fn current<'a, V: Clone + Send + Sync + 'static>(
        &'a self,
        kept: &'a Entries<V>,
        key: String,
        read: BoxFuture<'a, Result<Read<V>, ApiError>>,
    ) -> BoxFuture<'a, Result<V, ApiError>> {
        if self.freshness.is_zero() { read.map_ok(|read| read.value).boxed() } else { kept.get(key, read) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    async fn read(kept: &Entries<u32>, key: &str, reads: &AtomicUsize, lifetime: Duration) -> u32 {
        let read = async {
            tokio::task::yield_now().await;
            let value = reads.fetch_add(1, Ordering::SeqCst) as u32;
            Ok(Read { value, lifetime, bytes: 1_000 })
        };
        kept.get(key.to_owned(), read.boxed()).await.unwrap()
    }

    #[tokio::test]
    async fn a_thousand_concurrent_requests_read_once() {
        let (kept, reads) = (Entries::new(1 << 20), AtomicUsize::new(0));
        let asked = (0..1_000).map(|_| read(&kept, "draw", &reads, LASTING));
        let values = futures_util::future::join_all(asked).await;
        assert!(values.iter().all(|value| *value == 0));
        assert_eq!(reads.load(Ordering::SeqCst), 1);
        assert_eq!(read(&kept, "another", &reads, LASTING).await, 1);
    }

    #[tokio::test]
    async fn a_lifetime_that_is_over_is_read_anew_with_a_lifetime_of_its_own() {
        let (kept, reads) = (Entries::new(1 << 20), AtomicUsize::new(0));
        read(&kept, "draw", &reads, Duration::ZERO).await;
        read(&kept, "draw", &reads, LASTING).await;
        assert_eq!(reads.load(Ordering::SeqCst), 2);
        assert_eq!(read(&kept, "draw", &reads, LASTING).await, 1);
    }

    #[tokio::test]
    async fn an_entry_from_before_a_long_freeze_is_read_anew() {
        let (kept, reads) = (Entries::new(1 << 20), AtomicUsize::new(7));
        let read_at = SystemTime::now() - Duration::from_secs(60);
        let frozen = Entry { value: 3, lifetime: Duration::from_secs(1), read_at, bytes: 1 };
        kept.entries.insert("draw".to_owned(), frozen).await;
        assert_eq!(read(&kept, "draw", &reads, LASTING).await, 7);
    }

    #[tokio::test]
    async fn the_cache_is_bounded_in_bytes() {
        let (kept, reads) = (Entries::new(100_000), AtomicUsize::new(0));
        for n in 0..1_000 {
            read(&kept, &format!("draw {n}"), &reads, LASTING).await;
        }
        kept.entries.run_pending_tasks().await;
        assert!(kept.entries.weighted_size() <= 100_000, "{}", kept.entries.weighted_size());
    }

    #[tokio::test]
    async fn a_failure_is_returned_to_all_waiting_requests_and_not_cached() {
        let kept: Entries<u32> = Entries::new(1 << 20);
        let failing = async { Err(ApiError::unavailable("away").retry_after(7)) };
        let error = kept.get("draw".to_owned(), failing.boxed()).await.unwrap_err();
        assert_eq!(error.status(), http::StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(read(&kept, "draw", &AtomicUsize::new(0), LASTING).await, 0);
    }
}
