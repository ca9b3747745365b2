//! Base64 and URLs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::error::{Error, Outcome};
use super::super::evaluate::Evaluator;
use super::super::value::Value;
use super::text;

pub(super) fn base64_encode(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    match text("base64encode", args, 0)? {
        Some(text) => Value::text(STANDARD.encode(text.as_bytes()), &mut cx.meter),
        None => Ok(Value::Undefined),
    }
}

/// Reads Base64 as Node does: of both alphabets, and past what belongs to neither.
pub(super) fn base64_decode(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(text) = text("base64decode", args, 0)? else { return Ok(Value::Undefined) };
    cx.meter.text(text.len())?;
    let (mut bytes, mut bits, mut count) = (Vec::with_capacity(text.len() / 4 * 3), 0u32, 0);
    for character in text.bytes().take_while(|byte| *byte != b'=') {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xFF) as u8);
        }
    }
    let decoded = match String::from_utf8(bytes) {
        Ok(text) => text,
        // What is not UTF-8 is taken for what the reference implementation takes all for: Latin-1.
        Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
    };
    Value::text(decoded, &mut cx.meter)
}

const UNRESERVED: &str = "-_.!~*'()";
const RESERVED: &str = ";/?:@&=+$,#";

fn encode(cx: &mut Evaluator<'_>, function: &str, args: &[Value], kept: &[&str]) -> Outcome<Value> {
    let Some(text) = text(function, args, 0)? else { return Ok(Value::Undefined) };
    if text.contains(char::REPLACEMENT_CHARACTER) {
        // The mark of half a pair cannot be written.
        return malformed(function, &args[0]);
    }
    cx.meter.text(text.len())?;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let character = char::from(byte);
        if character.is_ascii_alphanumeric() || kept.iter().any(|kept| kept.contains(character)) {
            encoded.push(character);
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    Value::text(encoded, &mut cx.meter)
}

pub(super) fn encode_url_component(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    encode(cx, "encodeUrlComponent", args, &[UNRESERVED])
}

pub(super) fn encode_url(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    encode(cx, "encodeUrl", args, &[UNRESERVED, RESERVED])
}

pub(super) fn decode_url_component(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    decode(cx, "decodeUrlComponent", args, "")
}

pub(super) fn decode_url(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    decode(cx, "decodeUrl", args, RESERVED)
}

fn malformed<T>(function: &str, text: &Value) -> Outcome<T> {
    Err(Error::new("D3140").with_text(function).with_value(text))
}

fn decode(cx: &mut Evaluator<'_>, function: &str, args: &[Value], kept: &str) -> Outcome<Value> {
    let Some(text) = text(function, args, 0)? else { return Ok(Value::Undefined) };
    cx.meter.text(text.len())?;
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            decoded.push(bytes[at]);
            at += 1;
            continue;
        }
        let digits =
            text.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            return malformed(function, &args[0]);
        };
        if kept.contains(char::from(byte)) {
            decoded.extend_from_slice(&bytes[at..at + 3]);
        } else {
            decoded.push(byte);
        }
        at += 3;
    }
    match String::from_utf8(decoded) {
        Ok(decoded) => Value::text(decoded, &mut cx.meter),
        Err(_) => malformed(function, &args[0]),
    }
}
