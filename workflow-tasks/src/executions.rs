//! The executions of the lottery's state machine, as the reconciler knows them: by their names.

use std::time::Duration;

use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionError;
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use aws_sdk_sfn::types::ExecutionStatus;
use jiff::Timestamp;
use lottery::Draw;
use lottery_store::WaitToken;
use serde_json::Value;

use crate::{TaskContext, TaskError};

/// The maximum time between the starts of two executions of one draw.
const MAX_BACK_OFF: Duration = Duration::from_secs(60 * 60);

/// The state of an execution in Step Functions.
pub(crate) enum Execution {
    Running,
    Missing,
    Closed(Closed),
    /// Step Functions is throttling.
    Throttled,
}

/// An execution that has closed.
pub(crate) struct Closed {
    /// The name of its status as an error, for the reason of the draw.
    pub(crate) ending: &'static str,
    /// The error that it failed with.
    pub(crate) error: Option<String>,
    pub(crate) began_at: Timestamp,
}

impl Closed {
    /// Whether it was stopped.
    pub(crate) fn is_aborted(&self) -> bool {
        self.ending == ABORTED
    }

    /// The error, if it is permanent, so that a further execution would fail too.
    pub(crate) fn permanent(&self) -> Option<&str> {
        self.error.as_deref().filter(|error| TaskError::PERMANENT.contains(error))
    }
}

const ABORTED: &str = "ExecutionAborted";

/// The executions of the lottery's state machine.
pub(crate) struct Executions<'a> {
    pub(crate) cx: &'a TaskContext,
    pub(crate) state_machine_arn: &'a str,
}

impl Executions<'_> {
    pub(crate) async fn describe(&self, name: &str) -> Result<Execution, TaskError> {
        let arn = lottery::execution::arn(self.state_machine_arn, name);
        let execution = match self.cx.services.sfn().describe_execution().execution_arn(arn).send().await {
            Ok(execution) => execution,
            Err(error) if is_throttled(&error) => return Ok(Execution::Throttled),
            Err(error) => {
                return match error.as_service_error() {
                    Some(DescribeExecutionError::ExecutionDoesNotExist(_)) => Ok(Execution::Missing),
                    _ => Err(TaskError::ExecutionsUnavailable(error.into())),
                };
            }
        };
        let ending = match execution.status {
            ExecutionStatus::Succeeded => "ExecutionSucceeded",
            ExecutionStatus::Failed => "ExecutionFailed",
            ExecutionStatus::TimedOut => "ExecutionTimedOut",
            ExecutionStatus::Aborted => ABORTED,
            _ => return Ok(Execution::Running),
        };
        let began_at = Timestamp::from_second(execution.start_date.secs()).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(Execution::Closed(Closed { ending, error: execution.error, began_at }))
    }

    /// Completes the task that waits with this token. A spent token, or one of an execution that has ended, is no error.
    pub(crate) async fn complete(&self, token: &WaitToken) -> Result<(), TaskError> {
        let complete = self.cx.services.sfn().send_task_success().task_token(token.reveal()).output("{}");
        match complete.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_spent(error.code()) => Ok(()),
            // The code alone: the message may repeat the token.
            Err(error) => {
                let code = error.code().unwrap_or("no response").to_owned();
                Err(TaskError::ExecutionsUnavailable(code.into()))
            }
        }
    }

    /// Stops an execution; one that has ended already is no error.
    pub(crate) async fn stop(&self, name: &str) -> Result<(), TaskError> {
        let arn = lottery::execution::arn(self.state_machine_arn, name);
        let stop = self.cx.services.sfn().stop_execution().execution_arn(arn).error("ReleaseLost");
        match stop.cause("The task token of the waiting draw is lost").send().await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ExecutionDoesNotExist") => Ok(()),
            Err(error) => Err(TaskError::ExecutionsUnavailable(error.into())),
        }
    }

    /// Starts an execution, unless it has been started already. `false` if Step Functions is throttling.
    pub(crate) async fn start(&self, draw: &Draw, name: &str, input: Value) -> Result<bool, TaskError> {
        let start = self.cx.services.sfn().start_execution().state_machine_arn(self.state_machine_arn);
        match start.name(name).input(input.to_string()).send().await {
            Ok(answer) => {
                let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
                self.cx.store.set_execution(lottery_id, draw_id, &answer.execution_arn).await?;
                Ok(true)
            }
            Err(error) if is_throttled(&error) => Ok(false),
            Err(error) => match error.as_service_error() {
                // It has been started meanwhile.
                Some(StartExecutionError::ExecutionAlreadyExists(_)) => Ok(true),
                _ => Err(TaskError::ExecutionsUnavailable(error.into())),
            },
        }
    }
}

/// Whether an error code of Step Functions says that no task waits with the token any more.
fn is_spent(code: Option<&str>) -> bool {
    matches!(code, Some("TaskDoesNotExist" | "TaskTimedOut" | "InvalidToken"))
}

/// The request rates of Step Functions are limited for the account as a whole: other executions count too.
fn is_throttled<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.as_service_error().and_then(ProvideErrorMetadata::code).is_some_and(platform::is_throttling)
}

/// The earliest time to resume a draw whose last execution began at `began_at`: the first time immediately, then after one
/// minute, two, four, and so on up to an hour.
pub(crate) fn resume_at(began_at: Timestamp, resumes: u32) -> Timestamp {
    let back_off = match resumes {
        0 => Duration::ZERO,
        resumes => Duration::from_secs(60 << (resumes - 1).min(16)).min(MAX_BACK_OFF),
    };
    began_at + back_off
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_of_a_draw_begin_further_and_further_apart() {
        let began_at = Timestamp::from_second(1_000_000).unwrap();
        let minutes: Vec<i64> = [0, 1, 2, 3, 6, 7, 8, 200, u32::MAX]
            .map(|resumes| resume_at(began_at, resumes).duration_since(began_at).as_mins())
            .to_vec();
        assert_eq!(minutes, [0, 1, 2, 4, 32, 60, 60, 60, 60]);
    }
}
