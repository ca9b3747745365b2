//! `Pass`: hand the input on, or a fixed result.
//!
//! Spec: <https://states-language.net/#pass-state>

use crate::data::{Json, Scope};
use crate::fields::{DefinitionError, Fields, Language};
use crate::state::{Processing, StateError, Step};
use crate::state::{StateIndices, Transition};

#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) processing: Processing,
    result: Option<Json>,
    pub(crate) transition: Transition,
}

impl Pass {
    pub(crate) fn enter(&self, cx: &Scope<'_>) -> Result<Step, StateError> {
        let finished = match (&self.processing, &self.result) {
            (Processing::Jsonata(_), _) => self.processing.finish_without_work(cx)?,
            (Processing::JsonPath(_), Some(result)) => self.processing.finish(cx, result.clone())?,
            (Processing::JsonPath(_), None) => {
                let arguments = self.processing.arguments(cx)?;
                self.processing.finish(cx, arguments)?
            }
        };
        Ok(Step::Exit(finished, self.transition))
    }

    pub(crate) fn parse(
        fields: &Fields<'_>,
        language: Language,
        indices: &StateIndices<'_>,
    ) -> Result<Pass, DefinitionError> {
        Ok(Pass {
            processing: Processing::parse(fields, language)?,
            result: fields.json("Result").cloned(),
            transition: indices.transition(fields)?,
        })
    }
}
