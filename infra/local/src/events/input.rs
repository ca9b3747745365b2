//! What a target gets of an event: all of it, a part, a constant, or a template filled with parts.

use serde_json::Value;

use super::EventsError;
use super::request::Request;

/// What is known of a rule beside its event, for the reserved names of a template.
pub(super) struct About<'a> {
    pub(super) rule_arn: &'a str,
    pub(super) rule_name: &'a str,
    /// When the event came, as text.
    pub(super) ingested: &'a str,
}

/// The text that a target gets.
pub(super) fn payload(target: Request<'_>, event: &Value, text: &str, about: &About<'_>) -> String {
    if let Some(constant) = target.text("Input") {
        return constant.to_owned();
    }
    if let Some(path) = target.text("InputPath") {
        let part = Path::parse(path).and_then(|path| path.find(event));
        return part.map_or_else(|| "null".to_owned(), Value::to_string);
    }
    let Some(transformer) = target.0.get("InputTransformer") else { return text.to_owned() };
    let transformer = Request(transformer);
    let paths = transformer.0.get("InputPathsMap").and_then(Value::as_object);
    let part = |name: &str| match name {
        "aws.events.rule-arn" => Some(Value::from(about.rule_arn)),
        "aws.events.rule-name" => Some(Value::from(about.rule_name)),
        "aws.events.event.ingestion-time" => Some(Value::from(about.ingested)),
        "aws.events.event" => Some(without_detail(event)),
        "aws.events.event.json" => Some(event.clone()),
        _ => {
            let path = paths?.get(name)?.as_str()?;
            // What is not there is an empty text.
            Some(Path::parse(path).and_then(|path| path.find(event)).cloned().unwrap_or_else(|| "".into()))
        }
    };
    fill(transformer.text("InputTemplate").unwrap_or_default(), part)
}

/// Fills a template. A name in a text of JSON means what its value says, elsewhere for its value as JSON.
pub(super) fn fill(template: &str, part: impl Fn(&str) -> Option<Value>) -> String {
    let mut filled = String::with_capacity(template.len());
    let (mut rest, mut in_text) = (template, false);
    while let Some(character) = rest.chars().next() {
        if character == '\\' {
            let escape = rest.chars().take(2).map(char::len_utf8).sum();
            filled.push_str(&rest[..escape]);
            rest = &rest[escape..];
            continue;
        }
        if character == '<'
            && let Some((name, after)) = rest[1..].split_once('>')
            && let Some(value) = part(name)
        {
            match value {
                Value::Null if in_text => {}
                Value::String(text) if in_text => filled.push_str(&escaped(&text)),
                // Objects and lists lose their quotation marks there.
                value if in_text => filled.push_str(&value.to_string().replace('"', "")),
                value => filled.push_str(&value.to_string()),
            }
            rest = after;
            continue;
        }
        in_text ^= character == '"';
        filled.push(character);
        rest = &rest[character.len_utf8()..];
    }
    filled
}

/// An event as `aws.events.event` gives it.
fn without_detail(event: &Value) -> Value {
    let names = ["id", "account", "detail-type", "time", "source", "region", "resources", "version"];
    let members = names.map(|name| {
        let shown = if name == "detail-type" { "detailType" } else { name };
        (shown.to_owned(), event[name].clone())
    });
    Value::Object(members.into_iter().collect())
}

/// A text as it is between quotation marks.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Refuses the input of a target that cannot be meant.
pub(super) fn check(target: Request<'_>, id: &str) -> Result<(), EventsError> {
    let given = ["Input", "InputPath", "InputTransformer"].map(|name| target.0.get(name).is_some());
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(EventsError::validation(format!(
            "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
        )));
    }
    if let Some(input) = target.text("Input")
        && serde_json::from_str::<Value>(input).is_err()
    {
        return Err(EventsError::validation(format!("JSON syntax error in input for target {id}")));
    }
    let bad_path =
        |path: &str| EventsError::validation(format!("Invalid InputPath for target {id} : {path}"));
    if let Some(path) = target.text("InputPath") {
        Path::parse(path).ok_or_else(|| bad_path(path))?;
    }
    let Some(transformer) = target.0.get("InputTransformer") else { return Ok(()) };
    let template = Request(transformer).require("InputTemplate")?;
    let paths = transformer.get("InputPathsMap").and_then(Value::as_object);
    for path in paths.into_iter().flat_map(|paths| paths.values()) {
        let path = path.as_str().unwrap_or_default();
        Path::parse(path).ok_or_else(|| bad_path(path))?;
    }
    for name in names(template) {
        let is_known = paths.is_some_and(|paths| paths.contains_key(name)) || RESERVED.contains(&name);
        if !is_known {
            return Err(EventsError::validation(format!(
                "InputTemplate for target {id} contains invalid placeholder {name}."
            )));
        }
    }
    Ok(())
}

