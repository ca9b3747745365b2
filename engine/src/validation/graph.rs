//! What leads where: transitions to states that are not there, states that nothing leads to, machines without an
//! end.

use std::collections::HashSet;

use super::checker::Checker;
use super::code;
use crate::data::{Json, Object};

impl Checker<'_> {
    /// The whole definition: its own transitions, whether it ends, and those of the machines in it.
    pub(super) fn graph(&mut self, machine: &Object) {
        self.scope(machine, "", Ends::MustBeThere);
    }

    fn scope(&mut self, machine: &Object, at: &str, ends: Ends) {
        let (Some(start), Some(states)) =
            (machine.get("StartAt"), machine.get("States").and_then(Json::as_object))
        else {
            return;
        };
        let Some(start) = start.as_str() else { return };
        let mut missing = |target: &str, location: &str| {
            if !states.contains_key(target) {
                self.error(
                    code::MISSING_TRANSITION_TARGET,
                    location,
                    format!("Missing 'Next' target: {target}"),
                );
            }
        };
        missing(start, &format!("{at}/StartAt"));
        for (name, state) in states.iter() {
            for (target, field) in targets(state) {
                missing(target, &format!("{at}/States/{name}/{field}"));
            }
        }
        if matches!(ends, Ends::MustBeThere) && !states.is_empty() && !states.values().any(may_end) {
            self.error_nowhere(code::MISSING_END_STATE, "Workflow has no terminal state");
        } else {
            let reached = reachable(start, states);
            for name in states.keys().filter(|name| !reached.contains(&***name)) {
                self.error(
                    code::MISSING_TRANSITION_TARGET,
                    &format!("{at}/States/{name}"),
                    format!("State \"{name}\" is not reachable."),
                );
            }
        }
        for (name, state) in states.iter() {
            let at_state = format!("{at}/States/{name}");
            for (index, branch) in
                state.get("Branches").and_then(Json::as_array).unwrap_or(&[]).iter().enumerate()
            {
                if let Some(branch) = branch.as_object() {
                    self.scope(branch, &format!("{at_state}/Branches[{index}]"), Ends::MayBeMissing);
                }
            }
            for field in ["ItemProcessor", "Iterator"] {
                if let Some(processor) = state.get(field).and_then(Json::as_object) {
                    self.scope(processor, &format!("{at_state}/{field}"), Ends::MayBeMissing);
                }
            }
        }
    }
}

/// AWS asks for a terminal state in the outermost machine only.
#[derive(Clone, Copy)]
enum Ends {
    MustBeThere,
    MayBeMissing,
}

/// The names of states that a state leads to, each with the field that says so.
fn targets(state: &Json) -> Vec<(&str, String)> {
    let mut targets = Vec::new();
    for field in ["Next", "Default"] {
        if let Some(target) = state.get(field).and_then(Json::as_str) {
            targets.push((target, field.to_owned()));
        }
    }
    for field in ["Choices", "Catch"] {
        for (index, item) in state.get(field).and_then(Json::as_array).unwrap_or(&[]).iter().enumerate() {
            if let Some(target) = item.get("Next").and_then(Json::as_str) {
                targets.push((target, format!("{field}[{index}]/Next")));
            }
        }
    }
    targets
}

/// Whether the execution may end here. A state that is faulty in this very respect has its own finding and counts
/// as an end, so that one fault is not reported twice.
fn may_end(state: &Json) -> bool {
    match state.get("Type").and_then(Json::as_str) {
        Some("Choice") => false,
        Some("Pass" | "Task" | "Wait" | "Parallel" | "Map") => {
            state.get("Next").is_none() || state.get("End").is_some()
        }
        _ => true,
    }
}

fn reachable<'a>(start: &'a str, states: &'a Object) -> HashSet<&'a str> {
    let mut reached = HashSet::new();
    let mut ahead = vec![start];
    while let Some(name) = ahead.pop() {
        let Some(state) = states.get(name) else { continue };
        if reached.insert(name) {
            ahead.extend(targets(state).into_iter().map(|(target, _)| target));
        }
    }
    reached
}
