//! Responses stored by idempotency key, so that a repeated request gets the response of the first one.

use jiff::Timestamp;

use crate::item::{Attributes, NewItem, bytes, json, number, text};
use crate::table::EXPIRES_AT;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How long a request may be in flight before a repeated one takes over, in seconds.
const IN_FLIGHT_SECONDS: i64 = 60;
/// How long a response is stored, in seconds.
const RETENTION_SECONDS: i64 = 24 * 60 * 60;
/// The maximum size of a stored body, in bytes; an item of DynamoDB has at most 400 KiB.
const MAX_BODY_BYTES: usize = 380_000;

/// A response as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// The HTTP status code.
    pub status: u16,
    /// The headers that a repeated request gets too.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The result of [`Store::claim`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The key is new: the caller acts, then calls [`Store::finish`] or [`Store::release`].
    New,
    /// The first request is still in flight.
    InFlight,
    /// The key belongs to a request with another body.
    Mismatch,
    /// The response of the first request.
    Done(StoredResponse),
}

impl Store {
    /// Marks the key as in flight, unless it is taken. `scope` is the caller and the route.
    pub async fn claim(
        &self,
        scope: &str,
        key: &str,
        body_hash: &str,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let now = now.as_second();
        let mark = NewItem::at(keys::idempotency(scope, key))
            .with("body_hash", text(body_hash))
            .with("in_flight_until", number(now + IN_FLIGHT_SECONDS))
            .with(EXPIRES_AT, number(now + RETENTION_SECONDS));
        // DynamoDB deletes expired items only after some time, so they may still exist.
        let claim = Write::put(mark)
            .only_if(format!(
                "attribute_not_exists(pk) OR {EXPIRES_AT} <= :now \
                 OR (in_flight_until <= :now AND body_hash = :body_hash)"
            ))
            .value(":now", number(now))
            .value(":body_hash", text(body_hash));
        let refusals = match self.write(&claim).await? {
            Outcome::Done => return Ok(Claim::New),
            Outcome::Refused(refusals) => refusals,
        };
        let found = refusals.item(0).map(Attributes).ok_or(StoreError::Contended)?;
        if found.text("body_hash")? != body_hash {
            return Ok(Claim::Mismatch);
        }
        match found.optional_number::<u16>("status_code")? {
            None => Ok(Claim::InFlight),
            Some(status) => Ok(Claim::Done(StoredResponse {
                status,
                headers: found.json("headers")?,
                body: found.bytes("body")?.to_vec(),
            })),
        }
    }

    /// Stores the response for repeated requests.
    pub async fn finish(&self, scope: &str, key: &str, response: &StoredResponse) -> Result<(), StoreError> {
        if response.body.len() > MAX_BODY_BYTES {
            return Err(StoreError::TooLarge);
        }
        let write = Write::update(
            keys::idempotency(scope, key),
            "SET status_code = :status, headers = :headers, body = :body REMOVE in_flight_until",
        )
        .only_if("attribute_exists(pk)")
        .value(":status", number(response.status))
        .value(":headers", json(&response.headers))
        .value(":body", bytes(response.body.clone()));
        self.write(&write).await.map(|_| ())
    }

    /// Removes the mark after a request that had no effect, so that a repeated request may act.
    pub async fn release(&self, scope: &str, key: &str) -> Result<(), StoreError> {
        let write = Write::delete(keys::idempotency(scope, key)).only_if("attribute_not_exists(status_code)");
        self.write(&write).await.map(|_| ())
    }
}
