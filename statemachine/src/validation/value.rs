//! What a field may hold.

use super::checker::{Checker, Language};
use super::code;
use super::jsonata::Scene;
use crate::data::{Json, JsonPath, Object, Selector};

/// The kinds of values that fields take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A whole number in a range.
    Integer { min: i64, max: Option<i64> },
    /// A number in a range.
    Decimal { min: f64, max: Option<f64> },
    /// A moment.
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
    /// Taken as it stands.
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
            Kind::Text => self.expect(value, at, value.as_str().is_some(), "[STRING]"),
            Kind::OneOf(words) => match value.as_str() {
                None => self.expect(value, at, false, "[STRING]"),
                Some(word) if words.contains(&word) => {}
                Some(_) => {
                    self.schema(at, format!("Value should be one of the following: [{}]", words.join(", ")));
                }
            },
            Kind::Boolean => self.expect(value, at, value.as_bool().is_some(), "[BOOLEAN]"),
            Kind::Integer { min, max } => self.integer(value, at, min, max),
            Kind::Decimal { min, max } => self.decimal(value, at, min, max),
            Kind::Timestamp => match value.as_str() {
                None => self.expect(value, at, false, "[STRING]"),
                Some(text) if is_timestamp(text) => {}
                Some(_) => self.schema(at, "String does not match RFC3339 timestamp"),
            },
            Kind::Object => self.expect(value, at, value.is_object(), "[OBJECT]"),
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

    fn expect(&mut self, _value: &Json, at: &str, holds: bool, expected: &str) {
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
            None => self.expect(value, at, false, "[STRING]"),
            Some(text) => {
                if let Some(fault) = fault(text) {
                    self.schema(at, fault);
                }
            }
        }
    }

    /// The values of keys that end with `.$`, at any depth. AWS names the field that holds the template, however
    /// deep the fault lies.
    pub(super) fn template(&mut self, value: &Json, at: &str) {
        self.template_part(value, at, at);
    }

    fn template_part(&mut self, value: &Json, field: &str, at: &str) {
        match value {
            Json::Object(object) => {
                for (key, item) in object.iter() {
                    let here = format!("{at}/{key}");
                    match key.strip_suffix(".$") {
                        Some(_) => self.dynamic(key, item, field, &here),
                        None => self.template_part(item, field, &here),
                    }
                }
            }
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.template_part(item, field, &format!("{at}[{index}]"));
                }
            }
            Json::String(text) => {
                self.placeholder(text, at);
                if looks_like_path(text) || looks_like_call(text) {
                    self.warn(
                        code::NO_DOLLAR,
                        at,
                        format!("The value '{text}' looks like a path or an intrinsic function, but its key does not end with '.$'"),
                    );
                }
            }
            _ => {}
        }
    }

    fn dynamic(&mut self, key: &str, value: &Json, field: &str, at: &str) {
        let Some(text) = value.as_str() else {
            let kind = value.type_name().to_uppercase();
            self.schema(
                field,
                format!("The value for the field '{key}' must be a STRING that contains a JSONPath but was an {kind}"),
            );
            return;
        };
        self.placeholder(text, at);
        let fault = if looks_like_call(text) { call_fault(text) } else { json_path_fault(text) };
        if fault.is_some() {
            self.schema(
                field,
                format!("The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function call"),
            );
        }
    }

    fn variables(&mut self, value: &Json, at: &str, language: Language, scene: Scene) {
        let Some(object) = value.as_object() else {
            self.schema(at, "Expected value of type [OBJECT]");
            return;
        };
        for key in object.keys() {
            let name = match language {
                Language::JsonPath => key.strip_suffix(".$").unwrap_or(key),
                Language::Jsonata => key,
            };
            let here = format!("{at}/{key}");
            if name == "states" {
                self.error(
                    code::RESERVED_VARIABLE_NAME,
                    &here,
                    "Cannot assign to reserved variable '$states'.",
                );
            } else if !is_variable_name(name) {
                self.error(
                    code::INVALID_VARIABLE_NAME,
                    &here,
                    format!("Invalid variable name '{name}': the variable name contains invalid characters."),
                );
            } else if name.chars().count() > 80 {
                self.error(
                    code::INVALID_VARIABLE_NAME,
                    &here,
                    format!(
                        "Invalid variable name '{name}': the variable name is longer than 80 characters."
                    ),
                );
            }
        }
        match language {
            Language::JsonPath => self.template(value, at),
            Language::Jsonata => self.expressions(value, at, scene),
        }
    }

    fn constant(&mut self, value: &Json, at: &str) {
        match value {
            Json::Object(object) => {
                for (key, item) in object.iter() {
                    let here = format!("{at}/{key}");
                    if key.ends_with(".$") && item.as_str().is_some_and(|text| text.starts_with('$')) {
                        self.warn(
                            code::PASS_RESULT_IS_STATIC,
                            &here,
                            "The Result of a Pass state is taken as it stands: this path is not evaluated",
                        );
                    }
                    self.constant(item, &here);
                }
            }
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.constant(item, &format!("{at}[{index}]"));
                }
            }
            Json::String(text) => {
                self.placeholder(text, at);
                if looks_like_path(text) && !at.ends_with(".$") {
                    self.warn(
                        code::PASS_RESULT_IS_STATIC,
                        at,
                        "The Result of a Pass state is taken as it stands: this path is not evaluated",
                    );
                }
            }
            _ => {}
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
        matches!(self, Kind::Text | Kind::Integer { .. } | Kind::Decimal { .. } | Kind::Timestamp)
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

