//! Writing JSON text, and measuring it without writing.

use super::object::Measure;
use super::{Array, Json, Object};

/// Length and depth of a value; containers remember theirs.
pub(super) fn measure(value: &Json) -> Measure {
    let scalar = |len| Measure { len, depth: 0 };
    match value {
        Json::Null | Json::Bool(true) => scalar(4),
        Json::Bool(false) => scalar(5),
        Json::Number(number) => scalar(number.text_len()),
        Json::String(text) => scalar(string_len(text)),
        Json::Array(array) => array.measured.known().unwrap_or_else(|| measure_array(array)),
        Json::Object(object) => object.measured.known().unwrap_or_else(|| measure_object(object)),
    }
}

fn measure_array(array: &Array) -> Measure {
    // Brackets, and a comma between items.
    let mut total = Measure { len: 2 + array.len().saturating_sub(1), depth: 0 };
    for item in array.iter() {
        let item = measure(item);
        total.len += item.len;
        total.depth = total.depth.max(item.depth);
    }
    total.depth += 1;
    array.measured.remember(total);
    total
}

fn measure_object(object: &Object) -> Measure {
    // Braces, a comma between entries, a colon in each.
    let mut total = Measure { len: 2 + object.len().saturating_sub(1) + object.len(), depth: 0 };
    for (key, value) in object.iter() {
        let value = measure(value);
        total.len += string_len(key) + value.len;
        total.depth = total.depth.max(value.depth);
    }
    total.depth += 1;
    object.measured.remember(total);
    total
}

/// Appends the compact text of a value.
pub(super) fn write(value: &Json, out: &mut String) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Number(number) => number.write(out),
        Json::String(text) => write_string(text, out),
        Json::Array(array) => {
            out.push('[');
            for (at, item) in array.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Json::Object(object) => {
            out.push('{');
            for (at, (key, value)) in object.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Appends a text in quotes, escaped as JSON asks and no further.
pub(super) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(needs_escape) {
        // What needs an escape is ASCII, so both cuts fall between characters.
        out.push_str(&rest[..at]);
        write_escape(rest.as_bytes()[at], out);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

fn write_escape(byte: u8, out: &mut String) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        0x08 => out.push_str("\\b"),
        0x0C => out.push_str("\\f"),
        _ => {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push_str("\\u00");
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

fn string_len(text: &str) -> usize {
    let escapes: usize = text.bytes().map(|byte| usize::from(needs_escape(byte))).sum();
    let mut len = text.len() + 2;
    if escapes > 0 {
        for byte in text.bytes().filter(|&byte| needs_escape(byte)) {
            len += match byte {
                b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 1,
                _ => 5,
            };
        }
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_nothing_else_is() {
        let text = "a\"\\/\n\u{1f}\u{7f}é😀";
        assert_eq!(Json::from(text).to_text(), "\"a\\\"\\\\/\\n\\u001F\u{7f}é😀\"");
    }

    #[test]
    fn the_length_is_that_of_the_text() {
        for text in
            [r#"{"a":[1,-2.5,1E9,true,false,null],"b\n\u0001":{"c":"\"é"},"d":[],"e":{}}"#, "[]", "\"\""]
        {
            let value = Json::parse(text).unwrap();
            assert_eq!(value.serialized_len(), value.to_text().len(), "{text}");
        }
    }
}
