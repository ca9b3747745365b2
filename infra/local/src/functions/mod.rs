//! Lambda functions by name: the tasks in this process, or a Lambda Invoke API elsewhere.

mod handlers;
mod limited;
mod log;
mod remote;
mod table;

use std::time::Instant;

use asl_engine::data::Json;
use serde_json::{Value, json};

pub use handlers::Handlers;
pub(crate) use limited::LimitedFunctions;
pub(crate) use remote::RemoteFunctions;
pub(crate) use table::FunctionTable;

/// Who runs functions.
pub(crate) enum Functions {
    /// This process.
    InProcess(FunctionTable),
    /// A Lambda Invoke API, for every function.
    Remote(RemoteFunctions),
    /// Either of these, in an account with limits.
    Limited(LimitedFunctions),
}

/// Why an invocation has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum InvokeError {
    /// The function ran and failed. The payload is what it says of that: `errorType`, `errorMessage`.
    #[error("the function failed: {payload}")]
    Function {
        /// An object as the Lambda runtimes make it.
        payload: Value,
    },
    /// Lambda refused.
    #[error("{exception}: {message}")]
    Service {
        /// The HTTP status of the refusal.
        status: u16,
        /// Such as `ResourceNotFoundException`.
        exception: String,
        /// For people.
        message: String,
    },
    /// Lambda did not answer.
    #[error("{0}")]
    Unreachable(String),
}

impl InvokeError {
    /// The failure of a function in the form of the Lambda runtimes.
    fn function(error_type: &str, message: &str) -> InvokeError {
        InvokeError::Function { payload: json!({"errorType": error_type, "errorMessage": message}) }
    }
}

impl Functions {
    /// Calls a function by name, or by an ARN of any account, with a version or alias or without.
    ///
    /// The function gets the payload's own text, and what it returns keeps the function's, as far as there are any.
    pub(crate) async fn invoke(&self, function: &str, payload: impl Into<Json>) -> Result<Json, InvokeError> {
        let name = checked_name_of(function)?;
        let payload = payload.into();
        match self {
            Functions::InProcess(table) => in_process(table, name, &payload).await,
            Functions::Remote(remote) => remote.invoke(name, &payload).await,
            Functions::Limited(limited) => limited.invoke_with_log(name, payload).await.0,
        }
    }

    /// The same, and the tail of the function's log in base 64. Where nobody keeps one, it has the three lines that
    /// Lambda itself writes.
    pub(crate) async fn invoke_with_log(
        &self,
        function: &str,
        payload: impl Into<Json>,
    ) -> (Result<Json, InvokeError>, String) {
        let began = Instant::now();
        let payload = payload.into();
        let (result, kept) = match (checked_name_of(function), self) {
            (Err(refusal), _) => (Err(refusal), None),
            (Ok(name), Functions::InProcess(table)) => (in_process(table, name, &payload).await, None),
            (Ok(name), Functions::Remote(remote)) => remote.invoke_with_log(name, &payload).await,
            (Ok(name), Functions::Limited(limited)) => {
                let (result, log) = limited.invoke_with_log(name, payload).await;
                (result, Some(log))
            }
        };
        (result, kept.unwrap_or_else(|| log::tail(began.elapsed())))
    }
}

/// Calls a function of this process.
async fn in_process(table: &FunctionTable, name: &str, payload: &Json) -> Result<Json, InvokeError> {
    table.invoke(name, Value::from(payload)).await.map(Json::from)
}

/// The name, if it is one that a function can have: it goes into logs and into the path of a request.
fn checked_name_of(function: &str) -> Result<&str, InvokeError> {
    let name = name_of(function);
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=64).contains(&name.len()) && name.bytes().all(is_usual) {
        return Ok(name);
    }
    Err(InvokeError::Service {
        status: 400,
        exception: "ValidationException".to_owned(),
        message: "1 validation error detected: Value at 'functionName' failed to satisfy constraint: Member must \
                  satisfy regular expression pattern: [a-zA-Z0-9-_]{1,64}, after the ARN and before the version"
            .to_owned(),
    })
}

/// The name in `name`, `name:version`, `account:function:name` or an ARN.
fn name_of(function: &str) -> &str {
    let from_name = function.rsplit_once("function:").map_or(function, |(_, rest)| rest);
    from_name.split(':').next().unwrap_or(from_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_several_names() {
        for name in [
            "send-sms",
            "send-sms:live",
            "123456789012:function:send-sms",
            "arn:aws:lambda:us-east-1:123456789012:function:send-sms",
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:send-sms:$LATEST",
        ] {
            assert_eq!(name_of(name), "send-sms");
        }
    }

    #[test]
    fn a_name_that_no_function_can_have_goes_nowhere() {
        for name in [
            "a\u{1b}[2J",
            "a\nINFO forged",
            "../../2018-06-01/runtime",
            "a b",
            "a?b",
            "a/b",
            "",
            &"a".repeat(65),
        ] {
            let refusal = checked_name_of(name).unwrap_err().to_string();
            assert!(refusal.starts_with("ValidationException: ") && !refusal.contains("forged"), "{refusal}");
        }
        assert_eq!(checked_name_of("send-sms:$LATEST"), Ok("send-sms"));
    }
}
