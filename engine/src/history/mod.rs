//! The events of an execution, and how GetExecutionHistory shows them.

mod codec;
mod decode;
mod encode;
mod kind;

use std::sync::Arc;

pub(crate) use codec::Malformed;
pub(crate) use decode::Decoder;
pub(crate) use encode::Encoder;
pub(crate) use kind::{EventType, Field};

use crate::data::{Json, Object};

/// One event. Its id is its position in the history, counted from 1; its timestamp is that of its record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) event_type: EventType,
    pub(crate) id: u64,
    pub(crate) previous: u64,
    pub(crate) details: Details,
}

/// The members of an event's details.
pub(crate) type Details = Vec<(Field, Detail)>;

/// The value of a member.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Detail {
    /// A name, an error, a cause: shown as it is.
    Text(Arc<str>),
    /// A count.
    Number(u64),
    /// Data, shown as JSON text, as it was sent where it was handed on whole.
    Data(Json),
    /// An object, shown as such.
    Members(Json),
    /// Variables: each one's name, and its value as JSON text.
    Variables(Arc<[(Arc<str>, Json)]>),
}

impl Detail {
    /// A text.
    pub(crate) fn text(text: impl Into<Arc<str>>) -> Detail {
        Detail::Text(text.into())
    }
}

/// Whether an event is shown with inputs, outputs and variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    Everything,
    WithoutData,
}

impl Event {
    /// The event as GetExecutionHistory shows it.
    pub(crate) fn render(&self, at_millis: i64, show: Show) -> Json {
        let mut event = Object::with_capacity(5);
        event.insert("timestamp", timestamp(at_millis));
        event.insert("type", Json::string(self.event_type.name()));
        event.insert("id", Json::from(self.id));
        event.insert("previousEventId", Json::from(self.previous));
        if let Some(member) = self.event_type.details_member() {
            event.insert(member, render_details(&self.details, show));
        }
        Json::from(event)
    }
}

/// A timestamp as the AWS JSON protocol has it: seconds since 1970 with three decimals.
pub(crate) fn timestamp(millis: i64) -> Json {
    Json::from(millis as f64 / 1000.0)
}

fn render_details(details: &Details, show: Show) -> Json {
    let mut members = Object::with_capacity(details.len() + 1);
    for (field, detail) in details {
        let has_truncation = matches!(field, Field::Input | Field::Output | Field::AssignedVariables);
        if has_truncation && show == Show::WithoutData {
            continue;
        }
        let value = match detail {
            Detail::Text(text) => Json::String(Arc::clone(text)),
            Detail::Number(number) => Json::from(*number),
            Detail::Data(data) => Json::string(data.verbatim()),
            Detail::Members(members) => members.clone(),
            Detail::Variables(variables) => Json::from(
                variables
                    .iter()
                    .map(|(name, value)| (Arc::clone(name), Json::from(value.to_text())))
                    .collect::<Object>(),
            ),
        };
        members.insert(field.name(), value);
        if has_truncation {
            members
                .insert(format!("{}Details", field.name()), Json::object([("truncated", Json::Bool(false))]));
        }
    }
    Json::from(members)
}
