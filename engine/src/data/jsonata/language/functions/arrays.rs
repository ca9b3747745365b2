//! Functions of arrays.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use super::super::error::Outcome;
use super::super::evaluate::{Evaluator, flat};
use super::super::meter::Meter;
use super::super::value::{Array, Marks, Value};
use super::{argument, array};

pub(super) fn count(_cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    Ok(Value::Number(array("count", args, 0)?.map_or(0, Array::len) as f64))
}

pub(super) fn append(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let (left, right) = (argument(args, 0), argument(args, 1));
    if left.is_undefined() {
        return Ok(right.clone());
    }
    if right.is_undefined() {
        return Ok(left.clone());
    }
    let length = |value: &Value| match value {
        Value::Array(array) => array.len(),
        _ => 1,
    };
    cx.meter.array(length(left) + length(right))?;
    let mut items = flat(left);
    items.append(&mut flat(right));
    Value::array(items, &mut cx.meter)
}

pub(super) fn reverse(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    match array("reverse", args, 0)? {
        Some(array) if array.len() > 1 => {
            let mut items = array.to_vec();
            items.reverse();
            Value::array(items, &mut cx.meter)
        }
        _ => Ok(argument(args, 0).clone()),
    }
}

pub(super) fn shuffle(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(array) = array("shuffle", args, 0)?.filter(|array| array.len() > 1) else {
        return Ok(argument(args, 0).clone());
    };
    let mut items = array.to_vec();
    cx.meter.steps(items.len() * 4)?;
    for last in (1..items.len()).rev() {
        let index = (u128::from(cx.host.random()) * (last as u128 + 1)) >> 64;
        items.swap(last, index as usize);
    }
    Value::array(items, &mut cx.meter)
}

pub(super) fn zip(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let lengths = args.iter().map(|arg| match arg {
        Value::Array(array) => array.len(),
        _ => 0,
    });
    let length = lengths.min().unwrap_or(0);
    let mut tuples = Vec::with_capacity(length);
    for at in 0..length {
        let item = |arg: &Value| match arg {
            Value::Array(array) => array.get(at).unwrap_or_default(),
            _ => Value::Undefined,
        };
        let tuple = args.iter().map(item).collect();
        tuples.push(Value::array(tuple, &mut cx.meter)?);
    }
    Value::array(tuples, &mut cx.meter)
}

pub(super) fn distinct(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Value::Array(array) = argument(args, 0) else { return Ok(argument(args, 0).clone()) };
    if array.len() <= 1 {
        return Ok(args[0].clone());
    }
    let hasher = std::hash::RandomState::new();
    let mut found: Vec<Value> = Vec::new();
    let mut known: HashMap<u64, Vec<usize>> = HashMap::new();
    for item in array.iter() {
        let hash = hash(&item, &hasher, &mut cx.meter)?;
        let same = known.entry(hash).or_default();
        let mut is_known = false;
        for at in same.iter() {
            is_known |= item.equals(&found[*at], &mut cx.meter)?;
        }
        if !is_known {
            same.push(found.len());
            found.push(item);
        }
    }
    let marks = if array.marks.sequence { Marks::SEQUENCE } else { Marks::default() };
    Array::made(found, marks, &mut cx.meter).map(Value::Array)
}

/// A number that equal values have in common.
fn hash(value: &Value, state: &std::hash::RandomState, meter: &mut Meter) -> Outcome<u64> {
    meter.step()?;
    let mut hasher = state.build_hasher();
    std::mem::discriminant(value).hash(&mut hasher);
    match value {
        Value::Bool(value) => value.hash(&mut hasher),
        Value::Number(_) | Value::Exact(_) => {
            let number = value.as_double().unwrap_or(f64::NAN);
            return Ok(state.hash_one(if number == 0.0 { 0 } else { number.to_bits() }));
        }
        Value::Text(text) => text.hash(&mut hasher),
        Value::Array(array) => {
            for item in array.iter() {
                hash(&item, state, meter)?.hash(&mut hasher);
            }
        }
        Value::Object(object) => {
            let mut total = 0u64;
            for (key, value) in object.entries() {
                total = total.wrapping_add(state.hash_one((key, hash(&value, state, meter)?)));
            }
            total.hash(&mut hasher);
        }
        Value::Undefined | Value::Null | Value::Function(_) | Value::Tuples(_) => {}
    }
    Ok(hasher.finish())
}
