//! Relays of a beacon: whoever hands out its rounds. None is trusted; the chain's key decides.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use lottery::beacon::{BeaconRound, Chain};
use tracing::debug;

/// How long one relay may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Far more than a round needs.
const MOST_BYTES: usize = 64 * 1024;

/// The relays of a beacon, asked in turn.
#[derive(Debug, Clone)]
pub struct Relays {
    urls: Vec<String>,
    http: SharedHttpConnector,
}

impl Relays {
    /// Relays at these addresses, reached through `http`.
    pub fn new(urls: Vec<String>, http: SharedHttpConnector) -> Self {
        Self { urls, http }
    }

    /// That very round of the chain, verified, from the first relay that has it. A relay that is down, late, lies or
    /// answers another round is passed over.
    pub(crate) async fn fetch(&self, chain: &Chain, round: u64) -> Option<BeaconRound> {
        for url in &self.urls {
            match self.ask(url, chain, round).await {
                Ok(answer) => return Some(answer),
                Err(reason) => {
                    debug!(relay = url.as_str(), round, reason, "a relay has no answer that counts")
                }
            }
        }
        None
    }

    async fn ask(&self, url: &str, chain: &Chain, round: u64) -> Result<BeaconRound, String> {
        let address = format!("{url}/{}/public/{round}", chain.hash());
        let answer = tokio::time::timeout(PATIENCE, self.get(address));
        let answer = answer.await.map_err(|_| "no answer in time".to_owned())??;
        let answer = BeaconRound::parse_answer(&answer).map_err(|error| error.to_string())?;
        chain.verify(round, &answer).map_err(|error| error.to_string())?;
        Ok(answer)
    }

    async fn get(&self, address: String) -> Result<Vec<u8>, String> {
        let request =
            http::Request::get(address).body(SdkBody::empty()).map_err(|error| error.to_string())?;
        let request = HttpRequest::try_from(request).map_err(|error| error.to_string())?;
        let response = self.http.call(request).await.map_err(|error| error.to_string())?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status().as_u16()));
        }
        let mut body = ByteStream::new(response.into_body());
        let mut bytes = Vec::new();
        while let Some(piece) = body.try_next().await.map_err(|error| error.to_string())? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MOST_BYTES {
                return Err("an answer far too long".to_owned());
            }
        }
        Ok(bytes)
    }
}
