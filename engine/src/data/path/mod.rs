//! JSONPath as AWS Step Functions reads it: the Jayway dialect, with `$$` for the context object and `$name` for
//! a variable.
//!
//! A path is parsed once and walked many times. A definite path (it can name one value only) gives the value
//! there or fails; any other gives the array of everything it finds, which may be empty.

mod filter;
mod function;
mod parse;
mod reference;
mod walk;

use std::fmt;
use std::sync::Arc;

use self::filter::Filter;
use self::function::FunctionCall;
use self::walk::{Miss, Walk};
use super::cursor::{Cursor, PathError};
use super::scope::{EvalError, Scope};
use super::{Json, json};

pub use self::reference::ReferencePath;

/// A JSONPath.
#[derive(Clone, Debug)]
pub struct JsonPath {
    text: Arc<str>,
    root: Root,
    route: Route,
}

/// Where a path begins.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Root {
    /// `$`
    Input,
    /// `$$`
    Context,
    /// `$name`
    Variable(Arc<str>),
}

/// The steps from a root.
#[derive(Clone, Debug, Default)]
struct Route {
    steps: Vec<Step>,
    function: Option<Box<FunctionCall>>,
}

#[derive(Clone, Debug)]
enum Step {
    /// `.name` or `['name']`
    Property(Arc<str>),
    /// `['a','b']`
    Properties(Vec<Arc<str>>),
    /// `[3]`, `[-1]`
    Index(i64),
    /// `[0,2]`
    Indexes(Vec<i64>),
    /// `[1:5]`
    Slice { from: Option<i64>, to: Option<i64> },
    /// `.*` or `[*]`
    Wildcard,
    /// `[?(…)]`
    Filter(Filter),
    /// `..`: the value and everything in it
    Descendants,
}

impl JsonPath {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<JsonPath, PathError> {
        let mut cursor = Cursor::new(text.trim_end());
        let path = parse::path(&mut cursor, parse::Ending::Text)?;
        if cursor.at_end() { Ok(path) } else { cursor.fail("unexpected character in a path") }
    }

    /// Reads the path that a larger text continues with, such as an argument of an intrinsic function.
    pub(super) fn parse_within(cursor: &mut Cursor<'_>) -> Result<JsonPath, PathError> {
        parse::path(cursor, parse::Ending::Delimiter)
    }

    /// The path as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is `$`, the whole input.
    pub fn is_root(&self) -> bool {
        self.root == Root::Input && self.route.is_empty()
    }

    /// The variable it begins with, if it does.
    pub fn variable(&self) -> Option<&str> {
        match &self.root {
            Root::Variable(name) => Some(name),
            Root::Input | Root::Context => None,
        }
    }

    /// Whether it begins in the context object.
    pub fn is_in_context(&self) -> bool {
        self.root == Root::Context
    }

    /// Whether it can name one value only.
    pub fn is_definite(&self) -> bool {
        self.route.is_definite()
    }

    /// The value it names, or nothing if there is none: an index beyond an array leads nowhere.
    pub fn find(&self, scope: &Scope<'_>) -> Option<Json> {
        self.evaluate(scope).ok()
    }

    /// The value it names, or nothing if there is none: an index beyond an array leads to `null`.
    pub fn find_or_null(&self, scope: &Scope<'_>) -> Option<Json> {
        self.evaluate(scope).or_else(Miss::null_past_end).ok()
    }

    /// AWS's refusal of a path into an input that is `null`.
    pub(crate) fn null_input(&self, scope: &Scope<'_>) -> Result<(), EvalError> {
        if self.root == Root::Input && scope.input.is_null() {
            return Err(EvalError::runtime("Unable to apply Path transformation to null or empty input."));
        }
        Ok(())
    }

