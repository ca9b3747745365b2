//! The functions that may end a path: `$.list.length()`, `$.prices.sum()`, …

use super::Json;
use super::filter::Operand;
use super::walk::{Miss, Walk};

#[derive(Clone, Debug)]
pub(super) struct FunctionCall {
    pub(super) function: Function,
    pub(super) arguments: Vec<Operand>,
}

#[derive(Clone, Debug)]
pub(super) enum Function {
    Length,
    Min,
    Max,
    Avg,
    Sum,
    StdDev,
    Concat,
    Append,
    /// A name that Jayway 2.4 does not know: it takes the path, and fails when it comes to it.
    Unknown(Box<str>),
}

impl Function {
    pub(super) fn named(name: &str) -> Function {
        match name {
            "length" | "size" => Function::Length,
            "min" => Function::Min,
            "max" => Function::Max,
            "avg" => Function::Avg,
            "sum" => Function::Sum,
            "stddev" => Function::StdDev,
            "concat" => Function::Concat,
            "append" => Function::Append,
            name => Function::Unknown(name.into()),
        }
    }
}

impl FunctionCall {
    /// What the function makes of one value.
    pub(super) fn evaluate(&self, value: &Json, walk: &Walk<'_>) -> Result<Json, Miss> {
        let figure = match &self.function {
            Function::Length => {
                return Ok(match value {
                    Json::Array(items) => items.len().into(),
                    Json::Object(object) => object.len().into(),
                    _ => Json::Null,
                });
            }
            Function::Unknown(name) => {
                return Err(Miss::NotFound(format!("Function with name: {name} does not exist.")));
            }
            Function::Concat => return self.concat(value, walk),
            // Jayway adds nothing: what it appends to is a copy.
            Function::Append => return Ok(value.clone()),
            Function::Min => self.numbers(value, walk)?.into_iter().reduce(f64::min),
            Function::Max => self.numbers(value, walk)?.into_iter().reduce(f64::max),
            Function::Sum => self.numbers(value, walk)?.into_iter().reduce(|sum, number| sum + number),
            Function::Avg => mean(&self.numbers(value, walk)?),
            Function::StdDev => {
                let numbers = self.numbers(value, walk)?;
                let squares: Vec<_> = numbers.iter().map(|number| number * number).collect();
                mean(&numbers).zip(mean(&squares)).map(|(mean, squares)| (squares - mean * mean).sqrt())
            }
        };
        let empty = "Aggregation function attempted to calculate value using empty array";
        figure.map(Json::from).ok_or_else(|| Miss::NotFound(empty.to_owned()))
    }

    /// The numbers of an array, and those among the arguments.
    fn numbers(&self, value: &Json, walk: &Walk<'_>) -> Result<Vec<f64>, Miss> {
        let items = value.as_array().unwrap_or_default();
        let mut numbers: Vec<_> = items.iter().filter_map(Json::as_f64).collect();
        for argument in &self.arguments {
            numbers.extend(argument.resolve(value, walk)?.as_ref().and_then(Json::as_f64));
        }
        Ok(numbers)
    }

    /// The texts of an array, and what the paths among the arguments lead to. Jayway leaves out what is written into the path.
    fn concat(&self, value: &Json, walk: &Walk<'_>) -> Result<Json, Miss> {
        let items = value.as_array().unwrap_or_default();
        let mut text: String = items.iter().filter_map(Json::as_str).collect();
        for argument in &self.arguments {
            match argument {
                Operand::Literal(_) => {}
                path => match path.resolve(value, walk)? {
                    Some(Json::String(part)) => text.push_str(&part),
                    Some(part) => part.write_text(&mut text),
                    None => {}
                },
            }
        }
        Ok(text.into())
    }
}

fn mean(numbers: &[f64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}
