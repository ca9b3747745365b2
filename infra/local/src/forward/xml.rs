//! XML as AWS's protocols have it: elements, attributes and texts.

use serde_json::{Map, Value};
use xmlparser::{ElementEnd, Token, Tokenizer};

use super::model::{Model, Reference};
use super::request::xml_text;

/// An element.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    pub(crate) text: String,
}

/// How deep elements may be nested.
const MAX_DEPTH: usize = 100;

impl Element {
    /// The element that a document is; `None` if it is not XML.
    pub(crate) fn parse(text: &str) -> Option<Element> {
        // The outermost holds the document's element.
        let mut open = vec![Element::default()];
        for token in Tokenizer::from(text) {
            match token.ok()? {
                Token::ElementStart { local, .. } => {
                    open.push(Element { name: local.as_str().to_owned(), ..Element::default() });
                    if open.len() > MAX_DEPTH {
                        return None;
                    }
                }
                Token::Attribute { local, value, prefix, .. } if prefix.as_str() != "xmlns" => {
                    let value = unescape(value.as_str());
                    open.last_mut()?.attributes.push((local.as_str().to_owned(), value));
                }
                Token::Text { text } => open.last_mut()?.text.push_str(&unescape(text.as_str())),
                Token::Cdata { text, .. } => open.last_mut()?.text.push_str(text.as_str()),
                Token::ElementEnd { end: ElementEnd::Close(..) | ElementEnd::Empty, .. } => {
                    let element = open.pop()?;
                    open.last_mut()?.children.push(element);
                }
                _ => {}
            }
        }
        if open.len() == 1 { open.pop()?.children.pop() } else { None }
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first element of this name, at any depth.
    pub(crate) fn find(&self, name: &str) -> Option<&Element> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let Some((name, after_name)) = after.split_once(';') else {
            plain.push('&');
            rest = after;
            continue;
        };
        let number = name.strip_prefix("#x").map(|hex| u32::from_str_radix(hex, 16));
        let number = number.or_else(|| name.strip_prefix('#').map(str::parse));
        let character = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => number.and_then(Result::ok).and_then(char::from_u32),
        };
        plain.extend(character);
        rest = after_name;
    }
    plain.push_str(rest);
    plain
}

fn escape(text: &str, xml: &mut String) {
    for character in text.chars() {
        match character {
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '&' => xml.push_str("&amp;"),
            '"' => xml.push_str("&quot;"),
            _ => xml.push(character),
        }
    }
}

/// A value as an element.
pub(super) fn write(
    model: &Model,
    reference: Option<&Reference>,
    name: &str,
    namespace: Option<&str>,
    value: &Value,
) -> String {
    let mut xml = String::new();
    let namespace = namespace.map(|namespace| format!(" xmlns=\"{namespace}\"")).unwrap_or_default();
    write_element(model, reference, name, &namespace, value, &mut xml);
    xml
}

fn write_element(
    model: &Model,
    reference: Option<&Reference>,
    name: &str,
    attributes: &str,
    value: &Value,
    xml: &mut String,
) {
    let shape = reference.and_then(|reference| model.shape(reference));
    let mut attributes = attributes.to_owned();
    let mut inner = String::new();
    match (value, shape) {
        (Value::Object(members), Some(shape)) if shape.value.is_some() => {
            let (key_name, value_name) =
                shape.entry.clone().unwrap_or_else(|| ("key".to_owned(), "value".to_owned()));
            let item_shape = shape.value.as_ref().and_then(Option::as_ref);
            for (key, item) in members {
                inner.push_str("<entry>");
                write_element(model, None, &key_name, "", &Value::from(key.as_str()), &mut inner);
                write_element(model, item_shape, &value_name, "", item, &mut inner);
                inner.push_str("</entry>");
            }
        }
        (Value::Object(members), shape) => {
            write_members(model, shape, members, &mut attributes, &mut inner);
        }
        (Value::Array(items), shape) => {
            let element = shape.and_then(|shape| shape.element.as_ref()).and_then(Option::as_ref);
            let element_name = shape.and_then(|shape| shape.element_name.as_deref()).unwrap_or("member");
            for item in items {
                write_element(model, element, element_name, "", item, &mut inner);
            }
        }
        _ => escape(&xml_text(reference, value), &mut inner),
    }
    xml.push_str(&format!("<{name}{attributes}>{inner}</{name}>"));
}

fn write_members(
    model: &Model,
    shape: Option<&super::model::Shape>,
    members: &Map<String, Value>,
    attributes: &mut String,
    xml: &mut String,
) {
    for (given, value) in members {
        let known = shape.and_then(|shape| shape.member(given));
        let (name, member) = known.map_or((given.as_str(), None), |(name, member)| (name, Some(member)));
        if member.is_some_and(|member| member.location.is_some()) {
            continue;
        }
        let wire = model.wire_name(name, member);
        let inner = member.and_then(|member| member.shape.as_ref());
        if member.is_some_and(|member| member.attribute == 1) {
            attributes.push_str(&format!(" {wire}=\""));
            escape(&xml_text(inner, value), attributes);
            attributes.push('"');
            continue;
        }
        match value {
            Value::Array(items) if member.is_some_and(|member| member.flat == 1) => {
                let list = inner.and_then(|inner| model.shape(inner));
                let element = list.and_then(|list| list.element.as_ref()).and_then(Option::as_ref);
                for item in items {
                    write_element(model, element, &wire, "", item, xml);
                }
            }
            _ => write_element(model, inner, &wire, "", value, xml),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_and_texts_are_read() {
        let text = r#"<?xml version="1.0"?><a xmlns="u"><b c="&quot;">x &lt;&#65;&amp;</b><b/><![CDATA[<raw>]]></a>"#;
        let element = Element::parse(text).unwrap();
        assert_eq!((element.name.as_str(), element.text.as_str(), element.children.len()), ("a", "<raw>", 2));
        let first = element.child("b").unwrap();
        assert_eq!((first.text.as_str(), first.attributes[0].1.as_str()), ("x <A&", "\""));
        for broken in ["", "text", "<a>", "<a></b", &"<a>".repeat(1_000)] {
            assert_eq!(Element::parse(broken), None, "{broken}");
        }
    }
}
