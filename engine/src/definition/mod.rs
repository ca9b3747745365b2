//! A state machine, parsed: what cannot be meant cannot be written in these types.

mod cost;
mod fields;

use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use cost::Cost;
pub(crate) use fields::Fields;

use crate::data::Json;
use crate::state::State;

/// What is wrong with a definition, and where. [`crate::validation`] finds all faults at once; this is the
/// first one that parsing meets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at {location}")]
pub struct DefinitionError {
    /// The place, such as `/States/Wait/Seconds`.
    pub location: String,
    /// What is wrong there.
    pub message: String,
}

impl DefinitionError {
    pub(crate) fn new(location: impl Into<String>, message: impl Into<String>) -> DefinitionError {
        DefinitionError { location: location.into(), message: message.into() }
    }
}

/// How the fields of a state select and shape data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    JsonPath,
    Jsonata,
}

impl Language {
    /// `QueryLanguage` of a machine or state, if it is given there.
    pub(crate) fn parse(fields: &Fields<'_>, outer: Language) -> Result<Language, DefinitionError> {
        match fields.optional_text("QueryLanguage")? {
            None => Ok(outer),
            Some("JSONPath") => Ok(Language::JsonPath),
            Some("JSONata") => Ok(Language::Jsonata),
            Some(_) => Err(fields.wrong("QueryLanguage", "must be JSONPath or JSONata")),
        }
    }
}

/// A parsed state machine.
#[derive(Debug)]
pub struct StateMachine {
    pub(crate) states: Arc<States>,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) cost: Cost,
}

impl StateMachine {
    /// Parses a definition.
    pub fn parse(definition: &Json) -> Result<StateMachine, DefinitionError> {
        let fields = Fields::of(definition)?;
        let language = Language::parse(&fields, Language::JsonPath)?;
        Ok(StateMachine {
            timeout_seconds: fields.optional_whole("TimeoutSeconds")?,
            states: Arc::new(States::parse(&fields, language)?),
            cost: Cost::of(definition),
        })
    }

    /// The integrations that its Task states ask for, each with the place of its state.
    pub(crate) fn resources(&self) -> Vec<&crate::integration::Resource> {
        let mut found = Vec::new();
        self.states.collect_resources(&mut found);
        found
    }

    /// The state that TestState names, which may lie within a Map or Parallel.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<State>> {
        self.states.find(name)
    }
}

/// How deep machines may stand in machines: the branches of Parallel states and the processors of Map states.
pub(crate) const MAX_NESTING: usize = 50;

/// The states of a machine, of a branch or of an item processor.
#[derive(Debug)]
pub(crate) struct States {
    start_at: usize,
    list: Vec<Arc<State>>,
}

/// Where an execution goes when a state is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transition {
    /// To the state at this place in its [`States`].
    Next(usize),
    /// This branch, iteration or execution is complete.
    End,
}

/// The names of states that lie side by side, each with its place.
pub(crate) struct Places<'a>(HashMap<&'a str, usize>);

impl Places<'_> {
    /// The place of the state that a field names.
    pub(crate) fn of(&self, fields: &Fields<'_>, field: &str) -> Result<usize, DefinitionError> {
        let name = fields.text(field)?;
        self.0.get(name).copied().ok_or_else(|| fields.wrong(field, &format!("there is no state '{name}'")))
    }

    /// `Next`, or `End: true`.
    pub(crate) fn transition(&self, fields: &Fields<'_>) -> Result<Transition, DefinitionError> {
        let end = fields.optional_bool("End")?.unwrap_or(false);
        match (fields.has("Next"), end) {
            (true, false) => Ok(Transition::Next(self.of(fields, "Next")?)),
            (false, true) => Ok(Transition::End),
            (true, true) => Err(fields.wrong("End", "Next and End exclude each other")),
            (false, false) => Err(fields.wrong("Next", "Next or End is needed")),
        }
    }
}

impl States {
    /// Parses `StartAt` and `States`.
    pub(crate) fn parse(fields: &Fields<'_>, language: Language) -> Result<States, DefinitionError> {
        let states = fields.object("States")?;
        if states.depth() > MAX_NESTING {
            return Err(fields.wrong("States", "lies too deep within other states"));
        }
        let places =
            Places(states.entries().enumerate().map(|(place, (name, _))| (&**name, place)).collect());
        let list = states
            .states()
            .map(|state| {
                let (name, fields) = state?;
                State::parse(name, &fields, language, &places).map(Arc::new)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(States { start_at: places.of(fields, "StartAt")?, list })
    }

    /// The place of the first state.
    pub(crate) fn start_at(&self) -> usize {
        self.start_at
    }

    /// The state at a place that a [`Transition`] or `start_at` gave.
    pub(crate) fn at(&self, place: usize) -> &Arc<State> {
        &self.list[place]
    }

    fn collect_resources<'a>(&'a self, found: &mut Vec<&'a crate::integration::Resource>) {
        for state in &self.list {
            found.extend(state.resource());
            for inner in state.inner() {
                inner.collect_resources(found);
            }
        }
    }

    fn find(&self, name: &str) -> Option<&Arc<State>> {
        self.list
            .iter()
            .find(|state| &*state.name == name)
            .or_else(|| self.list.iter().flat_map(|state| state.inner()).find_map(|inner| inner.find(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_that_lie_too_deep_within_each_other_are_refused() {
        let nested = |depth: usize| {
            let innermost = r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}"#.to_owned();
            let machine = (0..depth).fold(innermost, |inner, _| {
                // What a state is called says nothing of where it stands.
                r#"{"StartAt": "/States/States", "States": {"/States/States":
                    {"Type": "Parallel", "End": true, "Branches": [INNER]}}}"#
                    .replace("INNER", &inner)
            });
            StateMachine::parse(&Json::parse(&machine).unwrap())
        };
        nested(MAX_NESTING).unwrap();
        let error = nested(MAX_NESTING + 1).unwrap_err();
        assert_eq!(error.message, "lies too deep within other states");
    }

    #[test]
    fn the_place_of_a_fault_is_told() {
        let definition = r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": -1, "End": true}}}"#;
        let error = StateMachine::parse(&Json::parse(definition).unwrap()).unwrap_err();
        assert_eq!(error.location, "/States/W/Seconds");
    }
}
