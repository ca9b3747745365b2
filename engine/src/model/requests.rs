//! What the operations of the engine take and return.

use super::{ExecutionStatus, MachineType, MapRunCounts};
use crate::data::Json;

/// A state machine to be made.
#[derive(Clone, Debug)]
pub struct NewStateMachine {
    /// Its name, valid by AWS's rules.
    pub name: String,
    /// The text of its definition.
    pub definition: String,
    /// Kept and shown; the engine does not use it.
    pub role_arn: String,
    /// What kind of machine.
    pub machine_type: MachineType,
    /// `loggingConfiguration`, as given.
    pub logging_configuration: Option<Json>,
    /// `tracingConfiguration`, as given.
    pub tracing_configuration: Option<Json>,
    /// `encryptionConfiguration`, as given.
    pub encryption_configuration: Option<Json>,
    /// `tags`, as given.
    pub tags: Option<Json>,
}

impl NewStateMachine {
    /// A standard state machine without logging, tracing, encryption and tags.
    pub fn standard(name: impl Into<String>, definition: impl Into<String>) -> NewStateMachine {
        NewStateMachine {
            name: name.into(),
            definition: definition.into(),
            role_arn: "arn:aws:iam::123456789012:role/any".to_owned(),
            machine_type: MachineType::Standard,
            logging_configuration: None,
            tracing_configuration: None,
            encryption_configuration: None,
            tags: None,
        }
    }
}

/// The changes to a state machine; a member that is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct StateMachineChange {
    /// A new definition.
    pub definition: Option<String>,
    /// A new role.
    pub role_arn: Option<String>,
    /// A new `loggingConfiguration`.
    pub logging_configuration: Option<Json>,
    /// A new `tracingConfiguration`.
    pub tracing_configuration: Option<Json>,
    /// A new `encryptionConfiguration`.
    pub encryption_configuration: Option<Json>,
}

/// An execution to be started.
#[derive(Clone, Debug)]
pub struct NewExecution {
    /// The machine.
    pub state_machine_arn: String,
    /// Its name; without one a UUID is taken.
    pub name: Option<String>,
    /// The input.
    pub input: Json,
    /// `traceHeader`, as given.
    pub trace_header: Option<String>,
}

impl NewExecution {
    /// An execution with this input, whose name is a new UUID.
    pub fn new(state_machine_arn: impl Into<String>, input: Json) -> NewExecution {
        NewExecution { state_machine_arn: state_machine_arn.into(), name: None, input, trace_header: None }
    }
}

/// An execution that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartedExecution {
    /// The ARN of the execution.
    pub arn: String,
    /// When it started.
    pub start_date: i64,
}

/// An execution at the time of the request.
#[derive(Clone, Debug)]
pub struct ExecutionDescription {
    /// Its ARN.
    pub arn: String,
    /// Its machine.
    pub state_machine_arn: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: ExecutionStatus,
    /// When it started.
    pub start_date: i64,
    /// When it ended.
    pub stop_date: Option<i64>,
    /// Its input.
    pub input: Json,
    /// Its output, once it has succeeded.
    pub output: Option<Json>,
    /// The error name, if it failed with one.
    pub error: Option<String>,
    /// The cause, if it failed with one.
    pub cause: Option<String>,
    /// The map run it belongs to, for a child of a Distributed Map.
    pub map_run_arn: Option<String>,
    /// How many items the child of a Distributed Map has.
    pub item_count: Option<u64>,
    /// `traceHeader`, as given.
    pub trace_header: Option<String>,
    /// How often it has been redriven.
    pub redrive_count: u32,
    /// When it was last redriven.
    pub redrive_date: Option<i64>,
    /// The version that it runs, if it was started of a version or an alias.
    pub state_machine_version_arn: Option<String>,
    /// The alias that it was started of.
    pub state_machine_alias_arn: Option<String>,
    /// Whether it could be redriven; if not, why.
    pub redrive_status: Result<(), String>,
}

impl ExecutionDescription {
    /// `redriveStatus` and `redriveStatusReason`.
    pub fn redrive_words(&self) -> (&'static str, Option<&str>) {
        match &self.redrive_status {
            Ok(()) => ("REDRIVABLE", None),
            Err(reason) if self.map_run_arn.is_some() && reason.is_empty() => ("REDRIVABLE_BY_MAP_RUN", None),
            Err(reason) => ("NOT_REDRIVABLE", Some(reason)),
        }
    }
}

/// An execution in a list.
#[derive(Clone, Debug)]
pub struct ExecutionSummary {
    /// Its ARN.
    pub arn: String,
    /// Its machine.
    pub state_machine_arn: String,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: ExecutionStatus,
    /// When it started.
    pub start_date: i64,
    /// When it ended.
    pub stop_date: Option<i64>,
    /// The map run it belongs to, for a child of a Distributed Map.
    pub map_run_arn: Option<String>,
    /// How many items the child of a Distributed Map has.
    pub item_count: Option<u64>,
    /// How often it has been redriven.
    pub redrive_count: u32,
    /// When it was last redriven.
    pub redrive_date: Option<i64>,
    /// The version that it runs, if it was started of a version or an alias.
    pub state_machine_version_arn: Option<String>,
    /// The alias that it was started of.
    pub state_machine_alias_arn: Option<String>,
}

