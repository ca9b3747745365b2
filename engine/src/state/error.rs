//! [`StateError`]: how a state fails. It is data of the language, and goes to `Retry` and `Catch`.

use std::sync::Arc;

use crate::data::{EvalError, Json, Object};
use crate::fields::{DefinitionError, Fields};
use crate::history::Detail;

/// The most bytes of a cause; AWS truncates longer ones.
const MAX_CAUSE_BYTES: usize = 32_768;

/// The two strings of a failed state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StateError {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) cause: Option<Arc<str>>,
    pub(crate) origin: Origin,
}

/// The origin of an error decides its events and which catchers match it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// A task, or a Fail state.
    Reported,
    /// A missed heartbeat, also caught as `States.HeartbeatTimeout`.
    Heartbeat,
    /// A time-out of an optimized `lambda:invoke`.
    InvokeTimeout,
    /// An output beyond the limit of a payload, which `States.ALL` does not catch.
    Limit,
    /// A JSONPath expression or its value. [`StateError::in_state`] completes the cause.
    Field,
    /// A JSONata expression at this location (`Output/result`). [`StateError::in_state`] completes the cause.
    Expression { location: Option<String>, stage: Stage },
}

/// The stage in which an expression failed. The events of an error while evaluating are as if the state had not been
/// entered, those of an unfit value as if it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Evaluating,
    Checking,
}

impl StateError {
    /// The error of a task or a Fail state.
    pub(crate) fn reported(name: Option<Arc<str>>, cause: Option<Arc<str>>) -> StateError {
        StateError { name, cause, origin: Origin::Reported }
    }

    /// `States.Timeout`, which has no cause.
    pub(crate) fn timeout() -> StateError {
        StateError::reported(Some("States.Timeout".into()), None)
    }

    /// `States.Timeout` of an optimized `lambda:invoke`: a catcher sees an empty cause where others see `null`.
    pub(crate) fn invoke_timeout() -> StateError {
        StateError { origin: Origin::InvokeTimeout, ..StateError::timeout() }
    }

    /// A missed heartbeat.
    pub(crate) fn heartbeat() -> StateError {
        StateError { origin: Origin::Heartbeat, ..StateError::timeout() }
    }

    /// `States.Runtime` about a field.
    pub(crate) fn runtime(cause: impl Into<Arc<str>>) -> StateError {
        StateError { name: Some("States.Runtime".into()), cause: Some(cause.into()), origin: Origin::Field }
    }

    /// `States.QueryEvaluationError` about the value of a JSONata expression.
    pub(crate) fn unfit(location: &str, cause: impl Into<Arc<str>>) -> StateError {
        StateError {
            name: Some("States.QueryEvaluationError".into()),
            cause: Some(cause.into()),
            origin: Origin::Expression { location: Some(location.to_owned()), stage: Stage::Checking },
        }
    }

    /// `States.DataLimitExceeded` of a state.
    pub(crate) fn data_limit(state: &str) -> StateError {
        StateError { origin: Origin::Limit, ..StateError::result_limit(state) }
    }

    /// `States.DataLimitExceeded` of a task's result, which is a failure of the task like any other.
    pub(crate) fn result_limit(task: &str) -> StateError {
        let cause = format!(
            "The state/task '{task}' returned a result with a size exceeding the maximum number of bytes service limit."
        );
        StateError::reported(Some("States.DataLimitExceeded".into()), Some(cause.into()))
    }

    /// `States.QueryEvaluationError` about the input, before the work of the state.
    pub(crate) fn unfit_before(cause: impl Into<Arc<str>>) -> StateError {
        StateError {
            origin: Origin::Expression { location: None, stage: Stage::Evaluating },
            ..StateError::unfit("", cause)
        }
    }

    /// The `EvaluationFailed` event of the error, for those that have one.
    pub(crate) fn event(&self) -> Option<FailureEvent> {
        match &self.origin {
            Origin::Expression { location, stage } => {
                Some(FailureEvent { location: location.clone(), stage: *stage })
            }
            _ => None,
        }
    }

    /// Whether it is `States.Runtime`, which no retrier and no catcher matches.
    pub(crate) fn is_runtime(&self) -> bool {
        self.name.as_deref() == Some("States.Runtime")
    }

    /// The same error for the state around: its cause is complete and its event is appended.
    pub(crate) fn passed_on(self) -> StateError {
        let origin = match self.origin {
            Origin::Limit => Origin::Limit,
            Origin::Heartbeat => Origin::Heartbeat,
            Origin::InvokeTimeout => Origin::InvokeTimeout,
            Origin::Reported | Origin::Field | Origin::Expression { .. } => Origin::Reported,
        };
        StateError { origin, ..self }
    }

