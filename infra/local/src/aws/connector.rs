//! The SDK clients' way to the endpoint without a socket.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{AsyncSleep, Credentials, SharedAsyncSleep, SharedCredentialsProvider, Sleep};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use bytes::Bytes;

use super::Endpoint;
use crate::config::REGION;

/// What clients are made from that speak to this endpoint. Calls name `application` as whose they are.
///
/// Nothing is looked up: the default chain's search for a region and credentials takes seconds. The clients hold
/// the endpoint weakly, so that a client does not keep a stopped stack alive.
pub(crate) fn sdk_config(endpoint: &Arc<Endpoint>, application: &'static str) -> SdkConfig {
    config(application, "http://aws.local-stack", InProcess(Arc::downgrade(endpoint)))
}

/// The same for clients that speak over a socket: those of S3 stream their bodies.
pub(crate) fn socket_sdk_config(aws_url: &str, application: &'static str) -> SdkConfig {
    config(application, aws_url, platform::https_client())
}

fn config(application: &'static str, url: &str, http_client: impl HttpClient + 'static) -> SdkConfig {
    SdkConfig::builder()
        .app_name(AppName::new(application).expect("our names are letters and hyphens"))
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            application,
            "local",
            None,
            None,
            "local-stack",
        )))
        .endpoint_url(url)
        .http_client(http_client)
        .retry_config(RetryConfig::standard())
        .sleep_impl(SharedAsyncSleep::new(Waiting))
        .build()
}

/// How the clients wait before they ask again: a config that is made by hand has no way of its own.
#[derive(Debug)]
struct Waiting;

impl AsyncSleep for Waiting {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(duration))
    }
}

#[derive(Clone)]
struct InProcess(Weak<Endpoint>);

impl fmt::Debug for InProcess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InProcess")
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let endpoint = self.0.clone();
        HttpConnectorFuture::new(async move {
            let endpoint =
                endpoint.upgrade().ok_or_else(|| ConnectorError::io("the stack has stopped".into()))?;
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(Box::new(error)))?;
            let (head, body) = request.into_parts();
            // The requests of these services are made of one piece in memory.
            let body = body.bytes().map(Bytes::copy_from_slice).unwrap_or_default();
            let response = endpoint.answer(&head, body).await;
            HttpResponse::try_from(response.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(Box::new(error), None))
        })
    }
}
