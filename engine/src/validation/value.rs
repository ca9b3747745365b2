//! What a field may hold.

use super::checker::Checker;
use super::code;
use super::jsonata::Scene;
use super::path::{Roots, call_fault, json_path_fault, looks_like_path, reference_path_fault};
use crate::data::{Json, Object, timestamp};
use crate::fields::Language;

/// The kinds of values that fields take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A text for which JSONata may put an expression.
    Words,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A whole number in a range.
    Integer { min: i64, max: Option<i64> },
    /// A number in a range.
    Decimal { min: f64, max: Option<f64> },
    /// A timestamp.
    Timestamp,
    /// An object.
    Object,
    /// A JSONPath, or null.
    PathOrNull,
    /// A reference path, or null (`ResultPath`).
    ResultPath,
    /// A path to a single value of the input or of a variable.
    ReferencePath,
    /// The same, or of the context object (`ItemsPath`).
    ItemsPath,
    /// A path or a call of an intrinsic function (`ErrorPath`, `CausePath`).
    PathOrCall,
    /// A payload template in JSONPath, a value with expressions in JSONata.
    Payload,
    /// An object of variables.
    Variables,
    /// Any value.
    Constant,
}

impl Checker<'_> {
    /// Names the missing ones of the fields that must be there.
    pub(super) fn required(&mut self, object: &Object, at: &str, fields: &[&str]) {
        let missing: Vec<&str> = fields.iter().copied().filter(|field| !object.contains_key(field)).collect();
        if !missing.is_empty() {
            self.schema(at, format!("These fields are required: [{}]", missing.join(", ")));
        }
    }

    /// At most one of these.
    pub(super) fn at_most_one(&mut self, object: &Object, at: &str, fields: &[&str]) {
        if fields.iter().filter(|field| object.contains_key(field)).count() > 1 {
            self.schema(
                at,
                format!("There should only be one of the following fields: [{}]", fields.join(", ")),
            );
        }
    }

    /// Exactly one of these.
    pub(super) fn exactly_one(&mut self, object: &Object, at: &str, fields: &[&str]) {
        if !fields.iter().any(|field| object.contains_key(field)) {
            let fields = fields.join(", ");
            self.schema(at, format!("This object should have only one of the following fields: [{fields}]"));
        }
        self.at_most_one(object, at, fields);
    }

    /// A field of the outer machine or of a part without expressions.
    pub(super) fn value(&mut self, object: &Object, at: &str, field: &str, kind: Kind) {
        if let Some(value) = object.get(field) {
            self.check(value, &format!("{at}/{field}"), kind, Language::JsonPath, Scene::Input);
        }
    }

    /// A field where the language may put an expression for the value.
    pub(super) fn field(
        &mut self,
        object: &Object,
        at: &str,
        field: &str,
        kind: Kind,
        language: Language,
        scene: Scene,
    ) {
        if let Some(value) = object.get(field) {
            self.check(value, &format!("{at}/{field}"), kind, language, scene);
        }
    }

    pub(super) fn check(&mut self, value: &Json, at: &str, kind: Kind, language: Language, scene: Scene) {
        if language == Language::Jsonata && kind.takes_expression() && is_expression(value) {
            self.expressions(value, at, scene);
            return;
        }
        if let Some(text) = value.as_str() {
            self.placeholder(text, at);
            if kind.looks_wrong_as_path() && language == Language::JsonPath && looks_like_path(text) {
                self.warn(
                    code::NO_PATH,
                    at,
                    format!("The value '{text}' looks like a path, but the name of the field does not end with 'Path'"),
                );
            }
        }
        match kind {
            Kind::Text | Kind::Words => self.expect(at, value.as_str().is_some(), "[STRING]"),
            Kind::OneOf(words) => match value.as_str() {
                None => self.expect(at, false, "[STRING]"),
                Some(word) if words.contains(&word) => {}
                Some(_) => {
                    self.schema(at, format!("Value should be one of the following: [{}]", words.join(", ")));
                }
            },
            Kind::Boolean => self.expect(at, value.as_bool().is_some(), "[BOOLEAN]"),
            Kind::Integer { min, max } => self.integer(value, at, min, max),
            Kind::Decimal { min, max } => self.decimal(value, at, min, max),
            Kind::Timestamp => match value.as_str() {
                None => self.expect(at, false, "[STRING]"),
                Some(text) if timestamp::parse(text).is_some() => {}
                Some(_) => self.schema(at, "String does not match RFC3339 timestamp"),
            },
            Kind::Object => self.expect(at, value.is_object(), "[OBJECT]"),
            Kind::PathOrNull => self.path_or_null(value, at, json_path_fault),
            Kind::ResultPath => self.path_or_null(value, at, |text| reference_path_fault(text, Roots::Input)),
            Kind::ReferencePath => {
                self.path(value, at, |text| reference_path_fault(text, Roots::InputAndVariables))
            }
            Kind::ItemsPath => self.path(value, at, |text| reference_path_fault(text, Roots::All)),
            Kind::PathOrCall => self.path(value, at, |text| match text.starts_with("States.") {
                true => call_fault(text),
                false => reference_path_fault(text, Roots::All),
            }),
            Kind::Payload => match language {
                Language::JsonPath => self.template(value, at),
                Language::Jsonata => self.expressions(value, at, scene),
            },
            Kind::Variables => self.variables(value, at, language, scene),
            Kind::Constant => self.constant(value, at),
        }
    }

    fn expect(&mut self, at: &str, holds: bool, expected: &str) {
        if !holds {
            self.schema(at, format!("Expected value of type {expected}"));
        }
    }

    fn integer(&mut self, value: &Json, at: &str, min: i64, max: Option<i64>) {
        let Some(number) = value.as_number() else {
            self.schema(at, "Expected value of type Integer");
            return;
        };
        if number.as_f64().fract() != 0.0 {
            self.schema(at, "Expected value of type Integer");
        } else if number.as_f64() < min as f64 {
            self.schema(at, format!("Minimum value is {min}"));
        } else if let Some(max) = max.filter(|max| number.as_f64() > *max as f64) {
            self.schema(at, format!("Maximum value is {max}"));
        }
    }

    fn decimal(&mut self, value: &Json, at: &str, min: f64, max: Option<f64>) {
        let Some(number) = value.as_f64() else {
            self.schema(at, "Expected value of type [NUMBER]");
            return;
        };
        if number < min {
            self.schema(at, format!("Minimum value is {min:?}"));
        } else if let Some(max) = max.filter(|max| number > *max) {
            self.schema(at, format!("Maximum value is {max:?}"));
        }
    }

    fn path_or_null(&mut self, value: &Json, at: &str, fault: impl Fn(&str) -> Option<String>) {
        if !value.is_null() {
            self.path(value, at, fault);
        }
    }

    fn path(&mut self, value: &Json, at: &str, fault: impl Fn(&str) -> Option<String>) {
        match value.as_str() {
            None => self.expect(at, false, "[STRING]"),
            Some(text) => {
                if let Some(fault) = fault(text) {
                    self.schema(at, fault);
                }
            }
        }
    }

    /// `${Name}`: what CloudFormation or the tool at hand should have filled in.
    pub(super) fn placeholder(&mut self, text: &str, at: &str) {
        if let Some(name) = placeholder(text) {
            self.warn(
                code::UNFILLED_PLACEHOLDER,
                at,
                format!("The placeholder '${{{name}}}' has not been filled in"),
            );
        }
    }
}

impl Kind {
    /// Whether JSONata may put an expression for the value.
    fn takes_expression(self) -> bool {
        matches!(self, Kind::Words | Kind::Integer { .. } | Kind::Decimal { .. } | Kind::Timestamp)
    }

    /// Whether a path there is probably meant for the field's twin whose name ends with `Path`.
    fn looks_wrong_as_path(self) -> bool {
        matches!(self, Kind::Integer { .. } | Kind::Decimal { .. } | Kind::Timestamp)
    }
}

/// A text that JSONata is to evaluate. AWS looks at the two brackets only, without trimming.
pub(super) fn is_expression(value: &Json) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("{%"))
}

/// The name in the first `${name}` of a text.
fn placeholder(text: &str) -> Option<&str> {
    text.match_indices("${").find_map(|(at, _)| {
        let rest = &text[at + 2..];
        let name = &rest[..rest.find('}')?];
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-'));
        (!name.is_empty() && plain).then_some(name)
    })
}
