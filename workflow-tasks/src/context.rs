//! What every task is lent: the clients, the configuration, the clock.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, SdkConfig};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use lottery::signature::OrganiserKey;
use lottery_store::{Store, Tables};

use crate::{Clock, Config, Function, Metrics, OrganiserSecret, Relays, SystemClock};

const TLS: Provider = Provider::Rustls(CryptoMode::Ring);

/// How long a connection, one attempt of a call, and a call with all its repetitions may take: less than the time-out
/// of any function, so that a call that hangs is an error with a name and not the function's end.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(25);

/// The time-outs of every client of the functions.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// The clients and settings of a function, made once and lent to every call.
#[derive(Clone)]
pub struct TaskContext {
    /// The lottery's two tables.
    pub store: Store,
    /// Sends messages.
    pub sns: aws_sdk_sns::Client,
    /// Sends e-mails to addresses that no topic has.
    pub ses: aws_sdk_sesv2::Client,
    /// Describes and starts executions, for the reconciler.
    pub sfn: aws_sdk_sfn::Client,
    /// Who is asked for the beacon's rounds.
    pub relays: Relays,
    /// Signs commitments, where sealing runs.
    pub organiser_key: Option<OrganiserKey>,
    /// What the environment says.
    pub config: Config,
    /// What is counted for an operator.
    pub metrics: Metrics,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl TaskContext {
    /// The context of `function` on AWS, or wherever `AWS_ENDPOINT_URL` points. Its calls name it as their application.
    pub async fn from_config(function: Function, config: Config) -> anyhow::Result<Self> {
        let http = aws_smithy_http_client::Builder::new().tls_provider(TLS).build_https();
        let app_name = AppName::new(function.name()).context("the function's name")?;
        let sdk = aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http);
        let sdk = sdk.timeout_config(timeouts());
        let sdk = sdk.app_name(app_name).load().await;
        let tables =
            Tables { lottery: config.lottery_table.clone(), contacts: config.contacts_table.clone() };
        let organiser_key = match &config.organiser_secret {
            None => None,
            Some(secret) => Some(organiser_key(secret, &sdk).await?),
        };
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let connector = Connector::builder().tls_provider(TLS).connector_settings(settings).build();
        let metrics = Metrics::new(config.metrics_namespace.clone());
        Ok(Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(&sdk), tables),
            sns: aws_sdk_sns::Client::new(&sdk),
            ses: aws_sdk_sesv2::Client::new(&sdk),
            sfn: aws_sdk_sfn::Client::new(&sdk),
            relays: Relays::new(config.beacon.relays.clone(), SharedHttpConnector::new(connector)),
            organiser_key,
            metrics,
            config,
            clock: Arc::new(SystemClock),
        })
    }
}

async fn organiser_key(secret: &OrganiserSecret, sdk: &SdkConfig) -> anyhow::Result<OrganiserKey> {
    let secret = match secret {
        OrganiserSecret::File(path) => {
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?
        }
        OrganiserSecret::Arn(arn) => {
            let client = aws_sdk_secretsmanager::Client::new(sdk);
            let answer = client.get_secret_value().secret_id(arn).send().await;
            let answer = answer.context("cannot read the organiser's secret")?;
            answer.secret_string.context("the organiser's secret holds no text")?.into_bytes()
        }
    };
    Ok(OrganiserKey::from_secret(&secret))
}
