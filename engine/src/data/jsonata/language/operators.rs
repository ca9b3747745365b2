//! The operators with two operands.

use std::cmp::Ordering;

use super::ast::Operator;
use super::error::{Error, Outcome};
use super::evaluate::Evaluator;
use super::text::{compare, stringify};
use super::value::{Array, Marks, Value};

/// The longest range that the language knows.
const MAX_RANGE: f64 = 1e7;

impl Evaluator<'_> {
    pub(super) fn operate(&mut self, operator: Operator, left: &Value, right: &Value) -> Outcome<Value> {
        use Operator::{Concatenate, Equal, In, NotEqual, Range};
        match operator {
            Equal | NotEqual => {
                if left.is_undefined() || right.is_undefined() {
                    return Ok(Value::Bool(false));
                }
                let is_equal = left.equals(right, &mut self.meter)?;
                Ok(Value::Bool(is_equal == (operator == Equal)))
            }
            Concatenate => self.concatenate(left, right),
            In => self.includes(left, right),
            Range => self.range(left, right),
            Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Modulo => {
                arithmetic(operator, left, right)
            }
            _ => ordering(operator, left, right),
        }
    }

    fn concatenate(&mut self, left: &Value, right: &Value) -> Outcome<Value> {
        let mut text = String::new();
        for part in [left, right] {
            match part {
                Value::Text(part) => text.push_str(part),
                part => {
                    if let Some(part) = self.string(part, false)? {
                        text.push_str(&part);
                    }
                }
            }
        }
        Value::text(text, &mut self.meter)
    }

    /// `$string`: nothing of nothing.
    pub(super) fn string(&mut self, value: &Value, indent: bool) -> Outcome<Option<String>> {
        Ok(Some(match value {
            Value::Undefined => return Ok(None),
            Value::Text(text) => {
                self.meter.text(text.len())?;
                text.to_string()
            }
            Value::Function(_) => String::new(),
            Value::Number(number) if !number.is_finite() => return Err(Error::new("D3001")),
            Value::Array(array) if array.marks.outer => {
                let inner = array.get(0).unwrap_or_default();
                stringify(&inner, indent, &mut self.meter)?
            }
            other => stringify(other, indent, &mut self.meter)?,
        }))
    }

    fn includes(&mut self, left: &Value, right: &Value) -> Outcome<Value> {
        if left.is_undefined() || right.is_undefined() {
            return Ok(Value::Bool(false));
        }
        let Value::Array(array) = right else { return Ok(Value::Bool(left.is_identical(right))) };
        self.meter.steps(array.len())?;
        let is_included = array.iter().any(|item| item.is_identical(left));
        Ok(Value::Bool(is_included))
    }

    fn range(&mut self, left: &Value, right: &Value) -> Outcome<Value> {
        let whole = |value: &Value, code| match value.as_double() {
            None if value.is_undefined() => Ok(None),
            Some(number) if number.fract() == 0.0 => Ok(Some(number)),
            _ => Err(Error::new(code).with_value(value)),
        };
        let (first, last) = (whole(left, "T2003")?, whole(right, "T2004")?);
        let (Some(first), Some(last)) = (first, last) else { return Ok(Value::Undefined) };
        if first > last {
            return Ok(Value::Undefined);
        }
        let size = last - first + 1.0;
        if size > MAX_RANGE {
            return Err(Error::new("D2014").with_value(&Value::Number(size)));
        }
        self.meter.array(size as usize)?;
        let items = (0..size as usize).map(|at| Value::Number(first + at as f64)).collect();
        Array::made(items, Marks::SEQUENCE, &mut self.meter).map(Value::Array)
    }
}

fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Outcome<Value> {
    let operand = |value: &Value, code| match value.as_numeric()? {
        None if value.is_undefined() => Ok(None),
        None => Err(Error::new(code).with_value(value)),
        number => Ok(number),
    };
    let (left, right) = (operand(left, "T2001")?, operand(right, "T2002")?);
    let (Some(left), Some(right)) = (left, right) else { return Ok(Value::Undefined) };
    Ok(Value::Number(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        _ => left % right,
    }))
}

fn ordering(operator: Operator, left: &Value, right: &Value) -> Outcome<Value> {
    let is_comparable =
        |value: &Value| matches!(value, Value::Undefined | Value::Text(_)) || value.as_double().is_some();
    if !is_comparable(left) || !is_comparable(right) {
        return Err(Error::new("T2010"));
    }
    if left.is_undefined() || right.is_undefined() {
        return Ok(Value::Undefined);
    }
    let ordering = match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(compare(left, right)),
        _ => match (left.as_double(), right.as_double()) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            _ => return Err(Error::new("T2009").with_value(left).with_value2(right)),
        },
    };
    let is_so = ordering.is_some_and(|ordering| match operator {
        Operator::Less => ordering == Ordering::Less,
        Operator::LessOrEqual => ordering != Ordering::Greater,
        Operator::Greater => ordering == Ordering::Greater,
        _ => ordering != Ordering::Less,
    });
    Ok(Value::Bool(is_so))
}
