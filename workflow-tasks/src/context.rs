//! What every task is lent: the clients, the configuration, the clock.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use lottery::signature::OrganiserKey;
use lottery_store::{Store, Tables};

use crate::{
    Authorities, Clock, Config, Function, ListObjects, Metrics, OrganiserSecret, Relays, SystemClock,
    Webhooks,
};

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
    /// The bucket of uploaded lists, for the functions that import them.
    pub lists: Option<ListObjects>,
    /// Who is asked for the beacon's rounds.
    pub relays: Relays,
    /// Who stamps commitments.
    pub authorities: Authorities,
    /// Sends to the webhooks of organisers, for the function that does.
    pub webhooks: Option<Webhooks>,
    /// Signs commitments and seat changes, where sealing, recording and passing seats on run.
    pub organiser_key: Option<OrganiserKey>,
    /// What the environment says.
    pub config: Config,
    /// What is counted for an operator.
    pub metrics: Metrics,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl TaskContext {
    /// The context of `function` on AWS, or wherever `AWS_ENDPOINT_URL` points, and what further clients are made from. Its calls
    /// name it as their application.
    pub async fn from_config(function: Function, config: Config) -> anyhow::Result<(Self, SdkConfig)> {
        let sdk = platform::sdk_config(function.name(), timeouts()).await;
        let tables =
            Tables { lottery: config.lottery_table.clone(), contacts: config.contacts_table.clone() };
        let organiser_key = match &config.organiser_secret {
            None => None,
            Some(secret) => Some(organiser_key(secret, &sdk).await?),
        };
        let http = platform::https_connector(CONNECT_TIMEOUT, None);
        let metrics = Metrics::new(config.metrics_namespace.clone());
        let cx = Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(&sdk), tables),
            sns: aws_sdk_sns::Client::new(&sdk),
            ses: aws_sdk_sesv2::Client::new(&sdk),
            sfn: aws_sdk_sfn::Client::new(&sdk),
            lists: None,
            relays: Relays::new(config.beacon.relays.clone(), http.clone()),
            authorities: Authorities::new(config.authorities.clone(), http),
            webhooks: None,
            organiser_key,
            metrics,
            config,
            clock: Arc::new(SystemClock),
        };
        Ok((cx, sdk))
    }

    /// The same with the bucket of uploaded lists. Its client is a tenth of a function, so that only those have it which
    /// import lists.
    #[must_use]
    pub fn with_lists(self, sdk: &SdkConfig) -> Self {
        let bucket = self.config.lists_bucket.clone();
        Self { lists: bucket.map(|bucket| ListObjects { s3: aws_sdk_s3::Client::new(sdk), bucket }), ..self }
    }

    /// The same with what sends to webhooks: another HTTP client, and that of the queue of their events.
    #[must_use]
    pub fn with_webhooks(self, sdk: &SdkConfig) -> Self {
        let webhooks = Webhooks::new(self.config.webhook_reach);
        let webhooks = match self.config.webhook_queue_url.clone() {
            None => webhooks,
            Some(url) => webhooks.with_queue(aws_sdk_sqs::Client::new(sdk), url),
        };
        Self { webhooks: Some(webhooks), ..self }
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
