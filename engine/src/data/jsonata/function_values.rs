//! Step Functions' own functions where an expression names one without calling it: `$map($texts, $parse)`,
//! `$text ~> $parse`.
//!
//! The evaluator knows functions of its host by their calls only, so the name becomes a call.

use jsonata_core::ast::{AstNode, BinaryOp};

use super::analysis::for_each_child;

/// The functions, and how many arguments each takes.
const OWN: [(&str, usize); 6] =
    [("parse", 1), ("partition", 2), ("range", 3), ("hash", 2), ("random", 1), ("uuid", 0)];

/// Makes calls of the names, and notes them among the called. A variable may have the same name, so only positions
/// that ask for a function count.
pub(super) fn call_by_name(node: &mut AstNode, called: &mut Vec<String>) {
    for_each_child(node, &mut |child, _| call_by_name(child, called));
    match node {
        AstNode::Function { name, args, is_builtin: true } if takes_function(name) => {
            if let Some(argument) = args.get_mut(1)
                && let Some((function, arity)) = own(argument)
            {
                called.push(function.to_owned());
                *argument = lambda(function, arity);
            }
        }
        AstNode::Binary { op: BinaryOp::ChainPipe, rhs, .. } => {
            if let Some((function, _)) = own(rhs) {
                called.push(function.to_owned());
                **rhs = AstNode::Function { name: function.to_owned(), args: Vec::new(), is_builtin: true };
            }
        }
        _ => {}
    }
}

fn takes_function(name: &str) -> bool {
    matches!(name, "map" | "filter" | "single" | "reduce" | "sift" | "each" | "sort")
}

fn own(node: &AstNode) -> Option<(&'static str, usize)> {
    match node {
        AstNode::Variable(name) => OWN.into_iter().find(|(own, _)| own == name),
        _ => None,
    }
}

/// `function($1, …) { $name($1, …) }`
fn lambda(function: &str, arity: usize) -> AstNode {
    let params: Vec<_> = (1..=arity).map(|at| format!("argument {at}")).collect();
    let args = params.iter().cloned().map(AstNode::Variable).collect();
    let body = Box::new(AstNode::Function { name: function.to_owned(), args, is_builtin: true });
    AstNode::Lambda { params, body, signature: None, thunk: false }
}
