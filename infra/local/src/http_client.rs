//! A small HTTP client for loopback: no TLS, no redirects.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use http::{Request, Response};
use platform::Chain;

/// Sends requests, over connections that it keeps.
#[derive(Debug)]
pub(crate) struct HttpClient(Connector);

/// Nobody answered.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoAnswer(pub(crate) String);

impl HttpClient {
    /// A client that waits five seconds for a connection, and for an answer as long as it takes.
    pub(crate) fn new() -> HttpClient {
        let settings = HttpConnectorSettings::builder().connect_timeout(Duration::from_secs(5)).build();
        HttpClient(Connector::builder().connector_settings(settings).build_http())
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<String>) -> Result<Response<Bytes>, NoAnswer> {
        let request = HttpRequest::try_from(request.map(SdkBody::from)).map_err(NoAnswer::from_error)?;
        let response = self.0.call(request).await.map_err(NoAnswer::from_error)?;
        let response = response.try_into_http1x().map_err(NoAnswer::from_error)?;
        let (head, body) = response.into_parts();
        let body = ByteStream::new(body).collect().await.map_err(NoAnswer::from_error)?;
        Ok(Response::from_parts(head, body.into_bytes()))
    }
}

impl NoAnswer {
    /// The error with its sources, of which the innermost says what happened.
    fn from_error(error: impl std::error::Error + 'static) -> NoAnswer {
        NoAnswer(Chain(&error).to_string())
    }
}
