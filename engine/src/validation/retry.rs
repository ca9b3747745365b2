//! Retriers and catchers.

use super::checker::Checker;
use super::code;
use super::jsonata::Scene;
use super::value::Kind;
use crate::data::{Json, Object};
use crate::fields::Language;

/// The error names that the language itself has.
const RESERVED: &[&str] = &[
    "States.ALL",
    "States.BranchFailed",
    "States.DataLimitExceeded",
    "States.ExceedToleratedFailureThreshold",
    "States.HeartbeatTimeout",
    "States.Http.Socket",
    "States.Http.StatusCode",
    "States.IntrinsicFailure",
    "States.ItemReaderFailed",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.Permissions",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
    "States.ResultWriterFailed",
    "States.Runtime",
    "States.TaskFailed",
    "States.Timeout",
];

fn is_reserved(name: &str) -> bool {
    // `States.Http.StatusCode.404` names one status.
    RESERVED.contains(&name) || name.starts_with("States.Http.StatusCode.")
}

impl Checker<'_> {
    pub(super) fn retriers(&mut self, state: &Object, at: &str) {
        for (index, count, retrier) in self.entries(state, at, "Retry") {
            let at = format!("{at}/Retry[{index}]");
            self.only(
                retrier,
                &at,
                &[
                    "ErrorEquals",
                    "IntervalSeconds",
                    "MaxAttempts",
                    "BackoffRate",
                    "MaxDelaySeconds",
                    "JitterStrategy",
                    "Comment",
                ],
            );
            self.error_equals(retrier, &at, index + 1 == count);
            self.value(retrier, &at, "Comment", Kind::Text);
            self.value(retrier, &at, "IntervalSeconds", Kind::Integer { min: 0, max: Some(99_999_999) });
            self.value(retrier, &at, "MaxAttempts", Kind::Integer { min: 0, max: Some(99_999_999) });
            self.value(retrier, &at, "BackoffRate", Kind::Decimal { min: 1.0, max: None });
            self.value(retrier, &at, "MaxDelaySeconds", Kind::Integer { min: 1, max: Some(31_622_400) });
            self.value(retrier, &at, "JitterStrategy", Kind::OneOf(&["NONE", "FULL"]));
            let interval = retrier.get("IntervalSeconds").map_or(Some(1.0), Json::as_f64);
            if let (Some(interval), Some(most)) =
                (interval, retrier.get("MaxDelaySeconds").and_then(Json::as_f64))
                && most >= 1.0
                && most <= interval
            {
                self.warn(
                    code::SUSPICIOUS_VALUE,
                    &format!("{at}/MaxDelaySeconds"),
                    format!("MaxDelaySeconds ({most}) should be greater than IntervalSeconds ({interval})"),
                );
            }
        }
    }

    pub(super) fn catchers(&mut self, state: &Object, at: &str, language: Language) {
        for (index, count, catcher) in self.entries(state, at, "Catch") {
            let at = format!("{at}/Catch[{index}]");
            for field in catcher.keys() {
                match (&**field, language) {
                    ("ErrorEquals" | "Next" | "Assign" | "Comment", _) => {}
                    ("ResultPath", Language::JsonPath) | ("Output", Language::Jsonata) => {}
                    ("ResultPath", Language::Jsonata) => {
                        self.wrong_language(&at, field, language, "JSONPath")
                    }
                    ("Output", Language::JsonPath) => self.wrong_language(&at, field, language, "JSONata"),
                    _ => self.schema(&at, format!("Field '{field}' is not supported")),
                }
            }
            self.error_equals(catcher, &at, index + 1 == count);
            self.required(catcher, &at, &["Next"]);
            self.value(catcher, &at, "Comment", Kind::Text);
            self.value(catcher, &at, "Next", Kind::Text);
            self.value(catcher, &at, "ResultPath", Kind::ResultPath);
            self.field(catcher, &at, "Output", Kind::Payload, language, Scene::Caught);
            self.field(catcher, &at, "Assign", Kind::Variables, language, Scene::Caught);
        }
    }

    /// The objects of a list, each with its location and the length of the list.
    fn entries<'s>(&mut self, state: &'s Object, at: &str, field: &str) -> Vec<(usize, usize, &'s Object)> {
        let Some(list) = state.get(field) else { return Vec::new() };
        let here = format!("{at}/{field}");
        let Some(list) = list.as_array() else {
            self.schema(&here, "Expected value of type [ARRAY]");
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (index, entry) in list.iter().enumerate() {
            match entry.as_object() {
                Some(entry) => entries.push((index, list.len(), entry)),
                None => self.schema(&format!("{here}[{index}]"), "Expected value of type [OBJECT]"),
            }
        }
        entries
    }

    /// Names every field that is not of these.
    pub(super) fn only(&mut self, object: &Object, at: &str, fields: &[&str]) {
        for field in object.keys().filter(|field| !fields.contains(&&***field)) {
            self.schema(at, format!("Field '{field}' is not supported"));
        }
    }

    fn error_equals(&mut self, entry: &Object, at: &str, last: bool) {
        self.required(entry, at, &["ErrorEquals"]);
        let Some(names) = entry.get("ErrorEquals") else { return };
        let here = format!("{at}/ErrorEquals");
        let Some(names) = names.as_array() else {
            self.schema(&here, "Expected value of type [ARRAY]");
            return;
        };
        if names.is_empty() {
            self.schema(&here, "Value cannot be empty");
        }
        for (index, name) in names.iter().enumerate() {
            match name.as_str() {
                None => self.schema(&format!("{here}[{index}]"), "Expected value of type [STRING]"),
                Some("States.ALL") => {}
                Some(name) => self.reserved_error_name(name, &format!("{here}[{index}]")),
            }
        }
        let all = names.iter().any(|name| name.as_str() == Some("States.ALL"));
        if all && (names.len() > 1 || !last) {
            self.schema(&here, "States.ALL must appear alone and at end of list");
        }
    }

    /// Names beginning with `States.` belong to the language.
    pub(super) fn reserved_error_name(&mut self, name: &str, at: &str) {
        if name.starts_with("States.") && !is_reserved(name) {
            self.warn(
                code::SUSPICIOUS_VALUE,
                at,
                format!("Error names that begin with 'States.' are reserved, and there is no '{name}'"),
            );
        }
    }
}