/// Names that every template knows.
const RESERVED: [&str; 5] = [
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
];

/// What is between `<` and `>` and looks like a name.
fn names(template: &str) -> impl Iterator<Item = &str> {
    template.split('<').skip(1).filter_map(|part| {
        let (name, _) = part.split_once('>')?;
        let is_name = name.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_'));
        (is_name && !name.is_empty()).then_some(name)
    })
}

/// A path to one part of an event: `$`, `$.detail.name`, `$.items[0]`, `$['a name']`.
struct Path(Vec<Step>);

enum Step {
    Member(String),
    Item(usize),
}

impl Path {
    fn parse(text: &str) -> Option<Path> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                if end == 0 {
                    return None;
                }
                steps.push(Step::Member(after[..end].to_owned()));
                rest = &after[end..];
            } else {
                let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
                let quoted = |mark| inside.strip_prefix(mark)?.strip_suffix(mark);
                steps.push(match quoted('\'').or_else(|| quoted('"')) {
                    Some(name) => Step::Member(name.to_owned()),
                    None => Step::Item(inside.parse().ok()?),
                });
                rest = after;
            }
        }
        Some(Path(steps))
    }

    fn find<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, step| match step {
            Step::Member(name) => value.get(name),
            Step::Item(index) => value.get(index),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn given(target: Value) -> String {
        let event = json!({
            "detail-type": "T",
            "detail": {"name": "Ada \"A\"", "n": 5, "list": [{"x": true}], "nothing": null},
        });
        let about = About { rule_arn: "arn:rule", rule_name: "rule", ingested: "2026-11-29T00:00:00Z" };
        payload(Request(&target), &event, "all", &about)
    }

    #[test]
    fn a_target_gets_all_a_part_or_a_constant() {
        assert_eq!(given(json!({})), "all");
        assert_eq!(given(json!({"Input": "{\"a\": 1}"})), "{\"a\": 1}");
        for (path, part) in [
            ("$.detail.n", "5"),
            ("$.detail-type", "\"T\""),
            ("$.detail.list[0]", r#"{"x":true}"#),
            ("$['detail']['list'][0].x", "true"),
            ("$.detail.none", "null"),
        ] {
            assert_eq!(given(json!({"InputPath": path})), part, "{path}");
        }
    }

    #[test]
    fn a_template_is_filled_by_where_a_name_stands() {
        let template = |template: &str| {
            given(json!({"InputTransformer": {
                "InputPathsMap": {"name": "$.detail.name", "n": "$.detail.n", "list": "$.detail.list", "none": "$.none"},
                "InputTemplate": template,
            }}))
        };
        for (text, filled) in [
            (
                r#"{"who": <name>, "n": <n>, "list": <list>}"#,
                r#"{"who": "Ada \"A\"", "n": 5, "list": [{"x":true}]}"#,
            ),
            (r#""<name> has <n><none>: <list>""#, r#""Ada \"A\" has 5: [{x:true}]""#),
            (r#"{"a": <none>, "b": "<aws.events.rule-name> <other>"}"#, r#"{"a": "", "b": "rule <other>"}"#),
            (r#""a \" <n>""#, r#""a \" 5""#),
        ] {
            assert_eq!(template(text), filled);
        }
    }

    #[test]
    fn an_input_that_cannot_be_meant_is_refused() {
        for (target, words) in [
            (json!({"Input": "{}", "InputPath": "$"}), "Only one of"),
            (json!({"Input": "{"}), "JSON syntax error"),
            (json!({"InputPath": "detail"}), "Invalid InputPath"),
            (json!({"InputPath": "$."}), "Invalid InputPath"),
            (json!({"InputTransformer": {"InputTemplate": "<who>"}}), "contains invalid placeholder who."),
        ] {
            let error = check(Request(&target), "t").unwrap_err();
            assert!(error.message.contains(words), "{error}");
        }
        let fine = json!({"InputTransformer": {"InputPathsMap": {"who": "$.detail"}, "InputTemplate": "<who> <aws.events.event> 1 < 2 > 1"}});
        check(Request(&fine), "t").unwrap();
    }
}
