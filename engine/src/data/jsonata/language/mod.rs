//! JSONata, the query and transformation language, as the reference implementation (jsonata-js 2.0.6, which Step
//! Functions runs) understands it.
//!
//! Spec: <https://docs.jsonata.org>
//!
//! In reading order: [`token`], [`parse`] and [`process`] make the [`ast`]; [`evaluate`], [`path`], [`operators`] and
//! [`call`] walk it; [`functions`] are those of the language, with pictures of numbers and dates and a matcher of
//! patterns beside them. A [`meter`] bounds steps, nesting and memory: no expression panics, blocks or exhausts the
//! stack, and the same expression over the same values always ends the same way.
//!
//! DIFFERENCE: texts are Unicode. A lone half of a surrogate pair is U+FFFD, `$split(text, "")` splits between
//! characters, and `$base64encode` writes UTF-8.

pub(crate) mod ast;
mod call;
mod error;
mod evaluate;
mod function;
mod functions;
mod meter;
mod number;
mod operators;
mod parse;
mod path;
mod picture;
mod process;
mod regex;
mod signature;
mod text;
mod token;
mod value;

use std::sync::Arc;

use self::ast::Node;
pub(crate) use self::error::{Bound, Error, Outcome};
pub(crate) use self::evaluate::evaluate;
pub(crate) use self::meter::{Limits, Meter};
pub(crate) use self::value::{Refusal, Value};

/// An expression, read.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) root: Node,
    /// The composition of two functions, if the expression has `~>`.
    chain: Option<Node>,
    /// The names that variables and functions are numbered by.
    names: Vec<Arc<str>>,
    /// The label of each `%`.
    slots: Vec<u32>,
    /// It is nested deeper than it could be evaluated, and was not kept.
    pub(crate) is_too_deep: bool,
}

impl Program {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Outcome<Program> {
        parse::parse(text)
    }

    /// The name of a variable.
    pub(crate) fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", |name| name)
    }
}

/// What surrounds an expression: variables, functions beside those of the language, the time, random numbers.
pub(crate) trait Host {
    /// The value of a variable.
    fn variable(&self, name: &str) -> Option<Value>;

    /// A function of the host.
    fn function(&self, name: &str) -> Option<&'static HostFunction>;

    /// The current time, in milliseconds.
    fn now(&self) -> f64;

    /// A random number of 64 bits.
    fn random(&self) -> u64;
}

/// A function of the host.
#[derive(Debug)]
pub(crate) struct HostFunction {
    pub(crate) name: &'static str,
    /// How many arguments it takes.
    pub(crate) arity: usize,
    pub(crate) run: fn(&dyn Host, &[Value], &mut Meter) -> Outcome<Value>,
}

#[cfg(test)]
mod suite_tests;
