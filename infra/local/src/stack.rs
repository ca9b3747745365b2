//! Putting everything together, and taking it down again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use asl_engine::service::Service;
use asl_engine::{Engine, Invoker};
use lottery_store::{Store, Tables};
use rusqlite::Connection;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::authority::Authority;
use crate::aws::{self, DynamoDb, Endpoint, Guard};
use crate::beacon::{Beacon, Found, draws_of_other_beacons, named, organiser_key};
use crate::config::{ACCOUNT, REGION};
use crate::data_directory::DataDirectory;
use crate::definitions::{DEFINITIONS, LOTTERY, OPERATOR_TOPIC, describe_error};
use crate::draw_events;
use crate::events::{Events, Targets};
use crate::execution_log::Log;
use crate::functions::{FunctionTable, Functions, LimitedFunctions, RemoteFunctions};
use crate::health::{self, Health};
use crate::invoker::HostInvoker;
use crate::limits::{self, Account, Activity, Gateway};
use crate::lists;
use crate::local_api::{self, LocalApi};
use crate::lottery_parts::{
    api_states, authorities, beacon_config, delivery, lottery_functions, schedule_of, task_config,
};
use crate::s3::S3;
use crate::schedule::{self, Schedule};
use crate::serve;
use crate::smtp::Relay;
use crate::sns::{Settings, Sns};
use crate::sqs::{self, Queues};
use crate::token::Token;
use crate::trouble::look_over;
use crate::worker::Worker;
use crate::{Bill, Config, Issuer, Lottery, Permission, StartError, Storage, Template};

/// A running stack. Dropping it stops it; [`Stack::shutdown`] also waits until it has.
pub struct Stack {
    /// Where the API and the page are, such as `http://127.0.0.1:8080`.
    pub api_url: String,
    /// Where the AWS-compatible endpoint is, such as `http://127.0.0.1:4566`.
    pub aws_url: String,
    /// The organiser's access token, as it was at the start.
    pub token: String,
    /// The organiser's current token: a stack that runs for weeks makes a new one before the last one expires.
    pub tokens: watch::Receiver<String>,
    /// The file that the token has been written to.
    pub token_file: Option<PathBuf>,
    /// Signs access tokens.
    pub issuer: Issuer,
    engine: Engine,
    endpoint: Arc<Endpoint>,
    /// The limits, and what has been used of them.
    account: Option<Arc<Account>>,
    iam: Option<Template>,
    stop: watch::Sender<bool>,
    servers: JoinSet<()>,
    /// Everything on a timer.
    timers: JoinSet<()>,
    is_down: bool,
    _directory: Option<DataDirectory>,
}

/// Receives the alerts about draws that need a person.
const OPERATOR_ADDRESS: &str = "operator@localhost";

/// How long requests under way are waited for when the stack stops. The page's event streams take longer.
const LAST_REQUESTS: Duration = Duration::from_secs(2);

