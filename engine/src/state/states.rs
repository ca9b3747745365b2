//! [`States`]: the states of a machine, of a branch or of an item processor, and the transitions between them.

use std::collections::HashMap;
use std::sync::Arc;

use super::State;
use crate::fields::{DefinitionError, Fields, Language};
use crate::integration::Resource;

/// How deep machines may be nested: the branches of Parallel states and the processors of Map states.
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
    /// To the state at this index of its [`States`].
    Next(usize),
    /// This branch, iteration or execution is complete.
    End,
}

/// The index of each state of a machine by its name.
pub(crate) struct StateIndices<'a>(HashMap<&'a str, usize>);

impl StateIndices<'_> {
    /// The index of the state that a field names.
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
        let indices =
            StateIndices(states.entries().enumerate().map(|(index, (name, _))| (&**name, index)).collect());
        let list = states
            .states()
            .map(|state| {
                let (name, fields) = state?;
                State::parse(name, &fields, language, &indices).map(Arc::new)
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(States { start_at: indices.of(fields, "StartAt")?, list })
    }

    /// The index of the first state.
    pub(crate) fn start_at(&self) -> usize {
        self.start_at
    }

    /// The state at an index that a [`Transition`] or [`States::start_at`] gave.
    pub(crate) fn at(&self, index: usize) -> &Arc<State> {
        &self.list[index]
    }

    /// The resources of the Task states, those of nested machines included.
    pub(crate) fn resources(&self) -> Vec<&Resource> {
        let mut found = Vec::new();
        self.collect_resources(&mut found);
        found
    }

    fn collect_resources<'a>(&'a self, found: &mut Vec<&'a Resource>) {
        for state in &self.list {
            found.extend(state.resource());
            for inner in state.inner() {
                inner.collect_resources(found);
            }
        }
    }

    /// The state with this name, which may be within a Map or Parallel state.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<State>> {
        self.list
            .iter()
            .find(|state| &*state.name == name)
            .or_else(|| self.list.iter().flat_map(|state| state.inner()).find_map(|inner| inner.find(name)))
    }
}
