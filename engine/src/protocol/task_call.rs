//! [`TaskCall`]: a call of the API by a Task state, read and refused like one that comes over HTTP.

use super::exception::Exception;
use super::operations;
use super::request::Request;
use crate::data::{Json, Object};
use crate::model::{NewExecution, TaskReport};

/// A call of the API by a Task state.
pub(crate) enum TaskCall {
    Start(NewExecution),
    StartSync(NewExecution),
    Stop { execution_arn: String, error: Option<String>, cause: Option<String> },
    Describe { execution_arn: String },
    Report { token: String, report: TaskReport },
}

impl TaskCall {
    /// Reads the parameters of a Task; `action` is one that the engine has.
    pub(crate) fn read(action: &str, parameters: &Json) -> Result<TaskCall, Exception> {
        let mut request = Request::of(as_sent(parameters));
        let report = |(token, report)| TaskCall::Report { token, report };
        match action {
            "startExecution" => operations::new_execution(&mut request).map(TaskCall::Start),
            "startSyncExecution" => operations::new_execution(&mut request).map(TaskCall::StartSync),
            "stopExecution" => {
                let operations::Stop { execution_arn, error, cause } = operations::Stop::read(&mut request)?;
                Ok(TaskCall::Stop { execution_arn, error, cause })
            }
            "sendTaskSuccess" => operations::success(&mut request).map(report),
            "sendTaskFailure" => operations::failure(&mut request).map(report),
            "sendTaskHeartbeat" => operations::heartbeat(&mut request).map(report),
            _ => {
                let execution_arn = operations::execution_arn(&mut request)?;
                Ok(TaskCall::Describe { execution_arn })
            }
        }
    }
}

/// The parameters as an SDK sends them: `StateMachineArn` is `stateMachineArn`, and a payload is a text.
fn as_sent(parameters: &Json) -> Json {
    let Some(parameters) = parameters.as_object() else { return Json::empty_object() };
    let sent = parameters.iter().map(|(name, value)| {
        let mut characters = name.chars();
        let name: String =
            characters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(characters).collect();
        let value = match value {
            Json::String(_) | Json::Null => value.clone(),
            payload if matches!(&*name, "input" | "output") => Json::from(payload.to_text()),
            other => other.clone(),
        };
        (name, value)
    });
    Json::from(sent.collect::<Object>())
}
