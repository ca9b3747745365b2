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

/// Whether any byte of a text needs an escape, eight bytes at a time: nearly all texts are short, and need none.
fn has_escapes(text: &str) -> bool {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    words.iter().any(|word| word_has_escapes(u64::from_ne_bytes(*word)))
        || rest.iter().any(|&byte| needs_escape(byte))
}

/// Whether one of eight bytes is below 0x20, a quotation mark or a backslash ("Bit Twiddling Hacks", Sean Eron Anderson:
/// "Determine if a word has a byte less than n", "… a byte equal to n").
fn word_has_escapes(word: u64) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let has_less = |word: u64, n: u8| word.wrapping_sub(ONES * u64::from(n)) & !word & HIGH != 0;
    let has = |byte: u8| has_less(word ^ (ONES * u64::from(byte)), 1);
    has_less(word, 0x20) | has(b'"') | has(b'\\')
}

/// Appends a text in quotes, escaped as JSON asks and no further.
pub(super) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    if has_escapes(text) {
        write_escaped(text, out);
    } else {
        out.push_str(text);
    }
    out.push('"');
}

fn write_escaped(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(needs_escape) {
        // What needs an escape is ASCII, so both cuts fall between characters.
        out.push_str(&rest[..at]);
        write_escape(rest.as_bytes()[at], out);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
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
    let escapes = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 1,
        0..0x20 => 5,
        _ => 0,
    };
    let more: usize = if has_escapes(text) { text.bytes().map(escapes).sum() } else { 0 };
    text.len() + 2 + more
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
    fn a_byte_that_needs_an_escape_is_found_wherever_it_is() {
        for byte in 0..0x80 {
            for at in 0..19 {
                let mut text = "a\u{7f}é1😀9\u{ff}Zz!#[]".repeat(2).into_bytes();
                text.truncate(20);
                text.insert(0, byte);
                text[..=at].rotate_left(1);
                let Ok(text) = String::from_utf8(text) else { continue };
                assert_eq!(has_escapes(&text), needs_escape(byte), "{byte:#x} at {at}");
                assert_eq!(string_len(&text), Json::from(text.as_str()).to_text().len());
            }
        }
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
