//! `Succeed`: the execution, branch or iteration ends well.
//!
//! Spec: <https://states-language.net/#succeed-state>

use crate::data::Scope;
use crate::fields::{DefinitionError, Fields, Language};
use crate::state::Transition;
use crate::state::{Processing, StateError, Step};

#[derive(Debug)]
pub(crate) struct Succeed {
    processing: Processing,
}

impl Succeed {
    pub(crate) fn enter(&self, cx: &Scope<'_>) -> Result<Step, StateError> {
        Ok(Step::Exit(self.processing.finish_without_work(cx)?, Transition::End))
    }

    pub(crate) fn parse(fields: &Fields<'_>, language: Language) -> Result<Succeed, DefinitionError> {
        Ok(Succeed { processing: Processing::parse(fields, language)? })
    }
}
