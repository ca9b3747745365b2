//! A durable Amazon States Language engine.
//!
//! [`Engine`] keeps state machines and runs their executions as AWS Step Functions does, and remembers every
//! step on disk: a killed process goes on where its history ends. [`service`] speaks the AWS JSON protocol over
//! it, so that any AWS SDK can be the client. What a Task state asks for is done by the host's [`Invoker`].
//!
//! In reading order:
//!
//! - [`data`]: the values, and the languages over them: JSONPath, intrinsic functions, JSONata
//! - [`definition`]: a state machine, parsed
//! - `state`: what each type of state does when it is entered and answered
//! - `integration`: what a Task's resource asks for, and how that is told and answered
//! - `execution`: one execution as a pure function from what happened to what follows
//! - `history`: the events, in AWS's names
//! - `store`: what is kept, on disk or in memory
//! - [`engine`]: the one place that acts
//! - [`validation`]: everything that is wrong with a definition, at once
//! - [`service`]: the operations of the Step Functions API

pub mod clock;
pub mod data;
pub mod definition;
pub mod engine;
mod execution;
mod history;
mod integration;
pub mod service;
mod state;
mod store;
pub mod validation;

pub use clock::{Clock, ManualClock};
pub use engine::{Call, Config, Engine, EngineError, Invoker, MemoryBounds, Refusal, Storage, TaskFailure};

/// The README's example is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
