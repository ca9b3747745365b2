//! What an expression reads: found once, so that evaluating converts and binds nothing else.

use std::collections::BTreeSet;

use jsonata_core::ast::{AstNode, BinaryOp, PathStep, Stage};

/// What is known of an expression.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    /// Variables and functions that it reads and does not bind itself.
    pub(super) variables: BTreeSet<String>,
    /// Functions that it calls by name, in order.
    pub(super) called: Vec<String>,
    /// What it reads of `$states`.
    pub(super) states: StatesRead,
    /// The names that it reads from a context which Step Functions does not have.
    pub(super) unsupported: Vec<String>,
    /// If it only names a value: the variable and the names after it.
    pub(super) route: Option<Vec<String>>,
    /// The names that it gives values to: by `:=`, as parameters, by `@$` and `#$`.
    pub(super) own: BTreeSet<String>,
    /// It is nested deeper than it could be evaluated, and was not looked through to its end.
    pub(super) too_deep: bool,
}

/// Evaluating stops well before this depth.
const MAX_NESTING: usize = 250;

/// The parts of `$states` that an expression reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StatesRead {
    pub(super) input: bool,
    pub(super) context: bool,
    pub(super) result: bool,
    pub(super) error_output: bool,
}

impl StatesRead {
    const ALL: StatesRead = StatesRead { input: true, context: true, result: true, error_output: true };

    fn read(&mut self, part: &str) {
        match part {
            "input" => self.input = true,
            "context" => self.context = true,
            "result" => self.result = true,
            "errorOutput" => self.error_output = true,
            _ => {}
        }
    }
}

/// Whether there is a value that a bare name could be read from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Surroundings {
    TopLevel,
    Within,
}

impl Analysis {
    /// Looks through an expression. It is not changed; the traversal is one that changes can be made with.
    pub(super) fn of(ast: &mut AstNode) -> Analysis {
        let mut analysis = Analysis { route: route(ast), ..Analysis::default() };
        analysis.visit(ast, Surroundings::TopLevel, 0);
        analysis.variables.retain(|name| !analysis.own.contains(name));
        analysis
    }

    fn visit(&mut self, node: &mut AstNode, around: Surroundings, nesting: usize) {
        if nesting > MAX_NESTING {
            self.too_deep = true;
            return;
        }
        self.note_own(node);
        let inner = nesting + 1;
        match node {
            AstNode::Variable(name) if name.is_empty() => self.reference("$", around),
            AstNode::Variable(name) => {
                if name == "states" {
                    self.states = StatesRead::ALL;
                }
                self.variables.insert(name.clone());
            }
            // `$$` is the outermost context at any depth.
            AstNode::ParentVariable(_) => self.reference("$$", Surroundings::TopLevel),
            AstNode::Name(name) => {
                let name = name.clone();
                self.reference(&name, around);
            }
            AstNode::Wildcard => self.reference("*", around),
            AstNode::Descendant => self.reference("**", around),
            AstNode::Path { steps } => self.visit_path(steps, around, inner),
            AstNode::Function { name, args, is_builtin } => {
                if *is_builtin {
                    self.variables.insert(name.clone());
                    self.called.push(name.clone());
                } else {
                    let name = name.clone();
                    self.reference(&name, around);
                }
                args.iter_mut().for_each(|argument| self.visit(argument, around, inner));
            }
            other => for_each_child(other, &mut |child, enters| match enters {
                Enters::Same => self.visit(child, around, inner),
                Enters::Value => self.visit(child, Surroundings::Within, inner),
            }),
        }
    }

    /// Notes the names that a node gives values to.
    fn note_own(&mut self, node: &AstNode) {
        match node {
            AstNode::Binary { op: BinaryOp::ColonEqual, lhs, .. } => {
                if let AstNode::Variable(name) = &**lhs {
                    self.own.insert(name.clone());
                }
            }
            AstNode::Lambda { params, .. } => self.own.extend(params.iter().cloned()),
            AstNode::Path { steps } => {
                self.own
                    .extend(steps.iter().flat_map(|step| [&step.focus, &step.index_var]).flatten().cloned());
            }
            _ => {}
        }
    }