impl Stack {
    /// Starts everything: afterwards the API and the endpoint answer, and executions that had been under way are resumed.
    pub async fn start(config: Config) -> Result<Stack, StartError> {
        if let Some(sentence) = health::clock_fault(&config.clock) {
            return Err(StartError::Clock(sentence));
        }
        let directory = match &config.storage {
            Storage::Directory(path) => Some(DataDirectory::open(path)?),
            Storage::Memory => None,
        };
        let api_listener = serve::listen(config.listen, "--listen").await?;
        let aws_listener = serve::listen(config.aws_listen, "--aws-listen").await?;
        let api_url = url(&api_listener)?;
        let aws_url = url(&aws_listener)?;
        let health = Arc::new(Health::new(config.clock.clone()));
        let [api_front, aws_front] =
            serve::Front::both([&api_listener, &aws_listener], &config.public_hosts, &health).map_err(
                |error| StartError::SetUp { what: "a socket".to_owned(), reason: error.to_string() },
            )?;

        let issuer = match &directory {
            Some(directory) => {
                let path = directory.file("issuer.key");
                if directory.is_used() && !path.exists() {
                    tracing::warn!(path = %path.display(), "the key was missing; tokens of before no longer count");
                }
                Issuer::open(&path)?
            }
            None => Issuer::in_memory(),
        };
        let file = |name| directory.as_ref().map(|directory| directory.file(name));
        let organiser_key = match (&directory, file("organiser.key")) {
            (Some(directory), Some(path)) => organiser_key(Some((&path, directory)))?,
            _ => organiser_key(None)?,
        };
        let dynamodb = Arc::new(open_dynamodb(&config, directory.as_ref(), &health)?);
        let sqs = Arc::new(open_sqs(&config, directory.as_ref(), &health, &aws_url)?);
        let sns = Arc::new(open_sns(&config, directory.as_ref(), &health, &sqs)?);
        let tables = Tables { lottery: "Lottery".to_owned(), contacts: "Contacts".to_owned() };
        let beacon = match &directory {
            Some(directory) => {
                let services = (dynamodb.clone(), sns.clone(), sqs.clone());
                open_beacon(&config, directory, services, tables.clone()).await?
            }
            None => Beacon::in_memory(config.clock.clone())?,
        };
        let authority = match file("time-stamp.key") {
            Some(path) => Authority::open(&path, config.clock.clone())?,
            None => Authority::in_memory(config.clock.clone())?,
        };
        let own = (beacon, authority);
        let beacon_config = beacon_config(config.beacon, &own.0, &aws_url);
        let (account, iam) = (account(&config)?, config.iam.as_ref().map(Template::anew));
        let guard = Guard::new(iam.clone(), account.clone());
        let (log, queues) = (config.call_log.clone(), sqs.clone());
        let endpoint = Endpoint::new(dynamodb.clone(), sns.clone(), queues, own, log);
        let s3 = Arc::new(open_s3(&config, directory.as_ref(), &api_url)?);
        let events = open_events(&config, directory.as_ref())?;
        events.observe(&s3);
        let endpoint = endpoint.with_s3(s3.clone()).with_events(events.clone());
        let endpoint = Arc::new(endpoint.guarded_by(guard.clone()));
        // What CloudFormation creates on AWS.
        let set_up = aws::sdk_config(&endpoint, "set-up");
        if config.lottery == Lottery::Deployed {
            create_tables(Store::new(aws_sdk_dynamodb::Client::new(&set_up), tables.clone())).await?;
            create_operator_topic(&aws_sdk_sns::Client::new(&set_up)).await?;
            draw_events::create_queues(&sqs).await?;
        }

        let functions = match (&config.lambda_endpoint, &account) {
            (Some(url), None) => Functions::Remote(RemoteFunctions::new(url)?),
            (Some(url), Some(account)) => {
                Functions::Limited(LimitedFunctions::remote(RemoteFunctions::new(url)?, account.clone()))
            }
            (None, account) => {
                let mut task_config = task_config(&tables, (&api_url, &aws_url), beacon_config);
                task_config.authorities = authorities(&config, &aws_url);
                task_config.delivery = delivery(&config);
                let mut table = match config.lottery {
                    Lottery::Absent => FunctionTable::with_faults(config.faults.clone()),
                    Lottery::Deployed => lottery_functions(
                        &config,
                        (&endpoint, &aws_url),
                        &task_config,
                        &organiser_key,
                        account.as_ref(),
                    ),
                };
                table.add_handlers(&config.handlers, account.as_ref(), |name| {
                    aws::socket_sdk_config(&aws_url, name)
                });
                match account {
                    None => Functions::InProcess(table),
                    Some(account) => Functions::Limited(LimitedFunctions::in_process(table, account.clone())),
                }
            }
        };
        let functions = Arc::new(functions);
        let services = HostInvoker::new(functions.clone(), sns.clone(), sqs.clone(), dynamodb.clone(), s3)
            .with_events(events.clone());
        let invoker: Arc<dyn Invoker> = Arc::new(
            services
                .clone()
                .recording(config.call_log.clone())
                .guarded_by(guard)
                .forwarding_to(config.endpoints.clone())
                .connecting_by(config.connections.clone()),
        );
        let engine = Engine::start(asl_engine::Config {
            storage: match &directory {
                Some(directory) => asl_engine::Storage::Directory(directory.file("executions")),
                None => asl_engine::Storage::Memory,
            },
            region: REGION.to_owned(),
            account: ACCOUNT.to_owned(),
            clock: config.clock.clone(),
            invoker: invoker.clone(),
            mocks: config.mocks.clone(),
            execution_log: Some(Arc::new(Log::open(config.execution_log.as_deref())?)),
            observer: Some(Arc::new(events.clone())),
            wait_scale: config.wait_time_scale,
        })
        .await?;
        let asked = engine.clone();
        health.also(move || asked.health());
        let step_functions = Service::new(engine.clone());
        endpoint.complete(step_functions.clone(), functions.clone());
        if let Some(iam) = &iam {
            iam.note_lost_logs();
            if let Some(reason) = iam.refusal_of_state_machine() {
                let what = format!("the state machine {}", LOTTERY.name);
                return Err(StartError::SetUp { what, reason });
            }
        }
        for definition in DEFINITIONS.iter().filter(|_| config.lottery == Lottery::Deployed) {
            definition.register(&aws_sdk_sfn::Client::new(&set_up)).await?;
        }

        let targets = Targets {
            sqs: sqs.clone(),
            sns: sns.clone(),
            step_functions: step_functions.clone(),
            functions: functions.clone(),
            invoker,
        };
        events.complete(targets).await.map_err(|error| StartError::SetUp {
            what: "EventBridge".to_owned(),
            reason: error.to_string(),
        })?;

        if let Some(deployment) = &config.deployment {
            deployment.create(&config, &services, &step_functions).await?;
        }

        let token_file = config.token_file.clone().or_else(|| file("organiser.token"));
        let token = Arc::new(Token::new(issuer.clone(), token_file.clone(), config.clock.now())?);
        if let Some(directory) = &directory {
            directory.close_files()?;
        }

        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        let local = LocalApi { sns: sns.clone(), engine: engine.clone() };
        let state = api_states(&config, &issuer, &endpoint, tables, &organiser_key, (&api_url, &aws_url))?;
        let health: Arc<dyn Fn() -> Result<(), String> + Send + Sync> = Arc::new(move || health.report());
        let state = move || state().with_health(health.clone());
        let mut router = api::router_with(state(), local_api::endpoints(&local));
        if let Some(account) = &account {
            let may_invoke = iam.as_ref().is_none_or(|iam| iam.service_may_invoke("api"));
            let routes = template(&config)?.routes();
            let gateway = Gateway { account: account.clone(), host: router, may_invoke, routes };
            router = limits::router(gateway, state);
        }
        servers.spawn(serve::api(api_listener, api_front, router, issuer.clone(), stopped.clone()));
        servers.spawn(serve::aws(aws_listener, aws_front, endpoint.clone(), stopped));
        let mut timers = JoinSet::new();
        let may_run = |one: &Schedule| iam.as_ref().is_none_or(|iam| iam.service_may_invoke(one.function));
        if let Some(schedule) = schedule_of(&config).filter(may_run) {
            timers.spawn(schedule.run(functions.clone(), config.clock.clone()));
        }
        if config.lottery == Lottery::Deployed
            && iam.as_ref().is_none_or(|iam| iam.service_may_invoke("send-webhook"))
        {
            timers.spawn(draw_events::hand_over(sqs.clone(), functions.clone()));
        }
        timers.spawn(schedule::tidy(config.clock.clone(), dynamodb.clone(), token.clone()));
        timers.spawn(schedule::watch(config.clock.clone(), dynamodb, sns, sqs));

        Ok(Stack {
            api_url,
            aws_url,
            token: token.subscribe().borrow().clone(),
            tokens: token.subscribe(),
            token_file,
            issuer,
            engine,
            endpoint,
            account,
            iam,
            stop,
            servers,
            timers,
            is_down: false,
            _directory: directory,
        })
    }

