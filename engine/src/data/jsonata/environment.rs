//! [`Environment`]: a scope as JSONata sees it, converted as far as expressions ask for it, and once.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use indexmap::IndexMap;
use jsonata_core::evaluator::Context;
use jsonata_core::value::JValue;

use super::analysis::{Analysis, StatesRead};
use super::narrow::{End, Narrowed};
use super::{Scope, bounds, convert, guard};
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
    routes: RefCell<HashMap<Vec<String>, JValue>>,
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
            routes: RefCell::default(),
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
        if variable != "states" {
            return follow(Some(self.scope.variables.get(variable)?), names);
        }
        let (part, names) = names.split_first()?;
        match (part.as_str(), names.split_first()) {
            ("input", _) => follow(Some(self.scope.input), names),
            ("result", _) => follow(self.scope.result, names),
            ("errorOutput", _) => follow(self.scope.error_output, names),
            // Most expressions want one value of the context, which then need not be made whole.
            ("context", Some((member, names))) => follow(self.scope.context.member(member).as_ref(), names),
            ("context", None) => Some(Some(self.context().clone())),
            _ => Some(None),
        }
    }

    /// Gives a narrowed expression the values of its routes, and whether they could be had.
    pub(super) fn bind_routes(&self, narrowed: &Narrowed, context: &mut Context) -> bool {
        for route in &narrowed.routes {
            let value = match self.look_up(&route.names) {
                Some(Some(value)) if route.end == End::Step && !value.is_object() => return false,
                Some(Some(value @ (Json::Array(_) | Json::Object(_)))) => {
                    let mut converted = self.routes.borrow_mut();
                    let known = converted.get(&route.names).cloned();
                    known.unwrap_or_else(|| {
                        let value = convert::from_json(&value);
                        converted.insert(route.names.clone(), value.clone());
                        value
                    })
                }
                Some(Some(scalar)) => convert::from_json(&scalar),
                Some(None) => JValue::Undefined,
                None => return false,
            };
            context.bind(route.hidden.clone(), value);
        }
        narrowed.variables.iter().for_each(|name| self.bind_variable(name, context));
        true
    }

    /// Gives an expression the variables that it reads.
    pub(super) fn bind(&self, analysis: &Analysis, context: &mut Context) {
        for name in &analysis.variables {
            if name == "states" {
                context.bind(name.clone(), self.states(analysis.states));
            }
            self.bind_variable(name, context);
        }
    }

    fn bind_variable(&self, name: &str, context: &mut Context) {
        if matches!(name, "now" | "millis") {
            let now = self.scope.now.as_millisecond() as f64;
            context.bind(guard::NOW.to_owned(), JValue::Number(now));
        }
        if let Some(value) = self.scope.variables.get(name) {
            if bounds::is_bounded(name) {
                context.bind(bounds::variable_mark(name), JValue::Bool(true));
            }
            let mut converted = self.variables.borrow_mut();
            let value = converted.entry(name.to_owned()).or_insert_with(|| convert::from_json(value));
            context.bind(name.to_owned(), value.clone());
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

/// The value that names lead to from a value, or that there is none; gives up at an array.
fn follow(from: Option<&Json>, names: &[String]) -> Option<Option<Json>> {
    let Some(mut value) = from else { return Some(None) };
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
