//! How an operation of the engine fails.

use std::path::PathBuf;

/// The store or the host failed. Executions stay where their histories say.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The directory cannot be made or written.
    #[error("the data directory {} cannot be used: {reason}", path.display())]
    Directory {
        /// The directory as configured.
        path: PathBuf,
        /// The error of the operating system.
        reason: String,
    },
    /// Another engine has the directory open.
    #[error("the data directory {} is in use by another process", path.display())]
    InUse {
        /// The directory as configured.
        path: PathBuf,
    },
    /// The database failed.
    #[error("the history store failed")]
    Store(#[from] rusqlite::Error),
    /// A record differs from what was written.
    #[error("record {record} of execution {execution} is damaged")]
    Damaged {
        /// The number of the execution in the store.
        execution: u64,
        /// The number of the record; 0 is the execution itself.
        record: u64,
    },
    /// Folding the records gave other events than were stored: they were written by another version.
    #[error("record {record} of execution {execution} does not follow from the ones before it")]
    Diverged {
        /// The number of the execution in the store.
        execution: u64,
        /// The number of the record.
        record: u64,
    },
    /// The clock shows a date on which no execution can have begun.
    #[error("the clock shows {shown}, before 1970: set it and start again")]
    ClockBeforeEpoch {
        /// What the clock shows.
        shown: jiff::Timestamp,
    },
    /// The engine was started outside of a tokio runtime.
    #[error("the engine needs a tokio runtime")]
    NoRuntime,
    /// The history store cannot be written at present, as when the disk is full. The request may be done once
    /// it can.
    #[error("the history store cannot be written at present")]
    StoreUnavailable,
    /// The engine has been shut down.
    #[error("the engine has stopped")]
    Stopped,
}

/// Why the engine refuses a request.
///
/// Each variant but the last is one of AWS's exceptions; it holds what its message names.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// `StateMachineDoesNotExist`
    #[error("state machine does not exist: {0}")]
    StateMachineDoesNotExist(String),
    /// `StateMachineAlreadyExists`: same name, other content. Holds the ARN.
    #[error("state machine already exists: {0}")]
    StateMachineAlreadyExists(String),
    /// `StateMachineTypeNotSupported`: holds the ARN.
    #[error("this type of state machine does not support the operation: {0}")]
    StateMachineTypeNotSupported(String),
    /// `InvalidDefinition`: holds the findings as text.
    #[error("invalid state machine definition: {0}")]
    InvalidDefinition(String),
    /// `ExecutionAlreadyExists`: same name, other input, or closed. Holds the ARN.
    #[error("execution already exists: {0}")]
    ExecutionAlreadyExists(String),
    /// `ExecutionDoesNotExist`
    #[error("execution does not exist: {0}")]
    ExecutionDoesNotExist(String),
    /// `ExecutionNotRedrivable`: holds the reason.
    #[error("execution is not redrivable: {0}")]
    ExecutionNotRedrivable(String),
    /// `ActivityDoesNotExist`
    #[error("activity does not exist: {0}")]
    ActivityDoesNotExist(String),
    /// `InvalidToken`
    #[error("invalid task token")]
    InvalidToken,
    /// `TaskTimedOut`: the task is closed, or its time is over.
    #[error("task timed out")]
    TaskTimedOut,
    /// `ResourceNotFound`: a map run. Holds the ARN.
    #[error("resource not found: {0}")]
    ResourceNotFound(String),
    /// `ResourceNotFound`: an alias, or a version that an alias is to name.
    #[error("the request names a version or an alias that does not exist")]
    AliasDoesNotExist,
    /// `ConflictException`: holds the sentence.
    #[error("{0}")]
    Conflict(String),
    /// `ValidationException`: holds the sentence.
    #[error("{0}")]
    Invalid(String),
    /// `ServiceQuotaExceededException`: holds the sentence.
    #[error("{0}")]
    QuotaExceeded(String),
    /// Not of AWS: the store failed, or the engine stopped.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Refusal {
        Refusal::Engine(EngineError::Store(error))
    }
}
