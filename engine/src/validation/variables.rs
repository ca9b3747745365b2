//! Variables of one name in scopes that see each other.

use std::collections::HashSet;

use super::checker::Checker;
use super::code;
use crate::data::{Json, Object};

impl Checker<'_> {
    /// Warns where a branch or iteration assigns a variable that a scope around it assigns too. AWS documents that
    /// names must be unique; here the inner variable hides the outer one.
    pub(super) fn variables_are_unique(&mut self, machine: &Object) {
        self.unique_in(machine, "", &HashSet::new());
    }

    fn unique_in(&mut self, machine: &Object, at: &str, outer: &HashSet<&str>) {
        let Some(states) = machine.get("States").and_then(Json::as_object) else { return };
        let mut visible = outer.clone();
        for (name, state) in states.iter() {
            let at_state = format!("{at}/States/{name}");
            for (location, assign) in assignments(state) {
                for key in assign.keys() {
                    let variable = key.strip_suffix(".$").unwrap_or(key);
                    if outer.contains(variable) {
                        self.warn(
                            code::SUSPICIOUS_VALUE,
                            &format!("{at_state}{location}/{key}"),
                            format!("The variable '{variable}' is assigned in a scope around this one too: names must be unique"),
                        );
                    }
                    visible.insert(variable);
                }
            }
        }
        for (name, state) in states.iter() {
            let at_state = format!("{at}/States/{name}");
            let branches = state.get("Branches").and_then(Json::as_array).unwrap_or(&[]);
            for (index, branch) in branches.iter().enumerate() {
                if let Some(branch) = branch.as_object() {
                    self.unique_in(branch, &format!("{at_state}/Branches[{index}]"), &visible);
                }
            }
            for field in ["ItemProcessor", "Iterator"] {
                let Some(processor) = state.get(field).and_then(Json::as_object) else { continue };
                let mode = processor.get("ProcessorConfig").and_then(|config| config.get("Mode"));
                // The executions of a Distributed Map see no variables but their own.
                let none = HashSet::new();
                let seen = if mode.and_then(Json::as_str) == Some("DISTRIBUTED") { &none } else { &visible };
                self.unique_in(processor, &format!("{at_state}/{field}"), seen);
            }
        }
    }
}

/// Every `Assign` of a state, and where in it.
fn assignments(state: &Json) -> Vec<(String, &Object)> {
    let mut found = Vec::new();
    if let Some(assign) = state.get("Assign").and_then(Json::as_object) {
        found.push(("/Assign".to_owned(), assign));
    }
    for field in ["Choices", "Catch"] {
        let items = state.get(field).and_then(Json::as_array).unwrap_or(&[]);
        for (index, item) in items.iter().enumerate() {
            if let Some(assign) = item.get("Assign").and_then(Json::as_object) {
                found.push((format!("/{field}[{index}]/Assign"), assign));
            }
        }
    }
    found
}
