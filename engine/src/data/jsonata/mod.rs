//! JSONata: the expressions in `{% … %}`.
//!
//! Spec: <https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html>
//!
//! The language itself is the crate `jsonata-core`'s. Here is what Step Functions adds and takes away: `$states`,
//! variables, six functions, no context at the top, no `$eval`, bounds, and AWS's words for what goes wrong.
//!
//! DIFFERENCE: inside an expression a number is a double. A whole number beyond 2^53 stays exact only where an
//! expression just names it (`$states.input.id`), as such expressions are looked up without being evaluated.

mod analysis;
mod bounds;
mod checks;
mod convert;
mod cost;
mod environment;
mod function_values;
mod functions;
mod guard;
mod messages;
mod narrow;
mod template;
mod watch;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jsonata_core::ast::AstNode;
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorOptions};
use jsonata_core::value::JValue;

use self::analysis::Analysis;
use self::environment::Environment;
use self::narrow::Narrowed;
use self::watch::Watched;
use super::Json;
use super::scope::{EvalError, Scope};

pub use self::template::{ExpressionFault, JsonataTemplate};

/// How long one expression may take, in milliseconds.
const TIMEOUT_MILLISECONDS: u64 = 2_000;

/// How deep evaluation may nest: AWS takes a sum of 100 terms and refuses one of 101.
const MAX_EVALUATION_DEPTH: usize = 99;

/// How many items a sequence may have: AWS takes `[1..873782]` and refuses one item more.
const MAX_SEQUENCE: usize = 873_782;

const UNDEFINED: &str = "returned nothing (undefined).";

/// A JSONata expression.
#[derive(Clone)]
pub struct Expression(Arc<Parsed>);

struct Parsed {
    text: Box<str>,
    ast: AstNode,
    analysis: Analysis,
    narrowed: Option<Narrowed>,
    /// The checks of ours that were put into it.
    checks: Vec<&'static str>,
    is_cheap: bool,
    /// Its work is multiplied so often that it is not begun.
    is_too_costly: bool,
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
        let mut ast = match catch_unwind(|| jsonata_core::parser::parse(text)) {
            Ok(parsed) => parsed.map_err(|error| invalid(messages::parsing(&error)))?,
            Err(_) => return Err(invalid(messages::NOT_READ.to_owned())),
        };
        let mut analysis = Analysis::of(&mut ast);
        if !analysis.unsupported.is_empty() {
            let refusal = |name: &String| ExpressionError {
                code: "UNSUPPORTED_JSONATA_EXPRESSION",
                message: format!("Reference to '{name}' at the top level is not supported."),
            };
            return Err(analysis.unsupported.iter().map(refusal).collect());
        }
        let is_cheap = !analysis.too_deep && cost::is_cheap(&ast);
        let is_too_costly = !analysis.too_deep && bounds::multiplies_too_often(&mut ast);
        let mut narrowed = None;
        if !analysis.too_deep {
            function_values::call_by_name(&mut ast, &mut analysis.called);
            bounds::make_calls_visible(&mut ast, &analysis.own, &mut analysis.called);
            narrowed = Narrowed::of(&ast, &analysis);
            guard::bound(&mut ast, &analysis.own);
            if let Some(narrowed) = &mut narrowed {
                guard::bound(&mut narrowed.ast, &analysis.own);
            }
        }
        let checks = if analysis.too_deep { Vec::new() } else { guard::checks_in(&mut ast) };
        Ok(Expression(Arc::new(Parsed {
            text: text.into(),
            ast,
            analysis,
            narrowed,
            checks,
            is_cheap,
            is_too_costly,
        })))
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
            return found.ok_or_else(|| self.failure(field(), UNDEFINED));
        }
        let value = match self.run(environment) {
            Ok(value) => value,
            Err(message) => {
                return Err(self.failure(field(), &messages::evaluation(&message, &self.0.analysis.called)));
            }
        };
        match convert::to_json(&value) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(self.failure(field(), UNDEFINED)),
            Err(convert::Refusal::Function) => {
                Err(self.failure(field(), "returned an unsupported result type."))
            }
            Err(convert::Refusal::TooLarge) => {
                Err(self.failure(field(), &messages::evaluation(messages::MEMORY_LIMIT, &[])))
            }
        }
    }

    fn run(&self, environment: &Environment<'_>) -> Result<JValue, String> {
        if self.0.analysis.too_deep {
            return Err(messages::STACK_OVERFLOW.to_owned());
        }
        if self.0.is_too_costly {
            return Err(messages::MEMORY_LIMIT.to_owned());
        }
        let mut context = Context::new();
        let narrowed =
            self.0.narrowed.as_ref().filter(|narrowed| environment.bind_routes(narrowed, &mut context));
        let ast = match narrowed {
            Some(narrowed) => &narrowed.ast,
            None => {
                environment.bind(&self.0.analysis, &mut context);
                &self.0.ast
            }
        };
        let watched = (!self.0.is_cheap).then(Watched::begin);
        let options = EvaluatorOptions {
            timeout_ms: Some(TIMEOUT_MILLISECONDS),
            cancel: watched.as_ref().map(Watched::token),
            max_stack_depth: Some(MAX_EVALUATION_DEPTH),
            max_sequence_length: Some(MAX_SEQUENCE),
        };
        let mut evaluator = Evaluator::with_options(context, options);
        checks::register(&mut evaluator, &self.0.checks);
        let random = functions::register(&mut evaluator, &self.0.analysis.called, environment.random());
        // The evaluator is dropped in any case, and what it has lent is only read.
        let result = catch_unwind(AssertUnwindSafe(|| evaluator.evaluate(ast, &JValue::Undefined)));
        if let Some(random) = random {
            environment.random().catch_up(&random);
        }
        match result {
            Ok(Err(_)) if watched.is_some_and(|watched| watched.was_stopped()) => {
                Err(messages::MEMORY_LIMIT.to_owned())
            }
            Ok(result) => result.map_err(|error| error.message().to_owned()),
            Err(_) => Err(messages::NOT_EVALUATED.to_owned()),
        }
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
