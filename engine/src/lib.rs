//! A durable engine for the Amazon States Language, the language of AWS Step Functions.
//!
//! [`Engine`] stores state machines and runs their executions as Step Functions does. Every step is on disk before
//! anything rests on it: after a crash, executions resume where their histories end. What a Task state requests is done
//! by the host's [`Invoker`]. [`service`] speaks the AWS JSON protocol over the engine, so that any AWS SDK can be the
//! client.
//!
//! ```
//! use asl_engine::data::Json;
//! use asl_engine::engine::{NewExecution, NewStateMachine};
//! use asl_engine::{Config, Engine};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let definition = r#"{"StartAt": "Add", "States": {"Add": {
//!     "Type": "Pass", "Parameters": {"sum.$": "States.MathAdd($.a, $.b)"}, "End": true}}}"#;
//!
//! let engine = Engine::start(Config::in_memory()).await?;
//! let machine = engine.create_state_machine(NewStateMachine::standard("add", definition)).await?;
//! let input = Json::parse(r#"{"a": 1, "b": 2}"#)?;
//! let execution = engine.start_execution(NewExecution::new(&machine.arn, input)).await?;
//! let ended = engine.closed(&execution.arn).await?;
//! assert_eq!(ended.output, Some(Json::parse(r#"{"sum": 3}"#)?));
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! In reading order:
//!
//! - [`data`]: JSON values, and the languages over them: JSONPath, intrinsic functions, JSONata
//! - `model`: the types that all modules share: statuses, failures, requests, descriptions
//! - `fields`, `state`, [`definition`]: a state machine, parsed; what each type of state does on entry and with a result
//! - `integration`: what a Task's resource requests, and the events and results of it
//! - `execution`: one execution as a pure function from commands to events and actions
//! - `history`: the events, in AWS's names
//! - `mocks`: answers of Task states in place of services
//! - `store`: executions and their histories, on disk or in memory
//! - [`engine`]: applies commands, stores what followed, and only then acts
//! - [`validation`]: all faults of a definition at once
//! - `protocol`, [`service`]: the requests and the operations of the Step Functions API

pub mod clock;
pub mod data;
pub mod definition;
pub mod engine;
mod execution;
mod fields;
mod health;
mod history;
mod integration;
mod mocks;
mod model;
mod protocol;
pub mod service;
mod state;
mod store;
pub mod validation;

pub use clock::{Clock, ManualClock};
pub use engine::{
    Call, Config, Engine, EngineError, ExecutionDescription, ExecutionLog, ExecutionObserver, Invoker, Job,
    LogEntry, MemoryBounds, ObjectPart, Refusal, Storage, TaskFailure,
};
pub use mocks::{MockError, Mocks};

/// The README's example is compiled and run with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
