//! Time-stamp authorities, which sign that a commitment existed at a time.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_types::body::SdkBody;
use futures_util::future::join_all;
use http::header::CONTENT_TYPE;
use lottery::Commitment;
use lottery::witness::request::{REQUEST_TYPE, parse_reply, request};
use lottery::witness::{Kind, MAX_WITNESSES, Witness};
use tracing::warn;

use crate::http_response::body_of;

/// How long one authority may take to respond; all are asked at once.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum size of a response, in bytes: far more than a time stamp has.
const MAX_BYTES: usize = 64 * 1024;

/// Authorities that speak RFC 3161 over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Authorities {
    urls: Vec<String>,
    http: SharedHttpConnector,
}

impl Authorities {
    /// Authorities at these addresses, reached through `http`. At most [`MAX_WITNESSES`] of them are asked.
    pub(crate) fn new(urls: Vec<String>, http: SharedHttpConnector) -> Self {
        Self { urls, http }
    }

    /// The stamps of the authorities that respond within 5 s and within `timeout`, in the order of their addresses. Only the
    /// form and the imprint of a stamp are checked here; a verifier of the proof checks its signature.
    pub(crate) async fn stamp(&self, commitment: &Commitment, timeout: Duration) -> Vec<Witness> {
        let ask = async |url: &String| {
            let answer = tokio::time::timeout(timeout.min(TIMEOUT), self.ask(url, commitment)).await;
            match answer.unwrap_or_else(|_| Err("no response in time".to_owned())) {
                Ok(witness) => Some(witness),
                Err(reason) => {
                    warn!(authority = url.as_str(), reason, "a time-stamp authority gave no stamp");
                    None
                }
            }
        };
        join_all(self.urls.iter().take(MAX_WITNESSES).map(ask)).await.into_iter().flatten().collect()
    }

    async fn ask(&self, url: &str, commitment: &Commitment) -> Result<Witness, String> {
        let request = http::Request::post(url)
            .header(CONTENT_TYPE, REQUEST_TYPE)
            .body(SdkBody::from(request(commitment)))
            .map_err(|error| error.to_string())?;
        let reply = body_of(&self.http, request, MAX_BYTES).await?;
        let token = parse_reply(&reply, commitment).map_err(|error| format!("its reply {error}"))?;
        Ok(Witness { kind: Kind::Rfc3161, token })
    }
}
