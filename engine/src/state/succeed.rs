//! `Succeed`: the execution, branch or iteration ends well.
//!
//! Spec: <https://states-language.net/#succeed-state>

use crate::definition::{DefinitionError, Fields, Language, Transition};
use crate::state::{Cx, Processing, StateError, Step};

#[derive(Debug)]
pub(crate) struct Succeed {
    processing: Processing,
}

impl Succeed {
    pub(crate) fn enter(&self, cx: &Cx<'_>) -> Result<Step, StateError> {
        Ok(Step::Exit(self.processing.pass_through(cx)?, Transition::End))
    }

    pub(crate) fn parse(fields: &Fields<'_>, language: Language) -> Result<Succeed, DefinitionError> {
        Ok(Succeed { processing: Processing::parse(fields, language)? })
    }
}