/// Which executions, newest first.
#[derive(Clone, Debug)]
pub struct ExecutionQuery {
    /// Of a state machine, or of a map run.
    pub of: ExecutionsOf,
    /// Only in this status.
    pub status: Option<ExecutionStatus>,
    /// Only redriven ones, or only those that were not.
    pub redriven: Option<bool>,
    /// At most this many.
    pub limit: usize,
    /// Begin after this one: the cursor of the page before.
    pub after: Option<PageCursor>,
}

/// Which executions of all state machines, newest first.
#[derive(Clone, Debug, Default)]
pub struct ExecutionSearch {
    /// Only of the state machine of this name or ARN.
    pub state_machine: Option<String>,
    /// Only in this status.
    pub status: Option<ExecutionStatus>,
    /// Only those whose names have this part.
    pub name: Option<String>,
    /// Only those that started at this timestamp or later, in milliseconds since 1970.
    pub started_from: Option<i64>,
    /// Only those that started before this timestamp.
    pub started_before: Option<i64>,
    /// At most this many.
    pub limit: usize,
    /// Begin after the execution of this number: [`PageCursor::number`] of the page before.
    pub after: Option<u64>,
}

/// Whose executions are listed.
#[derive(Clone, Debug)]
pub enum ExecutionsOf {
    /// Those started of the machine, the version or the alias with this ARN.
    StateMachine(String),
    /// The children of the map run with this ARN.
    MapRun(String),
}

/// A position in the list of executions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageCursor {
    /// When the last execution of the page started.
    pub start_date: i64,
    /// Its number in the store.
    pub number: u64,
}

/// One page of executions.
#[derive(Clone, Debug)]
pub struct ExecutionPage {
    /// The executions.
    pub executions: Vec<ExecutionSummary>,
    /// Where the next page begins, if there is one.
    pub next: Option<PageCursor>,
}

/// Which events of a history.
#[derive(Clone, Copy, Debug)]
pub struct HistoryQuery {
    /// How many events to pass over in the chosen order.
    pub skip: usize,
    /// At most this many.
    pub limit: usize,
    /// Oldest or newest first.
    pub order: HistoryOrder,
    /// With or without inputs, outputs and variables.
    pub data: HistoryData,
}

/// Oldest or newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryOrder {
    /// From the start on.
    Forward,
    /// From the end back.
    Reverse,
}

/// `includeExecutionData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryData {
    /// With inputs, outputs and variables.
    Included,
    /// Without.
    Left,
}

/// Events of a history, each as GetExecutionHistory shows it.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// The events.
    pub events: Vec<Json>,
    /// Whether there are more.
    pub more: bool,
}

/// An activity, to which workers come for tasks.
#[derive(Clone, Debug)]
pub struct ActivityDescription {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub creation_date: i64,
    /// `encryptionConfiguration`, as given.
    pub encryption_configuration: Option<Json>,
    /// `tags`, as given.
    pub tags: Option<Json>,
}

/// A task handed to a worker.
#[derive(Clone, Debug)]
pub struct ActivityTask {
    /// The token of the worker's report.
    pub task_token: String,
    /// The task's input.
    pub input: Json,
}

/// The report of a worker or a callback on its task.
#[derive(Clone, Debug)]
pub enum TaskReport {
    /// `SendTaskSuccess`
    Success(Json),
    /// `SendTaskFailure`
    Failure {
        /// The error name.
        error: Option<String>,
        /// The cause.
        cause: Option<String>,
    },
    /// `SendTaskHeartbeat`
    Heartbeat,
}

/// A run of a Distributed Map.
#[derive(Clone, Debug)]
pub struct MapRunDescription {
    /// Its ARN.
    pub arn: String,
    /// The execution that holds the Map state.
    pub execution_arn: String,
    /// The machine of that execution.
    pub state_machine_arn: String,
    /// Its status.
    pub status: ExecutionStatus,
    /// When it started.
    pub start_date: i64,
    /// When it ended.
    pub stop_date: Option<i64>,
    /// How many children run at most at a time; 0 is no limit.
    pub max_concurrency: u64,
    /// How many items may fail.
    pub tolerated_failure_count: u64,
    /// How many of a hundred items may fail.
    pub tolerated_failure_percentage: f64,
    /// By item.
    pub item_counts: MapRunCounts,
    /// By child execution.
    pub execution_counts: MapRunCounts,
    /// How often it has been redriven.
    pub redrive_count: u32,
    /// When it was last redriven.
    pub redrive_date: Option<i64>,
}

/// The changes to a map run under way; a member that is `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MapRunChange {
    /// How many children run at most at a time; 0 is no limit.
    pub max_concurrency: Option<u64>,
    /// How many items may fail.
    pub tolerated_failure_count: Option<u64>,
    /// How many of a hundred items may fail.
    pub tolerated_failure_percentage: Option<f64>,
}

/// Which share of the executions started of an alias a version gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The version.
    pub version_arn: String,
    /// Per cent.
    pub weight: u64,
}

/// An alias of one or two versions of a state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasDescription {
    /// Its ARN: that of the machine, a colon, its name.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// What its maker wrote about it.
    pub description: Option<String>,
    /// One or two versions of one machine, their weights 100 together.
    pub routing: Vec<Route>,
    /// When it was made.
    pub creation_date: i64,
    /// When it was last changed.
    pub update_date: i64,
}
