//! The exceptions of the API: AWS's names and messages, status 400.

use crate::data::Json;
use crate::model::Refusal;

/// An operation was refused.
#[derive(Debug)]
pub(crate) struct Exception {
    /// AWS's name of the exception.
    pub(crate) name: &'static str,
    pub(crate) message: String,
    pub(crate) status: u16,
}

impl Exception {
    pub(crate) fn new(name: &'static str, message: impl Into<String>) -> Exception {
        Exception { name, message: message.into(), status: 400 }
    }

    /// One fault in the wording of AWS's parameter validation.
    pub(crate) fn validation(message: impl Into<String>) -> Exception {
        Exception::new("ValidationException", message)
    }

    pub(crate) fn invalid_arn(reason: impl std::fmt::Display) -> Exception {
        Exception::new("InvalidArn", format!("Invalid Arn: '{reason}'"))
    }

    pub(crate) fn invalid_token() -> Exception {
        Exception::new("InvalidToken", "Invalid Token: 'Invalid token'")
    }

    /// Something in the engine itself failed.
    pub(crate) fn internal(reason: &str) -> Exception {
        tracing::error!(reason, "the engine failed to serve a request");
        let message = format!("The engine failed: {reason}");
        Exception { name: "InternalServerError", message, status: 500 }
    }

    pub(crate) fn body(&self) -> Json {
        Json::object([("__type", Json::from(self.name)), ("message", Json::from(self.message.as_str()))])
    }
}

impl From<Refusal> for Exception {
    fn from(refusal: Refusal) -> Exception {
        let (name, message) = match &refusal {
            Refusal::StateMachineDoesNotExist(arn) => {
                ("StateMachineDoesNotExist", format!("State Machine Does Not Exist: '{arn}'"))
            }
            Refusal::StateMachineAlreadyExists(arn) => {
                ("StateMachineAlreadyExists", format!("State Machine Already Exists: '{arn}'"))
            }
            Refusal::StateMachineTypeNotSupported(_) => (
                "StateMachineTypeNotSupported",
                "This operation is not supported by this type of state machine".to_owned(),
            ),
            Refusal::InvalidDefinition(findings) => {
                ("InvalidDefinition", format!("Invalid State Machine Definition: '{findings}'"))
            }
            Refusal::ExecutionAlreadyExists(arn) => {
                ("ExecutionAlreadyExists", format!("Execution Already Exists: '{arn}'"))
            }
            Refusal::ExecutionDoesNotExist(arn) => {
                ("ExecutionDoesNotExist", format!("Execution Does Not Exist: '{arn}'"))
            }
            Refusal::ExecutionNotRedrivable(reason) => {
                ("ExecutionNotRedrivable", format!("Execution Not Redrivable: '{reason}'"))
            }
            Refusal::ActivityDoesNotExist(arn) => {
                ("ActivityDoesNotExist", format!("Activity Does Not Exist: '{arn}'"))
            }
            Refusal::InvalidToken => return Exception::invalid_token(),
            Refusal::TaskTimedOut => {
                ("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'".to_owned())
            }
            Refusal::ResourceNotFound(arn) => ("ResourceNotFound", format!("Resource not found: '{arn}'")),
            Refusal::AliasDoesNotExist => {
                ("ResourceNotFound", "Request references a resource that does not exist.".to_owned())
            }
            Refusal::Conflict(sentence) => ("ConflictException", sentence.clone()),
            Refusal::Invalid(sentence) => return Exception::validation(sentence.as_str()),
            Refusal::QuotaExceeded(sentence) => {
                let (name, message) = ("ServiceQuotaExceededException", sentence.clone());
                return Exception { name, message, status: 402 };
            }
            Refusal::Engine(error) => {
                tracing::error!(%error, "the engine failed to serve a request");
                return Exception { name: "InternalServerError", message: error.to_string(), status: 500 };
            }
        };
        Exception::new(name, message)
    }
}
