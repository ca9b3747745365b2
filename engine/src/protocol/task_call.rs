//! Calls of the API that Task states make: read, and refused, as those that come over HTTP.

use super::exception::Exception;
use super::request::Request;
use super::{activities, executions};
use crate::data::{Json, Object};
use crate::model::{NewExecution, TaskReport};

/// What a Task asks of the API.
pub(crate) enum TaskCall {
    Start(NewExecution),
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
            "startExecution" => executions::new_execution(&mut request).map(TaskCall::Start),
            "stopExecution" => {
                let executions::Stop { execution_arn, error, cause } = executions::Stop::read(&mut request)?;
                Ok(TaskCall::Stop { execution_arn, error, cause })
            }
            "sendTaskSuccess" => activities::success(&mut request).map(report),
            "sendTaskFailure" => activities::failure(&mut request).map(report),
            "sendTaskHeartbeat" => activities::heartbeat(&mut request).map(report),
            _ => {
                let execution_arn = executions::execution_arn(&mut request)?;
                Ok(TaskCall::Describe { execution_arn })
            }
        }
    }
}

/// The parameters as an SDK sends them: `StateMachineArn` is `stateMachineArn`, and a payload is a text.
fn as_sent(parameters: &Json) -> Json {
    let Some(parameters) = parameters.as_object() else { return Json::empty_object() };
    let sent = parameters.iter().map(|(name, value)| {
        let mut letters = name.chars();
        let name: String =
            letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect();
        let value = match value {
            Json::String(_) | Json::Null => value.clone(),
            payload if matches!(&*name, "input" | "output") => Json::from(payload.to_text()),
            other => other.clone(),
        };
        (name, value)
    });
    Json::from(sent.collect::<Object>())
}
