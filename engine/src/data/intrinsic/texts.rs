//! The functions over texts and objects.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::Json;

/// The longest text that is encoded, decoded or hashed, as AWS documents it.
pub(super) const MAX_TEXT: usize = 10_000;

/// Decodes as Java does: the padding may be missing.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

fn text(value: &Json) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("The argument must be a string but was: {value}"))
}

fn short_text(value: &Json) -> Result<&str, String> {
    let text = text(value)?;
    if text.chars().count() > MAX_TEXT {
        return Err(format!("The data must not be longer than {MAX_TEXT} characters"));
    }
    Ok(text)
}

/// The value that a JSON text holds; an empty or blank one is `null`, as Java's reader has it.
pub(super) fn string_to_json(value: &Json) -> Result<Json, String> {
    let text = text(value)?;
    if text.trim().is_empty() {
        return Ok(Json::Null);
    }
    Json::parse(text).map_err(|error| format!("The string is not valid JSON: {error}"))
}

pub(super) fn base64_encode(data: &Json) -> Result<Json, String> {
    Ok(STANDARD.encode(short_text(data)?).into())
}

pub(super) fn base64_decode(data: &Json) -> Result<Json, String> {
    let bytes = LENIENT.decode(short_text(data)?).map_err(|_| "The data is not valid Base64".to_owned())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned().into())
}

/// Cuts a text at each of the delimiter's characters; empty parts are left out.
pub(super) fn string_split(value: &Json, delimiters: &Json) -> Result<Json, String> {
    let delimiters = text(delimiters)?;
    let parts = text(value)?.split(|c| delimiters.contains(c)).filter(|part| !part.is_empty());
    Ok(parts.map(Json::from).collect())
}

/// The first object with the second one's entries over it. AWS offers the shallow mode only.
pub(super) fn json_merge(first: &Json, second: &Json, deep: &Json) -> Result<Json, String> {
    match deep {
        Json::Bool(false) => {}
        Json::Bool(true) => return Err("The deep merging mode is not supported".to_owned()),
        other => return Err(format!("The third argument must be a boolean but was: {other}")),
    }
    let (true, Some(over)) = (first.is_object(), second.as_object()) else {
        return Err("The first two arguments must be objects".to_owned());
    };
    let mut merged = first.clone();
    if let Some(entries) = merged.as_object_mut() {
        for (key, value) in over.iter() {
            entries.insert(key.clone(), value.clone());
        }
    }
    Ok(merged)
}
