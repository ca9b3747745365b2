//! The Step Functions execution of a draw: stop, resume; `draw_start` starts it. The draw's item says what the execution has done so far;
//! watchers never ask Step Functions.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::{DisplayErrorContext, ProvideErrorMetadata};
use draw_start::ExecutionError;
use lottery::execution::{name, resume_input};
use lottery::{Draw, DrawId};
use lottery_store::WaitToken;

use crate::error::ApiError;

/// Executions of the one state machine.
pub(crate) struct Executions {
    pub(crate) client: Client,
    pub(crate) state_machine_arn: String,
}

impl Executions {
    pub(crate) fn new(client: Client, state_machine_arn: String) -> Self {
        Self { client, state_machine_arn }
    }

    /// The ARN that the first execution of a draw has: its name follows from the draw's id.
    fn arn(&self, draw_id: &DrawId) -> String {
        self.arn_of(&name(draw_id, 0))
    }

    fn arn_of(&self, name: &str) -> String {
        lottery::execution::arn(&self.state_machine_arn, name)
    }

    /// Stops the execution of a cancelled draw; one that is closed, or never began, is stopped.
    pub(crate) async fn stop(&self, draw: &Draw) -> Result<(), ApiError> {
        let first = self.arn(&draw.draw_id);
        let arn = draw.execution_arn.as_deref().unwrap_or(&first);
        self.stop_arn(arn, "DrawCancelled", "The organiser cancelled the draw").await
    }

    /// Stops the execution of a draw that another has taken the place of.
    pub(crate) async fn stop_earlier(&self, draw_id: &DrawId, resumes: u32) -> Result<(), ApiError> {
        let arn = self.arn_of(&name(draw_id, resumes));
        self.stop_arn(&arn, "DrawChanged", "The organiser changed the draw").await
    }

    /// Stops an execution; one that is closed, or never began, is stopped.
    pub(crate) async fn stop_arn(&self, arn: &str, error: &str, cause: &str) -> Result<(), ApiError> {
        let stopped = self.client.stop_execution().execution_arn(arn).error(error).cause(cause).send().await;
        match stopped {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ExecutionDoesNotExist") => Ok(()),
            Err(error) => Err(ApiError::unavailable(DisplayErrorContext(error))),
        }
    }

    /// Completes the task that waits with this token; succeeds too if no task waits with it any more. An error is described
    /// by its code alone, because the service's message may repeat the token.
    pub(crate) async fn complete(&self, token: &WaitToken) -> Result<(), String> {
        let complete = self.client.send_task_success().task_token(token.reveal()).output("{}");
        match complete.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.code() {
                Some("TaskDoesNotExist" | "TaskTimedOut" | "InvalidToken") => Ok(()),
                code => Err(code.unwrap_or("no answer").to_owned()),
            },
        }
    }

    /// Starts the further execution of a draw whose messages are sent again, as the reconciler would. Started already is
    /// as good.
    pub(crate) async fn resume(&self, draw: &Draw, resumes: u32) -> Result<String, ExecutionError> {
        let name = name(&draw.draw_id, resumes);
        let started = self
            .client
            .start_execution()
            .state_machine_arn(&self.state_machine_arn)
            .name(&name)
            .input(resume_input(draw).to_string())
            .send()
            .await;
        match started {
            Ok(output) => Ok(output.execution_arn),
            Err(error) if error.code() == Some("ExecutionAlreadyExists") => Ok(self.arn_of(&name)),
            Err(error) => Err(ExecutionError::of(error)),
        }
    }
}
