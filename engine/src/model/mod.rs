//! The types that the modules of the engine share: statuses, failures, tokens, requests and descriptions.
//!
//! This module is below all others but [`data`](crate::data), so that the execution, the store and the integrations need
//! nothing of the engine above them.

mod error;
mod requests;
mod storage;
mod token;

pub use error::{EngineError, Refusal};
pub use requests::*;
pub use storage::{MemoryBounds, Storage};
pub(crate) use token::TaskToken;

/// `STANDARD` or `EXPRESS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineType {
    /// Durable, with a history.
    Standard,
    /// At most five minutes, without a history to ask for.
    Express,
}

/// The status of an execution or of a map run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExecutionStatus {
    /// It has not ended.
    Running,
    /// It reached its end.
    Succeeded,
    /// A state failed, and nothing caught it.
    Failed,
    /// It took longer than the machine's `TimeoutSeconds`.
    TimedOut,
    /// It was stopped from outside.
    Aborted,
    /// It was redriven and waits for its turn (only children of a Distributed Map).
    PendingRedrive,
}

impl ExecutionStatus {
    /// AWS's word.
    pub fn as_str(self) -> &'static str {
        match self {
            ExecutionStatus::Running => "RUNNING",
            ExecutionStatus::Succeeded => "SUCCEEDED",
            ExecutionStatus::Failed => "FAILED",
            ExecutionStatus::TimedOut => "TIMED_OUT",
            ExecutionStatus::Aborted => "ABORTED",
            ExecutionStatus::PendingRedrive => "PENDING_REDRIVE",
        }
    }

    /// The status of AWS's word.
    pub fn parse(word: &str) -> Option<ExecutionStatus> {
        [
            ExecutionStatus::Running,
            ExecutionStatus::Succeeded,
            ExecutionStatus::Failed,
            ExecutionStatus::TimedOut,
            ExecutionStatus::Aborted,
            ExecutionStatus::PendingRedrive,
        ]
        .into_iter()
        .find(|status| status.as_str() == word)
    }
}

/// Why a task failed: the two strings that `Retry` and `Catch` see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFailure {
    /// The error name, such as `Lambda.ServiceException`, `SNS.NotFoundException` or a function's own `errorType`.
    pub error: String,
    /// The cause in the words of the service; for a failed function the JSON text of what it returned.
    pub cause: String,
}

/// How many items or children of a map run have each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MapRunCounts {
    /// Not yet started.
    pub pending: u64,
    /// Under way.
    pub running: u64,
    /// Ended well.
    pub succeeded: u64,
    /// Failed.
    pub failed: u64,
    /// Took too long.
    pub timed_out: u64,
    /// Stopped.
    pub aborted: u64,
    /// All of them.
    pub total: u64,
    /// Failed ones that a redrive would not start again.
    pub failures_not_redrivable: u64,
    /// Waiting to be redriven.
    pub pending_redrive: u64,
}
