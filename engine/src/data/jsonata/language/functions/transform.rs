//! `|pattern|update,delete|` and the copy that it works on.

use std::rc::Rc;

use indexmap::IndexMap;

use super::super::ast::Transform;
use super::super::error::{Error, Outcome};
use super::super::evaluate::{Evaluator, flat};
use super::super::function::Frame;
use super::super::number::to_fifteen_digits;
use super::super::text::json_text;
use super::super::value::{Value, check_level};
use super::argument;

impl Evaluator<'_> {
    pub(crate) fn transform(
        &mut self,
        transform: &Transform,
        input: &Value,
        frame: &Rc<Frame>,
    ) -> Outcome<Value> {
        if input.is_undefined() {
            return Ok(Value::Undefined);
        }
        let clone = self.named("clone", frame);
        if !clone.is_function() {
            return Err(Error::new("T2013").at(transform.position));
        }
        let result = self.apply(&clone, vec![input.clone()], &Value::Null)?;
        let matches = self.evaluate(&transform.pattern, &result, frame)?;
        if matches.is_undefined() {
            return Ok(result);
        }
        for found in flat(&matches) {
            let update = self.evaluate(&transform.update, &found, frame)?;
            match &update {
                Value::Undefined => {}
                Value::Object(update) => {
                    for (key, value) in update.entries() {
                        let value = copy(self, &value, Copy::Value, 0)?;
                        match &found {
                            Value::Object(found) => found.set(key, value),
                            Value::Array(_) | Value::Function(_) | Value::Tuples(_) => {}
                            _ => return Err(no_property(&key, &found)),
                        }
                    }
                }
                other => {
                    return Err(Error::new("T2011").at(transform.update.position).with_value(other));
                }
            }
            if let Some(delete) = &transform.delete {
                let deletions = self.evaluate(delete, &found, frame)?;
                self.delete(&deletions, &found, delete.position)?;
            }
        }
        // A copy once more: what was changed may be nested deeper now than its surroundings know.
        copy(self, &result, Copy::Value, 0)
    }

    fn delete(&mut self, deletions: &Value, from: &Value, position: usize) -> Outcome<()> {
        if deletions.is_undefined() {
            return Ok(());
        }
        let keys = flat(deletions);
        self.meter.steps(keys.len())?;
        if keys.iter().any(|key| key.as_text().is_none()) {
            return Err(Error::new("T2012").at(position).with_value(deletions));
        }
        if let Value::Object(object) = from {
            keys.iter().filter_map(Value::as_text).for_each(|key| object.delete(key));
        }
        Ok(())
    }
}

/// What JavaScript says where a property is given to what can have none.
fn no_property(key: &str, of: &Value) -> Error {
    match of {
        Value::Undefined | Value::Null => {
            Error::uncoded(format!("Cannot set properties of {} (setting '{key}')", json_text(of)))
        }
        Value::Text(text) => Error::uncoded(format!("Cannot create property '{key}' on string '{text}'")),
        Value::Bool(value) => Error::uncoded(format!("Cannot create property '{key}' on boolean '{value}'")),
        number => Error::uncoded(format!("Cannot create property '{key}' on number '{}'", json_text(number))),
    }
}

/// How a value is copied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Copy {
    /// As it is.
    Value,
    /// By way of its JSON text.
    Json,
}

pub(super) fn clone(cx: &mut Evaluator<'_>, args: &[Value]) -> Outcome<Value> {
    copy(cx, argument(args, 0), Copy::Json, 0)
}

fn copy(cx: &mut Evaluator<'_>, value: &Value, how: Copy, level: usize) -> Outcome<Value> {
    check_level(level)?;
    cx.meter.step()?;
    Ok(match value {
        Value::Array(array) => {
            let array = match array.get(0) {
                Some(Value::Array(inner)) if array.marks.outer && how == Copy::Json => inner,
                _ => array.clone(),
            };
            let mut items = Vec::with_capacity(array.len());
            for item in array.iter() {
                let item = copy(cx, &item, how, level + 1)?;
                items.push(if item.is_undefined() && how == Copy::Json { Value::Null } else { item });
            }
            let mut copied = Value::array(items, &mut cx.meter)?;
            if let (Value::Array(copied), Copy::Value) = (&mut copied, how) {
                copied.marks = array.marks;
            }
            copied
        }
        Value::Object(object) => {
            let mut entries = IndexMap::with_capacity(object.len());
            for (key, value) in object.entries() {
                let value = copy(cx, &value, how, level + 1)?;
                if !value.is_undefined() {
                    entries.insert(key, value);
                }
            }
            Value::object(entries, &mut cx.meter)?
        }
        Value::Function(_) if how == Copy::Json => Value::from(""),
        Value::Number(number) if how == Copy::Json => match value.as_numeric()? {
            Some(number) => Value::Number(to_fifteen_digits(number)),
            None => {
                debug_assert!(number.is_nan());
                Value::Null
            }
        },
        other => other.clone(),
    })
}
