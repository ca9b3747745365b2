//! Filter policies: which messages of a topic a subscription wants.
//!
//! Reference: <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>

use serde_json::{Map, Value};

use super::SnsError;

/// A policy, ready to be held against messages.
#[derive(Clone, Debug)]
pub(crate) struct FilterPolicy(Vec<Clause>);

/// What a policy looks at: `FilterPolicyScope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The attributes of the message.
    Attributes,
    /// Its body, which has to be a JSON object.
    Body,
}

impl Scope {
    /// Reads the word of AWS.
    pub(crate) fn parse(word: &str) -> Result<Scope, SnsError> {
        match word {
            "MessageAttributes" => Ok(Scope::Attributes),
            "MessageBody" => Ok(Scope::Body),
            _ => Err(SnsError::invalid_parameter(format!(
                "FilterPolicyScope: Invalid value [{word}]. Please use either MessageBody or MessageAttributes"
            ))),
        }
    }
}

/// All clauses of a policy have to hold.
#[derive(Clone, Debug)]
enum Clause {
    /// One of the conditions holds for the value of this key.
    Key(String, Vec<Condition>),
    /// The clauses hold for the object under this key.
    Below(String, Vec<Clause>),
    /// One of the policies holds.
    AnyOf(Vec<Vec<Clause>>),
}

#[derive(Clone, Debug)]
enum Condition {
    Equals(Value),
    Prefix(String),
    Suffix(String),
    Wildcard(String),
    EqualsIgnoringCase(String),
    AnythingBut(Vec<Condition>),
    Numeric(Vec<(Comparison, f64)>),
    Exists,
    IsAbsent,
}

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl FilterPolicy {
    /// At most this many keys, as on AWS.
    const MAX_KEYS: usize = 5;

    /// Whether a message with these attributes, or this body, is wanted.
    pub(crate) fn accepts(&self, message: &Map<String, Value>) -> bool {
        hold(&self.0, message)
    }

    /// Reads the JSON text of a policy.
    pub(crate) fn parse(text: &str, scope: Scope) -> Result<FilterPolicy, SnsError> {
        let Ok(Value::Object(policy)) = serde_json::from_str(text) else {
            return Err(refused("failed to parse JSON."));
        };
        let clauses = clauses(&policy, scope)?;
        if count_keys(&clauses) > Self::MAX_KEYS {
            return Err(refused("Filter policy can not have more than 5 keys"));
        }
        Ok(FilterPolicy(clauses))
    }
}

fn hold(clauses: &[Clause], message: &Map<String, Value>) -> bool {
    clauses.iter().all(|clause| match clause {
        Clause::Key(key, conditions) => {
            let value = message.get(key);
            conditions.iter().any(|condition| condition.holds(value))
        }
        Clause::Below(key, clauses) => match message.get(key) {
            Some(Value::Object(object)) => hold(clauses, object),
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_object).any(|object| hold(clauses, object))
            }
            _ => hold(clauses, &Map::new()),
        },
        Clause::AnyOf(policies) => policies.iter().any(|clauses| hold(clauses, message)),
    })
}

impl Condition {
    fn holds(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Condition::IsAbsent, value) => value.is_none(),
            (Condition::Exists, value) => value.is_some(),
            (_, None) => false,
            (_, Some(Value::Array(items))) => items.iter().any(|item| self.matches(item)),
            (_, Some(value)) => self.matches(value),
        }
    }

    fn matches(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Condition::Equals(Value::Number(wanted)) => {
                value.as_f64().is_some_and(|number| Some(number) == wanted.as_f64())
            }
            Condition::Equals(wanted) => value == wanted,
            Condition::Prefix(start) => text.is_some_and(|text| text.starts_with(start)),
            Condition::Suffix(end) => text.is_some_and(|text| text.ends_with(end)),
            Condition::Wildcard(pattern) => text.is_some_and(|text| wildcard_matches(pattern, text)),
            Condition::EqualsIgnoringCase(wanted) => {
                text.is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
            }
            Condition::AnythingBut(unwanted) => !unwanted.iter().any(|condition| condition.matches(value)),
            Condition::Numeric(comparisons) => value.as_f64().is_some_and(|number| {
                comparisons.iter().all(|(comparison, bound)| comparison.holds(number, *bound))
            }),
            Condition::Exists => true,
            Condition::IsAbsent => false,
        }
    }
}

impl Comparison {
    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Comparison::Equal => number == bound,
            Comparison::Less => number < bound,
            Comparison::LessOrEqual => number <= bound,
            Comparison::Greater => number > bound,
            Comparison::GreaterOrEqual => number >= bound,
        }
    }

    fn parse(sign: &str) -> Option<Comparison> {
        Some(match sign {
            "=" => Comparison::Equal,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return None,
        })
    }
}

