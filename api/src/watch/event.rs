//! An event of a draw, and a list of them in the making.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// One event of a draw's way through the state machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PublicEvent {
    /// Its number, from 1.
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
    /// The name of the error, if it reports one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The commitment: published as the entries are sealed, before the deciding round is.
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

/// A state that is entered and not left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) kind: &'static str,
    pub(super) state: &'static str,
}

/// Events in the making.
pub(super) struct EventsBuilder {
    pub(super) events: Vec<PublicEvent>,
    /// The event before the next one on its branch.
    pub(super) last: i64,
    /// The time of the last event: none happens before the one that it follows.
    pub(super) time: Timestamp,
}

impl EventsBuilder {
    pub(super) fn add(&mut self, kind: &str, state: Option<&str>) {
        self.add_error(kind, state, None);
    }

    pub(super) fn add_error(&mut self, kind: &str, state: Option<&str>, error: Option<String>) {
        self.add_at(kind, state, error, Some(self.time));
    }

    /// Adds an event at a time that may be unknown.
    pub(super) fn add_at(
        &mut self,
        kind: &str,
        state: Option<&str>,
        error: Option<String>,
        time: Option<Timestamp>,
    ) {
        let id = self.events.len() as i64 + 1;
        self.events.push(PublicEvent {
            id,
            previous_id: self.last,
            r#type: kind.to_owned(),
            time,
            state: state.map(str::to_owned),
            error,
            committed: None,
        });
        self.last = id;
    }

    pub(super) fn enter(&mut self, Open { kind, state }: Open) {
        self.add(&format!("{kind}StateEntered"), Some(state));
    }

    pub(super) fn exit(&mut self, Open { kind, state }: Open, at: Option<Timestamp>) {
        self.time = self.time.max(at.unwrap_or(self.time));
        self.add(&format!("{kind}StateExited"), Some(state));
    }

    pub(super) fn pass(&mut self, kind: &'static str, state: &'static str) {
        self.enter(Open { kind, state });
        self.exit(Open { kind, state }, None);
    }

    /// A task fails for good, and the error is caught.
    pub(super) fn fail(&mut self, open: Open, error: Option<String>) {
        if open.kind == "Task" {
            self.add_error("TaskFailed", Some(open.state), error);
        }
        self.exit(open, None);
    }
}
