//! Bounds on single calls: what one call of a function of the language could need by way of memory or time, whatever
//! its arguments are, is looked at before it is made.
//!
//! The evaluator looks at the clock, and at the order to stop, between calls but not within one. So the arguments of
//! those calls that could run for ever or take all memory pass through checks of ours ([`super::checks`]), which are
//! put into the expression when it is read.

use std::collections::BTreeSet;

use jsonata_core::ast::{AstNode, BinaryOp, PathStep};

use super::analysis::for_each_child;

/// The names of the checks. With their space no expression can write them.
pub(super) const RANGE_END: &str = "range end";
pub(super) const PICTURE: &str = "bounded picture";
pub(super) const NOTED: &str = "noted size";
pub(super) const INTEGER_PICTURE: &str = "bounded integer picture";
pub(super) const SEPARATOR: &str = "bounded separator";
pub(super) const REPLACEMENT: &str = "bounded replacement";
pub(super) const WIDTH: &str = "bounded width";
pub(super) const SPLIT: &str = "bounded split";
pub(super) const LIMIT: &str = "bounded limit";
pub(super) const MATCHES: &str = "bounded matches";
pub(super) const ZIPPED: &str = "bounded zipped";
pub(super) const INDENTED: &str = "bounded indented";
/// Functions of ours that replace the language's, which compare each item with each other.
pub(super) const DISTINCT: &str = "distinct items";
pub(super) const KEYS: &str = "distinct keys";

/// All of them, in the order in which they are registered.
pub(super) const NAMES: [&str; 14] = [
    RANGE_END,
    PICTURE,
    NOTED,
    INTEGER_PICTURE,
    SEPARATOR,
    REPLACEMENT,
    WIDTH,
    SPLIT,
    LIMIT,
    MATCHES,
    ZIPPED,
    INDENTED,
    DISTINCT,
    KEYS,
];

/// The steps of one path that may make a value of each value, and those that look for values at any depth. Each makes
/// the next one's work a multiple of its own.
const MAX_MAKING_STEPS: usize = 8;
const MAX_DESCENDANT_STEPS: usize = 2;

/// Functions whose calls are bounded, and how many arguments they take where they are named without being called.
const BOUNDED: [(&str, usize); 17] = [
    ("distinct", 1),
    ("eval", 1),
    ("formatInteger", 2),
    ("formatNumber", 2),
    ("fromMillis", 2),
    ("join", 2),
    ("keys", 1),
    ("match", 2),
    ("millis", 0),
    ("now", 0),
    ("pad", 2),
    ("parseInteger", 2),
    ("replace", 3),
    ("shuffle", 1),
    ("split", 2),
    ("toMillis", 2),
    ("zip", 2),
];

/// The mark of a variable that an expression reads under the name of a function: bound if there is such a variable.
pub(super) fn variable_mark(name: &str) -> String {
    format!("variable {name}")
}

/// The functions that an expression may only name together with the mark of a variable.
pub(super) fn is_bounded(name: &str) -> bool {
    BOUNDED.iter().any(|(known, _)| *known == name)
}

/// Whether an expression has a path whose work is multiplied too often.
pub(super) fn multiplies_too_often(node: &mut AstNode) -> bool {
    let mut found = matches!(node, AstNode::Path { steps } if multiplies(steps));
    for_each_child(node, &mut |child, _| found = found || multiplies_too_often(child));
    found
}

fn multiplies(steps: &[PathStep]) -> bool {
    let count = |which: fn(&AstNode) -> bool| steps.iter().skip(1).filter(|step| which(&step.node)).count();
    count(makes_values) > MAX_MAKING_STEPS
        || count(|node| matches!(node, AstNode::Descendant)) > MAX_DESCENDANT_STEPS
}

fn makes_values(node: &AstNode) -> bool {
    !matches!(node, AstNode::Name(_) | AstNode::Wildcard | AstNode::Parent(_) | AstNode::Variable(_))
}

/// Makes functions of the bounded names that are used as functions, and of partial applications, so that
/// every call of them can be seen. `own` are the names that the expression itself gives values to. The functions that
/// are called then are noted.
pub(super) fn make_calls_visible(node: &mut AstNode, own: &BTreeSet<String>, called: &mut Vec<String>) {
    match node {
        AstNode::Variable(name) => {
            let Some((name, arity)) = bounded_name(name, own) else { return };
            called.push(name.to_owned());
            // Whether a variable or the function is meant is known only when there are variables.
            *node = AstNode::Conditional {
                condition: Box::new(AstNode::Variable(variable_mark(name))),
                then_branch: Box::new(AstNode::Variable(name.to_owned())),
                else_branch: Some(Box::new(lambda(name, arity))),
            };
        }
        AstNode::Binary { op: BinaryOp::ChainPipe, lhs, rhs } => {
            make_calls_visible(lhs, own, called);
            match &mut **rhs {
                AstNode::Variable(name) if bounded_name(name, own).is_some() => {
                    called.push(name.clone());
                    let piped = lambda(name, 1);
                    **rhs = piped;
                }
                // `x ~> $f(y)` is `$f(x, y)`.
                AstNode::Function { name, args, is_builtin: true } if bounded_name(name, own).is_some() => {
                    args.iter_mut().for_each(|argument| make_calls_visible(argument, own, called));
                    args.insert(0, std::mem::replace(&mut **lhs, AstNode::Null));
                    let call = std::mem::replace(&mut **rhs, AstNode::Null);
                    *node = call;
                }
                other => make_calls_visible(other, own, called),
            }
        }
        AstNode::Function { name, args, is_builtin: true } => {
            let takes = takes_function(name);
            for (at, argument) in args.iter_mut().enumerate() {
                match argument {
                    AstNode::Variable(function) if takes && at == 1 => {
                        let Some((function, arity)) = bounded_name(function, own) else { continue };
                        called.push(function.to_owned());
                        *argument = lambda(function, arity);
                    }
                    other => make_calls_visible(other, own, called),
                }
            }
            if bounded_name(name, own).is_some() && args.contains(&AstNode::Placeholder) {
                apply_partially(node);
            }
        }
        other => for_each_child(other, &mut |child, _| make_calls_visible(child, own, called)),
    }
}

