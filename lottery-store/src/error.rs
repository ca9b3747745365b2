//! What can go wrong for every caller alike. What only one call can meet is in that call's answer.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use platform::is_throttling;

type Source = Box<dyn Error + Send + Sync>;

/// Why the store gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB asked to slow down, again and again.
    #[error("the store is throttled")]
    Throttled(#[source] Source),
    /// Other writers were faster, again and again.
    #[error("the store's item is contended")]
    Contended,
    /// DynamoDB could not be reached or failed inside. What was asked may have happened.
    #[error("the store is unavailable")]
    Unavailable(#[source] Source),
    /// DynamoDB refuses what we ask: a missing table or permission, or a mistake of ours.
    #[error("the store refuses the request")]
    Refused(#[source] Source),
    /// An item is not as we write it.
    #[error("the store holds a broken item: {0}")]
    Broken(String),
    /// A cursor that came from outside is none of ours.
    #[error("the cursor is not one that was given out")]
    InvalidCursor,
    /// More than one item can hold.
    #[error("the value is too large to be stored")]
    TooLarge,
}

impl StoreError {
    /// Whether the same call may well succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled(_) | Self::Contended | Self::Unavailable(_))
    }

    /// Sorts the SDK's error by what a caller can do about it.
    pub(crate) fn from_sdk<E, R>(error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        R: Debug + Send + Sync + 'static,
    {
        let code = error.as_service_error().map(|service| service.code().unwrap_or_default());
        match code {
            Some(code) if is_throttling(code) => Self::Throttled(error.into()),
            Some("TransactionConflictException" | "TransactionInProgressException") => Self::Contended,
            Some("InternalServerError" | "ServiceUnavailable" | "") | None => Self::Unavailable(error.into()),
            Some(_) => Self::Refused(error.into()),
        }
    }
}
