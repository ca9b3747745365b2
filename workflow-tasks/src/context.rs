//! What every task is lent: the clients, the configuration, the clock.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use lottery::signature::OrganiserKey;
use lottery_store::{Store, Tables};

use crate::authorities::Authorities;
use crate::objects::ListObjects;
use crate::relays::Relays;
use crate::webhooks::Webhooks;
use crate::{Clock, Config, Function, Metrics, OrganiserSecret, Services, SystemClock, TaskError};

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
    /// The other services.
    pub services: Services,
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
    /// The context of `function` on AWS, or wherever `AWS_ENDPOINT_URL` points. Its calls name it as their application.
    pub async fn from_config(function: Function, config: Config) -> Self {
        let sdk = platform::sdk_config(function.name(), timeouts()).await;
        let tables =
            Tables { lottery: config.lottery_table.clone(), contacts: config.contacts_table.clone() };
        Self {
            store: Store::new(aws_sdk_dynamodb::Client::new(&sdk), tables),
            services: Services::new(sdk),
            organiser_key: None,
            metrics: Metrics::new(config.metrics_namespace.clone()),
            config,
            clock: Arc::new(SystemClock),
        }
    }

    /// The same with the organiser's key, which is read here and now, if the configuration names one.
    ///
    /// # Errors
    ///
    /// If the key cannot be read.
    pub async fn with_organiser_key(self) -> anyhow::Result<Self> {
        let organiser_key = match &self.config.organiser_secret {
            None => None,
            Some(secret) => Some(organiser_key(secret, self.services.sdk()).await?),
        };
        Ok(Self { organiser_key, ..self })
    }

    /// Who is asked for the beacon's rounds.
    pub(crate) fn relays(&self) -> Relays {
        Relays::new(self.config.beacon.relays.clone(), self.services.outside())
    }

    /// Who stamps commitments.
    pub(crate) fn authorities(&self) -> Authorities {
        Authorities::new(self.config.authorities.clone(), self.services.outside())
    }

    /// The bucket of uploaded lists.
    pub(crate) fn lists(&self) -> Result<ListObjects<'_>, TaskError> {
        let bucket = self.config.lists_bucket.as_deref().ok_or(TaskError::NotConfigured("LISTS_BUCKET"))?;
        Ok(ListObjects { s3: self.services.s3(), bucket })
    }

    /// What sends to the webhooks of organisers.
    pub(crate) fn webhooks(&self) -> Webhooks<'_> {
        let reach = self.config.webhook_reach;
        Webhooks::new(&self.services, reach, self.config.webhook_queue_url.as_deref())
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
