//! Functions of texts.

use std::sync::Arc;

use super::super::error::{Error, Outcome};
use super::super::evaluate::Evaluator;
use super::super::number as js;
use super::super::text::is_truthy;
use super::super::value::Value;
use super::{argument, array, double, text, type_error};

pub(super) fn string(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    if let Value::Text(_) = argument(args, 0) {
        return Ok(args[0].clone());
    }
    let indent = is_truthy(argument(args, 1));
    Ok(match cx.string(argument(args, 0), indent)? {
        Some(text) => Value::Text(text.into()),
        None => Value::Undefined,
    })
}

/// `Array.prototype.slice` of a text's characters.
fn slice(text: &str, start: f64, end: Option<f64>) -> &str {
    let length = text.chars().count();
    let clamp = |index: f64| {
        let index = if index.is_nan() { 0.0 } else { index.trunc() };
        if index < 0.0 {
            (length as f64 + index).max(0.0) as usize
        } else {
            index.min(length as f64) as usize
        }
    };
    let (start, end) = (clamp(start), end.map_or(length, clamp));
    if start >= end {
        return "";
    }
    let offset = |index: usize| text.char_indices().nth(index).map_or(text.len(), |(offset, _)| offset);
    &text[offset(start)..offset(end)]
}

pub(super) fn substring(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(text) = text("substring", args, 0)? else { return Ok(Value::Undefined) };
    cx.meter.steps(text.len() / 16)?;
    let mut start = double("substring", args, 1)?.unwrap_or(f64::NAN);
    let length = text.chars().count() as f64;
    if length + start < 0.0 {
        start = 0.0;
    }
    let part = match double("substring", args, 2)? {
        Some(count) if count <= 0.0 => "",
        Some(count) => {
            let end = if start >= 0.0 { start + count } else { length + start + count };
            slice(text, start, Some(end))
        }
        None => slice(text, start, None),
    };
    Value::text(part.to_owned(), &mut cx.meter)
}

pub(super) fn substring_before(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(whole) = text("substringBefore", args, 0)? else { return Ok(Value::Undefined) };
    // JavaScript looks for nothing by its name.
    let sought = text("substringBefore", args, 1)?.map_or("undefined", |text| text);
    cx.meter.steps(whole.len() / 16)?;
    match whole.find(sought) {
        Some(at) => Value::text(whole[..at].to_owned(), &mut cx.meter),
        None => Ok(args[0].clone()),
    }
}

pub(super) fn substring_after(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(whole) = text("substringAfter", args, 0)? else { return Ok(Value::Undefined) };
    let sought = text("substringAfter", args, 1)?;
    cx.meter.steps(whole.len() / 16)?;
    match whole.find(sought.map_or("undefined", |text| text)) {
        Some(at) => match sought {
            Some(sought) => Value::text(whole[at + sought.len()..].to_owned(), &mut cx.meter),
            None => type_error("substringAfter"),
        },
        None => Ok(args[0].clone()),
    }
}

pub(super) fn lowercase(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    match text("lowercase", args, 0)? {
        Some(text) => Value::text(text.to_lowercase(), &mut cx.meter),
        None => Ok(Value::Undefined),
    }
}

pub(super) fn uppercase(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    match text("uppercase", args, 0)? {
        Some(text) => Value::text(text.to_uppercase(), &mut cx.meter),
        None => Ok(Value::Undefined),
    }
}

pub(super) fn length(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(text) = text("length", args, 0)? else { return Ok(Value::Undefined) };
    cx.meter.steps(text.len() / 64)?;
    Ok(Value::Number(text.chars().count() as f64))
}

pub(super) fn trim(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(text) = text("trim", args, 0)? else { return Ok(Value::Undefined) };
    let words: Vec<&str> = text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).collect();
    Value::text(words.join(" "), &mut cx.meter)
}

pub(super) fn pad(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(whole) = text("pad", args, 0)? else { return Ok(Value::Undefined) };
    let width = double("pad", args, 1)?.unwrap_or(f64::NAN);
    let pattern = text("pad", args, 2)?.filter(|pattern| !pattern.is_empty()).map_or(" ", |pattern| pattern);
    let missing = width.abs() - whole.chars().count() as f64;
    if missing.is_nan() || missing <= 0.0 {
        return Ok(args[0].clone());
    }
    if missing.fract() != 0.0 {
        return Err(Error::uncoded("Invalid array length"));
    }
    cx.meter.text(missing.min(1e15) as usize)?;
    let padding: String = pattern.chars().cycle().take(missing as usize).collect();
    let padded = if width > 0.0 { format!("{whole}{padding}") } else { format!("{padding}{whole}") };
    Value::text(padded, &mut cx.meter)
}

pub(super) fn join(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(array) = array("join", args, 0)? else { return Ok(Value::Undefined) };
    let separator = text("join", args, 1)?.map_or("", |separator| separator);
    cx.meter.steps(array.len())?;
    let mut bytes = separator.len().saturating_mul(array.len().saturating_sub(1));
    let mut items = Vec::with_capacity(array.len());
    for item in array.iter() {
        let item: Arc<str> = match item {
            Value::Text(text) => text,
            Value::Undefined | Value::Null => "".into(),
            // A partial application lets other values through, which JavaScript makes texts of.
            Value::Bool(value) => value.to_string().into(),
            Value::Number(number) => js::to_text(number).into(),
            _ => return type_error("join"),
        };
        bytes += item.len();
        items.push(item);
    }
    cx.meter.text(bytes)?;
    Ok(Value::Text(items.join(separator).into()))
}
