//! The errors of every call. Results that only one call can have are in that call's return type.

use std::error::Error;
use std::fmt::Debug;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use platform::is_throttling;

type Source = Box<dyn Error + Send + Sync>;

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB throttled every attempt.
    #[error("the store is throttled")]
    Throttled(#[source] Source),
    /// Other writers changed the item at every attempt.
    #[error("the store's item is contended")]
    Contended,
    /// DynamoDB could not be reached or had an internal error. A write may have been made.
    #[error("the store is unavailable")]
    Unavailable(#[source] Source),
    /// DynamoDB refuses the request: a table or a permission is missing, or the request is wrong.
    #[error("the store refuses the request")]
    Refused(#[source] Source),
    /// An item does not have the form in which this crate writes it.
    #[error("the store holds a broken item: {0}")]
    Broken(String),
    /// A cursor from outside is not one that was returned before.
    #[error("the cursor is not one that was given out")]
    InvalidCursor,
    /// The value exceeds the size of an item.
    #[error("the value is too large to be stored")]
    TooLarge,
}

impl StoreError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Throttled(_) | Self::Contended | Self::Unavailable(_))
    }

    /// Classifies an error of the SDK by what a caller can do about it.
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
