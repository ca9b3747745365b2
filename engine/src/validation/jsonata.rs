//! JSONata expressions: whether they parse, and whether they refer to what Step Functions has.

use jsonata_core::ast::{AstNode, PathStep, Stage};

use super::checker::Checker;
use super::code;
use super::value::is_expression;
use crate::data::{Expression, Json};

/// The members of `$states` at the location of an expression.
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
            // Where a state has no result the expression has no value, which is an error when it runs.
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
        let expression = match Expression::parse(text) {
            Ok(expression) => expression,
            Err(errors) => {
                for error in errors {
                    self.error(error.code, at, wording(error.message));
                }
                return;
            }
        };
        // What has been read once is read again, and is shallow enough to be walked.
        let Ok(tree) = jsonata_core::parser::parse(source.trim()) else { return };
        if expression.variables().any(|name| name == "states") {
            let mut faults = Vec::new();
            walk(&tree, scene, &mut faults);
            faults.dedup();
            for fault in faults {
                self.error(code::UNSUPPORTED_JSONATA_EXPRESSION, at, fault);
            }
        }
    }
}

/// AWS does not speak of the top level where `$$` is meant.
fn wording(message: String) -> String {
    match message.as_str() {
        "Reference to '$$' at the top level is not supported." => {
            "Reference to '$$' is not supported.".to_owned()
        }
        _ => message,
    }
}

/// Looks for fields of `$states` that are not there.
fn walk(node: &AstNode, scene: Scene, faults: &mut Vec<String>) {
    let mut all = |nodes: &[&AstNode]| nodes.iter().for_each(|node| walk(node, scene, faults));
    match node {
        AstNode::Path { steps } => path(steps, scene, faults),
        AstNode::Binary { lhs, rhs, .. } => all(&[lhs, rhs]),
        AstNode::Unary { operand: inner, .. } | AstNode::Lambda { body: inner, .. } => all(&[inner]),
        AstNode::FunctionApplication(inner) => all(&[inner]),
        AstNode::Function { args: items, .. }
        | AstNode::Array(items)
        | AstNode::ArrayGroup(items)
        | AstNode::Block(items) => all(&items.iter().collect::<Vec<_>>()),
        AstNode::Call { procedure, args } => {
            all(&[procedure]);
            all(&args.iter().collect::<Vec<_>>());
        }
        AstNode::Object(entries) => entries.iter().for_each(|(key, value)| all(&[key, value])),
        AstNode::ObjectTransform { input, pattern } => {
            all(&[input]);
            pattern.iter().for_each(|(key, value)| all(&[key, value]));
        }
        AstNode::Conditional { condition, then_branch, else_branch } => {
            all(&[condition, then_branch]);
            if let Some(otherwise) = else_branch {
                all(&[otherwise]);
            }
        }
        AstNode::Sort { input, terms } => {
            all(&[input]);
            terms.iter().for_each(|(term, _)| all(&[term]));
        }
        AstNode::Transform { location, update, delete } => {
            all(&[location, update]);
            if let Some(delete) = delete {
                all(&[delete]);
            }
        }
        _ => {}
    }
}

fn path(steps: &[PathStep], scene: Scene, faults: &mut Vec<String>) {
    if let [first, second, ..] = steps
        && matches!(&first.node, AstNode::Variable(name) if name == "states")
        && first.stages.is_empty()
        && let AstNode::Name(field) = &second.node
        && !scene.has(field)
    {
        faults.push(format!("Field '$states.{field}' does not exist."));
    }
    for step in steps {
        walk(&step.node, scene, faults);
        for stage in &step.stages {
            if let Stage::Filter(filter) = stage {
                walk(filter, scene, faults);
            }
        }
    }
}
