//! `States.Format`: a text whose `{}` are replaced by values.

use std::fmt::Write;

use super::Json;

/// A template, cut at its `{}`: one text more than there are `{}`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FormatTemplate {
    texts: Vec<String>,
}

impl FormatTemplate {
    /// Cuts a template; a backslash takes `'`, `{`, `}` and `\` as they are.
    pub(super) fn parse(text: &str) -> Result<FormatTemplate, String> {
        let mut texts = vec![String::new()];
        let mut characters = text.chars();
        let mut current = String::new();
        while let Some(c) = characters.next() {
            match c {
                '\\' => match characters.next() {
                    Some(escaped @ ('\'' | '{' | '}' | '\\')) => current.push(escaped),
                    _ => return Err("a backslash stands before `'`, `{`, `}` or `\\` only".to_owned()),
                },
                '{' if characters.as_str().starts_with('}') => {
                    characters.next();
                    let before = texts.len() - 1;
                    texts[before] = std::mem::take(&mut current);
                    texts.push(String::new());
                }
                c => current.push(c),
            }
        }
        let last = texts.len() - 1;
        texts[last] = current;
        Ok(FormatTemplate { texts })
    }

    /// The text with its `{}` replaced by the values.
    pub(super) fn fill(&self, values: &[Json]) -> Result<Json, String> {
        let slots = self.texts.len() - 1;
        if values.len() != slots {
            return Err(format!(
                "number of arguments do not match the occurrences of {{}}: {} and {slots}",
                values.len()
            ));
        }
        let mut filled = String::new();
        for (at, text) in self.texts.iter().enumerate() {
            filled.push_str(text);
            if let Some(value) = values.get(at) {
                write_value(value, &mut filled);
            }
        }
        Ok(filled.into())
    }
}

/// A value as Java's `toString` writes it: texts bare, `[1, a]`, `{key=value}`.
fn write_value(value: &Json, out: &mut String) {
    match value {
        Json::String(text) => out.push_str(text),
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_value(item, out);
            }
            out.push(']');
        }
        Json::Object(object) => {
            out.push('{');
            for (at, (key, value)) in object.iter().enumerate() {
                write!(out, "{}{key}=", if at > 0 { ", " } else { "" }).expect("a String takes everything");
                write_value(value, out);
            }
            out.push('}');
        }
        other => other.write_text(out),
    }
}
