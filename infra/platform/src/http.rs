//! TLS, and what is made with it: the configuration of AWS clients, and a connector for other HTTPS requests.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::dns::ResolveDns;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

/// The default would bring a second version of rustls and a cryptography library in C.
const TLS: Provider = Provider::Rustls(CryptoMode::Ring);

/// The configuration of the AWS clients of one program, from the environment; `AWS_ENDPOINT_URL` says which AWS. The
/// clients name `application` in their requests.
///
/// # Panics
///
/// If `application` has other characters than ASCII letters, digits and ``!#$%&'*+-.^_`|~``.
pub async fn sdk_config(application: impl Into<Cow<'static, str>>, timeouts: TimeoutConfig) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(https_client())
        .app_name(AppName::new(application).expect("the names of our programs are letters and hyphens"))
        .timeout_config(timeouts)
        .load()
        .await
}

/// What AWS clients send HTTP and HTTPS requests with.
#[must_use]
pub fn https_client() -> SharedHttpClient {
    Builder::new().tls_provider(TLS).build_https()
}

/// Sends HTTP and HTTPS requests over pooled connections. Without `read_timeout` a response may take any time.
#[must_use]
pub fn https_connector(connect_timeout: Duration, read_timeout: Option<Duration>) -> SharedHttpConnector {
    let mut settings = HttpConnectorSettings::builder().connect_timeout(connect_timeout);
    settings.set_read_timeout(read_timeout);
    let settings = settings.build();
    SharedHttpConnector::new(LazyConnector(LazyLock::new(Box::new(move || {
        let connector = Connector::builder().tls_provider(TLS).connector_settings(settings);
        SharedHttpConnector::new(connector.build())
    }))))
}

/// A connector that is made with its first request: it reads all certificates of the system, and not every program sends one.
struct LazyConnector(LazyLock<SharedHttpConnector, Box<dyn FnOnce() -> SharedHttpConnector + Send>>);

impl HttpConnector for LazyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.0.call(request)
    }
}

impl fmt::Debug for LazyConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LazyConnector").finish_non_exhaustive()
    }
}

/// The same, where `resolver` says which addresses the names of hosts have.
#[must_use]
pub fn https_connector_with_resolver(
    connect_timeout: Duration,
    resolver: impl ResolveDns + Clone + 'static,
) -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(connect_timeout).build();
    let connector = Connector::builder().tls_provider(TLS).connector_settings(settings);
    SharedHttpConnector::new(connector.build_with_resolver(resolver))
}
