//! [`Scope`]: the one context of every expression, and of every state that evaluates some; and [`EvalError`].

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::random::Random;
use super::{Json, Object};

/// What an expression can see.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// `$` in JSONPath, and `$states.input` in JSONata.
    pub input: &'a Json,
    /// The context object.
    pub context: &'a dyn ContextObject,
    /// The variables assigned so far.
    pub variables: &'a Variables,
    /// Where random numbers come from.
    pub random: &'a Random,
    /// The current time.
    pub now: Timestamp,
    /// `$states.result`: the result of the state's work.
    pub result: Option<&'a Json>,
    /// `$states.errorOutput`: what a catcher caught.
    pub error_output: Option<&'a Json>,
}

impl<'a> Scope<'a> {
    /// A scope without a result and without a caught error.
    pub fn new(
        input: &'a Json,
        context: &'a dyn ContextObject,
        variables: &'a Variables,
        random: &'a Random,
        now: Timestamp,
    ) -> Scope<'a> {
        Scope { input, context, variables, random, now, result: None, error_output: None }
    }

    /// The same scope over another input.
    pub fn with_input(self, input: &'a Json) -> Scope<'a> {
        Scope { input, ..self }
    }

    /// The same scope with the result of the state's work.
    pub fn with_result(self, result: &'a Json) -> Scope<'a> {
        Scope { result: Some(result), ..self }
    }

    /// The same scope after an error was caught.
    pub fn with_error(self, error_output: &'a Json) -> Scope<'a> {
        Scope { error_output: Some(error_output), ..self }
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("input", self.input).field("now", &self.now).finish_non_exhaustive()
    }
}

/// The context object (`$$`, `$states.context`), built only when an expression reads it.
pub trait ContextObject {
    /// The object.
    fn object(&self) -> Json;

    /// One of its members, such as `Map`: most expressions read nothing else of it.
    fn member(&self, name: &str) -> Option<Json> {
        self.object().get(name).cloned()
    }
}

impl ContextObject for Json {
    fn object(&self) -> Json {
        self.clone()
    }
}

/// The variables of an execution. A clone is cheap; a Map iteration or a branch starts with a clone of the outer ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variables {
    values: Arc<Object>,
    /// The bytes of all values as JSON text.
    size: usize,
}

impl Variables {
    /// No variables.
    pub fn new() -> Variables {
        Variables::default()
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.values.get(name)
    }

    /// The bytes of all values as JSON text.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Gives a variable a value.
    pub fn assign(&mut self, name: impl Into<Arc<str>>, value: Json) {
        self.size += value.serialized_len();
        let replaced = Arc::make_mut(&mut self.values).insert(name, value);
        self.size -= replaced.map_or(0, |value| value.serialized_len());
    }

    /// The variables as an object.
    pub fn as_object(&self) -> &Object {
        &self.values
    }
}

impl From<Object> for Variables {
    fn from(object: Object) -> Variables {
        let size = object.values().map(Json::serialized_len).sum();
        Variables { values: Arc::new(object), size }
    }
}

/// An error of the States Language that evaluating an expression ends with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {cause}")]
pub struct EvalError {
    /// The error name: `States.Runtime`, `States.IntrinsicFailure`, `States.QueryEvaluationError`, …
    pub name: &'static str,
    /// AWS's words, without the opening that names the state.
    pub cause: String,
    /// The field whose expression failed, as `EvaluationFailed` events name it: `Output/result`. JSONata only.
    pub location: Option<String>,
}

impl EvalError {
    pub(crate) fn runtime(cause: impl Into<String>) -> EvalError {
        EvalError { name: "States.Runtime", cause: cause.into(), location: None }
    }
}
