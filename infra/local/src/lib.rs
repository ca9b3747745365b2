//! The whole system in one process: the API, the engine, DynamoDB, SNS and an inbox.
//!
//! [`Stack::start`] is what `cargo run` and the end-to-end tests call. In reading order:
//!
//! - [`config`](Config): what can be chosen; [`StartError`]: why a stack does not start
//! - `stack`: how everything is put together
//! - `definitions`: the state machines that live here; [`Deployment`], [`Handlers`]: those of other workflows; `schedule`: what runs on a timer
//! - `aws`: the endpoint that speaks for AWS, by a socket and, for our own clients, without one
//! - `s3`: S3, on SQLite; `sns`: SNS with its inbox; `sqs`: queues; `events`: EventBridge and its Scheduler; `smtp`: a real server beside the inbox; `functions`: Lambda; `invoker`: these and DynamoDB as the engine sees them
//! - `api_call`, `connections`: requests of other people's APIs, by HTTP Tasks and for API destinations
//! - `local_api`: the inbox and the executions over HTTP, beside the routes of the API
//! - `limits`: the quotas of an AWS account, `iam`: its permissions; both only where they are asked for
//! - `authority`: a time-stamp authority of the stack's own
//! - `beacon`: a randomness beacon of the stack's own, and the organiser's signing key
//! - `issuer`: who signs the access tokens; `token`: the organiser's
//! - `serve`, `http_client`, `data_directory`, `worker`, `lock`: sockets, requests, files, a thread and mutexes; `health`: what is down; `trouble`: what databases say of it
//! - [`demo`]: one whole draw in the terminal
//!
//! It holds wiring only: what a draw is, is decided in `lottery`.

mod api_call;
mod authority;
mod aws;
mod beacon;
mod config;
mod connections;
mod data_directory;
mod definitions;
pub mod demo;
mod deploy;
mod draw_events;
mod error;
mod events;
mod execution_log;
mod executions_api;
mod forward;
mod functions;
mod health;
mod http_client;
mod iam;
mod invoker;
mod issuer;
mod limits;
mod lists;
mod local_api;
mod lock;
mod lottery_parts;
mod names;
mod repeats;
mod s3;
mod schedule;
mod serve;
mod smtp;
mod sns;
mod sqs;
mod stack;
mod token;
mod trouble;
mod worker;

pub use asl_engine::{Clock, ManualClock};
/// A clock for [`Config::clock`], and one that a test moves.
pub use asl_engine::{MockError, Mocks};
pub use aws::{CallLog, Permission, Usage};
pub use config::{BeaconChoice, Config, Confirmation, Fault, FaultTime, Lottery, Storage};
pub use connections::{Connections, ConnectionsError};
pub use deploy::Deployment;
pub use error::StartError;
pub use forward::{EndpointError, Endpoints};
pub use functions::Handlers;
pub use iam::{FunctionFigures, Grant, Removal, Template, TemplateError};
pub use issuer::Issuer;
pub use limits::{Bill, FunctionBill, Limits, LimitsError, Rate, Throttled, Window, fast_forward};
pub use stack::Stack;
