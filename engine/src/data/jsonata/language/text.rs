//! Texts: JSON as JavaScript writes it, and positions as JavaScript counts them.

use std::cmp::Ordering;

use super::error::{Error, Outcome};
use super::function::Function;
use super::meter::Meter;
use super::number;
use super::value::Value;

/// A text in quotes, as `JSON.stringify` writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(text, &mut out);
    out
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if u32::from(control) < 0x20 => {
                out.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// The most bytes of a value that a message repeats.
const MAX_MESSAGE_BYTES: usize = 10_000;

/// A value in a message: `JSON.stringify`, with all digits of numbers.
pub(super) fn json_text(value: &Value) -> String {
    let mut writer =
        Writer { out: String::new(), limit: MAX_MESSAGE_BYTES, indent: false, digits: Digits::All };
    match value {
        Value::Undefined => "undefined".to_owned(),
        _ => match writer.write(value, 0) {
            Ok(()) => writer.out,
            Err(Stop::TooLong) => "…".to_owned(),
            Err(Stop::NotFinite(_)) => "null".to_owned(),
        },
    }
}

/// The language's `$string` of a value that is neither undefined nor a text.
pub(super) fn stringify(value: &Value, indent: bool, meter: &mut Meter) -> Outcome<String> {
    let mut writer =
        Writer { out: String::new(), limit: meter.text_limit(), indent, digits: Digits::Fifteen };
    match writer.write(value, 0) {
        Ok(()) => {
            meter.text(writer.out.len())?;
            Ok(writer.out)
        }
        Err(Stop::TooLong) => Err(Error::memory()),
        Err(Stop::NotFinite(number)) => Err(Error::new("D1001").with_value(&Value::Number(number))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Digits {
    All,
    Fifteen,
}

struct Writer {
    out: String,
    limit: usize,
    indent: bool,
    digits: Digits,
}

enum Stop {
    TooLong,
    NotFinite(f64),
}

impl Writer {
    fn write(&mut self, value: &Value, depth: usize) -> Result<(), Stop> {
        if self.out.len() > self.limit {
            return Err(Stop::TooLong);
        }
        match value {
            Value::Undefined | Value::Null | Value::Tuples(_) => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Number(_) | Value::Exact(_) => self.write_number(value.as_double().unwrap_or(f64::NAN))?,
            Value::Text(text) => quote(text, &mut self.out),
            Value::Function(_) => self.out.push_str("\"\""),
            Value::Array(array) => {
                self.out.push('[');
                for (at, item) in array.iter().enumerate() {
                    if at > 0 {
                        self.out.push(',');
                    }
                    self.new_line(depth + 1);
                    self.write(&item, depth + 1)?;
                }
                if array.len() > 0 {
                    self.new_line(depth);
                }
                self.out.push(']');
            }
            Value::Object(object) => {
                self.out.push('{');
                let mut is_empty = true;
                for (key, item) in object.entries() {
                    if item.is_undefined() {
                        continue;
                    }
                    if !is_empty {
                        self.out.push(',');
                    }
                    is_empty = false;
                    self.new_line(depth + 1);
                    quote(&key, &mut self.out);
                    self.out.push_str(if self.indent { ": " } else { ":" });
                    self.write(&item, depth + 1)?;
                }
                if !is_empty {
                    self.new_line(depth);
                }
                self.out.push('}');
            }
        }
        Ok(())
    }

    fn write_number(&mut self, number: f64) -> Result<(), Stop> {
        match self.digits {
            _ if number.is_nan() => self.out.push_str("null"),
            Digits::Fifteen if number.is_infinite() => return Err(Stop::NotFinite(number)),
            Digits::All if number.is_infinite() => self.out.push_str("null"),
            Digits::Fifteen => self.out.push_str(&number::to_text(number::to_fifteen_digits(number))),
            Digits::All => self.out.push_str(&number::to_text(number)),
        }
        Ok(())
    }

    fn new_line(&mut self, depth: usize) {
        if self.indent {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str("  ");
            }
        }
    }
}

/// The order of two texts: by UTF-16 units.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    if left.is_ascii() || right.is_ascii() {
        return left.cmp(right);
    }
    left.encode_utf16().cmp(right.encode_utf16())
}

/// How many UTF-16 units a text has.
pub(super) fn units(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// The byte offset of a count of UTF-16 units; inside a pair, that of the pair.
pub(super) fn offset_of_unit(text: &str, unit: f64) -> usize {
    if unit.is_nan() || unit <= 0.0 {
        return 0;
    }
    let mut passed = 0.0;
    for (offset, character) in text.char_indices() {
        if passed + character.len_utf16() as f64 > unit {
            return offset;
        }
        passed += character.len_utf16() as f64;
    }
    text.len()
}

/// Whether JavaScript takes a value for true where the language does not say.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Undefined | Value::Null => false,
        Value::Bool(value) => *value,
        Value::Text(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) | Value::Function(_) | Value::Tuples(_) => true,
        Value::Number(_) | Value::Exact(_) => {
            value.as_double().is_some_and(|number| number != 0.0 && !number.is_nan())
        }
    }
}

/// The language's `$boolean`.
pub(super) fn boolean(value: &Value) -> Outcome<bool> {
    Ok(match value {
        Value::Undefined | Value::Null => false,
        Value::Bool(value) => *value,
        Value::Text(text) => !text.is_empty(),
        Value::Number(_) | Value::Exact(_) => value.as_numeric()?.is_some_and(|number| number != 0.0),
        Value::Object(object) => object.len() > 0,
        Value::Array(array) => {
            for item in array.iter() {
                if boolean(&item)? {
                    return Ok(true);
                }
            }
            false
        }
        Value::Function(function) => {
            !matches!(**function, Function::Wrapped { .. } | Function::Pattern(_) | Function::NextMatch(_))
        }
        Value::Tuples(_) => true,
    })
}
