//! Whether an expression is known to be done at once: after reading what it names a few times, and no more.

use crate::data::jsonata::language::Program;
use crate::data::jsonata::language::ast::{Kind, Node, Operator, Stage};

/// How many parts such an expression has at most.
const MAX_PARTS: usize = 200;

/// Whether an expression is done at once. There is no loop in it, nothing that is done for each item of a list and is
/// more than a comparison, and no function whose value may be much larger than what it takes.
pub(super) fn is_cheap(program: &Program) -> bool {
    let mut left = MAX_PARTS;
    !program.is_too_deep && is_cheap_part(program, &program.root, &mut left)
}

fn is_cheap_part(program: &Program, node: &Node, left: &mut usize) -> bool {
    let Some(fewer) = left.checked_sub(1) else { return false };
    *left = fewer;
    if node.group().is_some() || !node.predicates().iter().all(is_cheap_stage) {
        return false;
    }
    let is_cheap = match &node.kind {
        Kind::Text(_) | Kind::Number(_) | Kind::Bool(_) | Kind::Null | Kind::Variable(_) => true,
        Kind::Path { steps, .. } => return is_cheap_path(program, steps, left),
        Kind::Binary(operator, ..) => *operator != Operator::Range,
        Kind::Call(call) => match call.procedure.kind {
            Kind::Variable(name) => {
                let name = program.name(name);
                return is_cheap_function(name)
                    && call.arguments.iter().all(|argument| is_cheap_part(program, argument, left));
            }
            _ => false,
        },
        Kind::Negate(_) | Kind::Array(_) | Kind::Object(_) | Kind::Block(_) | Kind::Condition { .. } => true,
        _ => false,
    };
    let mut all = is_cheap;
    node.for_each_part(&mut |part, _| all = all && is_cheap_part(program, part, left));
    all
}

/// A path of names, with filters that compare what lies in an item with something written down.
fn is_cheap_path(program: &Program, steps: &[Node], left: &mut usize) -> bool {
    steps.iter().enumerate().all(|(at, step)| {
        let is_plain = step.focus().is_none() && step.index().is_none() && !step.tuple;
        let node = match &step.kind {
            Kind::Name(_) => true,
            _ if at == 0 => is_cheap_part(program, step, left),
            _ => false,
        };
        is_plain && node && step.stages().iter().all(is_cheap_stage)
    })
}

fn is_cheap_stage(stage: &Stage) -> bool {
    match stage {
        Stage::Filter(filter) => is_cheap_filter(filter),
        Stage::Index(_) => true,
    }
}

fn is_cheap_filter(filter: &Node) -> bool {
    match &filter.kind {
        Kind::Number(_) | Kind::Text(_) | Kind::Bool(_) | Kind::Null => true,
        Kind::Path { steps, .. } => {
            steps.iter().all(|step| matches!(step.kind, Kind::Name(_)) && step.stages().is_empty())
        }
        Kind::Negate(operand) => is_cheap_filter(operand),
        Kind::Binary(operator, left, right) => {
            let compares = matches!(
                operator,
                Operator::Equal
                    | Operator::NotEqual
                    | Operator::Less
                    | Operator::LessOrEqual
                    | Operator::Greater
                    | Operator::GreaterOrEqual
                    | Operator::And
                    | Operator::Or
            );
            compares && is_cheap_filter(left) && is_cheap_filter(right)
        }
        _ => false,
    }
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