fn takes_function(name: &str) -> bool {
    matches!(name, "map" | "filter" | "single" | "reduce" | "sift" | "each" | "sort")
}

fn bounded_name(name: &str, own: &BTreeSet<String>) -> Option<(&'static str, usize)> {
    BOUNDED.into_iter().find(|(known, _)| *known == name && !own.contains(name))
}

/// `function($1, …) { $name($1, …) }`
fn lambda(name: &str, arity: usize) -> AstNode {
    let params: Vec<_> = (1..=arity).map(|at| format!("argument {at}")).collect();
    let args = params.iter().cloned().map(AstNode::Variable).collect();
    let body = Box::new(call(name, args));
    AstNode::Lambda { params, body, signature: None, thunk: false }
}

/// `$name(?, x)` becomes `function($1) { $name($1, x) }`.
fn apply_partially(node: &mut AstNode) {
    let AstNode::Function { args, .. } = node else { return };
    let mut params = Vec::new();
    for argument in args.iter_mut().filter(|argument| **argument == AstNode::Placeholder) {
        let param = format!("argument {}", params.len() + 1);
        *argument = AstNode::Variable(param.clone());
        params.push(param);
    }
    let body = Box::new(std::mem::replace(node, AstNode::Null));
    *node = AstNode::Lambda { params, body, signature: None, thunk: false };
}

/// Puts the checks into one node, whose children have theirs.
pub(super) fn bound_node(node: &mut AstNode, own: &BTreeSet<String>) {
    match node {
        AstNode::Binary { op: BinaryOp::Range, lhs, rhs } => {
            check(lhs, RANGE_END);
            check(rhs, RANGE_END);
        }
        AstNode::Function { name, args, is_builtin: true } if !own.contains(name) => {
            if name == "match" {
                bound_matches(args);
                let inner = std::mem::replace(node, AstNode::Null);
                *node = call(MATCHES, vec![inner]);
                return;
            }
            bound_call(name, args);
        }
        _ => {}
    }
}

fn bound_call(name: &mut String, args: &mut Vec<AstNode>) {
    match (name.as_str(), args.len()) {
        ("formatInteger", 1)
        | ("parseInteger", 1)
        | ("split", 1)
        | ("replace", 2)
        | ("toMillis" | "keys", 0) => {
            // What is left out is the context, which is to be looked at as well.
            args.insert(0, AstNode::Variable(String::new()));
            bound_call(name, args);
        }
        ("formatInteger", _) => {
            check_at(args, 0, NOTED);
            check_at(args, 1, INTEGER_PICTURE);
        }
        ("formatNumber" | "parseInteger" | "toMillis" | "fromMillis", _) => {
            args.iter_mut().for_each(|argument| check(argument, PICTURE));
        }
        ("join", 2) => {
            check_at(args, 0, NOTED);
            check_at(args, 1, SEPARATOR);
        }
        ("replace", 3..) => {
            check_at(args, 0, NOTED);
            check_at(args, 2, REPLACEMENT);
        }
        // Which argument is the width depends on whether the text is the context.
        ("pad", _) => args.iter_mut().take(2).for_each(|argument| check(argument, WIDTH)),
        ("split", _) => check_at(args, 0, SPLIT),
        ("zip", count) => {
            for argument in args {
                let inner = std::mem::replace(argument, AstNode::Null);
                *argument = call(ZIPPED, vec![inner, AstNode::Number(count as f64)]);
            }
        }
        ("string", 2) => check_at(args, 0, INDENTED),
        ("distinct", 1) => *name = DISTINCT.to_owned(),
        ("keys", 1) => *name = KEYS.to_owned(),
        _ => {}
    }
}

/// `$match(text, pattern, limit)`: one more match than is allowed is looked for, so that it can be refused.
fn bound_matches(args: &mut Vec<AstNode>) {
    let begins_with_pattern =
        matches!(args.first(), Some(AstNode::Regex { .. } | AstNode::Lambda { .. })) || args.len() == 1;
    if begins_with_pattern {
        args.insert(0, AstNode::Variable(String::new()));
    }
    match args.get_mut(2) {
        Some(limit) => check(limit, LIMIT),
        None => args.push(call(LIMIT, Vec::new())),
    }
}

pub(super) fn call(name: &str, args: Vec<AstNode>) -> AstNode {
    AstNode::Function { name: name.to_owned(), args, is_builtin: true }
}

fn check_at(args: &mut [AstNode], at: usize, name: &str) {
    if let Some(argument) = args.get_mut(at) {
        check(argument, name);
    }
}

/// Has an argument pass through a check. A number that is written down is left where it is small.
fn check(node: &mut AstNode, name: &str) {
    let is_small = matches!(node, AstNode::Number(number) if number.abs() < 1e6);
    let is_noted = [NOTED, SEPARATOR, REPLACEMENT, INTEGER_PICTURE].contains(&name);
    if is_noted || !is_small {
        let inner = std::mem::replace(node, AstNode::Null);
        *node = call(name, vec![inner]);
    }
}