    fn visit_path(&mut self, steps: &mut [PathStep], around: Surroundings, nesting: usize) {
        let begins_with_states = matches!(steps.first(), Some(first) if is_states(first));
        let part = match steps.get(1).map(|step| &step.node) {
            Some(AstNode::Name(part)) if begins_with_states => Some(part.clone()),
            _ => None,
        };
        for (at, step) in steps.iter_mut().enumerate() {
            match (&part, at) {
                (Some(part), 0) => {
                    self.variables.insert("states".to_owned());
                    self.states.read(part);
                }
                (_, 0) => self.visit(&mut step.node, around, nesting),
                _ => self.visit(&mut step.node, Surroundings::Within, nesting),
            }
            for stage in &mut step.stages {
                if let Stage::Filter(filter) = stage {
                    self.visit(filter, Surroundings::Within, nesting);
                }
            }
        }
    }

    fn reference(&mut self, name: &str, around: Surroundings) {
        if around == Surroundings::TopLevel && !self.unsupported.iter().any(|known| known == name) {
            self.unsupported.push(name.to_owned());
        }
    }
}

fn is_states(step: &PathStep) -> bool {
    matches!(&step.node, AstNode::Variable(name) if name == "states") && step.stages.is_empty()
}

/// `$variable.name.name`, and nothing more.
fn route(ast: &AstNode) -> Option<Vec<String>> {
    match ast {
        AstNode::Variable(name) if !name.is_empty() => Some(vec![name.clone()]),
        AstNode::Path { steps } => {
            let plain = |step: &PathStep| {
                step.stages.is_empty() && step.focus.is_none() && step.index_var.is_none() && !step.is_tuple
            };
            let names = steps.iter().enumerate().map(|(at, step)| match &step.node {
                AstNode::Variable(name) if at == 0 && !name.is_empty() && plain(step) => Some(name.clone()),
                AstNode::Name(name) if at > 0 && plain(step) => Some(name.clone()),
                _ => None,
            });
            names.collect()
        }
        _ => None,
    }
}

/// Whether a child is evaluated in its parent's surroundings, or on a value that its parent gives it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Enters {
    Same,
    Value,
}

/// Calls `act` with each child of a node.
pub(super) fn for_each_child(node: &mut AstNode, act: &mut dyn FnMut(&mut AstNode, Enters)) {
    use Enters::{Same, Value};
    match node {
        AstNode::String(_)
        | AstNode::Name(_)
        | AstNode::Number(_)
        | AstNode::Boolean(_)
        | AstNode::Null
        | AstNode::Undefined
        | AstNode::Placeholder
        | AstNode::Regex { .. }
        | AstNode::Variable(_)
        | AstNode::ParentVariable(_)
        | AstNode::Wildcard
        | AstNode::Descendant
        | AstNode::Parent(_) => {}
        AstNode::Path { steps } => {
            for (at, step) in steps.iter_mut().enumerate() {
                act(&mut step.node, if at == 0 { Same } else { Value });
                for stage in &mut step.stages {
                    if let Stage::Filter(filter) = stage {
                        act(filter, Value);
                    }
                }
            }
        }
        AstNode::Binary { op: BinaryOp::ColonEqual, rhs, .. } => act(rhs, Same),
        AstNode::Binary { lhs, rhs, .. } => {
            act(lhs, Same);
            act(rhs, Same);
        }
        AstNode::Unary { operand, .. } => act(operand, Same),
        AstNode::Function { args, .. } => args.iter_mut().for_each(|argument| act(argument, Same)),
        AstNode::Call { procedure, args } => {
            act(procedure, Same);
            args.iter_mut().for_each(|argument| act(argument, Same));
        }
        AstNode::Lambda { body, .. } => act(body, Same),
        AstNode::Array(items) | AstNode::ArrayGroup(items) | AstNode::Block(items) => {
            items.iter_mut().for_each(|item| act(item, Same));
        }
        AstNode::Object(entries) => entries.iter_mut().for_each(|(key, value)| {
            act(key, Same);
            act(value, Same);
        }),
        AstNode::ObjectTransform { input, pattern } => {
            act(input, Same);
            pattern.iter_mut().for_each(|(key, value)| {
                act(key, Value);
                act(value, Value);
            });
        }
        AstNode::Conditional { condition, then_branch, else_branch } => {
            act(condition, Same);
            act(then_branch, Same);
            if let Some(branch) = else_branch {
                act(branch, Same);
            }
        }
        AstNode::FunctionApplication(inner) => act(inner, Same),
        AstNode::Sort { input, terms } => {
            act(input, Same);
            terms.iter_mut().for_each(|(term, _)| act(term, Value));
        }
        AstNode::Transform { location, update, delete } => {
            act(location, Value);
            act(update, Value);
            if let Some(delete) = delete {
                act(delete, Value);
            }
        }
    }
}
