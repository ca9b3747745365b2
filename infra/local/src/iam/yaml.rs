//! YAML with the short forms of CloudFormation, read into JSON with the long ones: `!Ref X` becomes `{"Ref": "X"}`.

use saphyr_parser::{Event, EventReceiver, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value, json};

/// Reads the one document of a text. JSON is YAML too.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut builder = Builder::default();
    Parser::new_from_str(text).load(&mut builder, false).map_err(|error| error.to_string())?;
    match (builder.fault, builder.root) {
        (Some(fault), _) => Err(fault),
        (None, root) => root.ok_or_else(|| "the file is empty".to_owned()),
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Value>,
    fault: Option<String>,
}

/// A collection whose end has not come.
enum Open {
    Sequence(Option<String>, Vec<Value>),
    /// With the key whose value comes next.
    Mapping(Option<String>, Map<String, Value>, Option<String>),
}

impl<'input> EventReceiver<'input> for Builder {
    fn on_event(&mut self, event: Event<'input>) {
        match event {
            Event::Scalar(text, style, _, tag) => {
                let value = match short_form(tag.as_deref()) {
                    Some(name) => long_form(&name, Value::String(text.into_owned())),
                    None if style == ScalarStyle::Plain && tag.is_none() => plain(&text),
                    None => Value::String(text.into_owned()),
                };
                self.add(value);
            }
            Event::SequenceStart(_, tag) => {
                self.open.push(Open::Sequence(short_form(tag.as_deref()), Vec::new()));
            }
            Event::MappingStart(_, tag) => {
                self.open.push(Open::Mapping(short_form(tag.as_deref()), Map::new(), None));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (tag, value) = match self.open.pop() {
                    Some(Open::Sequence(tag, items)) => (tag, Value::Array(items)),
                    Some(Open::Mapping(tag, members, _)) => (tag, Value::Object(members)),
                    None => return,
                };
                self.add(match tag {
                    Some(name) => long_form(&name, value),
                    None => value,
                });
            }
            Event::Alias(_) => self.fail("CloudFormation knows no aliases (*)".to_owned()),
            _ => {}
        }
    }
}

impl Builder {
    fn add(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open::Sequence(_, items)) => items.push(value),
            Some(Open::Mapping(_, members, key)) => match key.take() {
                Some(key) => {
                    if members.contains_key(&key) {
                        self.fail(format!("the key {key} is there twice"));
                    } else {
                        members.insert(key, value);
                    }
                }
                None => match value {
                    Value::String(text) => *key = Some(text),
                    // `1:` and `true:` are keys too, as they are written.
                    Value::Number(_) | Value::Bool(_) | Value::Null => *key = Some(value.to_string()),
                    _ => self.fail("a key is not a text".to_owned()),
                },
            },
        }
    }

    fn fail(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}

/// The name in `!Name`.
fn short_form(tag: Option<&Tag>) -> Option<String> {
    tag.filter(|tag| tag.handle == "!").map(|tag| tag.suffix.clone())
}

fn long_form(name: &str, value: Value) -> Value {
    match (name, value) {
        ("Ref" | "Condition", value) => json!({ name: value }),
        ("GetAtt", Value::String(text)) => {
            let (resource, attribute) = text.split_once('.').unwrap_or((&text, ""));
            json!({"Fn::GetAtt": [resource, attribute]})
        }
        (name, value) => json!({ format!("Fn::{name}"): value }),
    }
}

/// What a text without quotes means.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => return Value::Null,
        "true" | "True" => return Value::Bool(true),
        "false" | "False" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return json!(number);
    }
    let looks_like_a_number = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    match text.parse::<f64>() {
        Ok(number) if looks_like_a_number && number.is_finite() => json!(number),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_long_ones() {
        let text = "
a: !Ref Table
b: !GetAtt Table.Arn
c: !Sub x-${Name}
d: !If [Has, !Ref A, !Ref AWS::NoValue]
e: {f: [1, 2.5, true, \"1\", plain], g: }
h: !Sub
  - ${X}
  - X: !Select [1, !Split [\"@\", !Ref Sender]]
i: !Not [!Condition Has]
";
        let expected = json!({
            "a": {"Ref": "Table"},
            "b": {"Fn::GetAtt": ["Table", "Arn"]},
            "c": {"Fn::Sub": "x-${Name}"},
            "d": {"Fn::If": ["Has", {"Ref": "A"}, {"Ref": "AWS::NoValue"}]},
            "e": {"f": [1, 2.5, true, "1", "plain"], "g": null},
            "h": {"Fn::Sub": ["${X}", {"X": {"Fn::Select": [1, {"Fn::Split": ["@", {"Ref": "Sender"}]}]}}]},
            "i": {"Fn::Not": [{"Condition": "Has"}]},
        });
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn what_cloudformation_refuses_is_refused() {
        assert!(parse("a: &x 1\nb: *x").unwrap_err().contains("aliases"));
        assert!(parse("a: 1\na: 2").unwrap_err().contains("twice"));
        assert!(parse("a: [").is_err());
        assert!(parse("").is_err());
    }
}
