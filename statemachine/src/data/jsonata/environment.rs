//! [`Environment`]: a scope as JSONata sees it, converted as far as expressions ask for it, and once.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use indexmap::IndexMap;
use jsonata_core::evaluator::Context;
use jsonata_core::value::JValue;

use super::analysis::{Analysis, StatesRead};
use super::{Scope, convert, guard};
use crate::data::{Json, Random};

/// A scope and what was converted of it. Expressions of one template share it.
pub(super) struct Environment<'a> {
    scope: &'a Scope<'a>,
    context: OnceCell<Json>,
    input_value: OnceCell<JValue>,
    context_value: OnceCell<JValue>,
    result_value: OnceCell<JValue>,
    error_value: OnceCell<JValue>,
    variables: RefCell<HashMap<String, JValue>>,
}

impl<'a> Environment<'a> {
    pub(super) fn new(scope: &'a Scope<'a>) -> Environment<'a> {
        Environment {
            scope,
            context: OnceCell::new(),
            input_value: OnceCell::new(),
            context_value: OnceCell::new(),
            result_value: OnceCell::new(),
            error_value: OnceCell::new(),
            variables: RefCell::default(),
        }
    }

    pub(super) fn random(&self) -> &'a Random {
        self.scope.random
    }

    fn context(&self) -> &Json {
        self.context.get_or_init(|| self.scope.context.object())
    }

    /// Follows `$variable.name.name` through objects: the value, or that there is none. Gives up (the outer
    /// `None`) at an array, which names are mapped over, and at what is no variable.
    pub(super) fn look_up(&self, route: &[String]) -> Option<Option<Json>> {
        let (variable, names) = route.split_first()?;
        let (mut value, names) = if variable == "states" {
            let (part, names) = names.split_first()?;
            let value = match part.as_str() {
                "input" => Some(self.scope.input),
                "context" => Some(self.context()),
                "result" => self.scope.result,
                "errorOutput" => self.scope.error_output,
                _ => None,
            };
            match value {
                Some(value) => (value, names),
                None => return Some(None),
            }
        } else {
            (self.scope.variables.get(variable)?, names)
        };
        for name in names {
            value = match value {
                Json::Object(object) => match object.get(name) {
                    Some(next) => next,
                    None => return Some(None),
                },
                Json::Array(_) => return None,
                _ => return Some(None),
            };
        }
        Some(Some(value.clone()))
    }

    /// Gives an expression the variables that it reads.
    pub(super) fn bind(&self, analysis: &Analysis, context: &mut Context) {
        for name in &analysis.variables {
            match name.as_str() {
                "states" => context.bind(name.clone(), self.states(analysis.states)),
                "now" | "millis" => {
                    let now = self.scope.now.as_millisecond() as f64;
                    context.bind(guard::NOW.to_owned(), JValue::Number(now));
                }
                _ => {}
            }
            if let Some(value) = self.scope.variables.get(name) {
                let mut converted = self.variables.borrow_mut();
                let value = converted.entry(name.clone()).or_insert_with(|| convert::from_json(value));
                context.bind(name.clone(), value.clone());
            }
        }
    }

    /// `$states` with those of its parts that are read.
    fn states(&self, read: StatesRead) -> JValue {
        let mut states = IndexMap::new();
        let mut put = |name: &str, cell: &OnceCell<JValue>, value: &Json| {
            states.insert(name.to_owned(), cell.get_or_init(|| convert::from_json(value)).clone());
        };
        if read.input {
            put("input", &self.input_value, self.scope.input);
        }
        if read.context {
            put("context", &self.context_value, self.context());
        }
        if let Some(result) = self.scope.result.filter(|_| read.result) {
            put("result", &self.result_value, result);
        }
        if let Some(error_output) = self.scope.error_output.filter(|_| read.error_output) {
            put("errorOutput", &self.error_value, error_output);
        }
        JValue::object(states)
    }
}
