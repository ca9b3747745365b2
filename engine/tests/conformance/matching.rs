//! Whether an answer is the recorded one, where the record puts words for what differs from run to run.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::case::Case;

static MOMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)").unwrap()
});
static TOKEN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"<[A-Za-z_][^<>\s"']*>"#).unwrap());
const ACCOUNT: &str = "111111111111";
const BARE: &[&str] = &[
    "timestamp",
    "datetime",
    "RequestId",
    "X-Amzn-Trace-Id",
    "x-amz-crc32",
    "x-amzn-RequestId",
    "x-amzn-requestid",
    "snf_role_arn",
    "sfn_role_arn",
];

/// JSON texts inside a value read as JSON, so that both sides look alike.
pub(crate) fn canonical(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with(['{', '[']) => match serde_json::from_str(text) {
            Ok(inner) => canonical(&inner),
            Err(_) => value.clone(),
        },
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(object) => object.iter().map(|(key, item)| (key.clone(), canonical(item))).collect(),
        _ => value.clone(),
    }
}

/// The replacements of one case.
pub(crate) struct Matcher {
    replaced: Vec<(Regex, String)>,
    bare: HashSet<String>,
}

impl Matcher {
    pub(crate) fn new(case: &Case) -> Matcher {
        let mut matcher =
            Matcher { replaced: Vec::new(), bare: BARE.iter().map(|word| (*word).to_owned()).collect() };
        for replacement in case.0["tokens"].as_array().unwrap_or(&Vec::new()) {
            let token = replacement["token"].as_str();
            if let (Some(pattern), Some(token)) = (replacement["regex"].as_str(), token)
                && pattern != "<unknown>"
                && let Ok(regex) = Regex::new(pattern)
            {
                matcher.replaced.push((regex, token.to_owned()));
            }
            if let Some(token) = token
                && (!replacement["jsonpath"].is_null() || !token.starts_with('<'))
            {
                matcher.bare.insert(token.to_owned());
            }
        }
        matcher
    }

    /// What differs first, if anything does.
    pub(crate) fn difference(&self, expected: &Value, actual: &Value, at: &str) -> Option<String> {
        match (expected, actual) {
            (Value::Object(left), Value::Object(right)) => {
                let missing: Vec<&String> = left.keys().filter(|key| !right.contains_key(*key)).collect();
                let extra: Vec<&String> = right.keys().filter(|key| !left.contains_key(*key)).collect();
                if !missing.is_empty() || !extra.is_empty() {
                    // A key may have been replaced by a token.
                    if missing.iter().any(|key| TOKEN.is_match(key)) && left.len() == right.len() {
                        return None;
                    }
                    return Some(format!("{at}: missing {missing:?}, extra {extra:?}"));
                }
                left.iter()
                    .find_map(|(key, value)| self.difference(value, &right[key], &format!("{at}.{key}")))
            }
            (Value::Array(left), Value::Array(right)) => {
                if left.len() != right.len() {
                    return Some(format!("{at}: {} items, expected {}", right.len(), left.len()));
                }
                let mut pairs = left.iter().zip(right).enumerate();
                pairs.find_map(|(index, (left, right))| {
                    self.difference(left, right, &format!("{at}[{index}]"))
                })
            }
            _ if self.same(expected, actual, at) => None,
            _ => Some(format!("{at}: got {actual}, expected {expected}")),
        }
    }

    fn same(&self, expected: &Value, actual: &Value, at: &str) -> bool {
        match (expected, actual) {
            (Value::String(left), Value::String(right)) => self.same_text(left, right),
            // The date of an HTTP answer, in both formats of headers.
            (Value::String(left), Value::Array(right)) if left == "date" => right.len() == 1,
            (Value::String(left), _) => {
                self.bare.contains(left)
                    || TOKEN.find(left).is_some_and(|found| found.len() == left.len())
                    || (actual.is_array() || actual.is_object()) && self.same_text(left, &actual.to_string())
            }
            (Value::Number(left), Value::Number(right)) => {
                let (left, right) = (left.as_f64().unwrap(), right.as_f64().unwrap());
                left == right || (left - right).abs() <= 1e-12 * left.abs().max(right.abs())
            }
            // A few recordings hold the scalar instead of its JSON text.
            (Value::Number(left), Value::String(right))
                if at.ends_with("output") || at.ends_with("input") =>
            {
                *right == left.to_string()
            }
            _ => expected == actual,
        }
    }