    /// What AWS would have billed so far, in a stack with limits.
    pub async fn bill(&self) -> Option<Bill> {
        let account = self.account.as_ref()?;
        let state_transitions = limits::state_transitions(&self.engine).await;
        Some(Bill { functions: account.functions(), state_transitions })
    }

    /// The calls that the template of [`Config::iam`] does not allow, lost logs among them.
    pub fn denied(&self) -> std::collections::BTreeSet<Permission> {
        self.iam.as_ref().map(Template::denied).unwrap_or_default()
    }

    /// What happens now, in a stack with limits.
    pub(crate) fn activity(&self) -> Option<Activity> {
        self.account.as_ref().map(|account| account.activity())
    }

    /// Stops: takes no more requests, ends those under way, and waits until everything is on disk.
    pub async fn shutdown(mut self) {
        self.timers.shutdown().await;
        self.stop.send_replace(true);
        let ended = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_REQUESTS, ended).await.is_err() {
            tracing::debug!("requests were cut off");
            self.servers.shutdown().await;
        }
        self.endpoint.events.end();
        self.engine.shutdown().await;
        self.is_down = true;
        self.endpoint.events.stop().await;
        self.endpoint.sns.stop().await;
        self.endpoint.s3.stop().await;
        self.endpoint.sqs.stop().await;
        self.endpoint.dynamodb.stop().await;
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if self.is_down {
            return;
        }
        self.stop.send_replace(true);
        self.endpoint.events.end();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let engine = self.engine.clone();
            runtime.spawn(async move { engine.shutdown().await });
        }
    }
}

