//! The work of a tested state: whether it can be done or mocked, and the call that does it.

use super::mock::Mocked;
use super::request::TestRequest;
use super::subject::Subject;
use crate::data::Json;
use crate::engine::Call;
use crate::integration::{Pattern, Resource, lambda_request};
use crate::protocol::Exception;
use crate::state::StateError;

/// Whether an answer is put into the envelope of `lambda:invoke`.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wrap {
    Lambda,
    No,
}

/// The request that a Task makes of the host, and what becomes of the answer.
pub(super) fn call(subject: &Subject, context: &Json, arguments: Json) -> Result<(Call, Wrap), StateError> {
    let (service, action, parameters, wrap) = match subject.state().resource() {
        Some(Resource::Function { arn }) => {
            let parameters = Json::object([
                ("FunctionName", Json::from(std::sync::Arc::clone(arn))),
                ("Payload", arguments),
            ]);
            ("lambda".to_owned(), "invoke".to_owned(), parameters, Wrap::No)
        }
        Some(Resource::Service(call)) if call.is_lambda_invoke() => {
            (call.service.to_string(), call.action.to_string(), lambda_request(arguments), Wrap::Lambda)
        }
        Some(Resource::Service(call)) => {
            (call.service.to_string(), call.action.to_string(), arguments, Wrap::No)
        }
        _ => return Err(StateError::runtime("the state asks for nothing that can be called")),
    };
    let execution_arn = context.get("Execution").and_then(|execution| execution.get("Id"));
    let execution_arn = execution_arn.and_then(Json::as_str).unwrap_or_default().to_owned();
    Ok((Call { service, action, parameters, execution_arn, timeout: None }, wrap))
}

/// Refuses what cannot be tested or mocked, and checks the mocked result.
pub(super) fn check(test: &TestRequest, subject: &Subject) -> Result<Option<Json>, Exception> {
    let kind = subject.kind();
    let Some(mock) = &test.mock else {
        return match kind {
            "Map" | "Parallel" => Err(Exception::new(
                "InvalidDefinition",
                "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]",
            )),
            "Task" if test.role_arn.is_none() => {
                Err(Exception::validation("RoleArn must be specified when testing a Task state"))
            }
            "Task" => can_be_called(subject).map(|()| None),
            _ => Ok(None),
        };
    };
    if !matches!(kind, "Task" | "Map" | "Parallel") {
        return Err(Exception::validation(format!(
            "State type '{kind}' is not supported when a mock is specified"
        )));
    }
    let Mocked::Result(text) = &mock.mocked else { return Ok(None) };
    let result = mock.result(text, subject)?;
    if let (Some(failed), Some(items)) = (test.configuration.map_iteration_failure_count, result.as_array())
        && failed > items.len() as u64
    {
        return Err(Exception::validation(
            "Map iteration failure count must be less than or equal to the number of Map iterations",
        ));
    }
    Ok(Some(result))
}

/// Without a mock, only requests that are answered at once can be tested.
fn can_be_called(subject: &Subject) -> Result<(), Exception> {
    match subject.state().resource() {
        Some(Resource::Activity { .. }) => Err(Exception::validation(
            "TestState does not support Activity tasks when a mock is not specified.",
        )),
        Some(Resource::Service(call)) if call.pattern != Pattern::Request => Err(Exception::validation(
            "TestState does not support the .sync and .waitForTaskToken integration patterns when a mock is not specified.",
        )),
        Some(Resource::Service(call)) if call.is_own() => {
            Err(Exception::validation("TestState does not start nested executions here: specify a mock"))
        }
        _ => Ok(()),
    }
}
