//! What everyone may know of an execution's history: states entered, left, failed; never what they carried.

use std::collections::BTreeMap;

use aws_sdk_sfn::types::HistoryEvent;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::execution::moment;

/// One event of a draw's execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PublicEvent {
    /// Its number in the history.
    pub(crate) id: i64,
    /// The event before it on its branch; 0 at the beginning.
    pub(crate) previous_id: i64,
    /// Its type, named as AWS names it.
    pub(crate) r#type: String,
    /// When it happened.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) time: Option<Timestamp>,
    /// The state it belongs to, if it belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    /// The name of the error, if it tells of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// What was committed to: told as the entries are sealed, before the round that decides comes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) committed: Option<Committed>,
}

/// What a draw has committed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Committed {
    /// The commitment, hexadecimal: worth noting before `round_at`.
    pub(crate) commitment: String,
    /// The beacon round that decides.
    pub(crate) round: Option<u64>,
    /// When it comes out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) round_at: Option<Timestamp>,
}

impl PublicEvent {
    /// Whether it tells that the entries were sealed.
    pub(crate) fn ends_sealing(&self) -> bool {
        self.r#type == "TaskStateExited" && self.state.as_deref() == Some("SealEntries")
    }
}

/// The events known so far, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct History {
    events: BTreeMap<i64, PublicEvent>,
}

/// How far an execution has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is no such execution, or not yet.
    NotBegun,
    /// More events will follow.
    Running,
    /// No event can follow.
    Ended,
}

impl History {
    pub(crate) fn last_id(&self) -> i64 {
        self.events.last_key_value().map_or(0, |(id, _)| *id)
    }

    /// Takes events in any order; those known already change nothing.
    pub(crate) fn extend(&mut self, mut events: Vec<HistoryEvent>) {
        events.sort_by_key(|event| event.id);
        for event in events {
            let state = own_state(&event).or_else(|| self.state_before(&event));
            let public = PublicEvent {
                id: event.id,
                previous_id: event.previous_event_id,
                r#type: event.r#type.as_str().to_owned(),
                time: moment(&event.timestamp),
                state,
                error: error_name(&event),
                committed: None,
            };
            self.events.entry(event.id).or_insert(public);
        }
    }

    /// An event between a state's entry and exit belongs to that state.
    fn state_before(&self, event: &HistoryEvent) -> Option<String> {
        let previous = self.events.get(&event.previous_event_id)?;
        let is_outside =
            event.r#type.as_str().starts_with("Execution") || previous.r#type.ends_with("StateExited");
        if is_outside { None } else { previous.state.clone() }
    }

    /// Up to `most` events behind `after`.
    pub(crate) fn after(&self, after: i64, most: usize) -> Vec<PublicEvent> {
        self.events.range(after.saturating_add(1)..).take(most).map(|(_, event)| event.clone()).collect()
    }

    /// How far the execution has come.
    pub(crate) fn progress(&self) -> Progress {
        match self.events.last_key_value() {
            None => Progress::NotBegun,
            Some(_) if self.has_ended() => Progress::Ended,
            Some(_) => Progress::Running,
        }
    }

    /// Whether no event can follow.
    pub(crate) fn has_ended(&self) -> bool {
        self.events.last_key_value().is_some_and(|(_, event)| {
            matches!(
                event.r#type.as_str(),
                "ExecutionSucceeded" | "ExecutionFailed" | "ExecutionAborted" | "ExecutionTimedOut"
            )
        })
    }

    /// The states that are entered and not left, in the order of entering; empty once the execution has ended.
    pub(crate) fn open_states(&self) -> Vec<String> {
        if self.has_ended() {
            return Vec::new();
        }
        let mut open: Vec<&str> = Vec::new();
        for event in self.events.values() {
            let Some(state) = event.state.as_deref() else { continue };
            if event.r#type.ends_with("StateEntered") {
                open.push(state);
            } else if event.r#type.ends_with("StateExited")
                && let Some(place) = open.iter().rposition(|entered| *entered == state)
            {
                open.remove(place);
            }
        }
        let mut states: Vec<String> = Vec::new();
        for state in open {
            if !states.iter().any(|known| known == state) {
                states.push(state.to_owned());
            }
        }
        states
    }
}

