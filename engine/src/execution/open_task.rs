//! [`OpenTask`]: a task that was scheduled and has no final result.

use std::sync::Arc;

use super::Reported;
use super::timers::TimerKey;
use crate::data::Json;
use crate::integration::{Pattern, Resource, ServiceCall, lambda_request};
use crate::state::State;

/// The invocation of a task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Invocation {
    /// The task that the result belongs to.
    pub(crate) task: u64,
    pub(crate) target: Target,
    pub(crate) timeout_seconds: Option<u64>,
}

/// Who does the task, and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// The host.
    Host { service: Arc<str>, action: Arc<str>, parameters: Json },
    /// The next worker that polls this activity.
    Activity { arn: Arc<str>, input: Json },
    /// The engine: a nested execution, or a call of the Step Functions API.
    Engine { call: ServiceCall, parameters: Json },
    /// The engine: report the end of this nested execution.
    Watch { arn: Arc<str>, pattern: Pattern },
    /// The host: report the end of this job.
    Job(SubmittedJob),
}

/// A job of the host: the call that submitted it, and what that returned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SubmittedJob {
    pub(crate) service: Arc<str>,
    pub(crate) action: Arc<str>,
    pub(crate) parameters: Json,
    pub(crate) submitted: Json,
}

/// A task without a final result.
#[derive(Debug)]
pub(super) struct OpenTask {
    pub(super) branch: usize,
    pub(super) state: Arc<State>,
    pub(super) phase: Phase,
    pub(super) parameters: Json,
    pub(super) timeout_seconds: Option<u64>,
    pub(super) timeout: Option<TimerKey>,
    pub(super) heartbeat_seconds: Option<u64>,
    pub(super) heartbeat: Option<TimerKey>,
    /// A report that came before the service had returned from the call that carried the token.
    pub(super) early: Option<Result<Json, Reported>>,
}

/// The progress of a task.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Phase {
    /// Scheduled; the call has not returned.
    Scheduled,
    /// The call submitted a job or a message; the report is to come.
    Submitted { watched: Option<Watched> },
    /// A worker has the activity's task.
    Taken,
}

/// Whose end a task waits for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Watched {
    /// A nested execution, by its ARN.
    Execution(Arc<str>),
    /// A job of the host, by what its submission returned.
    Job(Json),
}

impl OpenTask {
    pub(super) fn resource(&self) -> &Resource {
        self.state.resource().expect("only Task states schedule tasks")
    }

    /// The invocation that is repeated after a restart.
    pub(super) fn pending(&self, key: u64) -> Option<Invocation> {
        match &self.phase {
            Phase::Scheduled => Some(self.invocation(key)),
            Phase::Taken => None,
            Phase::Submitted { watched } => watched.as_ref().and_then(|watched| self.watch(key, watched)),
        }
    }

    pub(super) fn invocation(&self, key: u64) -> Invocation {
        let target = match self.resource() {
            Resource::Function { arn } => Target::Host {
                service: "lambda".into(),
                action: "invoke".into(),
                parameters: Json::object([
                    ("FunctionName", Json::String(Arc::clone(arn))),
                    ("Payload", self.parameters.clone()),
                ]),
            },
            Resource::Activity { arn } => {
                Target::Activity { arn: Arc::clone(arn), input: self.parameters.clone() }
            }
            Resource::Service(call) if call.is_own() => {
                Target::Engine { call: call.clone(), parameters: self.parameters.clone() }
            }
            Resource::Service(call) => Target::Host {
                service: Arc::clone(&call.service),
                action: Arc::clone(&call.action),
                parameters: if call.is_lambda_invoke() {
                    lambda_request(self.parameters.clone())
                } else {
                    self.parameters.clone()
                },
            },
        };
        Invocation { task: key, target, timeout_seconds: self.timeout_seconds }
    }

    /// The invocation that waits for what a call has submitted.
    pub(super) fn watch(&self, key: u64, watched: &Watched) -> Option<Invocation> {
        let target = match (watched, self.resource()) {
            (Watched::Execution(arn), Resource::Service(call)) => {
                Target::Watch { arn: Arc::clone(arn), pattern: call.pattern }
            }
            (Watched::Job(_), _) => Target::Job(self.job()?),
            (Watched::Execution(_), _) => return None,
        };
        Some(Invocation { task: key, target, timeout_seconds: self.timeout_seconds })
    }

    /// The job of the host that the task waits for, if it does.
    pub(super) fn job(&self) -> Option<SubmittedJob> {
        let Phase::Submitted { watched: Some(Watched::Job(submitted)) } = &self.phase else { return None };
        let Resource::Service(call) = self.resource() else { return None };
        Some(SubmittedJob {
            service: Arc::clone(&call.service),
            action: Arc::clone(&call.action),
            parameters: self.parameters.clone(),
            submitted: submitted.clone(),
        })
    }
}
