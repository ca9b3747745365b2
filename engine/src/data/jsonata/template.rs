//! [`JsonataTemplate`]: a JSON value in which every text in `{% … %}` is replaced by its expression's value.

use std::sync::Arc;

use super::{Environment, Expression, ExpressionError};
use crate::data::scope::{EvalError, Scope};
use crate::data::template::pointer;
use crate::data::{Json, Object};

/// `Arguments`, `Output`, `Assign`, … of JSONata states.
#[derive(Clone, Debug)]
pub struct JsonataTemplate(Node);

#[derive(Clone, Debug)]
enum Node {
    /// No expression at any depth: evaluating shares it.
    Constant(Json),
    /// An expression, and its location inside the template as messages name it: `/key[0]`.
    Expression(Expression, Arc<str>),
    Array(Vec<Node>),
    Object(Vec<(Arc<str>, Node)>),
}

/// An expression that AWS refuses, and its location.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct ExpressionFault {
    /// The location inside the template as a JSON pointer: `/a/0`.
    pub location: String,
    /// What is wrong.
    pub error: ExpressionError,
}

impl JsonataTemplate {
    /// Reads a template, finding everything that is wrong in it.
    pub fn parse(value: &Json) -> Result<JsonataTemplate, Vec<ExpressionFault>> {
        let mut faults = Vec::new();
        let node = parse(value, Location { pointer: String::new(), named: String::new() }, &mut faults);
        if faults.is_empty() { Ok(JsonataTemplate(node)) } else { Err(faults) }
    }

    /// The value with every expression evaluated. `field` is the template's own name in messages: `Output`.
    pub fn evaluate(&self, scope: &Scope<'_>, field: &str) -> Result<Json, EvalError> {
        if let Node::Constant(value) = &self.0 {
            return Ok(value.clone());
        }
        evaluate(&self.0, &Environment::new(scope), field)
    }

    /// The expressions in it.
    pub fn expressions(&self) -> Vec<&Expression> {
        let mut expressions = Vec::new();
        collect(&self.0, &mut expressions);
        expressions
    }

    /// The keys at the top: the names of the variables, for `Assign`.
    pub fn keys(&self) -> Vec<&str> {
        match &self.0 {
            Node::Constant(value) => {
                value.as_object().map(|object| object.keys().map(|key| &**key).collect()).unwrap_or_default()
            }
            Node::Object(entries) => entries.iter().map(|(key, _)| &**key).collect(),
            Node::Expression(..) | Node::Array(_) => Vec::new(),
        }
    }
}

/// A location inside a template, as a JSON pointer and as messages name it.
struct Location {
    pointer: String,
    named: String,
}

fn parse(value: &Json, location: Location, faults: &mut Vec<ExpressionFault>) -> Node {
    match value {
        Json::String(text) if Expression::is(text) => match Expression::parse(text) {
            Ok(expression) => Node::Expression(expression, location.named.into()),
            Err(errors) => {
                let location = location.pointer;
                faults.extend(
                    errors.into_iter().map(|error| ExpressionFault { location: location.clone(), error }),
                );
                Node::Constant(Json::Null)
            }
        },
        Json::Array(items) => {
            let inner = |at: usize| Location {
                pointer: format!("{}/{at}", location.pointer),
                named: format!("{}[{at}]", location.named),
            };
            let nodes: Vec<_> =
                items.iter().enumerate().map(|(at, item)| parse(item, inner(at), faults)).collect();
            if nodes.iter().all(is_constant) { Node::Constant(value.clone()) } else { Node::Array(nodes) }
        }
        Json::Object(object) => {
            let inner = |key: &str| Location {
                pointer: pointer(&location.pointer, key),
                named: format!("{}/{key}", location.named),
            };
            let nodes: Vec<_> = object
                .iter()
                .map(|(key, value)| (Arc::clone(key), parse(value, inner(key), faults)))
                .collect();
            if nodes.iter().all(|(_, node)| is_constant(node)) {
                Node::Constant(value.clone())
            } else {
                Node::Object(nodes)
            }
        }
        other => Node::Constant(other.clone()),
    }
}

fn is_constant(node: &Node) -> bool {
    matches!(node, Node::Constant(_))
}

fn evaluate(node: &Node, environment: &Environment<'_>, field: &str) -> Result<Json, EvalError> {
    match node {
        Node::Constant(value) => Ok(value.clone()),
        Node::Expression(expression, location) => {
            expression.evaluate_in(environment, || format!("{field}{location}"))
        }
        Node::Array(nodes) => nodes.iter().map(|node| evaluate(node, environment, field)).collect(),
        Node::Object(entries) => {
            let mut evaluated = Vec::with_capacity(entries.len());
            for (key, node) in entries {
                evaluated.push((Arc::clone(key), evaluate(node, environment, field)?));
            }
            Ok(Object::from_distinct(evaluated).into())
        }
    }
}

fn collect<'a>(node: &'a Node, expressions: &mut Vec<&'a Expression>) {
    match node {
        Node::Constant(_) => {}
        Node::Expression(expression, _) => expressions.push(expression),
        Node::Array(nodes) => nodes.iter().for_each(|node| collect(node, expressions)),
        Node::Object(entries) => entries.iter().for_each(|(_, node)| collect(node, expressions)),
    }
}
