//! What SNS refuses, with its error codes.

/// A refusal as the API words it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct SnsError {
    /// The code of the answer, such as `InvalidParameter`.
    pub(crate) code: &'static str,
    /// The status of the HTTP answer.
    pub(crate) status: u16,
    /// The message for people.
    pub(crate) message: String,
}

impl SnsError {
    fn new(code: &'static str, status: u16, message: impl Into<String>) -> SnsError {
        SnsError { code, status, message: message.into() }
    }

    /// `InvalidParameter`: `reason` follows the words `Invalid parameter: `.
    pub(crate) fn invalid_parameter(reason: impl std::fmt::Display) -> SnsError {
        SnsError::new("InvalidParameter", 400, format!("Invalid parameter: {reason}"))
    }

    /// `InvalidParameter` in words that do not begin as most do.
    pub(crate) fn invalid(message: impl Into<String>) -> SnsError {
        SnsError::new("InvalidParameter", 400, message)
    }

    /// `ParameterValueInvalid`: a message attribute.
    pub(crate) fn invalid_value(message: impl Into<String>) -> SnsError {
        SnsError::new("ParameterValueInvalid", 400, message)
    }

    /// `NotFound`: a topic or a subscription.
    pub(crate) fn not_found(what: &str) -> SnsError {
        SnsError::new("NotFound", 404, format!("{what} does not exist"))
    }

    /// `ResourceNotFound`: what tags were asked of.
    pub(crate) fn no_such_resource() -> SnsError {
        SnsError::new("ResourceNotFound", 404, "Resource does not exist")
    }

    /// `EndpointDisabled`: the recipient cannot get the message.
    pub(crate) fn endpoint_disabled() -> SnsError {
        SnsError::new("EndpointDisabled", 400, "Endpoint is disabled")
    }

    /// `FilterPolicyLimitExceeded`
    pub(crate) fn too_many_filter_policies() -> SnsError {
        SnsError::new("FilterPolicyLimitExceeded", 403, "Filter policy limit exceeded")
    }

    /// One of the faults of a whole batch.
    pub(crate) fn batch(code: &'static str, message: &str) -> SnsError {
        SnsError::new(code, 400, message)
    }

    /// `InvalidAction`: an operation of SNS that this stand-in does not have, or none at all.
    pub(crate) fn unknown_action(action: &str) -> SnsError {
        SnsError::new(
            "InvalidAction",
            400,
            format!("The operation {action} is not supported by the local SNS"),
        )
    }

    /// `InternalError`: the database failed.
    pub(crate) fn internal(message: impl Into<String>) -> SnsError {
        SnsError::new("InternalError", 500, message)
    }

    /// The same error in words for the operator.
    pub(super) fn in_words(self, message: String) -> SnsError {
        SnsError { message, ..self }
    }

    /// The name of the exception that SDKs make of the code; `None` for a code outside the service model.
    pub(crate) fn exception(&self) -> Option<&'static str> {
        Some(match self.code {
            "InvalidParameter" => "InvalidParameterException",
            "ParameterValueInvalid" => "InvalidParameterValueException",
            "NotFound" => "NotFoundException",
            "ResourceNotFound" => "ResourceNotFoundException",
            "EndpointDisabled" => "EndpointDisabledException",
            "FilterPolicyLimitExceeded" => "FilterPolicyLimitExceededException",
            "InternalError" => "InternalErrorException",
            "EmptyBatchRequest" => "EmptyBatchRequestException",
            "TooManyEntriesInBatchRequest" => "TooManyEntriesInBatchRequestException",
            "BatchEntryIdsNotDistinct" => "BatchEntryIdsNotDistinctException",
            "InvalidBatchEntryId" => "InvalidBatchEntryIdException",
            "BatchRequestTooLong" => "BatchRequestTooLongException",
            _ => return None,
        })
    }
}

impl From<rusqlite::Error> for SnsError {
    fn from(error: rusqlite::Error) -> SnsError {
        tracing::error!(%error, "the database of the local SNS failed");
        SnsError::internal(error.to_string())
    }
}
