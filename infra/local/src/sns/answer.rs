//! An answer of the API, written as XML for the query protocol or as JSON for a Task state.

use std::fmt::Write;

use serde_json::{Map, Value};

/// A value of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A text.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// Members by name.
    Structure(Vec<(&'static str, Answer)>),
    /// Items in order.
    List(Vec<Answer>),
    /// Texts by name.
    Map(Vec<(String, String)>),
}

impl Answer {
    /// The answer of operations that tell nothing.
    pub(crate) fn empty() -> Answer {
        Answer::Structure(Vec::new())
    }

    /// A structure of one text.
    pub(crate) fn of(name: &'static str, text: impl Into<String>) -> Answer {
        Answer::Structure(vec![(name, Answer::Text(text.into()))])
    }

    /// The JSON of a Task's result.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Answer::Text(text) => Value::String(text.clone()),
            Answer::Flag(flag) => Value::Bool(*flag),
            // Some members of the API begin with a small letter; Step Functions capitalises them.
            Answer::Structure(members) => Value::Object(
                members.iter().map(|(name, member)| (capitalised(name), member.to_json())).collect(),
            ),
            Answer::List(items) => Value::Array(items.iter().map(Answer::to_json).collect()),
            Answer::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Value::String(value.clone())))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The XML document that answers `action`, indented as AWS does it.
    pub(crate) fn to_xml(&self, action: &str, request_id: &str) -> String {
        let mut xml = String::with_capacity(320);
        let _ = writeln!(xml, r#"<{action}Response xmlns="{NAMESPACE}">"#);
        match self {
            Answer::Structure(members) if members.is_empty() => {
                let _ = writeln!(xml, "  <{action}Result/>");
            }
            answer => {
                let _ = writeln!(xml, "  <{action}Result>");
                answer.write(&mut xml, 2);
                let _ = writeln!(xml, "  </{action}Result>");
            }
        }
        let _ = write!(
            xml,
            "  <ResponseMetadata>\n    <RequestId>{request_id}</RequestId>\n  </ResponseMetadata>\n</{action}Response>\n"
        );
        xml
    }

    fn write(&self, xml: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        let mut member = |name: &str, value: &Answer| match value {
            Answer::Text(text) => {
                let _ = writeln!(xml, "{indent}<{name}>{}</{name}>", escaped(text));
            }
            Answer::Flag(flag) => {
                let _ = writeln!(xml, "{indent}<{name}>{flag}</{name}>");
            }
            value => {
                let _ = writeln!(xml, "{indent}<{name}>");
                value.write(xml, depth + 1);
                let _ = writeln!(xml, "{indent}</{name}>");
            }
        };
        match self {
            Answer::Text(text) => xml.push_str(&escaped(text)),
            Answer::Flag(flag) => {
                let _ = write!(xml, "{flag}");
            }
            Answer::Structure(members) => members.iter().for_each(|(name, value)| member(name, value)),
            Answer::List(items) => items.iter().for_each(|item| member("member", item)),
            Answer::Map(entries) => {
                for (key, value) in entries {
                    let _ = writeln!(
                        xml,
                        "{indent}<entry>\n{indent}  <key>{}</key>\n{indent}  <value>{}</value>\n{indent}</entry>",
                        escaped(key),
                        escaped(value)
                    );
                }
            }
        }
    }
}

fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

/// The XML namespace of the API.
pub(crate) const NAMESPACE: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// `text` with what means something in XML written as references.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            // XML 1.0 cannot hold the other control characters at all.
            '\r' => out.push_str("&#xD;"),
            control if control.is_control() => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_publish_is_as_long_as_that_of_aws() {
        let id = "11112222-3333-4444-5555-666677778888";
        assert_eq!(Answer::of("MessageId", id).to_xml("Publish", id).len(), 294);
    }

    #[test]
    fn markup_in_a_value_stays_text() {
        let answer =
            Answer::Structure(vec![("Attributes", Answer::Map(vec![("a<b".into(), "\"&\u{1}".into())]))]);
        let xml = answer.to_xml("GetTopicAttributes", "r");
        assert!(xml.contains("<key>a&lt;b</key>"), "{xml}");
        assert!(xml.contains("<value>&quot;&amp;\u{fffd}</value>"), "{xml}");
    }
}
