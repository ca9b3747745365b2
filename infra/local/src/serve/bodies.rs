//! The bytes of request bodies that are held in memory: counted over both ports together, and bounded.
//!
//! Nobody is refused for a body that somebody else has left half sent: where the bytes run out, the body that has
//! stopped longest is given up for the one that arrives.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::lock::locked;

/// What all bodies together may hold.
pub(crate) const MAX_HELD_BYTES: usize = 32 * 1024 * 1024;

/// Of that, what only the beginnings of bodies may take, so that small ones have room beside large ones.
const RESERVED_BYTES: usize = 8 * 1024 * 1024;

/// How much of a body is its beginning.
const BEGINNING: usize = 64 * 1024;

/// A body that has stopped for so long gives way to another.
const STALLED: Duration = Duration::from_millis(500);

/// From here on a body must have come at [`MIN_RATE`] on average.
const GRACE_PERIOD: Duration = Duration::from_secs(60);

/// Bytes a second.
const MIN_RATE: u64 = 128;

/// The bodies of both ports.
pub(crate) struct Bodies {
    max_bytes: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    held: usize,
    leases: BTreeMap<u64, Arc<Lease>>,
}

/// What one request holds, until it is answered.
pub(crate) struct Lease {
    id: u64,
    /// The most that is counted for it: where a handler reads a stream, only a part is ever held.
    max_counted: usize,
    state: Mutex<LeaseState>,
    waker: AtomicWaker,
}

struct LeaseState {
    began: Instant,
    /// When the last piece came.
    progress: Instant,
    /// The handler waits for the client.
    is_waiting: bool,
    received: u64,
    held: usize,
    stop: Option<Stop>,
}

/// Why a body is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It stopped arriving, or came too slowly.
    TimedOut,
    /// The bytes that it held were needed, or there are none for it.
    NoRoom,
}

/// A body that ends before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The port gave it up.
    #[error("the request body was given up")]
    Stopped,
    /// The connection broke.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

impl Bodies {
    pub(crate) fn new(max_bytes: usize) -> Arc<Bodies> {
        Arc::new(Bodies { max_bytes, open: Mutex::default() })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        locked(&self.open)
    }

    /// Begins to count a request, of which at most `max_counted` bytes are held at a time.
    pub(super) fn begin(self: &Arc<Self>, max_counted: usize, now: Instant) -> (Arc<Lease>, Held) {
        let mut open = self.open();
        let id = open.next;
        open.next += 1;
        let state =
            LeaseState { began: now, progress: now, is_waiting: false, received: 0, held: 0, stop: None };
        let lease = Arc::new(Lease { id, max_counted, state: Mutex::new(state), waker: AtomicWaker::new() });
        open.leases.insert(id, lease.clone());
        (lease.clone(), Held { bodies: self.clone(), lease })
    }

    /// Bytes held now.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.open().held
    }

    /// Counts a piece that has come.
    fn take(&self, lease: &Lease, bytes: usize, now: Instant) -> Result<(), Stop> {
        let mut open = self.open();
        let counted = {
            let mut state = lease.state();
            if let Some(stop) = state.stop {
                return Err(stop);
            }
            (state.progress, state.is_waiting) = (now, false);
            state.received += bytes as u64;
            bytes.min(lease.max_counted.saturating_sub(state.held))
        };
        let is_beginning = lease.state().held + counted <= BEGINNING;
        let room = if is_beginning {
            self.max_bytes
        } else {
            self.max_bytes - RESERVED_BYTES.min(self.max_bytes / 8)
        };
        while open.held + counted > room {
            let stalled = open
                .leases
                .values()
                .filter(|other| other.id != lease.id && other.state().held > 0)
                .filter_map(|other| Some((other.stalled_since()?, other.clone())))
                .filter(|(since, _)| now.saturating_duration_since(*since) >= STALLED)
                .min_by_key(|(since, _)| *since);
            let Some((_, other)) = stalled else {
                lease.stop(Stop::NoRoom);
                return Err(Stop::NoRoom);
            };
            // Its handler wakes, fails and lets go of the bytes.
            open.held -= std::mem::take(&mut other.state().held);
            other.stop(Stop::NoRoom);
        }
        open.held += counted;
        lease.state().held += counted;
        Ok(())
    }
}

impl Lease {
    fn state(&self) -> MutexGuard<'_, LeaseState> {
        locked(&self.state)
    }

    /// Since when the handler has been waiting for the client; `None` if it does not.
    pub(super) fn stalled_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.is_waiting && state.stop.is_none()).then_some(state.progress)
    }

    pub(super) fn is_too_slow(&self, timeout: Duration, now: Instant) -> bool {
        let state = self.state();
        let age = now.saturating_duration_since(state.began);
        let is_stalled = now.saturating_duration_since(state.progress) >= timeout;
        let is_trickle = age >= GRACE_PERIOD && state.received < age.as_secs() * MIN_RATE;
        state.is_waiting && (is_stalled || is_trickle)
    }

    /// Gives the body up: its reader gets an error.
    pub(super) fn stop(&self, stop: Stop) {
        self.state().stop.get_or_insert(stop);
        self.waker.wake();
    }

    /// Why it was given up, if it was.
    pub(super) fn stopped(&self) -> Option<Stop> {
        self.state().stop
    }

    fn is_waiting(&self, now: Instant) {
        let mut state = self.state();
        if !state.is_waiting {
            // The time that the handler took before does not count.
            (state.is_waiting, state.progress) = (true, now);
        }
    }

    fn is_complete(&self) {
        self.state().is_waiting = false;
    }
}