/// Whether `text` is what `pattern` describes; `*` matches any characters.
fn wildcard_matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let Some(end) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(end)
}

fn clauses(policy: &Map<String, Value>, scope: Scope) -> Result<Vec<Clause>, SnsError> {
    policy
        .iter()
        .map(|(key, value)| match value {
            Value::Array(policies) if key == "$or" => policies
                .iter()
                .map(|policy| match policy {
                    Value::Object(policy) => clauses(policy, scope),
                    _ => Err(refused("\"$or\" must be an array of objects")),
                })
                .collect::<Result<_, _>>()
                .map(Clause::AnyOf),
            Value::Array(conditions) if conditions.is_empty() => Err(refused("Empty arrays are not allowed")),
            Value::Array(conditions) => {
                let conditions = conditions.iter().map(condition).collect::<Result<_, _>>()?;
                Ok(Clause::Key(key.clone(), conditions))
            }
            Value::Object(_) if scope == Scope::Attributes => {
                Err(refused("Filter policy scope MessageAttributes does not support nested filter policy"))
            }
            Value::Object(below) => Ok(Clause::Below(key.clone(), clauses(below, scope)?)),
            _ => Err(refused(format!("\"{key}\" must be an object or an array"))),
        })
        .collect()
}

fn condition(value: &Value) -> Result<Condition, SnsError> {
    let Value::Object(members) = value else {
        return match value {
            Value::Array(_) => Err(refused("Match value must be String, number, true, false, or null")),
            value => Ok(Condition::Equals(value.clone())),
        };
    };
    let mut members = members.iter();
    let (Some((kind, operand)), None) = (members.next(), members.next()) else {
        return Err(refused("Only one key allowed in match expression"));
    };
    let text = || {
        operand
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| refused(format!("{kind} match pattern must be a string")))
    };
    match (kind.as_str(), operand) {
        ("prefix", _) => text().map(Condition::Prefix),
        ("suffix", _) => text().map(Condition::Suffix),
        ("wildcard", _) => text().map(Condition::Wildcard),
        ("equals-ignore-case", _) => text().map(Condition::EqualsIgnoringCase),
        ("exists", Value::Bool(true)) => Ok(Condition::Exists),
        ("exists", Value::Bool(false)) => Ok(Condition::IsAbsent),
        ("exists", _) => Err(refused("exists match pattern must be either true or false.")),
        ("anything-but", Value::Array(unwanted)) => {
            unwanted.iter().map(condition).collect::<Result<_, _>>().map(Condition::AnythingBut)
        }
        ("anything-but", Value::Object(inner)) => {
            // `{"anything-but": {"prefix": ["a", "b"]}}`: one operator, one text or several.
            let mut unwanted = Vec::new();
            for (kind, operand) in inner {
                let operands = operand.as_array().map_or(std::slice::from_ref(operand), Vec::as_slice);
                for operand in operands {
                    unwanted.push(condition(&serde_json::json!({ kind: operand }))?);
                }
            }
            Ok(Condition::AnythingBut(unwanted))
        }
        ("anything-but", single) => Ok(Condition::AnythingBut(vec![condition(single)?])),
        ("numeric", Value::Array(items)) => numeric(items),
        ("numeric", _) => Err(refused("Value of numeric must be an array.")),
        _ => Err(refused(format!("Unrecognized match type {kind}"))),
    }
}

fn numeric(items: &[Value]) -> Result<Condition, SnsError> {
    if items.is_empty() || items.len() > 4 {
        return Err(refused("Invalid member in numeric match: the array has to hold one or two comparisons"));
    }
    items
        .chunks(2)
        .map(|pair| {
            let sign = pair[0].as_str().unwrap_or_default();
            let comparison = Comparison::parse(sign)
                .ok_or_else(|| refused(format!("Unrecognized numeric range operator: {sign}")))?;
            let bound = pair
                .get(1)
                .and_then(Value::as_f64)
                .ok_or_else(|| refused(format!("Value of {sign} must be numeric")))?;
            Ok((comparison, bound))
        })
        .collect::<Result<_, _>>()
        .map(Condition::Numeric)
}

fn count_keys(clauses: &[Clause]) -> usize {
    clauses
        .iter()
        .map(|clause| match clause {
            Clause::Key(..) => 1,
            Clause::Below(_, clauses) => count_keys(clauses),
            Clause::AnyOf(policies) => policies.iter().map(|policy| count_keys(policy)).max().unwrap_or(0),
        })
        .sum()
}

