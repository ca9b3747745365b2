//! What SQS refuses, with the names and codes of both its protocols.

/// A refusal as the API words it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct SqsError {
    /// The shape of the API's model, such as `QueueDoesNotExist`.
    pub(crate) name: &'static str,
    /// The code of the older query protocol, which SDKs still show.
    pub(crate) code: &'static str,
    /// The status of the HTTP answer.
    pub(crate) status: u16,
    /// The message for people.
    pub(crate) message: String,
}

impl SqsError {
    fn new(name: &'static str, code: &'static str, message: impl Into<String>) -> SqsError {
        SqsError { name, code, status: 400, message: message.into() }
    }

    /// A queue of this name does not exist.
    pub(super) fn no_such_queue() -> SqsError {
        SqsError::new(
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist.",
        )
    }

    /// A queue of this name exists with another value of the attribute.
    pub(super) fn queue_exists(attribute: &str) -> SqsError {
        SqsError::new(
            "QueueNameExists",
            "QueueAlreadyExists",
            format!(
                "A queue already exists with the same name and a different value for attribute {attribute}"
            ),
        )
    }

    /// An attribute of queues or messages that there is not.
    pub(super) fn unknown_attribute(name: &str) -> SqsError {
        SqsError::new("InvalidAttributeName", "InvalidAttributeName", format!("Unknown Attribute {name}."))
    }

    /// The value of an attribute is out of bounds.
    pub(super) fn attribute_value(name: &str) -> SqsError {
        SqsError::new(
            "InvalidAttributeValue",
            "InvalidAttributeValue",
            format!("Invalid value for the parameter {name}."),
        )
    }

    /// The value of a parameter, in words of its own.
    pub(super) fn invalid(message: impl Into<String>) -> SqsError {
        SqsError::new("InvalidParameterValueException", "InvalidParameterValue", message)
    }

    /// The value of a parameter, with the reason in the words that most have.
    pub(super) fn invalid_value(name: &str, value: impl std::fmt::Display, reason: &str) -> SqsError {
        SqsError::invalid(format!("Value {value} for parameter {name} is invalid. Reason: {reason}"))
    }

    /// A required parameter is absent.
    pub(super) fn missing(name: &str) -> SqsError {
        SqsError::new(
            "MissingRequiredParameterException",
            "MissingParameter",
            format!("The request must contain the parameter {name}."),
        )
    }

    /// The text is no receipt handle of this queue.
    pub(super) fn receipt_handle(handle: &str) -> SqsError {
        SqsError::new(
            "ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid",
            format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
        )
    }

    /// The body has characters that XML does not have.
    pub(super) fn contents() -> SqsError {
        SqsError::new(
            "InvalidMessageContents",
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        )
    }

    /// A fault of a whole batch.
    pub(super) fn batch(fault: BatchFault, message: impl Into<String>) -> SqsError {
        let (name, code) = match fault {
            BatchFault::Empty => ("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"),
            BatchFault::TooMany => {
                ("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
            }
            BatchFault::NotDistinct => {
                ("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
            }
            BatchFault::EntryId => ("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId"),
            BatchFault::TooLong => ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong"),
        };
        SqsError::new(name, code, message)
    }

    /// A queue is purged once a minute at most.
    pub(super) fn purge_in_progress(queue: &str) -> SqsError {
        let message = format!("Only one PurgeQueue operation on {queue} is allowed every 60 seconds.");
        SqsError {
            status: 403,
            ..SqsError::new("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", message)
        }
    }

    /// What a message move task was asked of is not there.
    pub(super) fn no_such_resource(message: &str) -> SqsError {
        SqsError {
            status: 404,
            ..SqsError::new("ResourceNotFoundException", "ResourceNotFoundException", message)
        }
    }

    /// An operation that this stand-in does not have, or none at all.
    pub(super) fn unknown_operation(operation: &str) -> SqsError {
        SqsError::new(
            "UnsupportedOperation",
            "AWS.SimpleQueueService.UnsupportedOperation",
            format!("The operation {operation} is not supported by the local SQS"),
        )
    }

    /// The database failed.
    pub(super) fn internal(message: impl Into<String>) -> SqsError {
        SqsError { status: 500, ..SqsError::new("InternalFailure", "InternalFailure", message) }
    }

    /// Whether the API's model has a shape of this name, for which SDKs have a class.
    pub(crate) fn is_modeled(&self) -> bool {
        !matches!(
            self.name,
            "InvalidParameterValueException" | "MissingRequiredParameterException" | "InternalFailure"
        )
    }

    /// Whether the caller is at fault.
    pub(super) fn is_sender_fault(&self) -> bool {
        self.status < 500
    }
}

/// What can be wrong with a batch as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BatchFault {
    Empty,
    TooMany,
    NotDistinct,
    EntryId,
    TooLong,
}

impl From<rusqlite::Error> for SqsError {
    fn from(error: rusqlite::Error) -> SqsError {
        tracing::error!(%error, "the database of the local SQS failed");
        SqsError::internal(error.to_string())
    }
}
