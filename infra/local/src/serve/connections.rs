//! The open connections of one port: what each is doing and since when, and which is closed when it takes too long or
//! when there are too many.
//!
//! A port never stops taking connections. At its limit the one that has kept it waiting longest is closed for the new
//! one: one that is idle or has not sent the head of a request, or else one whose body has stopped.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::bodies::{Lease, Stop};
use super::limits::Limits;
use crate::lock::locked;

/// A body that has stopped for so long gives way to another connection.
const STALLED: Duration = Duration::from_secs(1);

/// The connections of one port.
pub(crate) struct Connections {
    limits: Limits,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    connections: BTreeMap<u64, Arc<Connection>>,
}

/// One connection, as its task and the port see it.
pub(crate) struct Connection {
    id: u64,
    peer: IpAddr,
    state: Mutex<State>,
    order: watch::Sender<Order>,
}

struct State {
    phase: Phase,
    /// When the phase began.
    since: Instant,
    /// Since when the client has taken nothing of what is to be written.
    blocked_since: Option<Instant>,
    /// The body of the request under way.
    body: Option<Arc<Lease>>,
    /// The answer has been handed over for writing.
    is_answered: bool,
    /// Bytes of the answer that are not written yet.
    answer_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between two requests.
    Idle,
    /// The head of a request is awaited.
    Head,
    /// A request is being read, worked on or answered.
    Request,
}

/// What the port wants of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Continue.
    Serve,
    /// To end once the request under way has been answered.
    Finish,
    /// To end.
    Close,
}

impl Connections {
    pub(crate) fn new(limits: Limits) -> Arc<Connections> {
        Arc::new(Connections { limits, open: Mutex::default() })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        locked(&self.open)
    }

    /// How many there may be.
    pub(super) fn capacity(&self) -> usize {
        self.limits.max_connections
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.open().connections.len()
    }

    /// Takes a new connection, for which another may be closed; `None` if every other is being served.
    pub(super) fn admit(&self, peer: IpAddr, now: Instant) -> Option<Arc<Connection>> {
        let peer = peer.to_canonical();
        let mut open = self.open();
        if open.connections.len() >= self.limits.max_connections {
            let evicted = evict(open.connections.values(), now)?;
            open.connections.remove(&evicted);
        } else if !peer.is_loopback() {
            let of_peer = || open.connections.values().filter(|it| it.peer == peer);
            if of_peer().count() >= self.limits.max_per_address {
                let evicted = evict(of_peer(), now)?;
                open.connections.remove(&evicted);
            }
        }
        let id = open.next;
        open.next += 1;
        let state = State {
            // A client that connects is about to ask.
            phase: Phase::Head,
            since: now,
            blocked_since: None,
            body: None,
            is_answered: false,
            answer_bytes: 0,
        };
        let connection = Arc::new(Connection {
            id,
            peer,
            state: Mutex::new(state),
            order: watch::Sender::new(Order::Serve),
        });
        open.connections.insert(id, connection.clone());
        Some(connection)
    }

    /// Forgets a connection that has ended.
    pub(super) fn ended(&self, connection: &Connection) {
        self.open().connections.remove(&connection.id);
    }

    /// Closes one that may be closed, for want of descriptors.
    pub(super) fn evict_one(&self, now: Instant) {
        let mut open = self.open();
        if let Some(evicted) = evict(open.connections.values(), now) {
            open.connections.remove(&evicted);
        }
    }

    /// Ends what has taken too long by `now`.
    pub(crate) fn sweep(&self, now: Instant) {
        for connection in self.open().connections.values() {
            connection.check(&self.limits, now);
        }
    }

    /// Bytes of answers that clients have not taken yet.
    pub(super) fn answer_bytes(&self) -> usize {
        self.open().connections.values().map(|it| it.state().answer_bytes).sum()
    }

    /// Closes the connections whose client has taken nothing of its answer for so long.
    pub(super) fn close_blocked(&self, longer_than: Duration, now: Instant) {
        for connection in self.open().connections.values() {
            let blocked = connection.state().blocked_since;
            if blocked.is_some_and(|since| now.saturating_duration_since(since) >= longer_than) {
                connection.order(Order::Close);
            }
        }
    }

