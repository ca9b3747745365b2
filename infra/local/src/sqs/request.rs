//! The members of a request, read with the refusals of the API.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde_json::Value;

use super::SqsError;
use super::error::BatchFault;

/// How many entries a batch may have.
const MAX_ENTRIES: usize = 10;

/// A request, or an entry of a batch.
#[derive(Clone, Copy)]
pub(super) struct Request<'a>(pub(super) &'a Value);

impl<'a> Request<'a> {
    /// A text; `None` if it is absent.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    /// A text that must be there.
    pub(super) fn require(self, name: &str) -> Result<&'a str, SqsError> {
        self.text(name).ok_or_else(|| SqsError::missing(name))
    }

    /// A whole number within bounds; state machines may give it as text.
    pub(super) fn integer(self, name: &str, bounds: RangeInclusive<i64>) -> Result<Option<i64>, SqsError> {
        let value = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value,
        };
        let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
        match number {
            Some(number) if bounds.contains(&number) => Ok(Some(number)),
            _ => {
                let reason = format!("Must be between {} and {}, if provided.", bounds.start(), bounds.end());
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Err(SqsError::invalid_value(name, value, &reason))
            }
        }
    }

    /// A list of texts; empty if it is absent.
    pub(super) fn texts(self, name: &str) -> Vec<&'a str> {
        let items = self.0.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// A map of texts under the first of these names that is there.
    pub(super) fn text_map(self, names: &[&str]) -> BTreeMap<String, String> {
        let map = names.iter().find_map(|name| self.0.get(*name)?.as_object());
        map.into_iter()
            .flatten()
            .map(|(name, value)| {
                (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect()
    }

    /// The entries of a batch with their ids. `operation` is in the refusal of an empty batch.
    pub(super) fn entries(self, operation: &str) -> Result<Vec<(&'a str, Request<'a>)>, SqsError> {
        let entries = self.0.get("Entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if entries.is_empty() {
            let message = format!("There should be at least one {operation}RequestEntry in the request.");
            return Err(SqsError::batch(BatchFault::Empty, message));
        }
        if entries.len() > MAX_ENTRIES {
            let message = format!(
                "Maximum number of entries per request are {MAX_ENTRIES}. You have sent {}.",
                entries.len()
            );
            return Err(SqsError::batch(BatchFault::TooMany, message));
        }
        let mut ids = BTreeSet::new();
        let mut read = Vec::with_capacity(entries.len());
        for entry in entries {
            let id = Request(entry).require("Id")?;
            let is_valid = (1..=80).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            if !is_valid {
                let message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.";
                return Err(SqsError::batch(BatchFault::EntryId, message));
            }
            if !ids.insert(id) {
                return Err(SqsError::batch(BatchFault::NotDistinct, format!("Id {id} repeated.")));
            }
            read.push((id, Request(entry)));
        }
        Ok(read)
    }
}
