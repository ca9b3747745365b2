//! The answer of `lambda:invoke` as the optimized integration shows it.

use crate::data::Json;
use crate::integration::sdk_metadata;

/// Wraps what the function returned.
pub(crate) fn envelope(payload: Json, request_id: &str, at_millis: i64) -> Json {
    let length = payload.serialized_len();
    let metadata = sdk_metadata(
        request_id,
        at_millis,
        length,
        "application/json",
        &[("X-Amz-Executed-Version", "$LATEST"), ("x-amzn-Remapped-Content-Length", "0")],
    );
    Json::object([
        ("ExecutedVersion", Json::string("$LATEST")),
        ("Payload", payload),
        ("SdkHttpMetadata", metadata),
        ("SdkResponseMetadata", Json::object([("RequestId", Json::string(request_id))])),
        ("StatusCode", Json::from(200_i64)),
    ])
}
