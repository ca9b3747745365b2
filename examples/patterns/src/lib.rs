//! Patterns of workflows as small state machines, in `machines/`, and the workers that two of them call.
//!
//! - [`Worker`]: what does the work and responds; `worker.py` is the same in Python
//! - [`run`]: starts a local stack and runs each pattern in it, printing each step
//! - `stack`: that stack, with what [`template`] deploys

mod patterns;
mod stack;
mod worker;

pub use patterns::{Python, run};
pub use stack::template;
pub use worker::Worker;