    /// Lets requests under way be answered, and ends the rest.
    pub(super) fn finish(&self) {
        for connection in self.open().connections.values() {
            let is_asking = connection.state().phase == Phase::Head;
            connection.order(if is_asking { Order::Close } else { Order::Finish });
        }
    }

    /// How many are waiting for the head of a request.
    #[cfg(test)]
    pub(crate) fn awaiting_head(&self) -> usize {
        self.open().connections.values().filter(|it| it.state().phase == Phase::Head).count()
    }

    /// How many have a request under way.
    #[cfg(test)]
    pub(crate) fn in_request(&self) -> usize {
        self.open().connections.values().filter(|it| it.state().phase == Phase::Request).count()
    }
}

/// Closes the connection that can be spared most, and gives its id.
fn evict<'a>(candidates: impl Iterator<Item = &'a Arc<Connection>> + Clone, now: Instant) -> Option<u64> {
    let waiting = candidates
        .clone()
        .filter_map(|it| {
            let state = it.state();
            (state.phase != Phase::Request).then_some((state.since, it))
        })
        .min_by_key(|(since, _)| *since);
    let chosen = waiting.or_else(|| {
        candidates
            .filter_map(|it| Some((it.state().body.as_ref()?.stalled_since()?, it)))
            .filter(|(since, _)| now.saturating_duration_since(*since) >= STALLED)
            .min_by_key(|(since, _)| *since)
    });
    let (_, connection) = chosen?;
    connection.order(Order::Close);
    Some(connection.id)
}

impl Connection {
    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    fn order(&self, order: Order) {
        // Closing is never taken back.
        self.order.send_if_modified(|current| {
            let is_new = *current != order && *current != Order::Close;
            if is_new {
                *current = order;
            }
            is_new
        });
    }

    /// What comes in of the port's wishes.
    pub(super) fn orders(&self) -> watch::Receiver<Order> {
        self.order.subscribe()
    }

    /// The client has sent something.
    pub(super) fn has_read(&self, now: Instant) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            (state.phase, state.since) = (Phase::Head, now);
        }
    }

    /// The client takes nothing at present.
    pub(super) fn is_blocked(&self, now: Instant) {
        self.state().blocked_since.get_or_insert(now);
    }

    /// The client has taken something.
    pub(super) fn has_written(&self) {
        self.state().blocked_since = None;
    }

    /// Everything that there was to write has been written, as far as one knows.
    pub(super) fn is_flushed(&self, now: Instant) {
        let mut state = self.state();
        if state.is_answered && state.blocked_since.is_none() {
            (state.phase, state.since) = (Phase::Idle, now);
            (state.is_answered, state.answer_bytes) = (false, 0);
        }
    }

    /// The head of a request has come.
    pub(super) fn begin_request(&self, body: &Arc<Lease>, now: Instant) {
        let mut state = self.state();
        (state.phase, state.since, state.is_answered) = (Phase::Request, now, false);
        state.body = Some(body.clone());
    }

    /// The request has been worked on, and its answer has so many bytes.
    pub(super) fn begin_answer(&self, bytes: usize) {
        let mut state = self.state();
        state.body = None;
        state.answer_bytes = bytes;
    }

    /// The last piece of the answer is on its way.
    pub(super) fn end_answer(&self) {
        self.state().is_answered = true;
    }

    fn check(&self, limits: &Limits, now: Instant) {
        let state = self.state();
        let over = |since: Instant, limit: Duration| now.saturating_duration_since(since) >= limit;
        let order = match state.phase {
            Phase::Idle if over(state.since, limits.idle_timeout) => Some(Order::Finish),
            Phase::Head if over(state.since, limits.head_timeout) => Some(Order::Close),
            _ if state.blocked_since.is_some_and(|since| over(since, limits.write_timeout)) => {
                Some(Order::Close)
            }
            _ => None,
        };
        if let Some(body) = &state.body
            && body.is_too_slow(limits.body_timeout, now)
        {
            body.stop(Stop::TimedOut);
        }
        drop(state);
        if let Some(order) = order {
            self.order(order);
        }
    }
}
