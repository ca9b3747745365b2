//! Relays of a beacon: servers that publish its rounds. None is trusted; every round is verified with the key of the chain.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_types::body::SdkBody;
use lottery::beacon::{BeaconRound, Chain};
use tracing::debug;

use crate::http_response::body_of;

/// How long one relay may take to respond.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum size of a response, in bytes: far more than a round needs.
const MAX_BYTES: usize = 64 * 1024;

/// The relays of a beacon, asked in turn.
#[derive(Debug, Clone)]
pub(crate) struct Relays {
    urls: Vec<String>,
    http: SharedHttpConnector,
}

impl Relays {
    /// Relays at these addresses, reached through `http`.
    pub(crate) fn new(urls: Vec<String>, http: SharedHttpConnector) -> Self {
        Self { urls, http }
    }

    /// This round of the chain, verified, from the first relay that has it. A relay that is down, late, or returns an invalid
    /// or another round is skipped.
    pub(crate) async fn fetch(&self, chain: &Chain, round: u64) -> Option<BeaconRound> {
        for url in &self.urls {
            match self.request(url, chain, round).await {
                Ok(round) => return Some(round),
                Err(reason) => {
                    debug!(relay = url.as_str(), round, reason, "relay gave no valid response")
                }
            }
        }
        None
    }

    /// The latest round that a relay of the chain has, verified; `None` if no relay responds within 5 s.
    pub(crate) async fn latest(&self, chain: &Chain) -> Option<u64> {
        let request = async {
            for url in &self.urls {
                let response = self.get(format!("{url}/{}/public/latest", chain.hash())).await;
                let latest = response
                    .and_then(|body| BeaconRound::parse_answer(&body).map_err(|error| error.to_string()));
                if let Ok(latest) = latest
                    && chain.verify(latest.round, &latest).is_ok()
                {
                    return Some(latest.round);
                }
            }
            None
        };
        tokio::time::timeout(TIMEOUT, request).await.ok().flatten()
    }

    async fn request(&self, url: &str, chain: &Chain, round: u64) -> Result<BeaconRound, String> {
        let address = format!("{url}/{}/public/{round}", chain.hash());
        let response = tokio::time::timeout(TIMEOUT, self.get(address));
        let response = response.await.map_err(|_| "no response in time".to_owned())??;
        let fetched = BeaconRound::parse_answer(&response).map_err(|error| error.to_string())?;
        chain.verify(round, &fetched).map_err(|error| error.to_string())?;
        Ok(fetched)
    }

    async fn get(&self, address: String) -> Result<Vec<u8>, String> {
        let request =
            http::Request::get(address).body(SdkBody::empty()).map_err(|error| error.to_string())?;
        body_of(&self.http, request, MAX_BYTES).await
    }
}
