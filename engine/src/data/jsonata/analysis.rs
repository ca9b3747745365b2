//! What an expression reads: found once, when the state machine is made.

use std::collections::BTreeSet;

use crate::data::jsonata::language::Program;
use crate::data::jsonata::language::ast::{Input, Kind, Node, Stage};

/// What is known of an expression.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    /// Variables and functions that it reads and does not bind itself.
    pub(super) variables: BTreeSet<String>,
    /// What it reads of `$states`.
    pub(super) states: StatesRead,
    /// The names that it reads from a context which Step Functions does not have.
    pub(super) unsupported: Vec<String>,
    /// If it only names a value: the variable and the names after it.
    pub(super) route: Option<Vec<String>>,
    /// The names that it gives values to: by `:=`, as parameters, by `@$` and `#$`.
    own: BTreeSet<String>,
}

/// The parts of `$states` that an expression reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StatesRead {
    pub(super) context: bool,
    pub(super) result: bool,
    pub(super) error_output: bool,
}

impl StatesRead {
    const ALL: StatesRead = StatesRead { context: true, result: true, error_output: true };

    fn read(&mut self, part: &str) {
        match part {
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
    /// Looks through an expression.
    pub(super) fn of(program: &Program) -> Analysis {
        let mut analysis = Analysis { route: route(program), ..Analysis::default() };
        analysis.visit(program, &program.root, Surroundings::TopLevel);
        analysis.variables.retain(|name| !analysis.own.contains(name));
        analysis
    }

    fn visit(&mut self, program: &Program, node: &Node, around: Surroundings) {
        self.note_own(program, node);
        match &node.kind {
            Kind::Variable(name) => match program.name(*name) {
                "" => self.reference("$", around),
                // `$$` is the outermost context at any depth.
                "$" => self.reference("$$", Surroundings::TopLevel),
                name => {
                    if name == "states" {
                        self.states = StatesRead::ALL;
                    }
                    self.variables.insert(name.to_owned());
                }
            },
            Kind::Name(name) => self.reference(name, around),
            Kind::Wildcard => self.reference("*", around),
            Kind::Descendant => self.reference("**", around),
            Kind::Path { steps, .. } => {
                if let Some(part) = states_part(program, steps) {
                    self.variables.insert("states".to_owned());
                    self.states.read(part);
                }
            }
            _ => {}
        }
        let skips_first = match &node.kind {
            Kind::Path { steps, .. } if states_part(program, steps).is_some() => steps.first(),
            _ => None,
        };
        node.for_each_part(&mut |part, input| match input {
            Input::Same if skips_first.is_some_and(|first| std::ptr::eq(first, part)) => {}
            Input::Same => self.visit(program, part, around),
            Input::Value => self.visit(program, part, Surroundings::Within),
        });
    }

    /// Notes the names that a node gives values to.
    fn note_own(&mut self, program: &Program, node: &Node) {
        let mut note = |name: u32| self.own.insert(program.name(name).to_owned());
        match &node.kind {
            Kind::Bind(name, _) => {
                note(*name);
            }
            Kind::Lambda(lambda) => lambda.params.iter().for_each(|name| {
                note(*name);
            }),
            _ => {}
        }
        let indices = node.stages().iter().filter_map(|stage| match stage {
            Stage::Index(name) => Some(*name),
            Stage::Filter(_) => None,
        });
        for name in node.focus().into_iter().chain(node.index()).chain(indices) {
            note(name);
        }
    }

    fn reference(&mut self, name: &str, around: Surroundings) {
        if around == Surroundings::TopLevel && !self.unsupported.iter().any(|known| known == name) {
            self.unsupported.push(name.to_owned());
        }
    }
}

/// `input` of `$states.input`.
pub(crate) fn states_part<'a>(program: &Program, steps: &'a [Node]) -> Option<&'a str> {
    match steps {
        [first, second, ..] if first.predicates().is_empty() && first.stages().is_empty() => {
            match (&first.kind, &second.kind) {
                (Kind::Variable(name), Kind::Name(part)) if program.name(*name) == "states" => Some(part),
                _ => None,
            }
        }
        _ => None,
    }
}

/// `$variable.name.name`, and nothing more.
fn route(program: &Program) -> Option<Vec<String>> {
    let root = &program.root;
    let variable = |node: &Node| match node.kind {
        Kind::Variable(name) if node.is_plain() => {
            Some(program.name(name)).filter(|name| !name.is_empty() && *name != "$").map(str::to_owned)
        }
        _ => None,
    };
    match &root.kind {
        Kind::Variable(_) => Some(vec![variable(root)?]),
        Kind::Path { steps, keep_singleton: false } if root.is_plain() => {
            let names = steps.iter().enumerate().map(|(at, step)| match &step.kind {
                Kind::Name(name) if at > 0 && step.is_plain() => Some(name.to_string()),
                _ if at == 0 => variable(step),
                _ => None,
            });
            names.collect()
        }
        _ => None,
    }
}
