//! Task states that call Lambda functions.

use asl_engine::TaskFailure;
use asl_engine::data::Json;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::functions::{Functions, InvokeError};

/// `lambda:invoke` and plain function ARNs: the payload that the function answers, or payload and log.
pub(super) async fn invoke(functions: &Functions, parameters: &Json) -> Result<Json, TaskFailure> {
    let (name, payload) = request(parameters);
    let answer = if wants_log(parameters) {
        let (result, log) = functions.invoke_with_log(&name, payload).await;
        result.map(|payload| Json::object([("Payload", payload), ("LogResult", Json::from(log))]))
    } else {
        functions.invoke(&name, payload).await
    };
    match answer {
        Ok(answer) => Ok(answer),
        Err(InvokeError::Function { payload }) => Err(function_failure(payload)),
        Err(InvokeError::Unreachable(cause)) => {
            Err(TaskFailure { error: "Lambda.SdkClientException".to_owned(), cause })
        }
        Err(InvokeError::Service { status, exception, message }) => Err(TaskFailure {
            error: format!("Lambda.{exception}"),
            cause: format!(
                "{message} (Service: AWSLambda; Status Code: {status}; Error Code: {exception}; Request ID: {}; Proxy: null)",
                Uuid::new_v4()
            ),
        }),
    }
}

/// `aws-sdk:lambda:invoke`: the answer of the Invoke API, in which a failed function is no failure of the call.
pub(super) async fn invoke_as_sdk(functions: &Functions, parameters: &Json) -> Result<Json, TaskFailure> {
    let (name, payload) = request(parameters);
    let (result, log) = if wants_log(parameters) {
        let (result, log) = functions.invoke_with_log(&name, payload).await;
        (result, Some(log))
    } else {
        (functions.invoke(&name, payload).await, None)
    };
    let answer = |payload: &str, error: Option<&str>| {
        let mut answer = json!({"ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200});
        for (member, text) in [("FunctionError", error), ("LogResult", log.as_deref())] {
            if let Some(text) = text {
                answer[member] = json!(text);
            }
        }
        Ok(Json::from(answer))
    };
    match result {
        Ok(result) => answer(&result.verbatim(), None),
        Err(InvokeError::Function { payload }) => answer(&payload.to_string(), Some("Unhandled")),
        Err(InvokeError::Unreachable(cause)) => {
            Err(TaskFailure { error: "Lambda.SdkClientException".to_owned(), cause })
        }
        Err(InvokeError::Service { status, exception, message }) => Err(TaskFailure {
            error: format!("Lambda.{exception}"),
            cause: format!(
                "{message} (Service: Lambda, Status Code: {status}, Request ID: {})",
                Uuid::new_v4()
            ),
        }),
    }
}

fn wants_log(parameters: &Json) -> bool {
    parameters.get("LogType").and_then(Json::as_str) == Some("Tail")
}

fn request(parameters: &Json) -> (String, Json) {
    let name = parameters.get("FunctionName").and_then(Json::as_str).unwrap_or_default().to_owned();
    let payload = parameters.get("Payload").cloned().unwrap_or_else(Json::empty_object);
    (name, payload)
}

/// What retriers and catchers see of a function that failed.
fn function_failure(payload: Value) -> TaskFailure {
    match payload["errorType"].as_str() {
        Some(error) if !error.is_empty() => {
            TaskFailure { error: error.to_owned(), cause: payload.to_string() }
        }
        _ => TaskFailure {
            error: "Lambda.Unknown".to_owned(),
            cause: format!(
                "The cause could not be determined because Lambda did not return an error type. Returned payload: {payload}"
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_function_gives_its_own_error_name() {
        let failure = function_failure(json!({"errorType": "LotteryBusy", "errorMessage": "held"}));
        assert_eq!(failure.error, "LotteryBusy");
        assert_eq!(failure.cause, r#"{"errorType":"LotteryBusy","errorMessage":"held"}"#);
        assert_eq!(function_failure(json!("oops")).error, "Lambda.Unknown");
    }
}
