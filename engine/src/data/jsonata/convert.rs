//! Between [`Json`] and JSONata's values.

use jsonata_core::value::JValue;

use super::guard::MAX_VALUE_BYTES;
use crate::data::json::{MAX_DEPTH, Object};
use crate::data::{Json, Number};

/// Why a value cannot leave an expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is or holds a function.
    Function,
    /// It is larger or nested deeper than is allowed. Values may share their parts, so that a few bytes of memory
    /// can be any amount of text.
    TooLarge,
}

pub(super) fn from_json(value: &Json) -> JValue {
    match value {
        Json::Null => JValue::Null,
        Json::Bool(value) => JValue::Bool(*value),
        Json::Number(number) => JValue::Number(number.as_f64()),
        Json::String(text) => JValue::string(&**text),
        Json::Array(items) => JValue::array(items.iter().map(from_json).collect()),
        Json::Object(object) => {
            JValue::object(object.iter().map(|(key, value)| (key.to_string(), from_json(value))).collect())
        }
    }
}

/// The value as JSON, or nothing if it is undefined.
pub(super) fn to_json(value: &JValue) -> Result<Option<Json>, Refusal> {
    convert(value, &mut MAX_VALUE_BYTES.clone(), MAX_DEPTH)
}

fn convert(value: &JValue, budget: &mut usize, depth: usize) -> Result<Option<Json>, Refusal> {
    let text_len = value.as_str().map_or(0, str::len);
    *budget = budget.checked_sub(8 + text_len).ok_or(Refusal::TooLarge)?;
    let inner = depth.checked_sub(1).ok_or(Refusal::TooLarge)?;
    Ok(Some(match value {
        JValue::Undefined => return Ok(None),
        JValue::Null => Json::Null,
        JValue::Bool(value) => Json::Bool(*value),
        JValue::Number(number) => number_to_json(*number),
        JValue::String(text) => Json::from(&**text),
        JValue::Array(items) => {
            let mut list = Vec::with_capacity(items.len());
            for item in items.iter() {
                list.extend(convert(item, budget, inner)?);
            }
            list.into()
        }
        JValue::Object(entries) => {
            let mut object = Object::with_capacity(entries.len());
            for (key, value) in entries.iter() {
                *budget = budget.checked_sub(key.len()).ok_or(Refusal::TooLarge)?;
                if let Some(value) = convert(value, budget, inner)? {
                    object.insert(key.as_str(), value);
                }
            }
            object.into()
        }
        JValue::Lambda(_) | JValue::Builtin { .. } | JValue::Regex { .. } => return Err(Refusal::Function),
    }))
}

/// Whole numbers are written without a fraction; what JSON cannot write becomes JavaScript's name for it, as AWS
/// answers `1/0` with `"Infinity"`.
fn number_to_json(number: f64) -> Json {
    match Number::from_f64(number) {
        Some(number) => number.to_whole().map_or(Json::Number(number), Json::from),
        None if number.is_nan() => Json::from("NaN"),
        None if number > 0.0 => Json::from("Infinity"),
        None => Json::from("-Infinity"),
    }
}