/// The account of a stack with limits; memory and time-outs are those of the template.
fn account(config: &Config) -> Result<Option<Arc<Account>>, StartError> {
    let Some(limits) = &config.limits else { return Ok(None) };
    Ok(Some(Account::new(limits.clone(), config.clock.clone(), template(config)?.functions())))
}

/// The template that functions, time-outs and routes are looked up in.
fn template(config: &Config) -> Result<Template, StartError> {
    let template = config.iam.clone().map_or_else(Template::embedded, Ok);
    template.map_err(|error| StartError::SetUp { what: "the limits".to_owned(), reason: error.to_string() })
}

fn open_dynamodb(
    config: &Config,
    directory: Option<&DataDirectory>,
    health: &Arc<Health>,
) -> Result<DynamoDb, StartError> {
    let database = match directory {
        Some(directory) => {
            let path = directory.file("dynamodb.sqlite");
            look_over(&path, &[directory.file("sns.sqlite"), directory.evidence()])?;
            DynamoDb::open(&path, health.clone())
        }
        None => DynamoDb::in_memory(health.clone()),
    };
    let database = database.map_err(|reason| StartError::SetUp { what: "DynamoDB".to_owned(), reason })?;
    Ok(database.with_conflict_every(config.conflict_every))
}

/// S3, whose file is looked over if there is one, and opened or made with the first request.
fn open_s3(config: &Config, directory: Option<&DataDirectory>, api_url: &str) -> Result<S3, StartError> {
    let path = directory.map(|directory| directory.file("s3.sqlite"));
    if let Some(path) = path.as_ref().filter(|path| path.exists()) {
        look_over(path, &[])?;
    }
    let bucket = || lists::bucket(serve::page_origins(api_url, &config.public_hosts));
    let initial = (config.lottery == Lottery::Deployed).then(bucket);
    Ok(S3::new(path, config.clock.clone(), initial))
}

/// EventBridge, likewise.
fn open_events(config: &Config, directory: Option<&DataDirectory>) -> Result<Events, StartError> {
    let path = directory.map(|directory| directory.file("events.sqlite"));
    if let Some(path) = path.as_ref().filter(|path| path.exists()) {
        look_over(path, &[])?;
    }
    let initial = match config.lottery {
        Lottery::Deployed => lists::rule().into_iter().chain(draw_events::bus()).collect(),
        Lottery::Absent => Vec::new(),
    };
    Ok(Events::new(path, config.clock.clone(), initial))
}

fn open_sns(
    config: &Config,
    directory: Option<&DataDirectory>,
    health: &Arc<Health>,
    queues: &Arc<Queues>,
) -> Result<Worker<Sns>, StartError> {
    let failed = |reason: String| StartError::SetUp { what: "SNS".to_owned(), reason };
    let path = directory.map(|directory| directory.file("sns.sqlite"));
    let database = match (&path, directory) {
        (Some(path), Some(directory)) => {
            look_over(path, &[directory.evidence()])?;
            Connection::open(path)
        }
        _ => Connection::open_in_memory(),
    };
    let relay = config.smtp_url.as_deref().map(Relay::start).transpose()?;
    let settings = Settings::new(REGION, ACCOUNT, config.clock.clone(), config.confirmation, &config.refuse)
        .with_relay(relay)
        .with_queues(queues.clone())
        .with_file(path, health.clone());
    let sns = database.and_then(|database| Sns::open(database, settings));
    let sns = sns.map_err(|error| failed(error.to_string()))?;
    Worker::start("sns", sns).map_err(|error| failed(error.to_string()))
}

