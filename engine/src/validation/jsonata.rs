//! JSONata expressions: whether they parse, and whether they refer to what Step Functions has.

use super::checker::Checker;
use super::code;
use super::value::is_expression;
use crate::data::jsonata::language::Program;
use crate::data::jsonata::language::ast::{Kind, Node};
use crate::data::jsonata::states_part;
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
        if !Expression::is(text) {
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
        if expression.variables().any(|name| name == "states") {
            let mut faults = Vec::new();
            let program = expression.program();
            walk(program, &program.root, scene, &mut faults);
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
fn walk(program: &Program, node: &Node, scene: Scene, faults: &mut Vec<String>) {
    if let Kind::Path { steps, .. } = &node.kind
        && let Some(field) = states_part(program, steps)
        && !scene.has(field)
    {
        faults.push(format!("Field '$states.{field}' does not exist."));
    }
    node.for_each_part(&mut |part, _| walk(program, part, scene, faults));
}