    /// The value it names; beyond an array that is `null`. A missing one is an error in the words of fields such as
    /// `InputPath`.
    pub fn query(&self, scope: &Scope<'_>) -> Result<Json, EvalError> {
        // The whole input is handed on as it is, text included.
        if self.is_root() {
            return Ok(scope.input.clone());
        }
        self.null_input(scope)?;
        self.evaluate(scope).or_else(Miss::null_past_end).map_err(|miss| match miss {
            Miss::NotFound(reason) => EvalError::runtime(format!("Invalid path '{}' : {reason}", self.text)),
            _ => self.too_much(),
        })
    }

    /// The value it names, as [`query`](Self::query) reads it. A missing one is an error in the words of payload templates, `ErrorPath` and `CausePath`,
    /// which name the field.
    pub fn query_field(&self, scope: &Scope<'_>, field: &str) -> Result<Json, EvalError> {
        self.evaluate(scope).or_else(Miss::null_past_end).map_err(|miss| match miss {
            Miss::NotFound(_) => EvalError::runtime(format!(
                "The JSONPath '{}' specified for the field '{field}' could not be found in the input '{}'",
                self.text,
                scope.input.verbatim()
            )),
            _ => self.too_much(),
        })
    }

    fn too_much(&self) -> EvalError {
        EvalError::runtime(format!("Invalid path '{}' : The path selects too many values.", self.text))
    }

    fn evaluate(&self, scope: &Scope<'_>) -> Result<Json, Miss> {
        self.evaluate_root(scope).map(Json::without_verbatim)
    }

    fn evaluate_root(&self, scope: &Scope<'_>) -> Result<Json, Miss> {
        match &self.root {
            Root::Input => self.route.evaluate(scope.input),
            Root::Context => match self.route.evaluate_in_member(scope) {
                Some(value) => Ok(value),
                None => self.route.evaluate(&scope.context.object()),
            },
            Root::Variable(name) => match scope.variables.get(name) {
                Some(value) => self.route.evaluate(value),
                None => Err(Miss::NotFound(format!("No results for path: ${name}"))),
            },
        }
    }
}

/// The path as it was written.
impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for JsonPath {
    fn eq(&self, other: &JsonPath) -> bool {
        self.text == other.text
    }
}

impl Route {
    fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.function.is_none()
    }

    fn is_definite(&self) -> bool {
        self.function.is_some() || self.steps_are_definite()
    }

    fn steps_are_definite(&self) -> bool {
        let last = self.steps.len().saturating_sub(1);
        self.steps.iter().enumerate().all(|(at, step)| match step {
            Step::Property(_) | Step::Index(_) => true,
            // Several names at the end make one object of them; before the end each leads on by itself.
            Step::Properties(_) => at == last,
            _ => false,
        })
    }

    fn evaluate(&self, document: &Json) -> Result<Json, Miss> {
        Walk::new(document).evaluate(self, document)
    }

    /// The value in the context object, found without making the whole of it.
    fn evaluate_in_member(&self, scope: &Scope<'_>) -> Option<Json> {
        let (Step::Property(name), rest) = self.steps.split_first()? else { return None };
        if self.function.is_some() || !self.steps_are_definite() {
            return None;
        }
        walk::definite(rest, &scope.context.member(name)?).ok()
    }
}

/// The steps in Jayway's canonical form, which its messages use: `$['a'][0]`.
struct Canonical<'a>(&'a [Step]);

impl fmt::Display for Canonical<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|step| write!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |bound: &Option<i64>| bound.map_or_else(String::new, |value| value.to_string());
        match self {
            Step::Property(name) => write!(f, "['{name}']"),
            Step::Properties(names) => write!(f, "['{}']", names.join("','")),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Indexes(indexes) => {
                let listed: Vec<_> = indexes.iter().map(i64::to_string).collect();
                write!(f, "[{}]", listed.join(","))
            }
            Step::Slice { from, to } => write!(f, "[{}:{}]", part(from), part(to)),
            Step::Wildcard => f.write_str("[*]"),
            Step::Filter(_) => f.write_str("[?]"),
            Step::Descendants => f.write_str(".."),
        }
    }
}

#[cfg(test)]
mod jayway_tests;
#[cfg(test)]
mod tests;
