//! The request and the response of `lambda:invoke` as the optimized integration has them.

use crate::data::{Json, Object};
use crate::integration::nested::{http_date, sdk_metadata};

/// The request as the Invoke API takes it: a `Payload` that is a text is JSON text; without one, or with null, the
/// function gets an empty object.
pub(crate) fn request(mut parameters: Json) -> Json {
    let payload = match parameters.get("Payload") {
        None | Some(Json::Null) => Some(Json::empty_object()),
        Some(Json::String(text)) => Json::parse(text).ok(),
        Some(_) => None,
    };
    if let (Some(payload), Some(members)) = (payload, parameters.as_object_mut()) {
        members.insert("Payload", payload);
    }
    parameters
}

/// Wraps the result of the host: what the function returned, and its log if `LogType` requests it.
pub(crate) fn envelope(parameters: &Json, result: Json, request_id: &str, at_millis: i64) -> Json {
    let wants_log = parameters.get("LogType").and_then(Json::as_str) == Some("Tail");
    let (payload, log) = match (wants_log, result.get("Payload")) {
        (true, Some(payload)) => (payload.clone(), result.get("LogResult").and_then(Json::as_str)),
        _ => (result.clone(), None),
    };
    let length = payload.serialized_len().to_string();
    let (date, trace) = (http_date(at_millis), trace_id(request_id, at_millis));
    let mut headers = Vec::with_capacity(9);
    headers.extend(log.map(|log| ("X-Amz-Log-Result", log)));
    headers.extend([
        ("X-Amz-Executed-Version", "$LATEST"),
        ("x-amzn-Remapped-Content-Length", "0"),
        ("Connection", "keep-alive"),
        ("x-amzn-RequestId", request_id),
        ("Content-Length", &length),
        ("Date", &date),
        ("X-Amzn-Trace-Id", &trace),
        ("Content-Type", "application/json"),
    ]);
    let mut envelope = Object::with_capacity(6);
    envelope.insert("ExecutedVersion", Json::string("$LATEST"));
    if let Some(log) = log {
        envelope.insert("LogResult", Json::string(log));
    }
    envelope.insert("Payload", payload.without_verbatim());
    envelope.insert("SdkHttpMetadata", sdk_metadata(&headers));
    envelope.insert("SdkResponseMetadata", Json::object([("RequestId", Json::string(request_id))]));
    envelope.insert("StatusCode", Json::from(200_i64));
    Json::from(envelope)
}

/// A trace of its own for each call, as X-Ray writes them.
fn trace_id(request_id: &str, at_millis: i64) -> String {
    let digits: String = request_id.chars().filter(char::is_ascii_hexdigit).collect();
    let (root, parent) = digits.split_at_checked(24).unwrap_or((&digits, ""));
    format!("Root=1-{:08x}-{root};Parent={parent:0>16};Sampled=0", at_millis / 1000)
}
