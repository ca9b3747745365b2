//! `ResultWriter`: where the results of a Distributed Map go, and in which form.

use super::item_reader::Parameters;
use crate::data::{Json, Scope};
use crate::fields::{DefinitionError, Fields, Language};
use crate::state::StateError;

/// `ResultWriter`, as the definition has it.
#[derive(Debug)]
pub(crate) struct ResultWriter {
    /// Without a resource the results are the state's.
    exports: bool,
    parameters: Option<Parameters>,
    transformation: Transformation,
    lines: bool,
}

/// `WriterConfig.Transformation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transformation {
    /// The executions with their metadata.
    None,
    /// Their outputs.
    Compact,
    /// The items of their outputs, where these are arrays.
    Flatten,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WriteRequest {
    /// `Bucket` and `Prefix`; without them the results are those of the state.
    pub(crate) target: Option<Json>,
    pub(crate) transformation: Transformation,
    /// Whether each result is a line.
    pub(crate) lines: bool,
}

impl ResultWriter {
    /// What is to be written for this input.
    pub(crate) fn request(&self, cx: &Scope<'_>, selected: &Json) -> Result<WriteRequest, StateError> {
        let target = match (&self.parameters, self.exports) {
            (_, false) => None,
            (None, true) => Some(Json::empty_object()),
            (Some(parameters), true) => Some(parameters.evaluate(cx, selected, "ResultWriter/Arguments")?),
        };
        Ok(WriteRequest { target, transformation: self.transformation, lines: self.lines })
    }

    pub(super) fn parse(fields: &Fields<'_>, language: Language) -> Result<ResultWriter, DefinitionError> {
        let config = fields.optional_object("WriterConfig")?;
        let text = |field| match &config {
            None => Ok(None),
            Some(config) => config.optional_text(field),
        };
        let exports = fields.optional_text("Resource")?.is_some();
        Ok(ResultWriter {
            exports,
            parameters: Parameters::parse(fields, language)?,
            transformation: match text("Transformation")? {
                Some("COMPACT") => Transformation::Compact,
                Some("FLATTEN") => Transformation::Flatten,
                _ => Transformation::None,
            },
            lines: text("OutputType")? == Some("JSONL"),
        })
    }
}
