//! The functions that may end a path: `$.list.length()`, `$.prices.sum()`, …

use super::filter::Operand;
use super::walk::{Miss, Walk, offset};
use super::{Json, json::Number};

#[derive(Clone, Debug)]
pub(super) struct FunctionCall {
    pub(super) function: Function,
    pub(super) arguments: Vec<Operand>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    Length,
    Keys,
    Min,
    Max,
    Avg,
    Sum,
    StdDev,
    First,
    Last,
    Index,
    Concat,
    Append,
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Function> {
        Some(match name {
            "length" | "size" => Function::Length,
            "keys" => Function::Keys,
            "min" => Function::Min,
            "max" => Function::Max,
            "avg" => Function::Avg,
            "sum" => Function::Sum,
            "stddev" => Function::StdDev,
            "first" => Function::First,
            "last" => Function::Last,
            "index" => Function::Index,
            "concat" => Function::Concat,
            "append" => Function::Append,
            _ => return None,
        })
    }

    /// Whether it can be called with that many arguments.
    pub(super) fn takes(self, arguments: usize) -> bool {
        match self {
            Function::Index => arguments == 1,
            Function::Concat | Function::Append => true,
            _ => arguments == 0,
        }
    }
}

impl FunctionCall {
    pub(super) fn evaluate(&self, value: Json, walk: &Walk<'_>) -> Result<Json, Miss> {
        let mut arguments = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            arguments.extend(argument.resolve(&value, walk)?);
        }
        let refusal = || Miss::NotFound("The function at its end cannot be applied to this value".to_owned());
        self.apply(value, arguments).ok_or_else(refusal)
    }

    fn apply(&self, value: Json, arguments: Vec<Json>) -> Option<Json> {
        match self.function {
            Function::Length => match &value {
                Json::Array(items) => Some(items.len().into()),
                Json::Object(object) => Some(object.len().into()),
                Json::String(text) => Some(text.chars().count().into()),
                _ => None,
            },
            Function::Keys => Some(value.as_object()?.keys().map(|key| Json::String(key.clone())).collect()),
            Function::Min => numbers(&value)?.into_iter().reduce(f64::min).map(Json::from),
            Function::Max => numbers(&value)?.into_iter().reduce(f64::max).map(Json::from),
            Function::Sum => Some(numbers(&value)?.into_iter().sum::<f64>().into()),
            Function::Avg => {
                let numbers = numbers(&value)?;
                (!numbers.is_empty()).then(|| mean(&numbers).into())
            }
            Function::StdDev => {
                let numbers = numbers(&value)?;
                let mean = mean(&numbers);
                let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
                (!numbers.is_empty()).then(|| (squares / numbers.len() as f64).sqrt().into())
            }
            Function::First => value.as_array()?.first().cloned(),
            Function::Last => value.as_array()?.last().cloned(),
            Function::Index => {
                let items = value.as_array()?;
                Some(items[offset(arguments.first()?.as_i64()?, items.len())?].clone())
            }
            Function::Concat => {
                let mut text = String::new();
                let own = value.as_array().unwrap_or_default();
                for part in own.iter().chain(&arguments) {
                    match part {
                        Json::String(part) => text.push_str(part),
                        other => other.write_text(&mut text),
                    }
                }
                Some(text.into())
            }
            Function::Append => {
                let mut list = value;
                list.as_array_mut()?.extend(arguments);
                Some(list)
            }
        }
    }
}

fn numbers(value: &Json) -> Option<Vec<f64>> {
    Some(value.as_array()?.iter().filter_map(Json::as_number).map(Number::as_f64).collect())
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}
