//! JSONata expressions: whether they parse, and whether they refer to what Step Functions has.

use jsonata_core::ast::{AstNode, PathStep, Stage};

use super::checker::Checker;
use super::code;
use super::value::is_expression;
use crate::data::Json;

/// What `$states` holds where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scene {
    /// `input` and `context`: before the state has done its work.
    Input,
    /// And `result`, after it.
    Result,
    /// `errorOutput` instead, in a catcher.
    Caught,
}

impl Scene {
    fn has(self, field: &str) -> bool {
        match field {
            "input" | "context" => true,
            // Where a state has no result the expression gives nothing, which is told when it runs.
            "result" => true,
            "errorOutput" => self == Scene::Caught,
            _ => false,
        }
    }
}

impl Checker<'_> {
    /// All expressions in a value.
    pub(super) fn expressions(&mut self, value: &Json, at: &str, scene: Scene) {
        match value {
            Json::Object(object) => {
                for (key, item) in object.iter() {
                    self.expressions(item, &format!("{at}/{key}"), scene);
                }
            }
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.expressions(item, &format!("{at}[{index}]"), scene);
                }
            }
            Json::String(text) => {
                self.placeholder(text, at);
                if is_expression(value) {
                    self.expression(text, at, scene);
                }
            }
            _ => {}
        }
    }

    fn expression(&mut self, text: &str, at: &str, scene: Scene) {
        let Some(source) = text.strip_prefix("{%").and_then(|rest| rest.strip_suffix("%}")) else {
            self.schema(at, "JSONata string must start with {% and end with %}");
            return;
        };
        // The parser bounds how deep an expression may be nested.
        let tree = match jsonata_core::parser::parse(source.trim()) {
            Ok(tree) => tree,
            Err(error) => {
                self.error(code::INVALID_JSONATA_EXPRESSION, at, without_code(&error.to_string()));
                return;
            }
        };
        let mut faults = Vec::new();
        walk(&tree, Context::Top, scene, &mut faults);
        faults.dedup();
        for fault in faults {
            self.error(code::UNSUPPORTED_JSONATA_EXPRESSION, at, fault);
        }
    }
}

/// The message of the parser without the code in front of it, which AWS leaves out.
fn without_code(message: &str) -> &str {
    match message.split_once(": ") {
        Some((code, rest)) if code.len() == 5 && code[1..].chars().all(|c| c.is_ascii_digit()) => rest,
        _ => message,
    }
}

/// What a bare name refers to.
#[derive(Clone, Copy, PartialEq)]
enum Context {
    /// The input of the whole expression, which Step Functions leaves empty.
    Top,
    /// A value that the expression itself has chosen.
    Chosen,
}

fn walk(node: &AstNode, context: Context, scene: Scene, faults: &mut Vec<String>) {
    let mut all = |nodes: &[AstNode]| nodes.iter().for_each(|node| walk(node, context, scene, faults));
    match node {
        AstNode::Name(name) if context == Context::Top => {
            faults.push(format!("Reference to '{name}' at the top level is not supported."));
        }
        AstNode::Variable(name) if name == "$" => faults.push("Reference to '$$' is not supported.".to_owned()),
        AstNode::ParentVariable(_) => faults.push("Reference to '$$' is not supported.".to_owned()),
        AstNode::Variable(name) if name.is_empty() && context == Context::Top => {
            faults.push("Reference to '$' at the top level is not supported.".to_owned());
        }
        AstNode::Path { steps } => path(steps, context, scene, faults),
        AstNode::Binary { lhs, rhs, .. } => {
            walk(lhs, context, scene, faults);
            walk(rhs, context, scene, faults);
        }
        AstNode::Unary { operand, .. } => walk(operand, context, scene, faults),
        AstNode::Function { args, .. } => all(args),
        AstNode::Call { procedure, args } => {
            all(args);
            walk(procedure, context, scene, faults);
        }
        // A function is often called on values of its own choosing.
        AstNode::Lambda { body, .. } => walk(body, Context::Chosen, scene, faults),
        AstNode::Array(items) | AstNode::ArrayGroup(items) | AstNode::Block(items) => all(items),
        AstNode::Object(entries) => {
            for (key, value) in entries {
                walk(key, context, scene, faults);
                walk(value, context, scene, faults);
            }
        }
        AstNode::ObjectTransform { input, pattern } => {
            walk(input, context, scene, faults);
            for (key, value) in pattern {
                walk(key, Context::Chosen, scene, faults);
                walk(value, Context::Chosen, scene, faults);
            }
        }
        AstNode::Conditional { condition, then_branch, else_branch } => {
            walk(condition, context, scene, faults);
            walk(then_branch, context, scene, faults);
            if let Some(otherwise) = else_branch {
                walk(otherwise, context, scene, faults);
            }
        }
        AstNode::FunctionApplication(inner) => walk(inner, context, scene, faults),
        AstNode::Sort { input, terms } => {
            walk(input, context, scene, faults);
            for (term, _) in terms {
                walk(term, Context::Chosen, scene, faults);
            }
        }
        AstNode::Transform { location, update, delete } => {
            for inner in [Some(location), Some(update), delete.as_ref()].into_iter().flatten() {
                walk(inner, Context::Chosen, scene, faults);
            }
        }
        _ => {}
    }
}

/// A path: its first step is looked up in the context, and all others in what the steps before have chosen.
fn path(steps: &[PathStep], context: Context, scene: Scene, faults: &mut Vec<String>) {
    if let [first, second, ..] = steps
        && matches!(&first.node, AstNode::Variable(name) if name == "states")
        && first.stages.is_empty()
        && let AstNode::Name(field) = &second.node
        && !scene.has(field)
    {
        faults.push(format!("Field '$states.{field}' does not exist."));
    }
    for (index, step) in steps.iter().enumerate() {
        let here = if index == 0 { context } else { Context::Chosen };
        walk(&step.node, here, scene, faults);
        for stage in &step.stages {
            if let Stage::Filter(filter) = stage {
                walk(filter, Context::Chosen, scene, faults);
            }
        }
    }
}