/// Lets go of a request's bytes when it is dropped.
pub(super) struct Held {
    bodies: Arc<Bodies>,
    lease: Arc<Lease>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut open = self.bodies.open();
        open.held -= std::mem::take(&mut self.lease.state().held);
        open.leases.remove(&self.lease.id);
    }
}

/// A request's body, counted as it is read.
pub(super) struct Counted<B> {
    body: B,
    bodies: Arc<Bodies>,
    lease: Arc<Lease>,
}

impl<B> Counted<B> {
    pub(super) fn new(body: B, bodies: Arc<Bodies>, lease: Arc<Lease>) -> Counted<B> {
        Counted { body, bodies, lease }
    }
}

impl<B> Body for Counted<B>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.lease.waker.register(cx.waker());
        if self.lease.stopped().is_some() {
            return Poll::Ready(Some(Err(BodyError::Stopped)));
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => {
                self.lease.is_waiting(Instant::now());
                Poll::Pending
            }
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                match self.bodies.take(&self.lease, bytes, Instant::now()) {
                    Ok(()) => Poll::Ready(Some(Ok(frame))),
                    Err(_) => Poll::Ready(Some(Err(BodyError::Stopped))),
                }
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                self.lease.is_complete();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[tokio::test]
    async fn a_body_that_has_stopped_gives_way_to_one_that_arrives() {
        let bodies = Bodies::new(1_000_000);
        let start = Instant::now();
        let (stopped, held) = bodies.begin(usize::MAX, start);
        bodies.take(&stopped, 800_000, start).unwrap();
        stopped.is_waiting(start);
        let (other, other_held) = bodies.begin(usize::MAX, start);
        // Not stopped for long enough: the newcomer is the one without room.
        assert_eq!(bodies.take(&other, 300_000, after(start, 499)), Err(Stop::NoRoom));
        drop(other_held);
        let (third, _third_held) = bodies.begin(usize::MAX, start);
        assert_eq!(bodies.take(&third, 300_000, after(start, 500)), Ok(()));
        assert_eq!((stopped.stopped(), bodies.held()), (Some(Stop::NoRoom), 300_000));
        drop(held);
        assert_eq!(bodies.held(), 300_000, "nothing is let go of twice");
    }

    #[tokio::test]
    async fn small_bodies_have_room_beside_large_ones() {
        let bodies = Bodies::new(1_000_000);
        let now = Instant::now();
        let (large, _large_held) = bodies.begin(usize::MAX, now);
        let mut taken = 0;
        while bodies.take(&large, 10_000, now).is_ok() {
            taken += 10_000;
        }
        assert_eq!(taken, 870_000, "an eighth is left to the beginnings of bodies");
        let (small, small_held) = bodies.begin(usize::MAX, now);
        assert_eq!(bodies.take(&small, 60_000, now), Ok(()));
        drop(small_held);
        assert_eq!(bodies.held(), 870_000);
    }

    #[tokio::test]
    async fn of_a_stream_only_a_part_is_counted() {
        let bodies = Bodies::new(1_000_000);
        let now = Instant::now();
        let (stream, _held) = bodies.begin(100_000, now);
        for _ in 0..100 {
            bodies.take(&stream, 100_000, now).unwrap();
        }
        assert_eq!(bodies.held(), 100_000);
    }

    #[tokio::test]
    async fn slow_but_steady_is_not_too_slow() {
        let bodies = Bodies::new(1_000_000);
        let start = Instant::now();
        let (body, _held) = bodies.begin(usize::MAX, start);
        let timeout = Duration::from_secs(15);
        for second in 1..600 {
            let now = start + Duration::from_secs(second);
            bodies.take(&body, 200, now).unwrap();
            body.is_waiting(now);
            assert!(!body.is_too_slow(timeout, now), "{second}");
        }
        let last = start + Duration::from_secs(599);
        assert!(!body.is_too_slow(timeout, last + Duration::from_secs(14)));
        assert!(body.is_too_slow(timeout, last + Duration::from_secs(15)));
        let (trickle, _held) = bodies.begin(usize::MAX, start);
        for second in 1..=60 {
            bodies.take(&trickle, 1, start + Duration::from_secs(second)).unwrap();
        }
        trickle.is_waiting(start + Duration::from_secs(60));
        assert!(trickle.is_too_slow(timeout, start + Duration::from_secs(61)));
    }
}
