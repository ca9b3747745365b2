//! Functions of objects, and of any value.

use std::sync::Arc;

use indexmap::IndexMap;

use super::super::error::{Error, Outcome};
use super::super::evaluate::{Evaluator, flat};
use super::super::meter::Meter;
use super::super::text;
use super::super::value::Value;
use super::{argument, array};

/// The value under a key, in an array that of each item.
pub(crate) fn lookup(input: &Value, key: &str, meter: &mut Meter) -> Outcome<Value> {
    match input {
        Value::Object(object) => Ok(object.get(key)),
        Value::Array(array) => {
            let mut found = Vec::new();
            for item in array.iter() {
                meter.step()?;
                match lookup(&item, key, meter)? {
                    Value::Undefined => {}
                    Value::Array(inner) => {
                        meter.array(inner.len())?;
                        found.extend(inner.iter());
                    }
                    other => found.push(other),
                }
            }
            Value::sequence(found, meter)
        }
        _ => Ok(Value::Undefined),
    }
}

pub(super) fn lookup_function(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let key = argument(args, 1).as_text().map_or("undefined", |key| key);
    lookup(argument(args, 0), key, &mut cx.meter)
}

pub(super) fn keys(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let mut found = Vec::new();
    collect_keys(argument(args, 0), &mut found, &mut cx.meter)?;
    let mut merged: IndexMap<Arc<str>, ()> = found.into_iter().map(|key| (key, ())).collect();
    super::super::value::sort_keys(&mut merged);
    let keys = merged.into_keys().map(Value::Text).collect();
    Value::sequence(keys, &mut cx.meter)
}

fn collect_keys(value: &Value, found: &mut Vec<Arc<str>>, meter: &mut Meter) -> Outcome<()> {
    meter.step()?;
    match value {
        Value::Object(object) => {
            meter.array(object.len())?;
            found.extend(object.keys());
        }
        Value::Array(array) => {
            for item in array.iter() {
                collect_keys(&item, found, meter)?;
            }
        }
        _ => {}
    }
    Ok(())
}

pub(super) fn spread(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    spread_value(argument(args, 0), &mut cx.meter)
}

fn spread_value(value: &Value, meter: &mut Meter) -> Outcome<Value> {
    meter.step()?;
    match value {
        Value::Object(object) => {
            let mut single = Vec::with_capacity(object.len());
            for (key, value) in object.entries() {
                single.push(Value::object(IndexMap::from([(key, value)]), meter)?);
            }
            Value::sequence(single, meter)
        }
        Value::Array(array) => {
            let mut all = Vec::new();
            let mut is_sequence = true;
            for item in array.iter() {
                let spread = spread_value(&item, meter)?;
                if !spread.is_undefined() {
                    is_sequence = false;
                    all.append(&mut flat(&spread));
                }
            }
            if is_sequence { Value::sequence(all, meter) } else { Value::array(all, meter) }
        }
        other => Ok(other.clone()),
    }
}

pub(super) fn merge(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(array) = array("merge", args, 0)? else { return Ok(Value::Undefined) };
    let mut merged = IndexMap::new();
    for item in array.iter() {
        if let Value::Object(object) = &item {
            cx.meter.object(object.len())?;
            merged.extend(object.entries());
        }
    }
    Value::object(merged, &mut cx.meter)
}

pub(super) fn exists(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    Ok(Value::Bool(!argument(args, 0).is_undefined()))
}

pub(super) fn boolean(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    match argument(args, 0) {
        Value::Undefined => Ok(Value::Undefined),
        value => {
            if let Value::Array(array) = value {
                cx.meter.steps(array.len())?;
            }
            text::boolean(value).map(Value::Bool)
        }
    }
}

pub(super) fn not(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    Ok(match boolean(cx, args)? {
        Value::Bool(value) => Value::Bool(!value),
        other => other,
    })
}

pub(super) fn type_name(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let value = argument(args, 0);
    Ok(Value::from(match value {
        Value::Undefined => return Ok(Value::Undefined),
        Value::Null => "null",
        Value::Number(_) | Value::Exact(_) if value.as_numeric()?.is_none() => "object",
        Value::Number(_) | Value::Exact(_) => "number",
        Value::Text(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Array(_) | Value::Tuples(_) => "array",
        Value::Function(_) => "function",
        Value::Object(_) => "object",
    }))
}

pub(super) fn error(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let message = argument(args, 0).as_text().filter(|message| !message.is_empty());
    Err(Error::new("D3137").with_text(message.map_or("$error() function evaluated", |message| message)))
}

pub(super) fn assert(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    if text::is_truthy(argument(args, 0)) {
        return Ok(Value::Undefined);
    }
    let message = argument(args, 1).as_text().filter(|message| !message.is_empty());
    Err(Error::new("D3141").with_text(message.map_or("$assert() statement failed", |message| message)))
}
