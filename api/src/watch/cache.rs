//! What was read lately, kept for those who ask for the same: one mechanism for all public reads.
//!
//! However many ask at once for what is not kept, one reads and all get it. What is kept is bounded in bytes, and each
//! value for its own lifetime: a draw under way for a moment, what never changes for as long as there is room. On Lambda
//! every execution environment keeps for itself.

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

/// Answers that are kept, in bytes.
const ANSWERS_BYTES: u64 = 64 * 1024 * 1024;
/// Draws that are kept with their events, in bytes.
const DRAWS_BYTES: u64 = 16 * 1024 * 1024;
/// Odds that are kept, in bytes.
const ODDS_BYTES: u64 = 16 * 1024 * 1024;
/// What a key and the entry around a value weigh, about.
const ENTRY_BYTES: usize = 256;

/// Values of one kind, each with its lifetime.
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
    /// By the wall clock: that of the cache stands still while Lambda has frozen the environment.
    fn is_over(&self) -> bool {
        SystemTime::now().duration_since(self.read_at).map_or(true, |age| age > self.lifetime)
    }
}

/// A value that was read, and for how long it may be taken for current.
pub(crate) struct Read<V> {
    pub(crate) value: V,
    /// Zero: for those who asked meanwhile and for nobody else.
    pub(crate) lifetime: Duration,
    /// The room it takes.
    pub(crate) bytes: usize,
}

/// Each entry has its own lifetime, also where it takes the place of one that has expired.
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

    /// The value of this key: kept, or read by whoever asks first. The reading is boxed, since what reads from AWS is large,
    /// and every layer around it would hold it once more on the stack.
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

/// All that is kept of public reads.
pub(crate) struct Cache {
    answers: Entries<Arc<Answer>>,
    draws: Entries<Arc<WatchedDraw>>,
    odds: Entries<Arc<Odds>>,
    /// For how long a draw under way, or a list, is taken for current.
    freshness: Duration,
    /// Grows with each write of this process; part of every key, so that nothing read before is taken for current.
    writes: AtomicU64,
}

impl Cache {
    pub(crate) fn new(freshness: Duration) -> Self {
        Self {
            answers: Entries::new(ANSWERS_BYTES),
            draws: Entries::new(DRAWS_BYTES),
            odds: Entries::new(ODDS_BYTES),
            freshness,
            writes: AtomicU64::new(0),
        }
    }

    /// This process has written something: what was read before is read anew.
    pub(crate) fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// For how long a list, or a draw under way, is taken for current.
    pub(crate) fn freshness(&self) -> Duration {
        self.freshness
    }

    /// A key for what may change by any write.
    pub(crate) fn key(&self, what: impl std::fmt::Display) -> String {
        format!("{}/{what}", self.writes.load(Ordering::Relaxed))
    }

    /// A draw with its events, read once for all who watch it.
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

    /// An answer of this key, made once for all who ask for it.
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

    /// The odds of a draw by what it committed to, computed once.
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

    /// What may change is read anew for each request where nothing counts as fresh.
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
    async fn a_thousand_who_ask_at_once_read_once() {
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
    async fn what_was_kept_through_a_long_freeze_is_read_anew() {
        let (kept, reads) = (Entries::new(1 << 20), AtomicUsize::new(7));
        let read_at = SystemTime::now() - Duration::from_secs(60);
        let frozen = Entry { value: 3, lifetime: Duration::from_secs(1), read_at, bytes: 1 };
        kept.entries.insert("draw".to_owned(), frozen).await;
        assert_eq!(read(&kept, "draw", &reads, LASTING).await, 7);
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_in_bytes() {
        let (kept, reads) = (Entries::new(100_000), AtomicUsize::new(0));
        for n in 0..1_000 {
            read(&kept, &format!("draw {n}"), &reads, LASTING).await;
        }
        kept.entries.run_pending_tasks().await;
        assert!(kept.entries.weighted_size() <= 100_000, "{}", kept.entries.weighted_size());
    }

    #[tokio::test]
    async fn a_failure_is_told_to_all_who_waited_and_kept_for_nobody() {
        let kept: Entries<u32> = Entries::new(1 << 20);
        let failing = async { Err(ApiError::unavailable("away").retry_after(7)) };
        let error = kept.get("draw".to_owned(), failing.boxed()).await.unwrap_err();
        assert_eq!(error.status(), http::StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(read(&kept, "draw", &AtomicUsize::new(0), LASTING).await, 0);
    }
}
