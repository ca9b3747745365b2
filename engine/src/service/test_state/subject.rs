//! The state under test, taken out of its machine: a machine of its own, in which its transitions lead to stubs.

use std::sync::Arc;

use super::request::TestRequest;
use crate::data::{Json, Object};
use crate::definition::StateMachine;
use crate::integration::{Pattern, Resource};
use crate::model::MachineType;
use crate::protocol::Exception;
use crate::state::State;
use crate::state::Transition;
use crate::validation::{Options, Severity, validate, validate_state};

/// What AWS calls a state that is given without a machine.
pub(super) const NAME: &str = "StateName";

/// A state that can be run alone.
pub(super) struct Subject {
    /// Its definition.
    pub(super) definition: Json,
    /// Whether its expressions are JSONata.
    pub(super) is_jsonata: bool,
    machine: StateMachine,
}

impl Subject {
    /// The state that a request names, or the one that it is.
    pub(super) fn find(test: &TestRequest) -> Result<Subject, Exception> {
        let options = Options {
            machine_type: MachineType::Standard,
            supports: None,
            advice: None,
            unsupported: Severity::Warning,
        };
        let report = match test.state_name {
            Some(_) => validate(&test.definition, &options),
            None => validate_state(&test.definition, &options),
        };
        if let Some(refusal) = report.refusal() {
            return Err(Exception::new("InvalidDefinition", refusal));
        }
        let given = Json::parse(&test.definition).map_err(|error| {
            Exception::new("InvalidDefinition", format!("Invalid State Machine Definition: '{error}'"))
        })?;
        let (definition, outer_language) = match &test.state_name {
            None => (given, None),
            Some(name) => {
                let Some(state) = find(&given, name) else {
                    return Err(Exception::validation("State not found in definition"));
                };
                (state.clone(), given.get("QueryLanguage").cloned())
            }
        };
        let language = definition.get("QueryLanguage").or(outer_language.as_ref());
        let is_jsonata = language.and_then(Json::as_str) == Some("JSONata");
        let machine =
            StateMachine::parse(&wrapped(&definition, outer_language.as_ref())).map_err(|error| {
                Exception::new("InvalidDefinition", format!("Invalid State Machine Definition: '{error}'"))
            })?;
        Ok(Subject { is_jsonata, definition, machine })
    }

    pub(super) fn kind(&self) -> &str {
        self.definition.get("Type").and_then(Json::as_str).unwrap_or_default()
    }

    /// The state, parsed.
    pub(super) fn state(&self) -> &Arc<State> {
        self.machine.states.at(self.machine.states.start_at())
    }

    /// The name of the state that a transition leads to.
    pub(super) fn target(&self, transition: Transition) -> Option<String> {
        match transition {
            Transition::Next(index) => Some(self.machine.states.at(index).name.to_string()),
            Transition::End => None,
        }
    }

    /// Whether the context object of the state holds a task token.
    pub(super) fn has_token(&self) -> bool {
        matches!(self.state().resource(), Some(Resource::Service(call)) if call.pattern != Pattern::Request)
    }

    /// The service and action of a Task that only waits for the answer to its request.
    pub(super) fn requested_service(&self) -> Option<(String, String)> {
        match self.state().resource()? {
            Resource::Service(call) if call.pattern == Pattern::Request => {
                Some((call.service.to_string(), call.action.to_string()))
            }
            _ => None,
        }
    }
}

/// A state of this name anywhere in a machine.
fn find<'a>(machine: &'a Json, name: &str) -> Option<&'a Json> {
    let states = machine.get("States").and_then(Json::as_object)?;
    if let Some(state) = states.get(name) {
        return Some(state);
    }
    states.values().find_map(|state| {
        let branches = state.get("Branches").and_then(Json::as_array).unwrap_or(&[]).iter();
        let processors = ["ItemProcessor", "Iterator"].into_iter().filter_map(|field| state.get(field));
        branches.chain(processors).find_map(|inner| find(inner, name))
    })
}

/// The state as the whole of a machine. What needs an object store is left out: a mock replaces it.
fn wrapped(definition: &Json, language: Option<&Json>) -> Json {
    let mut states = Object::new();
    let state = without_store(definition);
    let end = Json::object([("Type", Json::from("Succeed"))]);
    let own_name = unused_name(&state);
    states.insert(own_name.as_str(), state.clone());
    for target in targets(&state) {
        states.insert(target, end.clone());
    }
    let mut machine = Object::new();
    if let Some(language) = language {
        machine.insert("QueryLanguage", language.clone());
    }
    machine.insert("StartAt", Json::from(own_name));
    machine.insert("States", Json::from(states));
    Json::from(machine)
}

/// A name for the state itself that none of its targets has.
fn unused_name(state: &Json) -> String {
    let targets = targets(state);
    let mut name = NAME.to_owned();
    while targets.contains(&name) {
        name.push('\'');
    }
    name
}

fn targets(state: &Json) -> Vec<String> {
    let name = |holder: &Json, field: &str| holder.get(field).and_then(Json::as_str).map(str::to_owned);
    let mut targets: Vec<String> =
        ["Next", "Default"].into_iter().filter_map(|field| name(state, field)).collect();
    for field in ["Choices", "Catch"] {
        let items = state.get(field).and_then(Json::as_array).unwrap_or(&[]);
        targets.extend(items.iter().filter_map(|item| name(item, "Next")));
    }
    targets
}

fn without_store(state: &Json) -> Json {
    let mut state = state.clone();
    if let Some(fields) = state.as_object_mut() {
        fields.remove("ItemReader");
        fields.remove("ResultWriter");
        for field in ["ItemProcessor", "Iterator"] {
            if let Some(processor) = fields.get_mut(field) {
                *processor = machine_without_store(processor);
            }
        }
        if let Some(branches) = fields.get_mut("Branches").and_then(Json::as_array_mut) {
            for branch in branches {
                *branch = machine_without_store(branch);
            }
        }
    }
    state
}

fn machine_without_store(machine: &Json) -> Json {
    let mut machine = machine.clone();
    if let Some(states) = machine.as_object_mut().and_then(|fields| fields.get_mut("States")) {
        let stripped: Vec<_> = states
            .as_object()
            .map(|states| {
                states.iter().map(|(name, state)| (Arc::clone(name), without_store(state))).collect()
            })
            .unwrap_or_default();
        *states = Json::object(stripped);
    }
    machine
}
