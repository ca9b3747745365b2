//! The Invoke API of Lambda.

use std::sync::Arc;

use asl_engine::data::Json;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::json;
use uuid::Uuid;

use super::{header_value, text};
use crate::functions::{Functions, InvokeError};

/// The function that a path such as `/2015-03-31/functions/NAME/invocations` calls.
pub(crate) fn function_of(path: &str) -> Option<String> {
    let name = path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")?;
    percent_decode_str(name).decode_utf8().ok().map(|name| name.into_owned())
}

/// Calls the function and answers as Lambda does.
pub(crate) async fn answer(
    functions: &Arc<Functions>,
    name: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Bytes> {
    let payload = match std::str::from_utf8(body) {
        Ok("") => Some(Json::empty_object()),
        Ok(text) => Json::parse_verbatim(text).ok(),
        Err(_) => None,
    };
    let Some(payload) = payload else {
        return refusal(400, "InvalidRequestContentException", "Could not parse request body into json");
    };
    match text(headers, "x-amz-invocation-type") {
        Some("Event") => {
            let (functions, name) = (functions.clone(), name.to_owned());
            tokio::spawn(async move {
                if let Err(error) = functions.invoke(&name, payload).await {
                    tracing::warn!(function = name, %error, "an asynchronous invocation failed");
                }
            });
            return respond(202, Bytes::new());
        }
        Some("DryRun") => return respond(204, Bytes::new()),
        _ => {}
    }
    let (result, log) = match text(headers, "x-amz-log-type") {
        Some("Tail") => {
            let (result, log) = functions.invoke_with_log(name, payload).await;
            (result, Some(log))
        }
        _ => (functions.invoke(name, payload).await, None),
    };
    let mut response = match result {
        Ok(result) => respond(200, result.verbatim().into_owned().into()),
        Err(InvokeError::Function { payload }) => {
            let mut response = respond(200, payload.to_string().into());
            response.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
            response
        }
        Err(InvokeError::Service { status, exception, message }) => {
            return refusal(status, &exception, &message);
        }
        Err(InvokeError::Unreachable(message)) => return refusal(502, "ServiceException", &message),
    };
    if let Some(log) = log {
        response.headers_mut().insert("x-amz-log-result", header_value(log));
    }
    response
}

fn respond(status: u16, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-amz-executed-version", HeaderValue::from_static("$LATEST"));
    headers.insert("x-amzn-requestid", header_value(Uuid::new_v4()));
    response
}

fn refusal(status: u16, exception: &str, message: &str) -> Response<Bytes> {
    let who = if status < 500 { "User" } else { "Service" };
    let body = json!({"Type": who, "Message": message, "message": message}).to_string();
    let mut response = respond(status, body.into());
    response.headers_mut().insert("x-amzn-errortype", header_value(exception));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_log_comes_in_a_header_to_whoever_asks_for_its_tail() {
        let mut table = crate::functions::FunctionTable::default();
        table.add("echo", |payload| async { Ok(payload) });
        table.add("fail", |_| async { Err(("LotteryBusy", "held".to_owned())) });
        let functions = Arc::new(Functions::InProcess(table));
        let mut headers = HeaderMap::new();
        let answered = answer(&functions, "echo", &headers, b"{}").await;
        assert!(!answered.headers().contains_key("x-amz-log-result"));
        headers.insert("x-amz-log-type", HeaderValue::from_static("Tail"));
        for function in ["echo", "fail"] {
            let answered = answer(&functions, function, &headers, b"{}").await;
            assert!(answered.headers().contains_key("x-amz-log-result"), "{function}");
        }
    }

    #[test]
    fn a_function_is_named_by_the_path() {
        assert_eq!(function_of("/2015-03-31/functions/send-sms/invocations").as_deref(), Some("send-sms"));
        let arn =
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Ax/invocations";
        assert_eq!(function_of(arn).as_deref(), Some("arn:aws:lambda:us-east-1:123456789012:function:x"));
        assert_eq!(function_of("/2015-03-31/functions/"), None);
    }
}
