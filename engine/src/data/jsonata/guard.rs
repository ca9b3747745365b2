//! Bounds on memory, and the clock, written into an expression.
//!
//! The evaluator bounds time, depth and the length of sequences, but not how large a text or a value grows: a few
//! rounds of `$x & $x` would take all memory there is. So wherever a value can go round (into and out of functions
//! that the expression defines) or be multiplied (`&`, `$join`, `$pad`, …) a call that measures it is put in.
//! Values share their parts, so measuring also keeps a small value from standing for endless text.

use std::collections::BTreeSet;

use jsonata_core::ast::{AstNode, BinaryOp, PathStep};
use jsonata_core::value::JValue;

use super::analysis::for_each_child;
use super::bounds::{self, call};

/// The name under which the current time is bound. With its space no expression can write it.
pub(super) const NOW: &str = "current time";

/// The name of the measuring function.
pub(super) const BOUNDED: &str = "bounded value";

/// How large one value may be. AWS takes `[1..873782]` and refuses one item more, at 8 bytes for each.
pub(super) const MAX_VALUE_BYTES: usize = 873_782 * 8;

/// Writes the bounds into an expression, and the clock instead of `$now` and `$millis`. `own` are the names
/// that the expression itself gives values to.
pub(super) fn bound(node: &mut AstNode, own: &BTreeSet<String>) {
    for_each_child(node, &mut |child, _| bound(child, own));
    match node {
        AstNode::Function { name, args, is_builtin: true } if own.contains(name) => {
            args.iter_mut().for_each(wrap)
        }
        AstNode::Function { name, args, is_builtin: true } => match name.as_str() {
            "now" => {
                // `$now(picture, zone)` is `$fromMillis(now, picture, zone)`.
                *name = "fromMillis".to_owned();
                args.insert(0, AstNode::Variable(NOW.to_owned()));
            }
            "millis" if args.is_empty() => *node = AstNode::Variable(NOW.to_owned()),
            "pad" | "replace" => {}
            _ if gives_no_more_than_it_takes(name) => {}
            _ => args.iter_mut().for_each(wrap),
        },
        AstNode::Call { args, .. } => args.iter_mut().for_each(wrap),
        AstNode::Binary { op: BinaryOp::Concatenate, lhs, rhs } => {
            // The parts of a chain are measured, not each chain of them: that would nest twice as deep as AWS does.
            [lhs, rhs].into_iter().filter(|part| !is_concatenation(part)).for_each(|part| wrap(part));
        }
        // The value of a name is measured once, not at each use.
        AstNode::Binary { op: BinaryOp::ColonEqual, rhs, .. } => wrap(rhs),
        // Comparing goes through all that the values hold, and they may hold the same parts many times.
        AstNode::Binary { op: BinaryOp::Equal | BinaryOp::NotEqual, lhs, rhs } => {
            [lhs, rhs].into_iter().filter(|part| makes_values(part)).for_each(|part| wrap(part));
        }
        AstNode::Path { steps } => wrap_objects(steps),
        // A body that ends in a call has its arguments measured instead, or it would no longer end in it.
        AstNode::Lambda { body, thunk: false, .. } => wrap(body),
        _ => {}
    }
    bounds::bound_node(node, own);
}

/// Whether a node makes a value out of others, rather than naming one.
fn makes_values(node: &AstNode) -> bool {
    match node {
        AstNode::Array(_) | AstNode::Object(_) | AstNode::ObjectTransform { .. } => true,
        AstNode::Path { steps } => steps.iter().any(|step| makes_values(&step.node)),
        _ => false,
    }
}

/// Where a path makes an object of each value more than once, each is measured: it may hold the one before many times.
fn wrap_objects(steps: &mut [PathStep]) {
    let is_object = |step: &PathStep| matches!(step.node, AstNode::Object(_));
    if steps.iter().skip(1).filter(|step| is_object(step)).count() > 1 {
        steps.iter_mut().skip(1).filter(|step| is_object(step)).for_each(|step| wrap(&mut step.node));
    }
}

/// The checks that were put into an expression.
pub(super) fn checks_in(node: &mut AstNode) -> Vec<&'static str> {
    let mut found = BTreeSet::new();
    collect_checks(node, &mut found);
    found.into_iter().collect()
}

