//! [`OpenTask`]: a task that was asked for and has not had its final answer.

use std::sync::Arc;

use super::Reported;
use super::timers::TimerKey;
use crate::data::Json;
use crate::integration::{Pattern, Resource, ServiceCall, lambda_request};
use crate::state::State;

/// A request to the outside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    /// The task that the answer is for.
    pub(crate) task: u64,
    pub(crate) asked: Asked,
    pub(crate) timeout_seconds: Option<u64>,
}

/// Who is asked for what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    /// The host.
    Host { service: Arc<str>, action: Arc<str>, parameters: Json },
    /// Whoever comes for this activity's tasks.
    Activity { arn: Arc<str>, input: Json },
    /// The engine: a nested execution, or a call of the Step Functions API.
    Own { call: ServiceCall, parameters: Json },
    /// The engine: tell when this nested execution has ended.
    Watch { arn: Arc<str>, pattern: Pattern },
}

/// A task without its final answer.
#[derive(Debug)]
pub(super) struct OpenTask {
    pub(super) strand: usize,
    pub(super) state: Arc<State>,
    pub(super) phase: Phase,
    pub(super) parameters: Json,
    pub(super) timeout_seconds: Option<u64>,
    pub(super) timeout: Option<TimerKey>,
    pub(super) heartbeat_seconds: Option<u64>,
    pub(super) heartbeat: Option<TimerKey>,
    /// A report that came before the answer to the message that held the token.
    pub(super) early: Option<Result<Json, Reported>>,
}

/// How far a task has come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    /// Asked; the first answer is to come.
    Asked,
    /// The answer was the submission of a job or message; the report is to come. For a nested execution: its ARN.
    Submitted { watched: Option<Arc<str>> },
    /// A worker has the activity's task.
    Taken,
}

impl OpenTask {
    pub(super) fn resource(&self) -> &Resource {
        self.state.resource().expect("only Task states ask for tasks")
    }

    /// What must be asked anew after a restart.
    pub(super) fn pending(&self, key: u64) -> Option<Ask> {
        match &self.phase {
            Phase::Asked => Some(self.ask(key)),
            Phase::Taken => None,
            Phase::Submitted { watched } => watched.as_ref().map(|arn| self.watch(key, arn)),
        }
    }

    pub(super) fn ask(&self, key: u64) -> Ask {
        let asked = match self.resource() {
            Resource::Function { arn } => Asked::Host {
                service: "lambda".into(),
                action: "invoke".into(),
                parameters: Json::object([
                    ("FunctionName", Json::String(Arc::clone(arn))),
                    ("Payload", self.parameters.clone()),
                ]),
            },
            Resource::Activity { arn } => {
                Asked::Activity { arn: Arc::clone(arn), input: self.parameters.clone() }
            }
            Resource::Service(call) if call.is_own() => {
                Asked::Own { call: call.clone(), parameters: self.parameters.clone() }
            }
            Resource::Service(call) => Asked::Host {
                service: Arc::clone(&call.service),
                action: Arc::clone(&call.action),
                parameters: if call.is_lambda_invoke() {
                    lambda_request(self.parameters.clone())
                } else {
                    self.parameters.clone()
                },
            },
        };
        Ask { task: key, asked, timeout_seconds: self.timeout_seconds }
    }

    pub(super) fn watch(&self, key: u64, arn: &Arc<str>) -> Ask {
        let pattern = match self.resource() {
            Resource::Service(call) => call.pattern,
            _ => Pattern::Request,
        };
        Ask { task: key, asked: Asked::Watch { arn: Arc::clone(arn), pattern }, timeout_seconds: None }
    }
}