fn own_state(event: &HistoryEvent) -> Option<String> {
    let entered = event.state_entered_event_details().map(|details| details.name());
    let exited = event.state_exited_event_details().map(|details| details.name());
    entered.or(exited).map(str::to_owned)
}

/// Error names are of the language and of the tasks; causes, which may say more, stay inside.
fn error_name(event: &HistoryEvent) -> Option<String> {
    let error = None
        .or_else(|| event.task_failed_event_details()?.error())
        .or_else(|| event.task_timed_out_event_details()?.error())
        .or_else(|| event.task_submit_failed_event_details()?.error())
        .or_else(|| event.task_start_failed_event_details()?.error())
        .or_else(|| event.lambda_function_failed_event_details()?.error())
        .or_else(|| event.lambda_function_timed_out_event_details()?.error())
        .or_else(|| event.map_run_failed_event_details()?.error())
        .or_else(|| event.execution_failed_event_details()?.error())
        .or_else(|| event.execution_aborted_event_details()?.error())
        .or_else(|| event.execution_timed_out_event_details()?.error());
    error.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use aws_sdk_sfn::types::{
        HistoryEventType, StateEnteredEventDetails, StateExitedEventDetails, TaskFailedEventDetails,
    };
    use aws_smithy_types::DateTime;

    use super::*;

    fn event(id: i64, previous: i64, kind: &str, state: Option<&str>) -> HistoryEvent {
        let event = HistoryEvent::builder()
            .id(id)
            .previous_event_id(previous)
            .timestamp(DateTime::from_secs(1_700_000_000 + id))
            .r#type(HistoryEventType::from(kind));
        let event = match state {
            Some(state) if kind.ends_with("Entered") => {
                let details =
                    StateEnteredEventDetails::builder().name(state).input("secret").build().unwrap();
                event.state_entered_event_details(details)
            }
            Some(state) => {
                let details =
                    StateExitedEventDetails::builder().name(state).output("secret").build().unwrap();
                event.state_exited_event_details(details)
            }
            None if kind == "TaskFailed" => {
                let details = TaskFailedEventDetails::builder()
                    .resource("invoke")
                    .resource_type("lambda")
                    .error("LotteryBusy")
                    .cause("secret")
                    .build()
                    .unwrap();
                event.task_failed_event_details(details)
            }
            None => event,
        };
        event.build().unwrap()
    }

    fn failing() -> Vec<HistoryEvent> {
        vec![
            event(1, 0, "ExecutionStarted", None),
            event(2, 0, "TaskStateEntered", Some("SealEntries")),
            event(3, 2, "TaskScheduled", None),
            event(4, 3, "TaskFailed", None),
            event(5, 4, "TaskStateExited", Some("SealEntries")),
            event(6, 5, "FailStateEntered", Some("DrawRejected")),
            event(7, 6, "ExecutionFailed", None),
        ]
    }

    #[test]
    fn nothing_that_states_carry_is_shown() {
        let mut history = History::default();
        history.extend(failing());
        let shown = serde_json::to_string(&history.after(0, 100)).unwrap();
        assert!(!shown.contains("secret"));
        assert!(shown.contains("LotteryBusy"));
    }

    #[test]
    fn events_between_entry_and_exit_belong_to_the_state() {
        let mut history = History::default();
        history.extend(failing());
        let states: Vec<_> = history.after(0, 100).into_iter().map(|event| event.state).collect();
        let (seal, rejected) = (Some("SealEntries".to_owned()), Some("DrawRejected".to_owned()));
        assert_eq!(states, [None, seal.clone(), seal.clone(), seal.clone(), seal, rejected, None]);
    }

    #[test]
    fn open_states_are_those_entered_and_not_left() {
        let mut history = History::default();
        history.extend(failing().into_iter().take(4).rev().collect());
        assert_eq!(history.open_states(), ["SealEntries"]);
        assert!(!history.has_ended());
        history.extend(failing());
        assert!(history.has_ended());
        assert!(history.open_states().is_empty());
        assert_eq!(history.after(5, 1).len(), 1);
        assert_eq!(history.last_id(), 7);
    }
}
