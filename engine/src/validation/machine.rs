//! A state machine: the outermost one, a branch of a Parallel state, or what a Map state runs for its items.

use super::checker::Checker;
use super::code;
use super::value::Kind;
use crate::data::{Json, Object};
use crate::fields::Language;
use crate::state::MAX_NESTING;

const MAX_NAME_LENGTH: usize = 80;

/// The role of a machine, which decides its fields beside `StartAt` and `States`.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Outermost,
    Branch,
    ItemProcessor,
}

impl Role {
    fn allows(self, field: &str) -> bool {
        match field {
            "Comment" | "StartAt" | "States" => true,
            "QueryLanguage" | "TimeoutSeconds" | "Version" => matches!(self, Role::Outermost),
            "ProcessorConfig" => matches!(self, Role::ItemProcessor),
            _ => false,
        }
    }
}

impl Checker<'_> {
    /// The whole definition.
    pub(super) fn machine(&mut self, definition: &Json) {
        let Some(machine) = definition.as_object() else { return };
        self.language = Language::resolve(machine.get("QueryLanguage"), Language::JsonPath);
        self.check_machine(machine, "", Role::Outermost);
        self.graph(machine);
        self.variables_are_unique(machine);
    }

    /// A single state, as TestState takes it.
    pub(super) fn lone_state(&mut self, definition: &Json) {
        self.state("/States/StateName", definition);
    }

    /// The fields of a machine and its states; transitions are checked afterwards.
    pub(super) fn check_machine(&mut self, machine: &Object, at: &str, role: Role) {
        let here = if at.is_empty() { "/" } else { at };
        if self.depth > MAX_NESTING {
            self.error(
                code::TOO_DEEPLY_NESTED,
                here,
                format!("State machines are nested more than {MAX_NESTING} levels deep"),
            );
            return;
        }
        for field in machine.keys() {
            if !role.allows(field) {
                self.schema(here, format!("Field '{field}' is not supported"));
            }
        }
        self.required(machine, here, &["StartAt", "States"]);
        self.value(machine, at, "Comment", Kind::Text);
        self.value(machine, at, "StartAt", Kind::Text);
        if let Role::Outermost = role {
            self.value(machine, at, "QueryLanguage", Kind::OneOf(&["JSONPath", "JSONata"]));
            self.value(machine, at, "Version", Kind::OneOf(&["1.0"]));
            self.value(machine, at, "TimeoutSeconds", Kind::Integer { min: 0, max: Some(99_999_999) });
        }
        self.value(machine, at, "States", Kind::Object);
        let Some(states) = machine.get("States").and_then(Json::as_object) else { return };
        let at_states = format!("{at}/States");
        if states.is_empty() {
            self.schema(&at_states, "Value cannot be empty");
        }
        self.depth += 1;
        for (name, state) in states.iter() {
            let at_state = format!("{at_states}/{name}");
            if name.is_empty() || name.chars().count() > MAX_NAME_LENGTH {
                self.error(
                    code::INVALID_STATE_NAME,
                    &at_state,
                    format!("State name must have between 1 and {MAX_NAME_LENGTH} characters: '{name}'"),
                );
            }
            if !self.state_names.insert(name.clone()) {
                self.error(code::DUPLICATE_STATE_NAME, &at_state, format!("Duplicate State name: {name}"));
            }
            self.state(&at_state, state);
        }
        self.depth -= 1;
    }
}
