//! Who is worked for first on the API's port: the organiser, whatever the public asks.
//!
//! An organiser's call never waits for a public one. Public reads share a few permits and queue for them briefly; beyond
//! that they are asked to come again. Followers of a draw, who mostly wait, are only counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::request::Parts;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Issuer;

/// How many public calls wait for their turn.
const MAX_QUEUE: usize = 1_024;

/// How long a public call waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The longest token that is looked at.
const MAX_TOKEN: usize = 8 * 1024;

/// The ways into the API.
pub(crate) struct Admission {
    keys: Issuer,
    reads: Lane,
    /// Joining, and whatever else is sent without a token.
    writes: Lane,
    followers: Arc<Semaphore>,
}

/// A way in for so many at a time.
struct Lane {
    permits: Arc<Semaphore>,
    queued: AtomicUsize,
}

/// What a call is, as far as its turn is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It comes with a token that the stack signed; or it is the health check.
    First,
    /// A public read.
    Read,
    /// A public call of another kind.
    Write,
    /// The events of a draw, whose answer waits for the next of them.
    Follow,
}

/// There are too many before this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

impl Admission {
    /// Of the organisers of this issuer, for a machine with so many cores and a port of so many connections.
    pub(crate) fn new(keys: Issuer, cores: usize, max_connections: usize) -> Admission {
        let permits = (2 * cores).max(2);
        Admission {
            keys,
            reads: Lane::new(permits),
            writes: Lane::new(permits),
            // The rest of the connections is for everybody else.
            followers: Arc::new(Semaphore::new(max_connections * 3 / 4)),
        }
    }

    /// Which kind of call this is.
    pub(crate) fn class(&self, head: &Parts) -> Class {
        let path = head.uri.path();
        if path == "/healthz" || self.is_organisers(head) {
            Class::First
        } else if !head.method.is_safe() {
            Class::Write
        } else if path.ends_with("/events") {
            Class::Follow
        } else {
            Class::Read
        }
    }

    /// Waits for the turn of a call; it lasts until what is returned is dropped.
    pub(crate) async fn admit(&self, class: Class) -> Result<Option<OwnedSemaphorePermit>, Busy> {
        match class {
            Class::First => Ok(None),
            Class::Read => self.reads.enter().await.map(Some),
            Class::Write => self.writes.enter().await.map(Some),
            Class::Follow => self.followers.clone().try_acquire_owned().map(Some).map_err(|_| Busy),
        }
    }

    /// A token that anybody could have written counts for nothing.
    fn is_organisers(&self, head: &Parts) -> bool {
        head.headers
            .get(AUTHORIZATION)
            .filter(|value| value.len() <= MAX_TOKEN)
            .and_then(|value| value.to_str().ok()?.split_once(' '))
            .is_some_and(|(_, token)| self.keys.has_signed(token.trim()))
    }
}

impl Lane {
    fn new(permits: usize) -> Lane {
        Lane { permits: Arc::new(Semaphore::new(permits)), queued: AtomicUsize::new(0) }
    }

    async fn enter(&self) -> Result<OwnedSemaphorePermit, Busy> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _queued = Queued::new(&self.queued)?;
        let permit = tokio::time::timeout(MAX_WAIT, self.permits.clone().acquire_owned()).await;
        // The semaphore is never closed.
        permit.ok().and_then(Result::ok).ok_or(Busy)
    }
}

/// A call in the queue, which it leaves whatever happens.
struct Queued<'a>(&'a AtomicUsize);

impl Queued<'_> {
    fn new(count: &AtomicUsize) -> Result<Queued<'_>, Busy> {
        let queued = Queued(count);
        if count.fetch_add(1, Ordering::Relaxed) >= MAX_QUEUE { Err(Busy) } else { Ok(queued) }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http::Request;
    use jiff::Timestamp;

    use super::*;

    fn admission() -> (Admission, String) {
        let issuer = Issuer::in_memory();
        let token = issuer.sign(&issuer.claims_at(Timestamp::now()));
        (Admission::new(issuer, 1, 100), token)
    }

    fn class(admission: &Admission, method: &str, path: &str, token: Option<&str>) -> Class {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        admission.class(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn only_a_token_of_the_stack_makes_a_call_an_organisers() {
        let (admission, token) = admission();
        assert_eq!(class(&admission, "POST", "/lotteries", Some(&token)), Class::First);
        assert_eq!(class(&admission, "GET", "/lotteries", Some(&token)), Class::First);
        assert_eq!(class(&admission, "GET", "/healthz", None), Class::First);
        let other = Issuer::in_memory();
        let forged = other.sign(&other.claims_at(Timestamp::now()));
        for wrong in ["x", "a.b.c", &forged, &token[..token.len() - 4]] {
            assert_eq!(class(&admission, "GET", "/lotteries", Some(wrong)), Class::Read, "{wrong}");
        }
        assert_eq!(class(&admission, "GET", "/lotteries", None), Class::Read);
        assert_eq!(class(&admission, "GET", "/lotteries/a/draws/b/events", None), Class::Follow);
        assert_eq!(class(&admission, "POST", "/lotteries/a/join", None), Class::Write);
    }

    #[tokio::test]
    async fn public_reads_queue_for_their_places_and_organisers_do_not() {
        let (admission, _) = admission();
        let first = admission.admit(Class::Read).await.unwrap();
        let _second = admission.admit(Class::Read).await.unwrap();
        let mut third = Box::pin(admission.admit(Class::Read));
        assert!((&mut third).now_or_never().is_none(), "both permits are taken");
        assert_eq!(admission.admit(Class::First).now_or_never().unwrap().unwrap().map(drop), None);
        assert!(admission.admit(Class::Write).now_or_never().unwrap().is_ok());
        drop(first);
        assert!(third.await.is_ok());
    }

    #[tokio::test]
    async fn the_queue_has_an_end() {
        let (admission, _) = admission();
        let _places =
            [admission.admit(Class::Read).await.unwrap(), admission.admit(Class::Read).await.unwrap()];
        let mut queue: Vec<_> = (0..MAX_QUEUE).map(|_| Box::pin(admission.admit(Class::Read))).collect();
        for waiting in &mut queue {
            assert!(waiting.now_or_never().is_none());
        }
        assert_eq!(admission.admit(Class::Read).now_or_never().unwrap().err(), Some(Busy));
        queue.pop();
        assert!(admission.admit(Class::Read).now_or_never().is_none());
    }

    #[tokio::test]
    async fn followers_leave_connections_to_everybody_else() {
        let (admission, _) = admission();
        let mut followers = Vec::new();
        while let Ok(follower) = admission.admit(Class::Follow).await {
            followers.push(follower);
        }
        assert_eq!(followers.len(), 75);
    }
}
