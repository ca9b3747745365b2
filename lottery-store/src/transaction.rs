//! Writes with the repetition that DynamoDB asks for when another writer was in the way.

use std::fmt::Debug;
use std::time::Duration;

use aws_sdk_dynamodb::config::AsyncSleep;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use platform::is_throttling;

use crate::item::Item;
use crate::write::Write;
use crate::{Store, StoreError};

/// The maximum number of writes in one DynamoDB transaction.
pub(crate) const MAX_WRITES: usize = 100;

/// How often a write that others are in the way of is tried; with the waits between, some five seconds.
const ATTEMPTS: u32 = 12;
const FIRST_WAIT: Duration = Duration::from_millis(20);
const MAX_WAIT: Duration = Duration::from_secs(1);

/// What became of writes.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// All of them were made.
    Done,
    /// None was made: some conditions did not hold.
    Refused(Refusals),
}

impl Outcome {
    /// The only write was refused, and this is the item that it found.
    pub(crate) fn refused_alone(item: Option<Item>) -> Self {
        Self::Refused(Refusals(vec![Some(item.unwrap_or_default())]))
    }
}

/// Which conditions did not hold, by the writes' places.
#[derive(Debug)]
pub(crate) struct Refusals(Vec<Option<Item>>);

impl Refusals {
    /// Whether the condition of this write did not hold.
    pub(crate) fn failed(&self, place: usize) -> bool {
        self.0.get(place).is_some_and(Option::is_some)
    }

    /// The item that the write at this place found when its condition did not hold; empty if there was none.
    pub(crate) fn item(&self, place: usize) -> Option<&Item> {
        self.0.get(place)?.as_ref()
    }
}

impl Store {
    /// Makes all the writes or none.
    pub(crate) async fn transact(&self, writes: &[Write]) -> Result<Outcome, StoreError> {
        self.transact_made(|| writes.to_vec()).await
    }

    /// Makes all the writes or none; they are made anew for each attempt, which seldom are two.
    pub(crate) async fn transact_made(&self, make: impl Fn() -> Vec<Write>) -> Result<Outcome, StoreError> {
        let mut attempt = 1;
        loop {
            match self.transact_once(make()).await {
                Ok(outcome) => return Ok(outcome),
                Err(in_the_way) => attempt = self.wait_for_turn(attempt, in_the_way).await?,
            }
        }
    }

    /// Makes all the writes or none, without patience for other writers.
    pub(crate) async fn transact_once(&self, writes: Vec<Write>) -> Result<Outcome, StoreError> {
        let items = writes.into_iter().map(|write| write.into_transact_item(self)).collect();
        let sent = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        transacted(sent)
    }

    /// Makes all the writes or none, without patience for other writers, and asks for no longer than this: after a
    /// time-out they may have been made.
    pub(crate) async fn transact_within(
        &self,
        writes: &[&Write],
        within: Duration,
    ) -> Result<Outcome, StoreError> {
        let items = writes.iter().map(|write| (*write).clone().into_transact_item(self)).collect();
        let timeout = TimeoutConfig::builder().operation_timeout(within).operation_attempt_timeout(within);
        let limited = aws_sdk_dynamodb::config::Builder::new().timeout_config(timeout.build());
        let request = self.client.transact_write_items().set_transact_items(Some(items));
        transacted(request.customize().config_override(limited).send().await)
    }
    /// Makes one write.
    pub(crate) async fn write(&self, write: &Write) -> Result<Outcome, StoreError> {
        let mut attempt = 1;
        loop {
            match self.send(write).await {
                Ok(outcome) => return Ok(outcome),
                Err(in_the_way) => attempt = self.wait_for_turn(attempt, in_the_way).await?,
            }
        }
    }

    /// Waits before the next attempt and gives its number, if another writer was in the way and patience is left.
    ///
    /// Only an answer that says "not done" is asked again here; what may have happened is for the SDK, which
    /// repeats a transaction under its token, and after that for the caller. It is the SDK's clock that waits.
    pub(crate) async fn wait_for_turn(
        &self,
        attempt: u32,
        in_the_way: StoreError,
    ) -> Result<u32, StoreError> {
        let may_repeat = matches!(in_the_way, StoreError::Contended | StoreError::Throttled(_));
        match self.client.config().sleep_impl() {
            Some(clock) if may_repeat && attempt < ATTEMPTS => {
                let longest = FIRST_WAIT.saturating_mul(1 << attempt).min(MAX_WAIT);
                clock.sleep(longest.mul_f64(rand::random::<f64>())).await;
                Ok(attempt + 1)
            }
            _ => Err(in_the_way),
        }
    }
}

/// Sorts the answer to a transaction.
fn transacted<T, R>(sent: Result<T, SdkError<TransactWriteItemsError, R>>) -> Result<Outcome, StoreError>
where
    R: Debug + Send + Sync + 'static,
{
    let error = match sent {
        Ok(_) => return Ok(Outcome::Done),
        Err(error) => error,
    };
    match cancellation_reasons(&error).map(Cancellation::of) {
        Some(Cancellation::Refused(refusals)) => Ok(Outcome::Refused(refusals)),
        Some(Cancellation::Contended) => Err(StoreError::Contended),
        Some(Cancellation::Throttled) => Err(StoreError::Throttled(error.into())),
        Some(Cancellation::Other) => Err(StoreError::Refused(error.into())),
        None => Err(StoreError::from_sdk(error)),
    }
}

fn cancellation_reasons<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            Some(cancelled.cancellation_reasons())
        }
        _ => None,
    }
}

/// Why a transaction was cancelled.
enum Cancellation {
    /// Conditions did not hold: an answer, however busy the other items were.
    Refused(Refusals),
    /// Other transactions were at work on the items, and nothing worse.
    Contended,
    /// DynamoDB asks to slow down.
    Throttled,
    /// Something that repeating does not heal.
    Other,
}

impl Cancellation {
    fn of(reasons: &[CancellationReason]) -> Self {
        let codes = || reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None");
        if codes().any(is_check) {
            let refused = |reason: &CancellationReason| {
                reason.code().is_some_and(is_check).then(|| reason.item().cloned().unwrap_or_default())
            };
            return Self::Refused(Refusals(reasons.iter().map(refused).collect()));
        }
        if !codes().all(|code| code == "TransactionConflict" || is_throttling(code)) {
            return Self::Other;
        }
        if codes().any(is_throttling) { Self::Throttled } else { Self::Contended }
    }
}

fn is_check(code: &str) -> bool {
    code == "ConditionalCheckFailed"
}
