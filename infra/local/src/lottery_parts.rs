//! The lottery's own parts of the stack: its functions and its API, each with clients and settings of its own, and what
//! runs on a timer.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use asl_engine::Clock;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use lottery::signature::OrganiserKey;
use lottery::webhook::Reach;
use lottery_store::{Store, Tables};
use platform::{S3Presigner, Scheduler};
use workflow_tasks::{BeaconConfig, Services, TaskContext};

use crate::authority::Authority;
use crate::aws::{self, Endpoint};
use crate::beacon::Beacon;
use crate::config::EMAIL_SENDER;
use crate::definitions::{LISTS_BUCKET, LOTTERY, TOPIC_PREFIX};
use crate::draw_events;
use crate::functions::FunctionTable;
use crate::limits::{self, Account};
use crate::repeats;
use crate::schedule::Schedule;
use crate::{BeaconChoice, Config, Issuer, Limits, Lottery, StartError};

/// As on AWS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const AWS_TIMEOUT: Duration = Duration::from_secs(6);

/// Every function of the lottery.
pub(crate) fn lottery_functions(
    config: &Config,
    (endpoint, aws_url): (&Arc<Endpoint>, &str),
    task_config: &workflow_tasks::Config,
    organiser_key: &OrganiserKey,
    account: Option<&Arc<Account>>,
) -> FunctionTable {
    let mut table = FunctionTable::with_faults(config.faults.clone());
    for function in workflow_tasks::Function::ALL {
        // Clients of its own, since on AWS a function is a process of its own.
        let sdk = aws::sdk_config(endpoint, function.name());
        let streaming = aws::socket_sdk_config(aws_url, function.name());
        let tables = Tables {
            lottery: task_config.lottery_table.clone(),
            contacts: task_config.contacts_table.clone(),
        };
        let clock = TaskClock { clock: config.clock.clone(), account: account.cloned() };
        let (task_config, organiser_key) = (task_config.clone(), organiser_key.clone());
        let context = move || TaskContext {
            store: Store::new(aws_sdk_dynamodb::Client::new(&sdk), tables.clone()),
            services: Services::new(sdk.clone()).with_s3(streaming.clone()),
            organiser_key: Some(organiser_key.clone()),
            metrics: workflow_tasks::Metrics::new(task_config.metrics_namespace.clone()),
            config: task_config.clone(),
            clock: Arc::new(clock.clone()),
        };
        // Clients take memory, and many a function is never called.
        let run = move || {
            let cx = Arc::new(LazyLock::new(context.clone()));
            move |payload| {
                let cx = cx.clone();
                async move {
                    let result = workflow_tasks::invoke(&cx, function.name(), payload).await;
                    result.map_err(|error| (error.name(), error.to_string()))
                }
            }
        };
        match account {
            None => table.add(function.name(), run()),
            Some(account) => table.add_environments(function.name(), account, run),
        }
    }
    table
}

/// The function on a timer.
pub(crate) fn schedule_of(config: &Config) -> Option<Schedule> {
    let function = workflow_tasks::Function::ReconcileDraws.name();
    (config.lottery == Lottery::Deployed).then_some(Schedule { function, every: config.reconcile_every })
}

/// The stack's own beacon, asked over the stack's own socket; or the public one.
pub(crate) fn beacon_config(choice: BeaconChoice, beacon: &Beacon, aws_url: &str) -> BeaconConfig {
    match choice {
        BeaconChoice::Quicknet => BeaconConfig::quicknet(),
        BeaconChoice::Local => BeaconConfig {
            chain: beacon.chain().clone(),
            margin_seconds: beacon.chain().period.seconds(),
            relays: vec![aws_url.to_owned()],
        },
    }
}

/// The stack's own time-stamp authority, asked over the stack's own socket; or those that were named.
pub(crate) fn authorities(config: &Config, aws_url: &str) -> Vec<String> {
    match config.authorities.as_slice() {
        [] => vec![format!("{aws_url}{}", Authority::PATH)],
        named => named.to_vec(),
    }
}