const NOT_A_PATH: &str = "Value must be a valid JSONPath.";

fn json_path_fault(text: &str) -> Option<String> {
    JsonPath::parse(text).is_err().then(|| NOT_A_PATH.to_owned())
}

fn call_fault(text: &str) -> Option<String> {
    Selector::parse(text).is_err().then(|| NOT_A_PATH.to_owned())
}

/// Where a reference path may begin.
#[derive(Clone, Copy, PartialEq)]
enum Roots {
    Input,
    InputAndVariables,
    All,
}

/// A reference path names one node: no wildcard, no slice, no filter, no descent.
fn reference_path_fault(text: &str, roots: Roots) -> Option<String> {
    let fault = "Value is not a Reference Path";
    if !text.starts_with('$') {
        return Some(format!("{fault}: Reference path didn't start with '$'"));
    }
    let root_fits = match roots {
        Roots::All => true,
        Roots::InputAndVariables => !text.starts_with("$$"),
        Roots::Input => matches!(text.as_bytes().get(1), None | Some(b'.' | b'[')),
    };
    if !root_fits || json_path_fault(text).is_some() || is_ambiguous(text) {
        return Some(fault.to_owned());
    }
    None
}

/// Whether a path may name more than one node.
fn is_ambiguous(path: &str) -> bool {
    let mut quoted = None;
    let mut bracketed = false;
    let mut last = ' ';
    for character in path.chars() {
        match quoted {
            Some(quote) if character == quote && last != '\\' => quoted = None,
            Some(_) => {}
            None => match character {
                '\'' | '"' if bracketed => quoted = Some(character),
                '[' => bracketed = true,
                ']' => bracketed = false,
                '*' | '?' | '@' => return true,
                ':' | ',' if bracketed => return true,
                '.' if last == '.' => return true,
                _ => {}
            },
        }
        last = character;
    }
    false
}

/// RFC 3339 with a capital `T`, and a capital `Z` or an offset.
pub(super) fn is_timestamp(text: &str) -> bool {
    let shape = text.as_bytes().get(10) == Some(&b'T') && !text.contains(['t', 'z', ' ']);
    let zoned = text.ends_with('Z') || text.get(19..).is_some_and(|rest| rest.contains(['+', '-']));
    shape && zoned && text.parse::<jiff::Timestamp>().is_ok()
}

fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|rest| rest.is_alphanumeric() || rest == '_')
}

fn looks_like_path(text: &str) -> bool {
    text == "$$" || ["$.", "$$.", "$["].iter().any(|start| text.starts_with(start))
}

fn looks_like_call(text: &str) -> bool {
    text.starts_with("States.")
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
