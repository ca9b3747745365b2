//! The rules of a Choice state.

use super::checker::Checker;
use super::code;
use super::jsonata::Scene;
use super::value::{self, Kind};
use crate::data::{Json, Object};
use crate::fields::Language;

const SELECTORS: &[&str] = &["And", "Or", "Not", "Variable", "Condition"];
const COMPARISONS: &[&str] = &["Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals"];
const TESTS: &[&str] = &["IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp"];

/// What an operator compares with.
fn operand(operator: &str) -> Option<Kind> {
    if TESTS.contains(&operator) {
        return Some(Kind::Boolean);
    }
    if operator == "StringMatches" {
        return Some(Kind::Text);
    }
    for (of, kind) in [
        ("String", Kind::Text),
        ("Numeric", Kind::Decimal { min: f64::NEG_INFINITY, max: None }),
        ("Boolean", Kind::Boolean),
        ("Timestamp", Kind::Timestamp),
    ] {
        let Some(comparison) = operator.strip_prefix(of) else { continue };
        let allowed =
            |comparison| COMPARISONS.contains(&comparison) && (of != "Boolean" || comparison == "Equals");
        if allowed(comparison) {
            return Some(kind);
        }
        if comparison.strip_suffix("Path").is_some_and(allowed) {
            return Some(Kind::ItemsPath);
        }
    }
    None
}

/// All operators, for the message that misses one.
fn operators() -> Vec<String> {
    let mut operators = Vec::new();
    for of in ["String", "Numeric", "Boolean", "Timestamp"] {
        for comparison in COMPARISONS {
            for suffix in ["", "Path"] {
                let operator = format!("{of}{comparison}{suffix}");
                if operand(&operator).is_some() {
                    operators.push(operator);
                }
            }
        }
    }
    operators.push("StringMatches".to_owned());
    operators.extend(TESTS.iter().map(|test| (*test).to_owned()));
    operators
}

/// Whether a rule is in `Choices` itself or within another rule.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Outer,
    Inner,
}

impl Checker<'_> {
    pub(super) fn choices(&mut self, state: &Object, at: &str, language: Language) {
        let Some(choices) = state.get("Choices") else { return };
        self.rules(choices, &format!("{at}/Choices"), language, Level::Outer);
    }

    fn rules(&mut self, rules: &Json, at: &str, language: Language, level: Level) {
        let Some(rules) = rules.as_array() else {
            self.schema(at, "Expected value of type [ARRAY]");
            return;
        };
        if rules.is_empty() {
            self.schema(at, "Value cannot be empty");
        }
        for (index, rule) in rules.iter().enumerate() {
            self.rule(rule, &format!("{at}[{index}]"), language, level);
        }
    }

    fn rule(&mut self, rule: &Json, at: &str, language: Language, level: Level) {
        let Some(rule) = rule.as_object() else {
            self.schema(at, "Expected value of type [OBJECT]");
            return;
        };
        for field in rule.keys() {
            self.rule_field(field, at, language, level);
        }
        if level == Level::Outer {
            self.required(rule, at, &["Next"]);
            self.value(rule, at, "Next", Kind::Text);
            self.field(rule, at, "Output", Kind::Payload, language, Scene::Input);
            self.field(rule, at, "Assign", Kind::Variables, language, Scene::Input);
        }
        self.value(rule, at, "Comment", Kind::Text);
        let given = SELECTORS.iter().filter(|selector| rule.contains_key(selector)).count();
        if given != 1 {
            self.schema(
                at,
                format!("The object must have only one of the following fields, [{}]", SELECTORS.join(", ")),
            );
        }
        if let Some(condition) = rule.get("Condition") {
            self.condition(condition, &format!("{at}/Condition"), language);
        }
        for field in ["And", "Or"] {
            if let Some(rules) = rule.get(field) {
                self.rules(rules, &format!("{at}/{field}"), language, Level::Inner);
            }
        }
        if let Some(inner) = rule.get("Not") {
            self.rule(inner, &format!("{at}/Not"), language, Level::Inner);
        }
        if rule.contains_key("Variable") && language == Language::JsonPath {
            self.comparison(rule, at);
        }
    }

    fn rule_field(&mut self, field: &str, at: &str, language: Language, level: Level) {
        match field {
            "Comment" => {}
            "Next" | "Assign" | "Output" if level == Level::Inner => {
                self.schema(at, format!("Field '{field}' is not supported"));
            }
            "Next" | "Assign" => {}
            "Output" | "Condition" if language == Language::JsonPath => {
                self.wrong_language(at, field, language, "JSONata");
            }
            "Output" | "Condition" => {}
            "And" | "Or" | "Not" | "Variable" if language == Language::Jsonata => {
                self.wrong_language(at, field, language, "JSONPath");
            }
            "And" | "Or" | "Not" | "Variable" => {}
            _ if operand(field).is_none() => self.schema(at, format!("Field '{field}' is not supported")),
            _ if language == Language::Jsonata => self.wrong_language(at, field, language, "JSONPath"),
            _ => {}
        }
    }

    fn condition(&mut self, condition: &Json, at: &str, language: Language) {
        if language == Language::JsonPath || condition.as_bool().is_some() {
            return;
        }
        if value::is_expression(condition) {
            self.expressions(condition, at, Scene::Input);
        } else if condition.as_str().is_some() {
            self.schema(at, "JSONata string must start with {% and end with %}");
        } else {
            self.schema(at, "Expected value of type [STRING]");
        }
    }

    /// A `Variable` and the one operator that belongs to it.
    fn comparison(&mut self, rule: &Object, at: &str) {
        self.value(rule, at, "Variable", Kind::ItemsPath);
        let given: Vec<&str> = rule.keys().map(|key| &**key).filter(|key| operand(key).is_some()).collect();
        if given.is_empty() {
            let operators = operators().join(", ");
            self.schema(
                at,
                format!("This object should have only one of the following fields: [{operators}]"),
            );
        } else if given.len() > 1 {
            self.schema(
                at,
                format!("There should only be one of the following fields: [{}]", given.join(", ")),
            );
        }
        for operator in given {
            if let Some(kind) = operand(operator) {
                self.value(rule, at, operator, kind);
                self.operand_is_no_path(rule, at, operator);
            }
        }
    }

    fn operand_is_no_path(&mut self, rule: &Object, at: &str, operator: &str) {
        let text = rule.get(operator).and_then(Json::as_str).unwrap_or_default();
        if operator.starts_with("String") && !operator.ends_with("Path") && text.starts_with("$.") {
            self.warn(
                code::NO_PATH,
                &format!("{at}/{operator}"),
                format!(
                    "The value '{text}' looks like a path, but the name of the field does not end with 'Path'"
                ),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_has_thirty_nine_operators() {
        assert_eq!(operators().len(), 39);
        assert_eq!(operand("BooleanLessThan"), None);
        assert_eq!(operand("NumericLessThanEqualsPath"), Some(Kind::ItemsPath));
    }
}
