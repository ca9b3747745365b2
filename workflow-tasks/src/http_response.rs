//! One HTTP request to a service outside of AWS, with a maximum size of the response.

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// The body of the response, if its status is a success and it has at most `max_bytes`; otherwise the reason.
pub(crate) async fn body_of(
    http: &SharedHttpConnector,
    request: http::Request<SdkBody>,
    max_bytes: usize,
) -> Result<Vec<u8>, String> {
    let request = HttpRequest::try_from(request).map_err(|error| error.to_string())?;
    let response = http.call(request).await.map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status().as_u16()));
    }
    let mut body = ByteStream::new(response.into_body());
    let mut bytes = Vec::new();
    while let Some(piece) = body.try_next().await.map_err(|error| error.to_string())? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > max_bytes {
            return Err("response too large".to_owned());
        }
    }
    Ok(bytes)
}
