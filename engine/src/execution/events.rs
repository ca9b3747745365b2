//! Appending events to the history, each with the event that it follows, and failing when the history is full.

use std::sync::Arc;

use super::{Execution, MAX_EVENTS, Outcome};
use crate::history::{Detail, Details, Event, EventType, Field};
use crate::model::{ExecutionStatus, MachineType};

impl Execution {
    /// Appends an event that follows the last one of a branch.
    pub(super) fn emit(&mut self, id: usize, event_type: EventType, details: Details) -> u64 {
        let event_id = self.next_event;
        let branch = self.branch_mut(id);
        let previous = std::mem::replace(&mut branch.last, event_id);
        self.push_event(event_type, previous, details);
        event_id
    }

    /// Appends an event that follows the last one of a branch, without becoming the last one.
    pub(super) fn emit_aside(&mut self, id: usize, event_type: EventType, details: Details) -> u64 {
        let previous = self.branch(id).last;
        self.push_event(event_type, previous, details)
    }

    /// Appends an event that follows the event `previous`.
    pub(super) fn push_event(&mut self, event_type: EventType, previous: u64, details: Details) -> u64 {
        let id = self.next_event;
        self.next_event += 1;
        // Express executions have no history. Past the limit only the number grows.
        if self.identity.execution_type == MachineType::Standard && id <= MAX_EVENTS {
            self.events.push(Event { event_type, id, previous, details });
        }
        id
    }

    /// Fails the execution, whose history is full, in its last event.
    pub(super) fn fail_full_history(&mut self) {
        let cause: Arc<str> =
            format!("The execution reached the maximum number of history events ({MAX_EVENTS}).").into();
        let error: Arc<str> = "States.Runtime".into();
        self.next_event = MAX_EVENTS + 1;
        let details = vec![
            (Field::Cause, Detail::Text(Arc::clone(&cause))),
            (Field::Error, Detail::Text(Arc::clone(&error))),
        ];
        let last = Event {
            event_type: EventType::ExecutionFailed,
            id: MAX_EVENTS,
            previous: MAX_EVENTS - 1,
            details,
        };
        match self.events.last_mut() {
            Some(event) if event.id == MAX_EVENTS => *event = last,
            _ => self.events.push(last),
        }
        self.close(Outcome {
            status: ExecutionStatus::Failed,
            output: None,
            error: Some(error),
            cause: Some(cause),
        });
    }
}
