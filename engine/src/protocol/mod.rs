//! The requests and exceptions of the Step Functions API, apart from the operations.
//!
//! The engine needs them below the [service](crate::service): Task states call the same API.

pub(crate) mod arn;
mod exception;
mod operations;
mod request;
mod task_call;

pub(crate) use exception::Exception;
pub(crate) use operations::{
    EXECUTIONS, Stop, execution_arn, failure, heartbeat, new_execution, success, type_not_supported,
};
pub(crate) use request::{
    MAX_PAYLOAD, Request, encryption_configuration, logging_configuration, payload, tracing_configuration,
};
pub(crate) use task_call::TaskCall;
