//! Functions that call functions.

use indexmap::IndexMap;

use super::super::error::{Error, Outcome};
use super::super::evaluate::Evaluator;
use super::super::path::{merge_sort, numbers_of};
use super::super::text::{self, boolean, compare};
use super::super::value::Value;
use super::{argument, array, type_error};

/// The arguments of a call, as many of them as the function takes.
fn given(
    cx: &Evaluator<'_>,
    function: &Value,
    value: Value,
    second: Value,
    third: &Value,
) -> Outcome<Vec<Value>> {
    let Value::Function(inner) = function else { return type_error("function") };
    let arity = cx.arity(inner);
    let mut args = vec![value];
    if arity >= 2 {
        args.push(second);
    }
    if arity >= 3 {
        args.push(third.clone());
    }
    Ok(args)
}

fn call_item(
    cx: &mut Evaluator<'_>,
    function: &Value,
    items: &Value,
    item: Value,
    at: usize,
) -> Outcome<Value> {
    let args = given(cx, function, item, Value::Number(at as f64), items)?;
    cx.apply_argument(function, args)
}

pub(super) fn map(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(array) = array("map", args, 0)? else { return Ok(Value::Undefined) };
    let mut mapped = Vec::new();
    for (at, item) in array.iter().enumerate() {
        let value = call_item(cx, argument(args, 1), &args[0], item, at)?;
        if !value.is_undefined() {
            mapped.push(value);
        }
    }
    Value::sequence(mapped, &mut cx.meter)
}

pub(super) fn filter(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(array) = array("filter", args, 0)? else { return Ok(Value::Undefined) };
    let mut kept = Vec::new();
    for (at, item) in array.iter().enumerate() {
        let value = call_item(cx, argument(args, 1), &args[0], item.clone(), at)?;
        if boolean(&value)? {
            kept.push(item);
        }
    }
    Value::sequence(kept, &mut cx.meter)
}

pub(super) fn single(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(array) = array("single", args, 0)? else { return Ok(Value::Undefined) };
    let mut found = None;
    for (at, item) in array.iter().enumerate() {
        let is_match = match argument(args, 1) {
            Value::Undefined => true,
            function => {
                let value = call_item(cx, function, &args[0], item.clone(), at)?;
                boolean(&value)?
            }
        };
        if is_match && found.replace(item).is_some() {
            return Err(Error::new("D3138"));
        }
    }
    found.ok_or_else(|| Error::new("D3139"))
}

pub(super) fn reduce(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(array) = array("reduce", args, 0)? else { return Ok(Value::Undefined) };
    let function = argument(args, 1);
    let Value::Function(inner) = function else { return type_error("reduce") };
    let arity = cx.arity(inner);
    if arity < 2 {
        return Err(Error::new("D3050"));
    }
    let mut items = array.iter().enumerate();
    let mut result = match argument(args, 2) {
        Value::Undefined => match items.next() {
            Some((_, first)) => first,
            None => return Ok(Value::Undefined),
        },
        initial => initial.clone(),
    };
    for (at, item) in items {
        let mut given = vec![result, item];
        if arity >= 3 {
            given.push(Value::Number(at as f64));
        }
        if arity >= 4 {
            given.push(args[0].clone());
        }
        result = cx.apply_argument(function, given)?;
    }
    Ok(result)
}

pub(super) fn sift(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let mut kept = IndexMap::new();
    if let Value::Object(object) = argument(args, 0) {
        for (key, value) in object.entries() {
            let given = given(cx, argument(args, 1), value.clone(), Value::Text(key.clone()), &args[0])?;
            let answer = cx.apply_argument(argument(args, 1), given)?;
            if boolean(&answer)? {
                kept.insert(key, value);
            }
        }
    }
    if kept.is_empty() { Ok(Value::Undefined) } else { Value::object(kept, &mut cx.meter) }
}

pub(super) fn each(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let mut values = Vec::new();
    if let Value::Object(object) = argument(args, 0) {
        for (key, value) in object.entries() {
            let given = given(cx, argument(args, 1), value, Value::Text(key), &args[0])?;
            let answer = cx.apply_argument(argument(args, 1), given)?;
            if !answer.is_undefined() {
                values.push(answer);
            }
        }
    }
    Value::sequence(values, &mut cx.meter)
}

pub(super) fn sort(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    let Some(array) = array("sort", args, 0)?.filter(|array| array.len() > 1) else {
        return Ok(argument(args, 0).clone());
    };
    let function = argument(args, 1);
    if function.is_undefined() {
        let is_numbers = numbers_of(&args[0], &mut cx.meter)?.is_some();
        if !is_numbers && !array.iter().all(|item| item.as_text().is_some()) {
            return Err(Error::new("D3070"));
        }
    }
    let sorted = merge_sort(array.to_vec(), &mut |left, right| {
        cx.meter.step()?;
        match (left, right) {
            _ if !function.is_undefined() => {
                let answer = cx.apply_argument(function, vec![left.clone(), right.clone()])?;
                Ok(text::is_truthy(&answer))
            }
            (Value::Text(left), Value::Text(right)) => Ok(compare(left, right).is_gt()),
            _ => Ok(left.as_double() > right.as_double()),
        }
    })?;
    Value::array(sorted, &mut cx.meter)
}
