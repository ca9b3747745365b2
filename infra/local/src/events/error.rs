//! What EventBridge and its Scheduler refuse.

/// A refusal as the API words it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct EventsError {
    /// The shape of the API's model, such as `ResourceNotFoundException`.
    pub(crate) name: &'static str,
    /// The status of the HTTP answer.
    pub(crate) status: u16,
    /// The message for people.
    pub(crate) message: String,
}

impl EventsError {
    pub(super) fn new(status: u16, name: &'static str, message: impl Into<String>) -> EventsError {
        EventsError { name, status, message: message.into() }
    }

    pub(super) fn validation(message: impl Into<String>) -> EventsError {
        EventsError::new(400, "ValidationException", message)
    }

    /// A member that is missing or out of bounds, in the words of all such refusals.
    pub(super) fn constraint(member: &str, value: &str, constraint: &str) -> EventsError {
        EventsError::validation(format!(
            "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {constraint}"
        ))
    }

    pub(super) fn missing(member: &str) -> EventsError {
        EventsError::constraint(&crate::names::camel_case(member), "null", "Member must not be null")
    }

    pub(super) fn not_found(message: impl Into<String>) -> EventsError {
        EventsError::new(400, "ResourceNotFoundException", message)
    }

    pub(super) fn pattern(reason: &str) -> EventsError {
        let message = format!("Event pattern is not valid. Reason: {reason}");
        EventsError::new(400, "InvalidEventPatternException", message)
    }

    pub(super) fn unknown_operation(operation: &str) -> EventsError {
        let message = format!("The operation {operation} is not supported by the local EventBridge");
        EventsError::new(400, "UnknownOperationException", message)
    }

    pub(super) fn internal(message: impl Into<String>) -> EventsError {
        EventsError::new(500, "InternalException", message)
    }
}

impl From<rusqlite::Error> for EventsError {
    fn from(error: rusqlite::Error) -> EventsError {
        tracing::error!(%error, "the database of the local EventBridge failed");
        EventsError::internal(error.to_string())
    }
}