pub(crate) fn task_config(
    tables: &Tables,
    (api_url, aws_url): (&str, &str),
    beacon: BeaconConfig,
) -> workflow_tasks::Config {
    workflow_tasks::Config {
        lottery_table: tables.lottery.clone(),
        contacts_table: tables.contacts.clone(),
        public_url: api_url.to_owned(),
        sms_max_price: workflow_tasks::Config::SMS_MAX_PRICE.to_owned(),
        beacon,
        authorities: Vec::new(),
        organiser_secret: None,
        email_sender: Some(EMAIL_SENDER.to_owned()),
        state_machine_arn: Some(LOTTERY.arn()),
        channels: lottery::Channel::ALL.to_vec(),
        webhook_queue_url: Some(draw_events::queue_url(aws_url)),
        // The receivers of a local stack are beside it.
        webhook_reach: Reach::Anywhere,
        lists_bucket: Some(LISTS_BUCKET.to_owned()),
        delivery: workflow_tasks::DeliveryConfig::default(),
        metrics_namespace: None,
    }
}

/// The rates of the account, which are configured for its functions as on AWS; without limits, sending is not paced.
pub(crate) fn delivery(config: &Config) -> workflow_tasks::DeliveryConfig {
    let rate = |of: fn(&Limits) -> Option<limits::Rate>| config.limits.as_ref().and_then(of);
    workflow_tasks::DeliveryConfig {
        sms_per_second: rate(|limits| limits.sms_rate).map(|rate| rate.per_second),
        emails_per_second: rate(|limits| limits.ses_rate).map(|rate| rate.per_second),
        ..workflow_tasks::DeliveryConfig::default()
    }
}

/// What makes the state of the API: once, or for each execution environment of a stack with limits.
pub(crate) fn api_states(
    stack: &Config,
    issuer: &Issuer,
    endpoint: &Arc<Endpoint>,
    tables: Tables,
    organiser_key: &OrganiserKey,
    (api_url, aws_url): (&str, &str),
) -> Result<impl Fn() -> api::AppState + Send + Sync + 'static, StartError> {
    let mut config = api::Config::new(LOTTERY.arn(), Issuer::NAME, Issuer::AUDIENCE);
    config.has_email_sender = true;
    config.message_url = Some(api_url.to_owned());
    config.webhook_reach = Reach::Anywhere;
    config.topic_prefix = TOPIC_PREFIX.to_owned();
    if stack.limits.is_some() {
        config.import = api::ImportLimits::LAMBDA;
        config.events_wait = Duration::ZERO;
    }
    let verifier = api::Verifier::inline(&issuer.jwks(), &config)
        .map_err(|error| StartError::SetUp { what: "the API".to_owned(), reason: error.to_string() })?;
    let clock = stack.clock.clone();
    let clock = Arc::new(move || clock.now());
    let sdk = aws::sdk_config(endpoint, "api");
    let presigner = S3Presigner::new(&aws::socket_sdk_config(aws_url, "api"))
        .expect("the configuration of the stack's own clients is complete");
    let organiser = api::Organiser::Key(organiser_key.clone().into());
    let webhook_queue = draw_events::queue_url(aws_url);
    let connector = platform::https_connector(CONNECT_TIMEOUT, Some(AWS_TIMEOUT));
    let scheduler = Scheduler::new(&aws::socket_sdk_config(aws_url, "api"), connector, repeats::GROUP)
        .expect("the configuration of the stack's own clients is complete");
    Ok(move || {
        let store = Store::new(aws_sdk_dynamodb::Client::new(&sdk), tables.clone());
        let (sns, sfn) = (aws_sdk_sns::Client::new(&sdk), aws_sdk_sfn::Client::new(&sdk));
        let state = api::AppState::new(config.clone(), store, sns, sfn, verifier.clone(), clock.clone());
        let ses = aws_sdk_sesv2::Client::new(&sdk);
        let state = state.with_organiser(organiser.clone()).with_email(ses, EMAIL_SENDER);
        let state = state.with_webhook_queue(aws_sdk_sqs::Client::new(&sdk), &webhook_queue);
        let state = state.with_schedules(scheduler.clone(), repeats::target());
        state.with_lists(presigner.clone(), LISTS_BUCKET)
    })
}

/// The stack's clock as the tasks see it. They wait in real time, as they do on Lambda; with limits by the stack's clock,
/// so that what waiting costs can be computed without waiting.
#[derive(Clone)]
struct TaskClock {
    clock: Clock,
    account: Option<Arc<Account>>,
}

impl platform::Clock for TaskClock {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        match &self.account {
            None => Box::pin(tokio::time::sleep(duration)),
            Some(account) => Box::pin(account.sleep(duration)),
        }
    }
}
