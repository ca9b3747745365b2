//! Whether an expression is known to be done at once: after reading what it names a few times, and no more.

use jsonata_core::ast::{AstNode, BinaryOp, PathStep, Stage};

/// How many parts such an expression has at most.
const MAX_PARTS: usize = 200;

/// Whether an expression is done at once. There is no loop in it, nothing that is done for each item of a list and is
/// more than a comparison, and no function whose value may be much larger than what it takes.
pub(super) fn is_cheap(ast: &AstNode) -> bool {
    let mut left = MAX_PARTS;
    is_cheap_part(ast, &mut left)
}

fn is_cheap_part(node: &AstNode, left: &mut usize) -> bool {
    let Some(fewer) = left.checked_sub(1) else { return false };
    *left = fewer;
    let mut all = |nodes: &[&AstNode]| nodes.iter().all(|node| is_cheap_part(node, left));
    match node {
        AstNode::String(_)
        | AstNode::Name(_)
        | AstNode::Number(_)
        | AstNode::Boolean(_)
        | AstNode::Null
        | AstNode::Undefined
        | AstNode::Variable(_) => true,
        AstNode::Path { steps } => is_cheap_path(steps, left),
        AstNode::Binary { op, .. } if !is_cheap_operator(op) => false,
        AstNode::Binary { lhs, rhs, .. } => all(&[&**lhs, &**rhs]),
        AstNode::Unary { operand, .. } => all(&[&**operand]),
        AstNode::Function { name, args, is_builtin: true } => {
            is_cheap_function(name) && all(&args.iter().collect::<Vec<_>>())
        }
        AstNode::Array(items) | AstNode::Block(items) => all(&items.iter().collect::<Vec<_>>()),
        AstNode::Object(entries) => {
            all(&entries.iter().flat_map(|(key, value)| [key, value]).collect::<Vec<_>>())
        }
        AstNode::Conditional { condition, then_branch, else_branch } => {
            all(&[&**condition, &**then_branch]) && else_branch.as_deref().is_none_or(|branch| all(&[branch]))
        }
        _ => false,
    }
}

/// A path of names, with filters that compare what lies in an item with something written down.
fn is_cheap_path(steps: &[PathStep], left: &mut usize) -> bool {
    steps.iter().enumerate().all(|(at, step)| {
        let is_plain = step.focus.is_none() && step.index_var.is_none() && !step.is_tuple;
        let node = match &step.node {
            AstNode::Name(_) => true,
            first if at == 0 => is_cheap_part(first, left),
            _ => false,
        };
        is_plain && node && step.stages.iter().all(is_cheap_stage)
    })
}

fn is_cheap_stage(stage: &Stage) -> bool {
    match stage {
        Stage::Filter(filter) => is_cheap_filter(filter),
        _ => true,
    }
}

fn is_cheap_filter(filter: &AstNode) -> bool {
    match filter {
        AstNode::Number(_) | AstNode::String(_) | AstNode::Boolean(_) | AstNode::Null | AstNode::Name(_) => {
            true
        }
        AstNode::Path { steps } => {
            steps.iter().all(|step| matches!(step.node, AstNode::Name(_)) && step.stages.is_empty())
        }
        AstNode::Unary { operand, .. } => is_cheap_filter(operand),
        AstNode::Binary { op, lhs, rhs } => {
            let compares = matches!(
                op,
                BinaryOp::Equal
                    | BinaryOp::NotEqual
                    | BinaryOp::LessThan
                    | BinaryOp::LessThanOrEqual
                    | BinaryOp::GreaterThan
                    | BinaryOp::GreaterThanOrEqual
                    | BinaryOp::And
                    | BinaryOp::Or
            );
            compares && is_cheap_filter(lhs) && is_cheap_filter(rhs)
        }
        _ => false,
    }
}

fn is_cheap_operator(op: &BinaryOp) -> bool {
    use BinaryOp::{
        Add, And, Concatenate, Divide, Equal, GreaterThan, GreaterThanOrEqual, In, LessThan, LessThanOrEqual,
        Modulo, Multiply, NotEqual, Or, Subtract,
    };
    matches!(
        op,
        Add | And
            | Concatenate
            | Divide
            | Equal
            | GreaterThan
            | GreaterThanOrEqual
            | In
            | LessThan
            | LessThanOrEqual
            | Modulo
            | Multiply
            | NotEqual
            | Or
            | Subtract
    )
}

/// Functions that read each of their arguments once or so.
fn is_cheap_function(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "abs",
        "append",
        "average",
        "base64decode",
        "base64encode",
        "boolean",
        "ceil",
        "count",
        "exists",
        "floor",
        "formatBase",
        "hash",
        "join",
        "length",
        "lookup",
        "lowercase",
        "max",
        "merge",
        "millis",
        "min",
        "not",
        "now",
        "number",
        "parse",
        "power",
        "random",
        "reverse",
        "round",
        "split",
        "sqrt",
        "string",
        "substring",
        "substringAfter",
        "substringBefore",
        "sum",
        "trim",
        "type",
        "uppercase",
        "uuid",
    ];
    NAMES.binary_search(&name).is_ok()
}
