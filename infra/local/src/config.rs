//! What a stack is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use asl_engine::{Clock, Mocks};

use crate::{CallLog, Connections, Deployment, Endpoints, Handlers, Limits, Template};

/// Everything that can be chosen about a stack.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API and the page are served. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the AWS-compatible endpoint is served. Port 0 takes a free one.
    pub aws_listen: SocketAddr,
    /// Where everything is kept.
    pub storage: Storage,
    /// Where the organiser's token is written; without it into the data directory, or nowhere.
    pub token_file: Option<PathBuf>,
    /// Whether the lottery is in the stack.
    pub lottery: Lottery,
    /// Functions of other workflows, which run in this process.
    pub handlers: Handlers,
    /// What a template deploys, which the stack has from its start.
    pub deployment: Option<Deployment>,
    /// The Lambda Invoke API that runs the tasks; without it they run in this process.
    pub lambda_endpoint: Option<String>,
    /// The SMTP server that e-mails are delivered to, beside the inbox; without it they stay there.
    pub smtp_url: Option<String>,
    /// Where calls of AWS are recorded, by functions that name themselves as an SDK application.
    pub call_log: Option<CallLog>,
    /// The quotas of an AWS account, which the stack keeps then; without them it has none.
    pub limits: Option<Limits>,
    /// The template whose roles the functions and the state machine have; without it they may do everything.
    pub iam: Option<Template>,
    /// Phones and e-mail addresses that SNS and SES refuse to deliver to.
    pub refuse: Vec<String>,
    /// Names of this machine that both ports answer for, beside `localhost` and their own addresses.
    pub public_hosts: Vec<String>,
    /// What goes wrong with the tasks, on purpose. Only for tasks that run in this process.
    pub faults: Vec<Fault>,
    /// Every how many-th write of DynamoDB is refused, for another transaction is at work on its item; none if absent.
    pub conflict_every: Option<NonZeroU64>,
    /// How often draws without a running execution are looked for.
    pub reconcile_every: Duration,
    /// What happens when SNS asks an e-mail address for its consent.
    pub confirmation: Confirmation,
    /// The beacon whose rounds decide draws.
    pub beacon: BeaconChoice,
    /// The time-stamp authorities that stamp commitments, by their addresses; the stack's own if there are none.
    pub authorities: Vec<String>,
    /// Where calls of services that are not here are sent; what a service is named for goes there even if it is here.
    pub endpoints: Endpoints,
    /// Who the requests of HTTP Tasks come from.
    pub connections: Connections,
    /// Test cases of state machines, by which executions get answers in place of services.
    pub mocks: Option<Arc<Mocks>>,
    /// The file that logs of executions are written to, beside the terminal.
    pub execution_log: Option<PathBuf>,
    /// By what the time of Wait states is multiplied.
    pub wait_time_scale: Option<f64>,
    /// Where the engine, SNS and the beacon read the time.
    pub clock: Clock,
}

/// The AWS region that the stack plays.
pub(crate) const REGION: &str = "us-east-1";

/// Who sends e-mails through SES here.
pub(crate) const EMAIL_SENDER: &str = "lottery@localhost";

/// The AWS account that the stack plays.
pub(crate) const ACCOUNT: &str = "123456789012";

impl Config {
    /// A stack that keeps everything under `directory`, on the ports that people expect.
    pub fn on_disk(directory: impl Into<PathBuf>) -> Config {
        Config {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            aws_listen: (Ipv4Addr::LOCALHOST, 4566).into(),
            storage: Storage::Directory(directory.into()),
            token_file: None,
            lottery: Lottery::Deployed,
            handlers: Handlers::default(),
            deployment: None,
            lambda_endpoint: None,
            smtp_url: None,
            call_log: None,
            limits: None,
            iam: None,
            refuse: Vec::new(),
            public_hosts: Vec::new(),
            faults: Vec::new(),
            conflict_every: None,
            reconcile_every: Duration::from_secs(60),
            confirmation: Confirmation::ByItself,
            beacon: BeaconChoice::Local,
            authorities: Vec::new(),
            endpoints: Endpoints::default(),
            connections: Connections::default(),
            mocks: None,
            execution_log: None,
            wait_time_scale: None,
            clock: Clock::system(),
        }
    }

    /// A stack for tests: free ports, nothing on disk, and a reconciler that comes at once.
    pub fn in_memory() -> Config {
        Config {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            aws_listen: (Ipv4Addr::LOCALHOST, 0).into(),
            storage: Storage::Memory,
            reconcile_every: Duration::from_secs(1),
            ..Config::on_disk("")
        }
    }
}

/// Where a stack keeps its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Under this directory, which is created if it is not there. One stack at a time.
    Directory(PathBuf),
    /// Nowhere: everything is gone with the process.
    Memory,
}

/// Whether a stack has the lottery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lottery {
    /// Its tables, its topic, its state machine and its functions are there.
    Deployed,
    /// There is none of them: the stack is for another workflow. Its API answers, but can store nothing.
    Absent,
}

/// Which beacon's rounds decide draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeaconChoice {
    /// The stack's own: a round each second, and nobody else can vouch for it.
    Local,
    /// drand quicknet, through its public relays.
    Quicknet,
}

/// What happens when SNS asks an e-mail address for its consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The subscription is confirmed at once.
    ByItself,
    /// It waits for ConfirmSubscription with the token in the message.
    ByToken,
}

/// A task that fails on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The function, such as `record-winners`.
    pub function: String,
    /// Which of its calls fail, counted from 1 since the stack was started.
    pub calls: RangeInclusive<u64>,
    /// The name of the error that the call answers with.
    pub error: String,
    /// Whether the function has done its work by then.
    pub time: FaultTime,
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultTime {
    /// The function is not called at all.
    Before,
    /// The function does its work, and its answer is lost.
    After,
}

impl Fault {
    /// Every call of `function` fails with `error`.
    pub fn every(function: &str, error: &str, time: FaultTime) -> Fault {
        Fault { function: function.to_owned(), calls: 1..=u64::MAX, error: error.to_owned(), time }
    }

    /// Only these calls fail, counted from 1.
    pub fn calls(self, calls: RangeInclusive<u64>) -> Fault {
        Fault { calls, ..self }
    }
}
