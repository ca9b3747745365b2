//! PutEvents: what comes in, and the events that the stack's own services send.

use serde_json::{Value, json};
use uuid::Uuid;

use super::EventsError;
use super::request::{DEFAULT_BUS, Request};
use super::store::{Event, Store, rule_arn, time_text};
use crate::config::{ACCOUNT, REGION};

/// The most entries of a request, and the most bytes of all of them.
const MAX_ENTRIES: usize = 10;
const MAX_BYTES: usize = 256 * 1024;

/// An event of the stack's own services.
pub(crate) struct OwnEvent {
    /// Such as `aws.s3`.
    pub(crate) source: &'static str,
    pub(crate) detail_type: &'static str,
    pub(crate) resources: Vec<String>,
    /// Milliseconds since 1970.
    pub(crate) time: i64,
    pub(crate) detail: Value,
}

impl Store {
    pub(super) fn put_events(&mut self, request: Request<'_>) -> Result<Value, EventsError> {
        let entries = request.list("Entries");
        if request.0.get("Entries").is_none() {
            return Err(EventsError::missing("Entries"));
        }
        let shown = |entries| format!("'{}'", Value::from(entries));
        if entries.is_empty() {
            let constraint = "Member must have length greater than or equal to 1";
            return Err(EventsError::constraint("entries", "'[]'", constraint));
        }
        if entries.len() > MAX_ENTRIES {
            let constraint = format!("Member must have length less than or equal to {MAX_ENTRIES}");
            return Err(EventsError::constraint("entries", &shown(entries.to_vec()), &constraint));
        }
        if entries.iter().map(|entry| size(Request(entry))).sum::<usize>() > MAX_BYTES {
            return Err(EventsError::validation(
                "Total size of the entries in the request is over the limit.",
            ));
        }
        let now = self.now();
        let mut answers = Vec::with_capacity(entries.len());
        for entry in entries {
            answers.push(self.put_entry(Request(entry), now)?);
        }
        let failed = answers.iter().filter(|answer| answer.get("ErrorCode").is_some()).count();
        Ok(json!({"Entries": answers, "FailedEntryCount": failed}))
    }

    /// Puts one entry and gives its answer; only the database fails the request.
    fn put_entry(&mut self, entry: Request<'_>, now: i64) -> Result<Value, EventsError> {
        let event = match event_of(entry, now) {
            Ok(event) => event,
            Err((code, message)) => return Ok(json!({"ErrorCode": code, "ErrorMessage": message})),
        };
        let bus = entry.bus("EventBusName");
        if self.has_bus(bus)? {
            self.accept(bus, &event)?;
        } else {
            // AWS takes such an event, too, and nobody hears of it.
            tracing::warn!(bus, "an event was put on a bus that does not exist");
        }
        Ok(json!({"EventId": event.id}))
    }

    /// Puts events of services on the default bus.
    pub(super) fn put_own(&mut self, own: &[OwnEvent]) -> Result<(), EventsError> {
        self.in_transaction(|store| own.iter().try_for_each(|own| store.accept(DEFAULT_BUS, &own.event())))
    }
}

impl OwnEvent {
    fn event(&self) -> Event {
        let resources = Value::from(self.resources.clone());
        let detail = self.detail.to_string();
        envelope(self.source, self.detail_type, &time_text(self.time), &resources, &detail)
    }
}

/// The event by which a rule with a schedule calls its targets.
pub(super) fn scheduled_event(rule: &str, time: i64) -> Event {
    let resources = json!([rule_arn(DEFAULT_BUS, rule)]);
    envelope("aws.events", "Scheduled Event", &time_text(time), &resources, "{}")
}

/// The size of an entry, as AWS counts it.
fn size(entry: Request<'_>) -> usize {
    let length = |name| entry.text(name).map_or(0, str::len);
    let time = if entry.0.get("Time").is_some() { 14 } else { 0 };
    let resources = entry.list("Resources").iter().filter_map(Value::as_str).map(str::len).sum::<usize>();
    time + length("Source") + length("DetailType") + length("Detail") + resources
}

/// The event of an entry, or the code and the message of its refusal.
fn event_of(entry: Request<'_>, now: i64) -> Result<Event, (&'static str, String)> {
    let given = |name: &str| {
        entry.text(name).filter(|text| !text.is_empty()).ok_or_else(|| {
            let message = format!("Parameter {name} is not valid. Reason: {name} is a required argument.");
            ("InvalidArgument", message)
        })
    };
    let source = given("Source")?;
    let detail_type = given("DetailType")?;
    let detail = given("Detail")?;
    if source.starts_with("aws.") {
        return Err(("NotAuthorizedForSourceException", "Not authorized for the source.".to_owned()));
    }
    if !serde_json::from_str::<Value>(detail).is_ok_and(|detail| detail.is_object()) {
        return Err(("MalformedDetail", "Detail is malformed.".to_owned()));
    }
    let time = time_of(entry.0.get("Time")).unwrap_or(now);
    let resources = Value::from(entry.list("Resources"));
    Ok(envelope(source, detail_type, &time_text(time), &resources, &compact(detail)))
}

/// A time in a request: seconds since 1970, or a text.
pub(super) fn time_of(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::String(text) => text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond),
        number => {
            let millis = number.as_f64()? * 1000.0;
            #[allow(clippy::cast_possible_truncation, reason = "what is beyond the bounds is the bound")]
            Some(millis as i64)
        }
    }
}

/// An event around a detail, which keeps its order and its numbers as they were written.
pub(super) fn envelope(
    source: &str,
    detail_type: &str,
    time: &str,
    resources: &Value,
    detail: &str,
) -> Event {
    let id = Uuid::new_v4().to_string();
    let text = |text: &str| Value::from(text).to_string();
    let text = format!(
        r#"{{"version":"0","id":"{id}","detail-type":{},"source":{},"account":"{ACCOUNT}","time":"{time}","region":"{REGION}","resources":{resources},"detail":{detail}}}"#,
        text(detail_type),
        text(source),
    );
    let value = serde_json::from_str(&text).unwrap_or_default();
    Event { id, value, text, hops: 0 }
}

/// JSON without the blanks between its parts.
fn compact(json: &str) -> String {
    let (mut in_text, mut is_escaped) = (false, false);
    let kept = json.chars().filter(|character| {
        if in_text {
            in_text = is_escaped || *character != '"';
            is_escaped = !is_escaped && *character == '\\';
            return true;
        }
        in_text = *character == '"';
        !character.is_ascii_whitespace()
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_go_only_between_the_parts() {
        assert_eq!(compact("{ \"a b\" : [ 1.0,\n\"c \\\" d\\\\\" ] }"), r#"{"a b":[1.0,"c \" d\\"]}"#);
    }
}
