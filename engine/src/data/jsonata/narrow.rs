//! Reading only what an expression names.
//!
//! Converting a document costs as much as it is large, and `$states.input.order.id` needs one text of it. So the
//! names that follow a variable are looked up before evaluating, and the expression gets their values under hidden
//! names. Where the names lead through an array, over which JSONata maps them, the whole variable is bound instead.

use std::collections::BTreeSet;

use jsonata_core::ast::{AstNode, PathStep};

use super::analysis::{Analysis, for_each_child};

/// An expression with its routes folded into hidden variables.
#[derive(Debug)]
pub(super) struct Narrowed {
    pub(super) ast: AstNode,
    pub(super) routes: Vec<Route>,
    /// The variables that it still reads by themselves.
    pub(super) variables: BTreeSet<String>,
}

/// `$variable.name.name`
#[derive(Debug)]
pub(super) struct Route {
    /// The hidden variable. With its space no expression can write it.
    pub(super) hidden: String,
    /// The variable's name and the names after it.
    pub(super) names: Vec<String>,
    pub(super) end: End,
}

/// What follows a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing: its value is used as it is.
    Value,
    /// Another step, which means the same only on an object.
    Step,
}

impl Narrowed {
    /// Folds the routes of an expression, unless it reads `$states` as a whole or names nothing.
    pub(super) fn of(ast: &AstNode, analysis: &Analysis) -> Option<Narrowed> {
        let mut ast = ast.clone();
        let mut routes = Vec::new();
        fold(&mut ast, &analysis.own, &mut routes);
        if routes.is_empty() {
            return None;
        }
        let mut variables = Analysis::of(&mut ast).variables;
        variables.retain(|name| !name.contains(' '));
        (!variables.contains("states")).then_some(Narrowed { ast, routes, variables })
    }
}

fn fold(node: &mut AstNode, own: &BTreeSet<String>, routes: &mut Vec<Route>) {
    if let AstNode::Path { steps } = node
        && let Some(names) = leading_names(steps, own)
    {
        let end = if names.len() == steps.len() { End::Value } else { End::Step };
        let hidden = match routes.iter().find(|route| route.names == names && route.end == end) {
            Some(known) => known.hidden.clone(),
            None => format!("route {}", routes.len()),
        };
        steps.drain(1..names.len());
        steps[0].node = AstNode::Variable(hidden.clone());
        if end == End::Value {
            *node = AstNode::Variable(hidden.clone());
        }
        if !routes.iter().any(|route| route.hidden == hidden) {
            routes.push(Route { hidden, names, end });
        }
    }
    for_each_child(node, &mut |child, _| fold(child, own, routes));
}

/// The variable that a path begins with and the plain names after it, if there are both.
fn leading_names(steps: &[PathStep], own: &BTreeSet<String>) -> Option<Vec<String>> {
    let variable = match steps.first() {
        Some(PathStep { node: AstNode::Variable(name), .. }) if !name.is_empty() && !own.contains(name) => {
            name
        }
        _ => return None,
    };
    let plain = steps.iter().take_while(|step| is_plain(step));
    let names = plain.skip(1).map_while(|step| match &step.node {
        AstNode::Name(name) => Some(name.clone()),
        _ => None,
    });
    let names: Vec<_> = std::iter::once(variable.clone()).chain(names).collect();
    (names.len() > 1 && is_plain(&steps[0])).then_some(names)
}

fn is_plain(step: &PathStep) -> bool {
    step.stages.is_empty()
        && step.focus.is_none()
        && step.index_var.is_none()
        && step.ancestor_label.is_none()
        && !step.is_tuple
        && !step.inner_tuple
}
