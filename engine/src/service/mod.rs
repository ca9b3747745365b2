//! The operations of the Step Functions API over an [`Engine`]: AWS JSON 1.0, as any AWS SDK speaks it.
//!
//! A host serves [`Service::call`] over HTTP: the operation comes from the header
//! `X-Amz-Target: AWSStepFunctions.<operation>`, request and answer are the bodies. Each module holds the
//! operations of one kind of thing.

mod activities;
mod answer;
mod executions;
mod machines;
mod map_runs;
mod page;
mod tags;
mod test_state;
mod versions;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

use crate::data::Json;
use crate::engine::Engine;
use crate::health::panic_message;
use crate::protocol::{Exception, Request};

type Outcome = Result<Json, Exception>;

/// The API of an engine.
#[derive(Clone)]
pub struct Service {
    engine: Engine,
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// AWS JSON 1.0; of a refusal `{"__type": …, "message": …}`.
    pub body: String,
}

impl Service {
    /// The API of this engine.
    pub fn new(engine: Engine) -> Service {
        Service { engine }
    }

    /// The engine that it calls.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Does one operation, such as `StartExecution`.
    pub async fn call(&self, operation: &str, body: &[u8]) -> Reply {
        let outcome = match Request::parse(body) {
            Ok(mut request) => {
                let outcome = AssertUnwindSafe(self.dispatch(operation, &mut request)).catch_unwind().await;
                outcome.unwrap_or_else(|panic| Err(Exception::internal(panic_message(&*panic))))
            }
            Err(exception) => Err(exception),
        };
        match outcome {
            Ok(answer) => Reply { status: 200, body: answer.to_text() },
            Err(exception) => Reply { status: exception.status, body: exception.body().to_text() },
        }
    }

    async fn dispatch(&self, operation: &str, request: &mut Request) -> Outcome {
        match operation {
            "CreateStateMachine" => self.create_state_machine(request).await,
            "UpdateStateMachine" => self.update_state_machine(request).await,
            "DeleteStateMachine" => self.delete_state_machine(request).await,
            "DescribeStateMachine" => self.describe_state_machine(request).await,
            "DescribeStateMachineForExecution" => self.describe_state_machine_for_execution(request).await,
            "PublishStateMachineVersion" => self.publish_version(request).await,
            "ListStateMachineVersions" => self.list_versions(request).await,
            "DeleteStateMachineVersion" => self.delete_version(request).await,
            "CreateStateMachineAlias" => self.create_alias(request).await,
            "UpdateStateMachineAlias" => self.update_alias(request).await,
            "DeleteStateMachineAlias" => self.delete_alias(request).await,
            "DescribeStateMachineAlias" => self.describe_alias(request).await,
            "ListStateMachineAliases" => self.list_aliases(request).await,
            "ListStateMachines" => self.list_state_machines(request).await,
            "ValidateStateMachineDefinition" => self.validate_definition(request).await,
            "StartExecution" => self.start_execution(request).await,
            "StartSyncExecution" => self.start_sync_execution(request).await,
            "StopExecution" => self.stop_execution(request).await,
            "RedriveExecution" => self.redrive_execution(request).await,
            "DescribeExecution" => self.describe_execution(request).await,
            "ListExecutions" => self.list_executions(request).await,
            "GetExecutionHistory" => self.execution_history(request).await,
            "CreateActivity" => self.create_activity(request).await,
            "DeleteActivity" => self.delete_activity(request).await,
            "DescribeActivity" => self.describe_activity(request).await,
            "ListActivities" => self.list_activities(request).await,
            "GetActivityTask" => self.activity_task(request).await,
            "SendTaskSuccess" => self.task_success(request).await,
            "SendTaskFailure" => self.task_failure(request).await,
            "SendTaskHeartbeat" => self.task_heartbeat(request).await,
            "TestState" => self.test_state(request).await,
            "TagResource" => self.tag_resource(request).await,
            "UntagResource" => self.untag_resource(request).await,
            "ListTagsForResource" => self.list_tags(request).await,
            "ListMapRuns" => self.list_map_runs(request).await,
            "DescribeMapRun" => self.describe_map_run(request).await,
            "UpdateMapRun" => self.update_map_run(request).await,
            _ => Err(Exception::new(
                "UnknownOperationException",
                format!("The operation '{operation}' is not supported here"),
            )),
        }
    }
}