    fn same_text(&self, expected: &str, actual: &str) -> bool {
        if expected == actual || self.bare.contains(expected) {
            return true;
        }
        let mut replaced = actual.to_owned();
        for (regex, token) in &self.replaced {
            replaced = regex.replace_all(&replaced, regex::NoExpand(token)).into_owned();
        }
        if expected == "date" && actual.ends_with(" GMT") {
            return true;
        }
        let dated = MOMENT.replace_all(&replaced, "date").into_owned();
        if expected == replaced || expected == dated {
            return true;
        }
        if !expected.contains('<') && !expected.contains(ACCOUNT) {
            return false;
        }
        let mut pattern = String::from("(?s)^");
        let mut from = 0;
        for token in TOKEN.find_iter(expected) {
            pattern.push_str(&regex::escape(&expected[from..token.start()]));
            pattern.push_str(".*?");
            from = token.end();
        }
        pattern.push_str(&regex::escape(&expected[from..]));
        pattern.push('$');
        let mut pattern = pattern.replace(ACCOUNT, r"\d{12}");
        for word in self.bare.iter().filter(|word| word.len() > 8 && expected.contains(*word)) {
            pattern = pattern.replace(&regex::escape(word), ".*?");
        }
        let pattern = Regex::new(&pattern).unwrap();
        [actual, &replaced, &dated].into_iter().any(|text| pattern.is_match(text))
    }
}

/// What differs between two histories.
pub(crate) fn history_difference(
    case: &Case,
    matcher: &Matcher,
    expected: &[Value],
    actual: &[Value],
) -> Option<String> {
    let kinds = |events: &[Value]| -> Vec<String> {
        events.iter().map(|event| event["type"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let stripped = |events: &[Value]| -> Vec<Value> {
        events
            .iter()
            .map(|event| {
                let mut event = event.clone();
                for field in ["timestamp", "id", "previousEventId"] {
                    event.as_object_mut().unwrap().remove(field);
                }
                canonical(&event)
            })
            .collect()
    };
    let branches = case.has_feature("state:Parallel") || case.has_feature("state:Map");
    let (left, right) = (stripped(expected), stripped(actual));
    if kinds(expected) == kinds(actual) {
        let mut pairs = left.iter().zip(&right).enumerate();
        let difference = pairs
            .find_map(|(index, (left, right))| matcher.difference(left, right, &format!("#{}", index + 1)));
        if difference.is_some() && !branches {
            return difference;
        }
        if difference.is_none() {
            return if branches { None } else { link_difference(expected, actual) };
        }
    } else if !branches {
        let at = kinds(expected).iter().zip(kinds(actual)).position(|(left, right)| *left != right);
        let at = at.unwrap_or(expected.len().min(actual.len()));
        let name = |events: &[Value]| kinds(events).get(at).cloned().unwrap_or("end".to_owned());
        return Some(format!(
            "event {}: got {}, expected {} ({}/{} events)",
            at + 1,
            name(actual),
            name(expected),
            actual.len(),
            expected.len()
        ));
    }
    let mut rest = right;
    for event in &left {
        let found = rest.iter().position(|other| matcher.difference(event, other, "").is_none());
        match found {
            Some(index) => drop(rest.remove(index)),
            None => {
                let alike: Vec<String> = rest
                    .iter()
                    .filter(|other| other["type"] == event["type"])
                    .filter_map(|other| {
                        matcher.difference(event, other, event["type"].as_str().unwrap_or_default())
                    })
                    .collect();
                return Some(format!("no such event: {event}; nearest: {alike:?}"));
            }
        }
    }
    rest.first().map(|event| format!("an event too many: {event}"))
}

fn link_difference(expected: &[Value], actual: &[Value]) -> Option<String> {
    let links = |events: &[Value]| -> Vec<(i64, i64)> {
        let number = |value: &Value| value.as_i64().unwrap_or(0);
        events.iter().map(|event| (number(&event["id"]), number(&event["previousEventId"]))).collect()
    };
    let (expected, actual) = (links(expected), links(actual));
    (expected != actual).then(|| format!("ids and previousEventIds {actual:?}, expected {expected:?}"))
}
