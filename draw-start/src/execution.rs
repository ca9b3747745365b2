//! The first execution of a draw.

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use lottery::Draw;
use lottery::execution::{arn, first_input, name};

/// Why an execution did not start.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// Perhaps it did: there was no answer, or one that says nothing about it.
    #[error("{0}")]
    Unknown(String),
    /// It did not, and will not.
    #[error("{0}")]
    Refused(String),
}

impl ExecutionError {
    /// What an error of Step Functions means for a start.
    pub fn of<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let refused = matches!(
            error.code(),
            Some(
                "StateMachineDoesNotExist"
                    | "StateMachineDeleting"
                    | "InvalidArn"
                    | "InvalidName"
                    | "InvalidExecutionInput"
                    | "ValidationException"
                    | "AccessDeniedException"
            )
        );
        let text = DisplayErrorContext(error).to_string();
        if refused { Self::Refused(text) } else { Self::Unknown(text) }
    }
}

/// Starts the first execution of a draw, and returns its ARN. Started already, running or closed, is as good.
pub async fn start_execution(
    client: &Client,
    state_machine_arn: &str,
    draw: &Draw,
) -> Result<String, ExecutionError> {
    let name = name(&draw.draw_id, 0);
    let start = client.start_execution().state_machine_arn(state_machine_arn).name(&name);
    match start.input(first_input(draw).to_string()).send().await {
        Ok(output) => Ok(output.execution_arn),
        Err(error) if error.code() == Some("ExecutionAlreadyExists") => {
            let existing = client.describe_execution().execution_arn(arn(state_machine_arn, &name));
            existing.send().await.map(|output| output.execution_arn).map_err(ExecutionError::of)
        }
        Err(error) => Err(ExecutionError::of(error)),
    }
}