fn refused(reason: impl std::fmt::Display) -> SnsError {
    SnsError::invalid_parameter(format!("FilterPolicy: {reason}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepts(policy: Value, message: Value) -> bool {
        FilterPolicy::parse(&policy.to_string(), Scope::Body).unwrap().accepts(message.as_object().unwrap())
    }

    #[test]
    fn every_key_has_to_match_with_one_of_its_values() {
        let policy = json!({"audience": ["everyone", "x"], "kind": ["result"]});
        assert!(accepts(policy.clone(), json!({"audience": "x", "kind": "result"})));
        assert!(!accepts(policy.clone(), json!({"audience": "y", "kind": "result"})));
        assert!(!accepts(policy, json!({"audience": "x"})));
    }

    #[test]
    fn one_element_of_an_array_is_enough() {
        assert!(accepts(json!({"a": ["x"]}), json!({"a": ["y", "x"]})));
        assert!(!accepts(json!({"a": ["x"]}), json!({"a": []})));
    }

    #[test]
    fn each_operator_tells_what_it_wants_from_what_it_does_not() {
        for (condition, wanted, unwanted) in [
            (json!({"prefix": "ab"}), json!("abc"), json!("cab")),
            (json!({"suffix": "bc"}), json!("abc"), json!("bca")),
            (json!({"wildcard": "a*c*e"}), json!("abcde"), json!("abcdef")),
            (json!({"equals-ignore-case": "Abc"}), json!("aBC"), json!("ab")),
            (json!({"anything-but": ["x", "y"]}), json!("z"), json!("x")),
            (json!({"anything-but": "x"}), json!("z"), json!("x")),
            (json!({"anything-but": {"prefix": "x"}}), json!("z"), json!("xy")),
            (json!({"numeric": [">=", 1, "<", 2]}), json!(1.5), json!(2)),
            (json!({"numeric": ["=", 1]}), json!(1.0), json!("1")),
            (json!({"exists": true}), json!(0), Value::Null),
        ] {
            let policy = json!({ "a": [condition] });
            assert!(accepts(policy.clone(), json!({ "a": wanted })), "{policy} {wanted}");
            let message = if unwanted.is_null() { json!({}) } else { json!({ "a": unwanted }) };
            assert!(!accepts(policy.clone(), message), "{policy} {unwanted}");
        }
        assert!(accepts(json!({"a": [{"exists": false}]}), json!({"b": 1})));
        assert!(!accepts(json!({"a": [{"exists": false}]}), json!({"a": 1})));
    }

    #[test]
    fn a_missing_key_is_not_anything_but() {
        assert!(!accepts(json!({"a": [{"anything-but": "x"}]}), json!({})));
    }

    #[test]
    fn a_body_is_looked_into_and_one_of_several_policies_suffices() {
        let policy = json!({"person": {"group": ["sales"]}, "$or": [{"a": [1]}, {"b": [2]}]});
        assert!(accepts(policy.clone(), json!({"person": {"group": "sales"}, "b": 2})));
        assert!(accepts(policy.clone(), json!({"person": [{"group": "x"}, {"group": "sales"}], "a": 1})));
        assert!(!accepts(policy, json!({"person": {"group": "sales"}, "b": 3})));
    }

    #[test]
    fn a_wildcard_needs_its_parts_apart() {
        assert!(!wildcard_matches("ab*ba", "aba"));
        assert!(wildcard_matches("*", ""));
        assert!(wildcard_matches("a**b", "ab"));
    }

    #[test]
    fn a_policy_that_cannot_be_is_refused_with_its_reason() {
        for (policy, reason) in [
            ("[]", "failed to parse JSON."),
            (r#"{"a": "x"}"#, "must be an object or an array"),
            (r#"{"a": []}"#, "Empty arrays"),
            (r#"{"a": {"b": ["x"]}}"#, "does not support nested"),
            (r#"{"a": [{"like": "x"}]}"#, "Unrecognized match type like"),
            (r#"{"a": [{"prefix": "x", "suffix": "y"}]}"#, "Only one key"),
            (r#"{"a": [{"numeric": ["!", 1]}]}"#, "Unrecognized numeric range operator: !"),
            (r#"{"a": [{"numeric": ["<"]}]}"#, "must be numeric"),
            (r#"{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}"#, "more than 5 keys"),
        ] {
            let error = FilterPolicy::parse(policy, Scope::Attributes).unwrap_err();
            assert!(error.message.contains(reason), "{policy}: {error}");
        }
    }
}
