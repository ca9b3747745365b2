//! `Parallel`: several branches on the same input; the result is the list of their outputs.
//!
//! Spec: <https://states-language.net/#parallel-state>

use std::sync::Arc;

use crate::data::Scope;
use crate::fields::{DefinitionError, Fields, Language};
use crate::state::{Handlers, Processing, StateError, Step};
use crate::state::{StateIndices, States, Transition};

#[derive(Debug)]
pub(crate) struct Parallel {
    pub(crate) processing: Processing,
    pub(crate) handlers: Handlers,
    pub(crate) branches: Vec<Arc<States>>,
    pub(crate) transition: Transition,
}

impl Parallel {
    pub(crate) fn enter(&self, cx: &Scope<'_>) -> Result<Step, StateError> {
        Ok(Step::StartBranches { input: self.processing.arguments(cx)? })
    }

    pub(crate) fn parse(
        fields: &Fields<'_>,
        language: Language,
        outer: Language,
        indices: &StateIndices<'_>,
    ) -> Result<Parallel, DefinitionError> {
        let branches = fields.objects("Branches")?;
        if branches.is_empty() {
            return Err(fields.wrong("Branches", "must have at least one branch"));
        }
        Ok(Parallel {
            processing: Processing::parse(fields, language)?,
            handlers: Handlers::parse(fields, language, indices)?,
            branches: branches
                .iter()
                // The language of a state is its own; what lies within has that of the machine.
                .map(|branch| States::parse(branch, Language::parse(branch, outer)?).map(Arc::new))
                .collect::<Result<_, _>>()?,
            transition: indices.transition(fields)?,
        })
    }
}
