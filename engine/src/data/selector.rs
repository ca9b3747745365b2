//! [`Selector`]: a path or an intrinsic function, wherever the language lets a text be either.

use super::cursor::PathError;
use super::intrinsic::Call;
use super::scope::{EvalError, Scope};
use super::{Json, JsonPath};

/// The value of `"name.$": "…"`, of `ErrorPath` and of `CausePath`.
#[derive(Clone, Debug)]
pub struct Selector(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Path(JsonPath),
    Call(Call),
}

impl Selector {
    /// Reads a path or an invocation of an intrinsic function.
    pub fn parse(text: &str) -> Result<Selector, PathError> {
        if Call::is_meant(text) {
            Call::parse(text).map(|call| Selector(Kind::Call(call)))
        } else {
            JsonPath::parse(text).map(|path| Selector(Kind::Path(path)))
        }
    }

    /// Evaluates it. `field` is the name in a message about a missing value.
    pub fn evaluate(&self, scope: &Scope<'_>, field: &str) -> Result<Json, EvalError> {
        match &self.0 {
            Kind::Path(path) => path.query_field(scope, field),
            Kind::Call(call) => call.evaluate(scope),
        }
    }

    /// The variables that it begins with or uses.
    pub fn variables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect_variables(&mut names);
        names
    }

    pub(super) fn collect_variables<'a>(&'a self, names: &mut Vec<&'a str>) {
        match &self.0 {
            Kind::Path(path) => names.extend(path.variable()),
            Kind::Call(call) => call.variables(names),
        }
    }

    /// The paths it is or uses.
    pub fn paths(&self) -> Vec<&JsonPath> {
        let mut paths = Vec::new();
        match &self.0 {
            Kind::Path(path) => paths.push(path),
            Kind::Call(call) => call.paths(&mut paths),
        }
        paths
    }
}
