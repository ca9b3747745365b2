//! The Condition element of a statement.

use std::collections::BTreeMap;

use serde_json::Value;

use super::pattern::{matches, matches_arn};
use super::policy::texts;

/// What is known of a request beside action and resource: keys in lower case, since AWS does not tell cases apart.
pub(super) type RequestContext = BTreeMap<String, Vec<String>>;

/// One operator with one key and its values.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    test: Test,
    is_negated: bool,
    quantifier: Quantifier,
    /// Whether a request without the key passes.
    if_exists: bool,
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Test {
    Equals,
    EqualsIgnoreCase,
    Like,
    ArnLike,
    Bool,
    /// Whether the key is absent.
    Null,
}

/// How a key with several values is compared.
#[derive(Clone, Copy, Debug)]
enum Quantifier {
    One,
    ForAnyValue,
    ForAllValues,
}

impl Condition {
    /// Reads the whole element; an operator that is not known is refused by name.
    pub(super) fn parse_all(element: &Value) -> Result<Vec<Condition>, String> {
        let Some(operators) = element.as_object() else {
            return Err("Condition is not an object".to_owned());
        };
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let Some(keys) = keys.as_object() else {
                return Err(format!("Condition {operator} is not an object"));
            };
            for (key, values) in keys {
                conditions.push(Condition::parse(operator, key, values)?);
            }
        }
        Ok(conditions)
    }

    fn parse(operator: &str, key: &str, values: &Value) -> Result<Condition, String> {
        let (quantifier, name) = match operator.split_once(':') {
            Some(("ForAnyValue", name)) => (Quantifier::ForAnyValue, name),
            Some(("ForAllValues", name)) => (Quantifier::ForAllValues, name),
            _ => (Quantifier::One, operator),
        };
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        let (test, is_negated) = match name {
            "StringEquals" => (Test::Equals, false),
            "StringNotEquals" => (Test::Equals, true),
            "StringEqualsIgnoreCase" => (Test::EqualsIgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Test::EqualsIgnoreCase, true),
            "StringLike" => (Test::Like, false),
            "StringNotLike" => (Test::Like, true),
            "ArnEquals" | "ArnLike" => (Test::ArnLike, false),
            "ArnNotEquals" | "ArnNotLike" => (Test::ArnLike, true),
            "Bool" => (Test::Bool, false),
            "Null" => (Test::Null, false),
            _ => return Err(format!("the condition operator {operator} is not known")),
        };
        let values = texts(values).ok_or_else(|| format!("the values of {operator} {key} are not texts"))?;
        if let Some(value) = values.iter().find(|value| value.contains("${")) {
            return Err(format!("the policy variable in {value} is not known"));
        }
        Ok(Condition { test, is_negated, quantifier, if_exists, key: key.to_lowercase(), values })
    }

    /// Whether the request meets it.
    pub(super) fn is_met(&self, context: &RequestContext) -> bool {
        let given = context.get(&self.key).filter(|given| !given.is_empty());
        if matches!(self.test, Test::Null) {
            return self.values.iter().any(|value| value.eq_ignore_ascii_case("true") == given.is_none());
        }
        let Some(given) = given else {
            // A negated operator holds for what is not there, and so does ForAllValues.
            return match self.quantifier {
                Quantifier::One => self.if_exists || self.is_negated,
                Quantifier::ForAllValues => true,
                Quantifier::ForAnyValue => false,
            };
        };
        let holds =
            |text: &String| self.values.iter().any(|value| self.test.holds(value, text)) != self.is_negated;
        match self.quantifier {
            Quantifier::One | Quantifier::ForAllValues => given.iter().all(holds),
            Quantifier::ForAnyValue => given.iter().any(holds),
        }
    }
}

impl Test {
    fn holds(self, value: &str, given: &str) -> bool {
        match self {
            Test::Equals => value == given,
            Test::EqualsIgnoreCase | Test::Bool => value.eq_ignore_ascii_case(given),
            Test::Like => matches(value, given),
            Test::ArnLike => matches_arn(value, given),
            Test::Null => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_met(condition: Value, key: &str, given: &[&str]) -> bool {
        let given = given.iter().map(|text| (*text).to_owned()).collect();
        let context = RequestContext::from([(key.to_owned(), given)]);
        Condition::parse_all(&condition).unwrap().iter().all(|condition| condition.is_met(&context))
    }

    /// From "Conditions with multiple context keys or values": operators and keys are joined by AND, values by OR, and
    /// values of a negated operator by NOR.
    #[test]
    fn values_are_alternatives_and_keys_are_not() {
        let either = json!({"StringEquals": {"aws:PrincipalTag/job": ["iamuser-admin", "dev"]}});
        assert!(is_met(either.clone(), "aws:principaltag/job", &["dev"]));
        assert!(!is_met(either, "aws:principaltag/job", &["Dev"]), "StringEquals tells cases apart");
        let neither = json!({"StringNotEquals": {"aws:PrincipalTag/job": ["a", "b"]}});
        assert!(is_met(neither.clone(), "aws:principaltag/job", &["c"]));
        assert!(!is_met(neither, "aws:principaltag/job", &["b"]));
        let both = json!({"StringEquals": {"x:a": "1", "x:b": "2"}});
        assert!(!is_met(both, "x:a", &["1"]));
    }

    /// From "IAM JSON policy elements: Condition operators": what a missing key means.
    #[test]
    fn a_missing_key_fails_but_for_negated_operators_and_if_exists() {
        let met = |operator: &str| is_met(json!({operator: {"x:y": "v"}}), "other", &["v"]);
        for operator in ["StringEquals", "StringLike", "ArnLike", "Bool", "ForAnyValue:StringEquals"] {
            assert!(!met(operator), "{operator}");
        }
        for operator in [
            "StringNotEquals",
            "StringNotLike",
            "ArnNotLike",
            "StringEqualsIfExists",
            "ForAllValues:StringEquals",
        ] {
            assert!(met(operator), "{operator}");
        }
        assert!(is_met(json!({"Null": {"x:y": "true"}}), "other", &["v"]));
        assert!(!is_met(json!({"Null": {"x:y": "false"}}), "other", &["v"]));
        assert!(is_met(json!({"Null": {"x:y": "false"}}), "x:y", &["v"]));
    }

    #[test]
    fn several_values_of_a_request_are_compared_as_the_quantifier_says() {
        let all = json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}});
        assert!(is_met(all.clone(), "aws:tagkeys", &["a"]));
        assert!(!is_met(all, "aws:tagkeys", &["a", "c"]));
        let any = json!({"ForAnyValue:StringLike": {"aws:TagKeys": ["a*"]}});
        assert!(is_met(any.clone(), "aws:tagkeys", &["c", "ab"]));
        assert!(!is_met(any, "aws:tagkeys", &["c"]));
    }

    #[test]
    fn an_operator_that_is_not_known_is_refused_by_name() {
        for operator in
            ["NumericLessThan", "IpAddress", "DateGreaterThan", "StringEqual", "ForEach:StringEquals"]
        {
            let refusal = Condition::parse_all(&json!({operator: {"x:y": "1"}})).unwrap_err();
            assert!(refusal.contains(operator), "{refusal}");
        }
        let variable = json!({"StringEquals": {"x:y": "${aws:username}"}});
        assert!(Condition::parse_all(&variable).unwrap_err().contains("${aws:username}"));
    }
}
