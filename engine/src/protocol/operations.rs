//! The requests that come over HTTP and from Task states alike.

use super::arn::{self, ResourceType};
use super::exception::Exception;
use super::request::{MAX_PAYLOAD, Request, payload};
use crate::data::Json;
use crate::model::{NewExecution, TaskReport};

/// The types of ARN that name an execution.
pub(crate) const EXECUTIONS: &[ResourceType] = &[ResourceType::Execution, ResourceType::Express];

/// The request of StartExecution.
pub(crate) fn new_execution(request: &mut Request) -> Result<NewExecution, Exception> {
    let state_machine_arn = request.required_text("stateMachineArn", 1, 256);
    let name = request.text("name", 1, 80);
    let input = request.text("input", 0, MAX_PAYLOAD);
    let trace_header = request.text("traceHeader", 0, 256);
    request.check()?;
    arn::check(&state_machine_arn, &[ResourceType::StateMachine])?;
    if let Some(name) = &name {
        arn::check_name(name)?;
    }
    let input = match input.as_deref() {
        None => Json::empty_object(),
        Some(text) => {
            too_large(text, "input")?;
            payload(text, "InvalidExecutionInput", "Invalid State Machine Execution Input")?
        }
    };
    Ok(NewExecution { state_machine_arn, name, input, trace_header })
}

/// The request of StopExecution.
pub(crate) struct Stop {
    pub(crate) execution_arn: String,
    pub(crate) error: Option<String>,
    pub(crate) cause: Option<String>,
}

impl Stop {
    pub(crate) fn read(request: &mut Request) -> Result<Stop, Exception> {
        let execution_arn = request.required_text("executionArn", 1, 256);
        let error = request.text("error", 0, 256);
        let cause = request.text("cause", 0, 32_768);
        request.check()?;
        match arn::check(&execution_arn, EXECUTIONS)? {
            ResourceType::Express => Err(type_not_supported()),
            _ => Ok(Stop { execution_arn, error, cause }),
        }
    }
}

/// The execution that a request names.
pub(crate) fn execution_arn(request: &mut Request) -> Result<String, Exception> {
    let execution_arn = request.required_text("executionArn", 1, 256);
    request.check()?;
    arn::check(&execution_arn, EXECUTIONS)?;
    Ok(execution_arn)
}

pub(crate) fn too_large(text: &str, member: &str) -> Result<(), Exception> {
    if text.len() > MAX_PAYLOAD {
        return Err(Exception::validation(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length less than or equal to {MAX_PAYLOAD}"
        )));
    }
    Ok(())
}

pub(crate) fn type_not_supported() -> Exception {
    Exception::new(
        "StateMachineTypeNotSupported",
        "This operation is not supported by this type of state machine",
    )
}

/// The request of SendTaskSuccess: the token and the report.
pub(crate) fn success(request: &mut Request) -> Result<(String, TaskReport), Exception> {
    let output = request.required_text("output", 0, MAX_PAYLOAD);
    let token = token(request)?;
    too_large(&output, "output")?;
    let output = payload(&output, "InvalidOutput", "Invalid Output")?;
    Ok((token, TaskReport::Success(output)))
}

/// The request of SendTaskFailure: the token and the report.
pub(crate) fn failure(request: &mut Request) -> Result<(String, TaskReport), Exception> {
    let error = request.text("error", 0, 256);
    let cause = request.text("cause", 0, 32_768);
    Ok((token(request)?, TaskReport::Failure { error, cause }))
}

/// The request of SendTaskHeartbeat: the token and the report.
pub(crate) fn heartbeat(request: &mut Request) -> Result<(String, TaskReport), Exception> {
    Ok((token(request)?, TaskReport::Heartbeat))
}

fn token(request: &mut Request) -> Result<String, Exception> {
    let token = request.required_text("taskToken", 1, 2048);
    request.check()?;
    Ok(token)
}
