//! The answer of `lambda:invoke` as the optimized integration shows it.

use crate::data::Json;
use crate::integration::nested::{http_date, sdk_metadata};

/// Wraps what the function returned.
pub(crate) fn envelope(payload: Json, request_id: &str, at_millis: i64) -> Json {
    let length = payload.serialized_len();
    let metadata = sdk_metadata(&[
        ("X-Amz-Executed-Version", "$LATEST"),
        ("x-amzn-Remapped-Content-Length", "0"),
        ("Connection", "keep-alive"),
        ("x-amzn-RequestId", request_id),
        ("Content-Length", &length.to_string()),
        ("Date", &http_date(at_millis)),
        ("X-Amzn-Trace-Id", &trace_id(request_id, at_millis)),
        ("Content-Type", "application/json"),
    ]);
    Json::object([
        ("ExecutedVersion", Json::string("$LATEST")),
        ("Payload", payload),
        ("SdkHttpMetadata", metadata),
        ("SdkResponseMetadata", Json::object([("RequestId", Json::string(request_id))])),
        ("StatusCode", Json::from(200_i64)),
    ])
}

/// A trace of its own for each call, as X-Ray writes them.
fn trace_id(request_id: &str, at_millis: i64) -> String {
    let digits: String = request_id.chars().filter(char::is_ascii_hexdigit).collect();
    let (root, parent) = digits.split_at_checked(24).unwrap_or((&digits, ""));
    format!("Root=1-{:08x}-{root};Parent={parent:0>16};Sampled=0", at_millis / 1000)
}
