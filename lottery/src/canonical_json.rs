//! Canonical JSON (RFC 8785, "JCS"), restricted to what a proof holds: objects, arrays, text, whole
//! numbers, `null` and booleans. One value has exactly one spelling, so that it can be hashed.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The largest whole number that every JSON reader keeps exactly (RFC 8785, section 3.2.2.3).
const MAX_EXACT: u64 = (1 << 53) - 1;

/// Why bytes or a value are not canonical JSON of the expected shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// Not JSON, or not of the expected shape.
    #[error("is not of the expected form: {0}")]
    Shape(String),
    /// The right content in another spelling.
    #[error("is not spelled canonically (RFC 8785), first at byte {0}")]
    Spelling(usize),
    /// A fraction, or a number that not every reader keeps exactly.
    #[error("holds a number that is not whole or too large")]
    Number,
}

/// The canonical text of a value.
pub fn to_canonical_json(value: &impl Serialize) -> Result<String, CanonicalError> {
    let value = serde_json::to_value(value).map_err(|error| CanonicalError::Shape(error.to_string()))?;
    let mut text = String::new();
    write_value(&value, &mut text)?;
    Ok(text)
}

/// Reads a value, and refuses every other spelling of it than the canonical one.
pub fn from_canonical_json<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, CanonicalError> {
    let value: T = serde_json::from_slice(bytes).map_err(|error| CanonicalError::Shape(error.to_string()))?;
    let canonical = to_canonical_json(&value)?;
    if canonical.as_bytes() == bytes {
        return Ok(value);
    }
    let same = canonical.bytes().zip(bytes).take_while(|(ours, theirs)| ours == *theirs).count();
    Err(CanonicalError::Spelling(same))
}

/// Writes text as canonical JSON spells it.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
}

fn write_value(value: &Value, out: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => {
            let whole = number.as_i64().filter(|whole| whole.unsigned_abs() <= MAX_EXACT);
            out.push_str(&whole.ok_or(CanonicalError::Number)?.to_string());
        }
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(item, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            out.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write_value(member, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_as_in_the_rfc_8785_example() {
        // RFC 8785, section 3.2.3: sorted by UTF-16 code units, not by code points.
        let value =
            json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        let text = to_canonical_json(&value).unwrap();
        assert_eq!(
            text,
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
        );
    }

    #[test]
    fn text_is_escaped_as_in_the_rfc_8785_example() {
        let text = to_canonical_json(&json!("\u{20ac}$\u{f}\nA'B\"\\\\\"/\u{7f}")).unwrap();
        assert_eq!(text, "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\"");
    }

    #[test]
    fn another_spelling_is_refused_with_its_place() {
        let canonical = br#"{"a":[1,null,true],"b":"x"}"#;
        assert!(from_canonical_json::<Value>(canonical).is_ok());
        for (spelling, offset) in [
            (&br#"{"a": [1,null,true],"b":"x"}"#[..], 5),
            (br#"{"b":"x","a":[1,null,true]}"#, 2),
            (br#"{"a":[1,null,true],"b":"\u0078"}"#, 24),
            (b"{\"a\":[1,null,true],\"b\":\"x\"}\n", 27),
        ] {
            assert_eq!(from_canonical_json::<Value>(spelling), Err(CanonicalError::Spelling(offset)));
        }
    }

    #[test]
    fn numbers_that_readers_may_round_are_refused() {
        assert_eq!(to_canonical_json(&json!(9_007_199_254_740_991u64)).unwrap(), "9007199254740991");
        for number in [json!(9_007_199_254_740_992u64), json!(u64::MAX), json!(1.5), json!(1.0)] {
            assert_eq!(to_canonical_json(&number), Err(CanonicalError::Number));
        }
    }
}
