//! JSONata: the expressions in `{% … %}`.
//!
//! Spec: <https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html>
//!
//! The language itself is in `language`. Here is what Step Functions adds and takes away: `$states`, variables,
//! six functions, no context at the top, no `$eval`, bounds, and AWS's sentences around what goes wrong.
//!
//! DIFFERENCE: inside an expression a number is a double, but a whole number that a double cannot hold keeps its digits
//! as long as it is only handed on.

mod analysis;
mod cost;
mod environment;
mod functions;
pub(crate) mod language;
mod messages;
mod template;

use std::fmt;
use std::sync::Arc;

use self::analysis::Analysis;
use self::environment::Environment;
use super::Json;
use super::scope::{EvalError, Scope};
use crate::data::jsonata::language::{Error, Limits, Outcome, Program, Refusal, Value};

pub(crate) use self::analysis::states_part;
pub use self::template::{ExpressionFault, JsonataTemplate};

/// How many bytes a value may have: AWS takes `[1..873782]` and refuses one item more, at 8 bytes for each.
const MAX_VALUE_BYTES: usize = 873_782 * 8;

/// What one expression may need: some two seconds of a slow machine, a depth as AWS allows it (a sum of 100 terms, not
/// one of 101).
const LIMITS: Limits = Limits { steps: 10_000_000, bytes: 1 << 28, value_bytes: MAX_VALUE_BYTES, depth: 100 };

const UNDEFINED: &str = "returned nothing (undefined).";

/// A JSONata expression.
#[derive(Clone)]
pub struct Expression(Arc<Parsed>);

struct Parsed {
    text: Box<str>,
    program: Program,
    analysis: Analysis,
    is_cheap: bool,
}

/// Why AWS refuses an expression when the state machine is created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ExpressionError {
    /// `INVALID_JSONATA_EXPRESSION` or `UNSUPPORTED_JSONATA_EXPRESSION`.
    pub code: &'static str,
    /// AWS's words.
    pub message: String,
}

/// The type that a field asks of its expression's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `Items`
    Array,
    /// `Condition`
    Boolean,
    /// `ToleratedFailurePercentage`
    Number,
    /// `Seconds`, `MaxConcurrency`, …: a number without a fraction.
    Integer,
    /// `Error`, `Cause`, `Timestamp`
    String,
    /// `ItemBatcher`'s `BatchInput`
    Object,
}

impl Expression {
    /// Whether a text is an expression: `{%` and `%}` are its very ends.
    pub fn is(text: &str) -> bool {
        text.len() >= 4 && text.starts_with("{%") && text.ends_with("%}")
    }

    /// Reads an expression with its marks, finding everything that AWS refuses in it.
    pub fn parse(text: &str) -> Result<Expression, Vec<ExpressionError>> {
        let invalid = |message: String| vec![ExpressionError { code: "INVALID_JSONATA_EXPRESSION", message }];
        if !Expression::is(text) {
            return Err(invalid("Expression must be enclosed in {% %}".to_owned()));
        }
        let text = text[2..text.len() - 2].trim();
        let program = Program::parse(text).map_err(|error| invalid(messages::parsing(&error)))?;
        let analysis = Analysis::of(&program);
        if !analysis.unsupported.is_empty() {
            let refusal = |name: &String| ExpressionError {
                code: "UNSUPPORTED_JSONATA_EXPRESSION",
                message: format!("Reference to '{name}' at the top level is not supported."),
            };
            return Err(analysis.unsupported.iter().map(refusal).collect());
        }
        let is_cheap = cost::is_cheap(&program);
        Ok(Expression(Arc::new(Parsed { text: text.into(), program, analysis, is_cheap })))
    }

    /// The expression, parsed.
    pub(crate) fn program(&self) -> &Program {
        &self.0.program
    }

    /// The expression without its marks.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The variables it reads that it does not bind itself, `states` and functions among them.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.analysis.variables.iter().map(String::as_str)
    }

    /// Whether it reads `$states.result`.
    pub fn uses_result(&self) -> bool {
        self.0.analysis.states.result
    }

    /// Whether it reads `$states.errorOutput`.
    pub fn uses_error_output(&self) -> bool {
        self.0.analysis.states.error_output
    }

    /// Whether it is known to be done at once: it reads what it names a few times, and no more.
    pub fn is_cheap(&self) -> bool {
        self.0.is_cheap
    }

    /// Its value. `field` is the location that messages name: `Output`, `Choices[0]/Condition`, …
    pub fn evaluate(&self, scope: &Scope<'_>, field: &str) -> Result<Json, EvalError> {
        self.evaluate_in(&Environment::new(scope), || field.to_owned())
    }

    /// Its value, which has to be of a type.
    pub fn evaluate_as(&self, scope: &Scope<'_>, field: &str, expected: Expected) -> Result<Json, EvalError> {
        let value = self.evaluate(scope, field)?;
        if expected.allows(&value) {
            return Ok(value);
        }
        let message = format!(
            "returned an unexpected result type. Expected '{expected}', but was '{}' for value: {value}",
            value.type_name()
        );
        Err(self.failure(field.to_owned(), &message))
    }

    fn evaluate_in(
        &self,
        environment: &Environment<'_>,
        field: impl FnOnce() -> String,
    ) -> Result<Json, EvalError> {
        if let Some(route) = &self.0.analysis.route
            && let Some(found) = environment.look_up(route)
        {
            return found.map(Json::without_verbatim).ok_or_else(|| self.failure(field(), UNDEFINED));
        }
        let failure = |error: &Error, field: String| self.failure(field, &messages::evaluation(error));
        match self.run(environment) {
            Ok(Ok(Some(value))) => Ok(value.without_verbatim()),
            Ok(Ok(None)) => Err(self.failure(field(), UNDEFINED)),
            Ok(Err(Refusal::Function)) => Err(self.failure(field(), "returned an unsupported result type.")),
            Ok(Err(Refusal::TooLarge)) => Err(failure(&Error::memory(), field())),
            Err(error) => Err(failure(&error, field())),
        }
    }

    fn run(&self, environment: &Environment<'_>) -> Outcome<Result<Option<Json>, Refusal>> {
        let host = environment.host(self.0.analysis.states);
        let value = language::evaluate(&self.0.program, &Value::Undefined, &host, LIMITS)?;
        Ok(value.to_json(MAX_VALUE_BYTES))
    }

    fn failure(&self, field: String, message: &str) -> EvalError {
        EvalError {
            name: "States.QueryEvaluationError",
            cause: format!(
                "The JSONata expression '{}' specified for the field '{field}' {message}",
                self.0.text
            ),
            location: Some(field),
        }
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({})", self.0.text)
    }
}

impl Expected {
    fn allows(self, value: &Json) -> bool {
        match self {
            Expected::Array => value.is_array(),
            Expected::Boolean => value.as_bool().is_some(),
            Expected::Number => value.as_number().is_some(),
            Expected::Integer => value.as_number().is_some_and(|number| number.to_whole().is_some()),
            Expected::String => value.as_str().is_some(),
            Expected::Object => value.is_object(),
        }
    }
}

/// The type's name in AWS's messages.
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Expected::Array => "array",
            Expected::Boolean => "boolean",
            Expected::Number => "number",
            Expected::Integer => "integer",
            Expected::String => "string",
            Expected::Object => "object",
        })
    }
}

#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod tests;
