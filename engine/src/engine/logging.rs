//! Execution logging: the events of executions whose machine has a `loggingConfiguration`, in the form of the logs that Step
//! Functions sends to CloudWatch.

use std::sync::Arc;

use super::active::ActiveExecution;
use super::{Config, Inner, StateMachineDescription};
use crate::data::{Json, Object};
use crate::history::{Event, Show};

/// Takes the log of executions.
pub trait ExecutionLog: Send + Sync + 'static {
    /// Takes one event, which is stored already. Must not block for long: executions wait.
    fn log(&self, entry: LogEntry<'_>);
}

/// One event of an execution.
#[derive(Clone, Copy, Debug)]
pub struct LogEntry<'a> {
    /// The log group of the `loggingConfiguration`.
    pub log_group_arn: &'a str,
    /// The execution.
    pub execution_arn: &'a str,
    /// The event as CloudWatch shows it: a JSON object in one line.
    pub line: &'a str,
}

/// What of an execution is logged.
#[derive(Debug)]
pub(super) struct Logging {
    level: Level,
    show: Show,
    log_group_arn: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    All,
    Error,
    Fatal,
}

/// How the names of events end that are logged at `ERROR`.
const ERRORS: &[&str] = &["Failed", "TimedOut", "Aborted"];

impl Logging {
    /// What a machine wants logged; `None` if nothing.
    pub(super) fn of(machine: &StateMachineDescription) -> Option<Logging> {
        let configuration = machine.settings.logging_configuration.as_ref()?;
        let level = match configuration.get("level").and_then(Json::as_str)? {
            "ALL" => Level::All,
            "ERROR" => Level::Error,
            "FATAL" => Level::Fatal,
            _ => return None,
        };
        let with_data = configuration.get("includeExecutionData").and_then(Json::as_bool) == Some(true);
        let destination = configuration.get("destinations").and_then(|destinations| destinations.at(0));
        let group = destination.and_then(|destination| destination.get("cloudWatchLogsLogGroup"));
        let arn = group.and_then(|group| group.get("logGroupArn")).and_then(Json::as_str);
        Some(Logging {
            level,
            show: if with_data { Show::Everything } else { Show::WithoutData },
            log_group_arn: arn.unwrap_or_default().to_owned(),
        })
    }

    fn wants(&self, event_type: &str) -> bool {
        let is_error =
            || event_type == "FailStateEntered" || ERRORS.iter().any(|end| event_type.ends_with(end));
        match self.level {
            Level::All => true,
            Level::Error => is_error(),
            Level::Fatal => event_type.starts_with("Execution") && is_error(),
        }
    }
}

impl Inner {
    /// Logs the events of a stored record.
    pub(super) fn log(&self, active: &ActiveExecution, logged: &Logged) {
        let Config { execution_log: Some(log), .. } = &self.config else { return };
        let Some(logging) = &active.machine.logging else { return };
        for event in &logged.events {
            let rendered = event.render(logged.now, logging.show);
            let Some(event_type) = rendered.get("type").and_then(Json::as_str) else { continue };
            if logging.wants(event_type) {
                let line = line(&rendered, event_type, &active.identity.arn, logged.redrives, logged.now);
                log.log(LogEntry {
                    log_group_arn: &logging.log_group_arn,
                    execution_arn: &active.identity.arn,
                    line: &line,
                });
            }
        }
    }
}

/// The events of a record that are to be logged once it is stored.
pub(super) struct Logged {
    pub(super) events: Vec<Event>,
    /// The time of the record, in milliseconds since 1970.
    pub(super) now: i64,
    pub(super) redrives: u32,
}

/// An event of a history as CloudWatch shows it.
fn line(rendered: &Json, event_type: &str, execution_arn: &Arc<str>, redrives: u32, now: i64) -> String {
    let number =
        |name: &str| Json::from(rendered.get(name).and_then(Json::as_i64).unwrap_or_default().to_string());
    let details = rendered.as_object().and_then(|members| {
        members.iter().find(|(name, _)| name.ends_with("EventDetails")).map(|(_, details)| details)
    });
    let mut line = Object::with_capacity(7);
    line.insert("id", number("id"));
    line.insert("type", Json::string(event_type));
    line.insert("details", details.map_or_else(Json::empty_object, truncation_of));
    line.insert("previous_event_id", number("previousEventId"));
    line.insert("event_timestamp", Json::from(now.to_string()));
    line.insert("execution_arn", Json::String(Arc::clone(execution_arn)));
    line.insert("redrive_count", Json::from(redrives.to_string()));
    Json::from(line).to_text()
}

/// The details of an event. A log says of data whether it was cut, where a history says whether it is included.
fn truncation_of(details: &Json) -> Json {
    let Some(members) = details.as_object() else { return details.clone() };
    let members = members.iter().map(|(name, value)| match &**name {
        "inputDetails" | "outputDetails" => {
            (Arc::clone(name), Json::object([("truncated", Json::Bool(false))]))
        }
        _ => (Arc::clone(name), value.clone()),
    });
    Json::from(members.collect::<Object>())
}