fn open_sqs(
    config: &Config,
    directory: Option<&DataDirectory>,
    health: &Arc<Health>,
    aws_url: &str,
) -> Result<Queues, StartError> {
    let path = directory.map(|directory| directory.file("sqs.sqlite"));
    if let Some(path) = &path {
        // Directories from before there were queues do not have it.
        look_over(path, &[])?;
    }
    let settings = sqs::Settings {
        region: REGION.to_owned(),
        account: ACCOUNT.to_owned(),
        base_url: aws_url.to_owned(),
        clock: config.clock.clone(),
        health: health.clone(),
        path,
    };
    Queues::start(settings).map_err(|reason| StartError::SetUp { what: "SQS".to_owned(), reason })
}

/// The beacon of this directory. It is made anew only if no sealed draw waits for the one that was.
async fn open_beacon(
    config: &Config,
    directory: &DataDirectory,
    (dynamodb, sns, sqs): (Arc<DynamoDb>, Arc<Worker<Sns>>, Arc<Queues>),
    tables: Tables,
) -> Result<Beacon, StartError> {
    let path = directory.file("beacon.key");
    let found = Beacon::read(&path, config.clock.clone())?;
    if directory.is_used() && config.lottery == Lottery::Deployed {
        let own = if let Found::Beacon(beacon) = &found { Some(beacon.chain()) } else { None };
        let placeholder = Beacon::in_memory(config.clock.clone())?;
        let authority = Authority::in_memory(config.clock.clone())?;
        let endpoint = Arc::new(Endpoint::new(dynamodb, sns, sqs, (placeholder, authority), None));
        let store = Store::new(aws_sdk_dynamodb::Client::new(&aws::sdk_config(&endpoint, "set-up")), tables);
        // They are missing in a directory that was used without the lottery.
        create_tables(store.clone()).await?;
        let waiting = draws_of_other_beacons(&store, own).await.map_err(|error| StartError::SetUp {
            what: "the beacon".to_owned(),
            reason: format!("the draws that wait for it cannot be read: {error}"),
        })?;
        let lost = match &found {
            Found::Beacon(_) => "is the key of another beacon",
            Found::Missing => "is missing",
            Found::Damaged => "does not hold a beacon's key",
        };
        if !waiting.is_empty() {
            return Err(StartError::BeaconLost { path, found: lost, draws: named(&waiting) });
        }
    }
    match found {
        Found::Beacon(beacon) => Ok(*beacon),
        Found::Missing => {
            if directory.is_used() {
                tracing::warn!(path = %path.display(), "the beacon's key was missing; no draw waits for it, and a new one was made");
            }
            Beacon::create(&path, config.clock.clone())
        }
        Found::Damaged => Err(StartError::Damaged {
            path,
            reason: "it does not hold a beacon's key; put it back from a backup, or, as no sealed draw waits for it, move it away \
                     to have a new beacon made"
                .to_owned(),
        }),
    }
}

async fn create_tables(store: Store) -> Result<(), StartError> {
    let failed = |reason: String| StartError::SetUp { what: "the tables".to_owned(), reason };
    store.create_missing_tables().await.map_err(|error| failed(error.to_string()))
}

/// The topic that alerts go to, with an address of the inbox subscribed. Both calls find what is there already.
async fn create_operator_topic(sns: &aws_sdk_sns::Client) -> Result<(), StartError> {
    let failed = |reason: String| StartError::SetUp { what: "the operator's topic".to_owned(), reason };
    let topic = sns
        .create_topic()
        .name(OPERATOR_TOPIC)
        .send()
        .await
        .map_err(|error| failed(describe_error(&error)))?;
    sns.subscribe()
        .set_topic_arn(topic.topic_arn)
        .protocol("email")
        .endpoint(OPERATOR_ADDRESS)
        .send()
        .await
        .map_err(|error| failed(describe_error(&error)))?;
    Ok(())
}

fn url(listener: &tokio::net::TcpListener) -> Result<String, StartError> {
    let address = listener
        .local_addr()
        .map_err(|error| StartError::SetUp { what: "a socket".to_owned(), reason: error.to_string() })?;
    Ok(format!("http://{address}"))
}

#[cfg(test)]
mod tests;
