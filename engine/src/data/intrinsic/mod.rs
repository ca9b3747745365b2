//! Intrinsic functions: `States.Format('{}', $.name)` and its kin.
//!
//! Spec: <https://states-language.net/#intrinsic-functions>

mod arrays;
mod format;
mod hashes;
mod numbers;
mod parse;
mod texts;

use std::sync::Arc;

pub(super) use self::hashes::digest;

use self::format::FormatTemplate;
use super::cursor::PathError;
use super::scope::{EvalError, Scope};
use super::{Json, JsonPath};

/// An invocation of an intrinsic function.
#[derive(Clone, Debug)]
pub(super) struct Call {
    text: Arc<str>,
    function: Function,
    arguments: Vec<Argument>,
}

#[derive(Clone, Debug)]
enum Argument {
    Literal(Json),
    /// The literal first argument of `States.Format`, cut at its `{}`.
    Template(FormatTemplate),
    Path(JsonPath),
    Call(Call),
}

/// The functions, by the name after `States.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Format,
    StringToJson,
    JsonToString,
    Array,
    ArrayPartition,
    ArrayContains,
    ArrayRange,
    ArrayGetItem,
    ArrayLength,
    ArrayUnique,
    Base64Encode,
    Base64Decode,
    Hash,
    JsonMerge,
    MathRandom,
    MathAdd,
    StringSplit,
    Uuid,
}

impl Function {
    fn named(name: &str) -> Option<Function> {
        Some(match name {
            "Format" => Function::Format,
            "StringToJson" => Function::StringToJson,
            "JsonToString" => Function::JsonToString,
            "Array" => Function::Array,
            "ArrayPartition" => Function::ArrayPartition,
            "ArrayContains" => Function::ArrayContains,
            "ArrayRange" => Function::ArrayRange,
            "ArrayGetItem" => Function::ArrayGetItem,
            "ArrayLength" => Function::ArrayLength,
            "ArrayUnique" => Function::ArrayUnique,
            "Base64Encode" => Function::Base64Encode,
            "Base64Decode" => Function::Base64Decode,
            "Hash" => Function::Hash,
            "JsonMerge" => Function::JsonMerge,
            "MathRandom" => Function::MathRandom,
            "MathAdd" => Function::MathAdd,
            "StringSplit" => Function::StringSplit,
            "UUID" => Function::Uuid,
            _ => return None,
        })
    }

    /// The fewest and the most arguments it takes.
    fn arity(self) -> (usize, usize) {
        match self {
            Function::Format => (1, usize::MAX),
            Function::Array => (0, usize::MAX),
            Function::Uuid => (0, 0),
            Function::StringToJson
            | Function::JsonToString
            | Function::ArrayLength
            | Function::ArrayUnique
            | Function::Base64Encode
            | Function::Base64Decode => (1, 1),
            Function::ArrayPartition
            | Function::ArrayContains
            | Function::ArrayGetItem
            | Function::Hash
            | Function::MathAdd
            | Function::StringSplit => (2, 2),
            Function::ArrayRange | Function::JsonMerge => (3, 3),
            Function::MathRandom => (2, 3),
        }
    }
}

impl Call {
    /// Reads an invocation that is the whole text.
    pub(super) fn parse(text: &str) -> Result<Call, PathError> {
        parse::whole(text)
    }

    /// Whether a text means to be an invocation, rightly written or not.
    pub(super) fn is_meant(text: &str) -> bool {
        text.trim_start().starts_with("States.")
    }

    /// The variables that its arguments begin with.
    pub(super) fn variables<'a>(&'a self, names: &mut Vec<&'a str>) {
        for argument in &self.arguments {
            match argument {
                Argument::Path(path) => names.extend(path.variable()),
                Argument::Call(call) => call.variables(names),
                Argument::Literal(_) | Argument::Template(_) => {}
            }
        }
    }

    /// The paths among its arguments.
    pub(super) fn paths<'a>(&'a self, paths: &mut Vec<&'a JsonPath>) {
        for argument in &self.arguments {
            match argument {
                Argument::Path(path) => paths.push(path),
                Argument::Call(call) => call.paths(paths),
                Argument::Literal(_) | Argument::Template(_) => {}
            }
        }
    }

    /// What the function gives.
    pub(super) fn evaluate(&self, scope: &Scope<'_>) -> Result<Json, EvalError> {
        let mut values = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            values.push(match argument {
                Argument::Literal(value) => value.clone(),
                // The template is read from the argument itself, see `apply`.
                Argument::Template(_) => Json::Null,
                Argument::Path(path) => path.find_or_null(scope).ok_or_else(|| self.missing(path, scope))?,
                Argument::Call(call) => call.evaluate(scope)?,
            });
        }
        self.apply(&values, scope).map_err(|reason| EvalError {
            name: "States.IntrinsicFailure",
            cause: self.cause(&reason),
            location: None,
        })
    }

    fn apply(&self, values: &[Json], scope: &Scope<'_>) -> Result<Json, String> {
        match (self.function, values) {
            (Function::Format, [template, rest @ ..]) => match (self.arguments.first(), template) {
                (Some(Argument::Template(template)), _) => template.fill(rest),
                (_, Json::String(text)) => FormatTemplate::parse(text)?.fill(rest),
                _ => Err("The first argument must be a string".to_owned()),
            },
            (Function::StringToJson, [text]) => texts::string_to_json(text),
            (Function::JsonToString, [value]) => Ok(value.to_text().into()),
            (Function::Array, items) => Ok(Json::array(items.iter().cloned())),
            (Function::ArrayPartition, [array, size]) => arrays::partition(array, size),
            (Function::ArrayContains, [array, value]) => arrays::contains(array, value),
            (Function::ArrayRange, [first, last, step]) => arrays::range(first, last, step),
            (Function::ArrayGetItem, [array, index]) => arrays::get_item(array, index),
            (Function::ArrayLength, [array]) => arrays::length(array),
            (Function::ArrayUnique, [array]) => arrays::unique(array),
            (Function::Base64Encode, [data]) => texts::base64_encode(data),
            (Function::Base64Decode, [data]) => texts::base64_decode(data),
            (Function::Hash, [data, algorithm]) => hashes::hash(data, algorithm),
            (Function::JsonMerge, [first, second, deep]) => texts::json_merge(first, second, deep),
            (Function::MathRandom, [start, end]) => numbers::random(start, end, scope.random),
            (Function::MathRandom, [start, end, seed]) => numbers::seeded_random(start, end, seed),
            (Function::MathAdd, [left, right]) => numbers::add(left, right),
            (Function::StringSplit, [text, delimiters]) => texts::string_split(text, delimiters),
            (Function::Uuid, []) => Ok(scope.random.uuid().into()),
            _ => Err("Wrong number of arguments".to_owned()),
        }
    }

    fn missing(&self, path: &JsonPath, scope: &Scope<'_>) -> EvalError {
        let reason = format!(
            "The JsonPath argument for the field '{path}' could not be found in the input '{}'",
            scope.input.verbatim()
        );
        EvalError::runtime(self.cause(&reason))
    }

    fn cause(&self, reason: &str) -> String {
        format!("The function '{}' had the following error: {reason}", self.text)
    }
}

#[cfg(test)]
mod tests;
