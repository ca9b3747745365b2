//! Payload templates, variables, and values that are not evaluated.

use super::checker::Checker;
use super::code;
use super::jsonata::Scene;
use super::path::{call_fault, json_path_fault, looks_like_call, looks_like_path};
use crate::data::Json;
use crate::fields::Language;

impl Checker<'_> {
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

    pub(super) fn variables(&mut self, value: &Json, at: &str, language: Language, scene: Scene) {
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

    pub(super) fn constant(&mut self, value: &Json, at: &str) {
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
}

fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|rest| rest.is_alphanumeric() || rest == '_')
}
