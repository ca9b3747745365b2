//! [`Environment`]: a scope as JSONata sees it.

use std::cell::OnceCell;

use super::analysis::StatesRead;
use super::{Scope, functions};
use crate::data::jsonata::language::{Host, HostFunction, Value};
use crate::data::{Json, Object};

/// A scope, with what was made of it. Expressions of one template share it.
pub(super) struct Environment<'a> {
    scope: &'a Scope<'a>,
    context: OnceCell<Json>,
    states: OnceCell<Json>,
    states_without_context: OnceCell<Json>,
}

impl<'a> Environment<'a> {
    pub(super) fn new(scope: &'a Scope<'a>) -> Environment<'a> {
        Environment {
            scope,
            context: OnceCell::new(),
            states: OnceCell::new(),
            states_without_context: OnceCell::new(),
        }
    }

    /// What an expression that reads these parts of `$states` sees.
    pub(super) fn host(&self, reads: StatesRead) -> EnvironmentHost<'_> {
        EnvironmentHost { environment: self, reads }
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

    fn make_states(&self, reads: StatesRead) -> Json {
        let mut states = Object::new();
        states.insert("input", self.scope.input.clone());
        if reads.context {
            states.insert("context", self.context().clone());
        }
        if let Some(result) = self.scope.result {
            states.insert("result", result.clone());
        }
        if let Some(error_output) = self.scope.error_output {
            states.insert("errorOutput", error_output.clone());
        }
        states.into()
    }
}

/// An [`Environment`] for one expression.
pub(super) struct EnvironmentHost<'a> {
    environment: &'a Environment<'a>,
    reads: StatesRead,
}

impl Host for EnvironmentHost<'_> {
    fn variable(&self, name: &str) -> Option<Value> {
        if name == "states" {
            let environment = self.environment;
            let states =
                if self.reads.context { &environment.states } else { &environment.states_without_context };
            return Some(Value::from(states.get_or_init(|| environment.make_states(self.reads))));
        }
        self.environment.scope.variables.get(name).map(Value::from)
    }

    fn function(&self, name: &str) -> Option<&'static HostFunction> {
        functions::named(name)
    }

    fn now(&self) -> f64 {
        self.environment.scope.now.as_millisecond() as f64
    }

    fn random(&self) -> u64 {
        self.environment.scope.random.next_u64()
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