fn collect_checks(node: &mut AstNode, found: &mut BTreeSet<&'static str>) {
    if let AstNode::Function { name, .. } = node {
        found.extend(bounds::NAMES.into_iter().chain([BOUNDED]).find(|check| check == name));
    }
    for_each_child(node, &mut |child, _| collect_checks(child, found));
}

/// Whether a function of the language gives no value that is much larger than what it takes. The others are
/// `$string`, `$join`, `$append`, … and those that the expression defines.
fn gives_no_more_than_it_takes(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "abs",
        "assert",
        "average",
        "base64decode",
        "boolean",
        "ceil",
        "clone",
        "contains",
        "count",
        "decodeUrl",
        "decodeUrlComponent",
        "distinct",
        "each",
        "error",
        "exists",
        "filter",
        "floor",
        "formatBase",
        "formatInteger",
        "formatNumber",
        "fromMillis",
        "hash",
        "keys",
        "length",
        "lookup",
        "lowercase",
        "map",
        "match",
        "max",
        "min",
        "not",
        "number",
        "parse",
        "parseInteger",
        "partition",
        "power",
        "random",
        "range",
        "reduce",
        "reverse",
        "round",
        "shuffle",
        "sift",
        "single",
        "sort",
        "split",
        "spread",
        "sqrt",
        "substring",
        "substringAfter",
        "substringBefore",
        "sum",
        "toMillis",
        "trim",
        "type",
        "uppercase",
        "uuid",
        "values",
        "zip",
    ];
    NAMES.binary_search(&name).is_ok()
}

/// Puts a measuring call around what may be large.
fn wrap(node: &mut AstNode) {
    if may_be_large(node) {
        let inner = std::mem::replace(node, AstNode::Null);
        *node = call(BOUNDED, vec![inner]);
    }
}

fn is_concatenation(node: &AstNode) -> bool {
    matches!(node, AstNode::Binary { op: BinaryOp::Concatenate, .. })
}

fn may_be_large(node: &AstNode) -> bool {
    match node {
        AstNode::String(_)
        | AstNode::Number(_)
        | AstNode::Boolean(_)
        | AstNode::Null
        | AstNode::Undefined
        | AstNode::Placeholder
        | AstNode::Regex { .. }
        | AstNode::Lambda { .. }
        | AstNode::Transform { .. }
        | AstNode::Unary { .. } => false,
        AstNode::Binary { op, .. } => !gives_scalar(*op),
        AstNode::Function { name, .. } => name != BOUNDED,
        AstNode::Conditional { then_branch, else_branch, .. } => {
            may_be_large(then_branch) || else_branch.as_deref().is_some_and(may_be_large)
        }
        AstNode::Block(items) => items.last().is_some_and(may_be_large),
        _ => true,
    }
}

fn gives_scalar(op: BinaryOp) -> bool {
    !matches!(
        op,
        BinaryOp::Concatenate
            | BinaryOp::Range
            | BinaryOp::ColonEqual
            | BinaryOp::Coalesce
            | BinaryOp::Default
            | BinaryOp::ChainPipe
            | BinaryOp::FocusBind
            | BinaryOp::IndexBind
    )
}

/// Whether a value is larger than one may be.
pub(super) fn is_too_large(value: &JValue) -> bool {
    is_larger(value, MAX_VALUE_BYTES)
}

/// Whether a value has more than so many bytes.
pub(super) fn is_larger(value: &JValue, mut bytes: usize) -> bool {
    fn spend(value: &JValue, budget: &mut usize, depth: usize) -> Option<()> {
        *budget = budget.checked_sub(8 + value.as_str().map_or(0, str::len))?;
        let inner = depth.checked_sub(1)?;
        match value {
            JValue::Array(items) => items.iter().try_for_each(|item| spend(item, budget, inner)),
            JValue::Object(entries) => entries.iter().try_for_each(|(key, value)| {
                *budget = budget.checked_sub(key.len())?;
                spend(value, budget, inner)
            }),
            _ => Some(()),
        }
    }
    spend(value, &mut bytes, crate::data::json::MAX_DEPTH).is_none()
}
