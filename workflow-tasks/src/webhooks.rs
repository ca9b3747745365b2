//! How webhooks are called: addresses of strangers, so that only hosts of the public Internet are called, no redirection is
//! followed, and an answer is neither waited for long nor read far.

use std::net::IpAddr;
use std::time::Duration;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_types::body::SdkBody;
use http::header::{CONTENT_TYPE, USER_AGENT};
use lottery::webhook::{Reach, Webhook, WebhookMessage, WebhookUrl, is_public, refusal_of_bot};
use tracing::warn;

use crate::Services;
use crate::http_response::body_of;

/// How long a receiver may take to connect, and to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of an answer, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// What webhooks are called with, and the queue that their events come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Webhooks<'a> {
    services: &'a Services,
    reach: Reach,
    queue_url: Option<&'a str>,
}

/// Connects to hosts within `reach`.
pub(crate) fn connector(reach: Reach) -> SharedHttpConnector {
    match reach {
        Reach::Public => platform::https_connector_with_resolver(CONNECT_TIMEOUT, PublicHosts),
        Reach::Anywhere => platform::https_connector(CONNECT_TIMEOUT, None),
    }
}

impl<'a> Webhooks<'a> {
    /// Calls webhooks within `reach`, for events from the queue of this address.
    pub(crate) fn new(services: &'a Services, reach: Reach, queue_url: Option<&'a str>) -> Self {
        Self { services, reach, queue_url }
    }

    /// Sends one message; otherwise the reason why it was not taken, for the organiser.
    pub(crate) async fn send(&self, webhook: &Webhook, message: WebhookMessage) -> Result<(), String> {
        // What the settings allowed when the address was stored may not be allowed any more.
        WebhookUrl::parse(webhook.url.as_str(), self.reach)
            .map_err(|_| "the address is not allowed".to_owned())?;
        let request = http::Request::post(message.url)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .header(USER_AGENT, "serverless-lottery")
            .header("lottery-event-id", message.event_id)
            .header("lottery-signature", message.signature)
            .body(SdkBody::from(message.body))
            .map_err(|_| "the address is not allowed".to_owned())?;
        let answer =
            tokio::time::timeout(TIMEOUT, body_of(self.services.webhooks(self.reach), request, MAX_BYTES))
                .await;
        let answer = match answer {
            Err(_) => return Err("no answer in time".to_owned()),
            // The words of the client may name the address, which may hold a key.
            Ok(Err(reason)) if reason.starts_with("status ") => return Err(reason),
            Ok(Err(reason)) if reason == "response too large" => return Err(reason),
            Ok(Err(_)) => return Err("the host cannot be reached".to_owned()),
            Ok(Ok(answer)) => answer,
        };
        refusal_of_bot(webhook.format, &answer).map_or(Ok(()), Err)
    }

    /// Lets a message of the queue come again after so many seconds. Without that it comes when its time-out is over.
    pub(crate) async fn come_again(&self, receipt: &str, seconds: u32) {
        let Some(url) = self.queue_url else { return };
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        let sqs = self.services.sqs();
        let change = sqs.change_message_visibility().queue_url(url).receipt_handle(receipt);
        if let Err(error) = change.visibility_timeout(seconds).send().await {
            warn!(cause = %aws_sdk_sqs::error::DisplayErrorContext(error), "a retry comes at another time");
        }
    }
}

/// Names of hosts lead to public addresses only. The connection is made to the address that was looked at, so that no second
/// answer of a name server comes between.
#[derive(Debug, Clone)]
struct PublicHosts;

impl ResolveDns for PublicHosts {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            let public: Vec<IpAddr> = found.map(|address| address.ip()).filter(|it| is_public(*it)).collect();
            if public.is_empty() {
                return Err(ResolveDnsError::new("the host has no public address"));
            }
            Ok(public)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_into_the_own_network_has_no_address() {
        // As a name of a stranger's that points there; the numbers are an old way to write 127.0.0.1.
        for name in ["localhost", "127.0.0.1", "2130706433", "0x7f.1"] {
            assert!(PublicHosts.resolve_dns(name).await.is_err(), "{name}");
        }
        assert_eq!(PublicHosts.resolve_dns("1.1.1.1").await.unwrap(), ["1.1.1.1".parse::<IpAddr>().unwrap()]);
    }
}
