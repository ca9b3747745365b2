//! The members of a request, and pages of lists.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::EventsError;

/// A request, or a part of one.
#[derive(Clone, Copy)]
pub(super) struct Request<'a>(pub(super) &'a Value);

impl<'a> Request<'a> {
    /// A text; `None` if it is absent.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    /// A text that must be there.
    pub(super) fn require(self, name: &str) -> Result<&'a str, EventsError> {
        self.text(name).filter(|text| !text.is_empty()).ok_or_else(|| EventsError::missing(name))
    }

    /// A list; an absent one is empty.
    pub(super) fn list(self, name: &str) -> &'a [Value] {
        self.0.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The name of the event bus, which may be given as an ARN; `default` if none is.
    pub(super) fn bus(self, name: &str) -> &'a str {
        self.text(name).map_or(DEFAULT_BUS, bus_name)
    }

    /// A name of letters, digits, points, hyphens and underscores.
    pub(super) fn new_name(self, name: &str, longest: usize) -> Result<&'a str, EventsError> {
        let text = self.require(name)?;
        check_name(&name.to_ascii_lowercase(), text, longest)?;
        Ok(text)
    }
}

/// Refuses a name that has other characters, or too many.
pub(super) fn check_name(member: &str, text: &str, longest: usize) -> Result<(), EventsError> {
    let refused = |constraint: &str| Err(EventsError::constraint(member, &format!("'{text}'"), constraint));
    if text.chars().count() > longest {
        return refused(&format!("Member must have length less than or equal to {longest}"));
    }
    if !text.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_')) {
        return refused("Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+");
    }
    Ok(())
}

/// The bus that every account has.
pub(super) const DEFAULT_BUS: &str = "default";

/// The name of a bus that is given by name or ARN.
pub(super) fn bus_name(given: &str) -> &str {
    given.split_once(":event-bus/").map_or(given, |(_, name)| name)
}

/// A page of a list: `key` names an item, by which the items are sorted.
pub(super) fn page(
    request: Request<'_>,
    (list, limit): (&str, &str),
    items: Vec<(String, Value)>,
) -> Result<Value, EventsError> {
    let after = match request.text("NextToken") {
        Some(token) => {
            let key = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            Some(key.ok_or_else(|| EventsError::validation("Invalid pagination token."))?)
        }
        None => None,
    };
    let limit = match &request.0.get(limit) {
        Some(Value::String(text)) => text.parse().ok(),
        other => other.and_then(Value::as_u64),
    };
    let limit = limit.unwrap_or(100).clamp(1, 100) as usize;
    let mut rest = items.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    let page: Vec<(String, Value)> = rest.by_ref().take(limit).collect();
    let token = page.last().filter(|_| rest.next().is_some()).map(|(key, _)| URL_SAFE_NO_PAD.encode(key));
    let mut answer = Map::new();
    answer.insert(list.to_owned(), page.into_iter().map(|(_, item)| item).collect());
    if let Some(token) = token {
        answer.insert("NextToken".to_owned(), json!(token));
    }
    Ok(Value::Object(answer))
}

/// An object of those members that are there.
pub(super) fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let there = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect())
}

/// A time in an answer: seconds since 1970.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of millennia are exact")]
pub(super) fn seconds(millis: i64) -> Value {
    json!(millis as f64 / 1000.0)
}
