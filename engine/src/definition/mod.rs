//! [`StateMachine`]: a definition, parsed into types that cannot hold an invalid one.
//!
//! There are two readers of a definition, as they have different jobs. [`crate::validation`] finds all faults, words them
//! as AWS does, and accepts what only AWS can run; its result is a report. Parsing stops at the first fault, and its result
//! is the state machine. A stored definition is parsed at each start and not validated again, which takes five times as long
//! (`cargo bench -- definition`).

mod cost;

use std::sync::Arc;

pub(crate) use cost::Cost;

use crate::data::Json;
pub use crate::fields::DefinitionError;
use crate::fields::{Fields, Language};
use crate::integration::Resource;
use crate::state::{State, States};

/// A parsed state machine.
#[derive(Debug)]
pub struct StateMachine {
    pub(crate) states: Arc<States>,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) cost: Cost,
}

impl StateMachine {
    /// Parses a definition.
    ///
    /// # Errors
    /// The first fault that parsing meets; [`crate::validation::validate`] finds all of them.
    pub fn parse(definition: &Json) -> Result<StateMachine, DefinitionError> {
        let fields = Fields::of(definition)?;
        let language = Language::parse(&fields, Language::JsonPath)?;
        Ok(StateMachine {
            timeout_seconds: fields.optional_whole("TimeoutSeconds")?,
            states: Arc::new(States::parse(&fields, language)?),
            cost: Cost::of(definition),
        })
    }

    /// The resources of its Task states.
    pub(crate) fn resources(&self) -> Vec<&Resource> {
        self.states.resources()
    }

    /// The state with this name, which may be within a Map or Parallel state.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<State>> {
        self.states.find(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::MAX_NESTING;

    #[test]
    fn states_that_lie_too_deep_within_each_other_are_refused() {
        let nested = |depth: usize| {
            let innermost = r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}"#.to_owned();
            let machine = (0..depth).fold(innermost, |inner, _| {
                // The name of a state is not taken for a location.
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
    fn a_fault_names_its_location() {
        let definition = r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": -1, "End": true}}}"#;
        let error = StateMachine::parse(&Json::parse(definition).unwrap()).unwrap_err();
        assert_eq!(error.location, "/States/W/Seconds");
    }
}
