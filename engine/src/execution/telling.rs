//! Telling: the events of the history, each with the one that it follows, and what happens when it is full.

use std::sync::Arc;

use super::{EVENT_LIMIT, Execution, Outcome};
use crate::engine::{ExecutionStatus, MachineType};
use crate::history::{Detail, Details, Event, EventType, Field};

impl Execution {
    /// Adds an event that follows the last one of a strand.
    pub(super) fn emit(&mut self, id: usize, event_type: EventType, details: Details) -> u64 {
        let event_id = self.next_event;
        let strand = self.strand_mut(id);
        let previous = std::mem::replace(&mut strand.last, event_id);
        self.push_event(event_type, previous, details);
        event_id
    }

    /// Adds an event beside the strand's line: what comes next does not follow it.
    pub(super) fn emit_aside(&mut self, id: usize, event_type: EventType, details: Details) -> u64 {
        let previous = self.strand(id).last;
        self.push_event(event_type, previous, details)
    }

    /// Adds an event that follows this one.
    pub(super) fn push_event(&mut self, event_type: EventType, previous: u64, details: Details) -> u64 {
        let id = self.next_event;
        self.next_event += 1;
        // Express executions have no history to ask for. Past the limit only the number counts on.
        if self.identity.execution_type == MachineType::Standard && id <= EVENT_LIMIT {
            self.events.push(Event { event_type, id, previous, details });
        }
        id
    }

    /// The history is full: the execution ends with its last event.
    pub(super) fn exhaust(&mut self) {
        let cause: Arc<str> =
            format!("The execution reached the maximum number of history events ({EVENT_LIMIT}).").into();
        let error: Arc<str> = "States.Runtime".into();
        self.next_event = EVENT_LIMIT + 1;
        let details = vec![
            (Field::Cause, Detail::Text(Arc::clone(&cause))),
            (Field::Error, Detail::Text(Arc::clone(&error))),
        ];
        let last = Event {
            event_type: EventType::ExecutionFailed,
            id: EVENT_LIMIT,
            previous: EVENT_LIMIT - 1,
            details,
        };
        match self.events.last_mut() {
            Some(event) if event.id == EVENT_LIMIT => *event = last,
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