    /// Completes the cause: errors of fields begin with the name of the state.
    pub(crate) fn in_state(mut self, state: &str, entered: u64) -> StateError {
        if matches!(self.origin, Origin::Field | Origin::Expression { .. }) {
            let cause = self.cause.as_deref().unwrap_or_default();
            self.cause = Some(
                format!("An error occurred while executing the state '{state}' (entered at the event id #{entered}). {cause}")
                    .into(),
            );
        }
        if let Some(cause) = self.cause.as_ref().filter(|cause| cause.len() > MAX_CAUSE_BYTES) {
            let end = cause.floor_char_boundary(MAX_CAUSE_BYTES);
            self.cause = Some(cause[..end].into());
        }
        self
    }

    /// `Error` and `Cause` as catchers see them; null where there is none.
    pub(crate) fn output(&self) -> Json {
        let text = |text: &Option<Arc<str>>| text.clone().map_or(Json::Null, Json::String);
        let mut output = Object::with_capacity(2);
        output.insert("Error", text(&self.name));
        output.insert(
            "Cause",
            match self.origin {
                Origin::InvokeTimeout => Json::string(""),
                _ => text(&self.cause),
            },
        );
        Json::from(output)
    }

    /// `error` and `cause` as details of an event.
    pub(crate) fn details(&self) -> crate::history::Details {
        use crate::history::Field;
        let mut details = Vec::with_capacity(4);
        details.extend(self.cause.iter().map(|cause| (Field::Cause, Detail::Text(Arc::clone(cause)))));
        details.extend(self.name.iter().map(|name| (Field::Error, Detail::Text(Arc::clone(name)))));
        details
    }
}

impl From<EvalError> for StateError {
    fn from(error: EvalError) -> StateError {
        let origin = if error.name == "States.QueryEvaluationError" {
            Origin::Expression { location: error.location, stage: Stage::Evaluating }
        } else {
            Origin::Field
        };
        StateError { name: Some(error.name.into()), cause: Some(error.cause.into()), origin }
    }
}

/// An `EvaluationFailed` event.
pub(crate) struct FailureEvent {
    pub(crate) location: Option<String>,
    pub(crate) stage: Stage,
}

/// `ErrorEquals`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ErrorNames(Vec<Arc<str>>);

impl ErrorNames {
    pub(crate) fn parse(fields: &Fields<'_>) -> Result<ErrorNames, DefinitionError> {
        let names = fields
            .json("ErrorEquals")
            .and_then(Json::as_array)
            .ok_or_else(|| fields.wrong("ErrorEquals", "must be a list of error names"))?;
        names
            .iter()
            .map(|name| match name {
                Json::String(name) => Ok(Arc::clone(name)),
                _ => Err(fields.wrong("ErrorEquals", "must be a list of error names")),
            })
            .collect::<Result<Vec<_>, _>>()
            .map(ErrorNames)
    }

    /// Whether an error matches.
    pub(crate) fn include(&self, error: &StateError) -> bool {
        let name = error.name.as_deref().unwrap_or_default();
        !error.is_runtime()
            && self.0.iter().any(|wanted| match &**wanted {
                "States.ALL" => error.origin != Origin::Limit,
                "States.TaskFailed" => name != "States.Timeout" && error.origin != Origin::Limit,
                "States.HeartbeatTimeout" => name == &**wanted || error.origin == Origin::Heartbeat,
                wanted => wanted == name,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> ErrorNames {
        ErrorNames(names.iter().map(|name| (*name).into()).collect())
    }

    fn error(name: &str) -> StateError {
        StateError::reported(Some(name.into()), None)
    }

    #[test]
    fn states_all_catches_everything_but_runtime_and_data_limit() {
        let all = names(&["States.ALL"]);
        assert!(all.include(&error("Anything")) && all.include(&error("States.Timeout")));
        assert!(all.include(&StateError::reported(None, None)));
        assert!(!all.include(&error("States.Runtime")) && !all.include(&StateError::data_limit("S")));
        assert!(all.include(&StateError::result_limit("lambda")));
    }

    #[test]
    fn states_task_failed_catches_everything_but_timeouts() {
        let failed = names(&["States.TaskFailed"]);
        assert!(failed.include(&error("Anything")));
        assert!(!failed.include(&StateError::timeout()) && !failed.include(&StateError::heartbeat()));
    }

    #[test]
    fn a_missed_heartbeat_is_a_timeout_and_has_its_own_name() {
        assert!(names(&["States.Timeout"]).include(&StateError::heartbeat()));
        assert!(names(&["States.HeartbeatTimeout"]).include(&StateError::heartbeat()));
        assert!(!names(&["States.HeartbeatTimeout"]).include(&StateError::timeout()));
    }
}
