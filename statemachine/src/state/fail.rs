//! `Fail`: the execution, branch or iteration fails with an error name and a cause.
//!
//! Spec: <https://states-language.net/#fail-state>

use std::sync::Arc;

use crate::data::{Json, JsonataTemplate, Selector};
use crate::definition::{DefinitionError, Fields, Language};
use crate::state::processing::jsonata;
use crate::state::{Cx, StateError};

#[derive(Debug)]
pub(crate) struct Fail {
    error: Words,
    cause: Words,
}

/// Where one of the two texts comes from.
#[derive(Debug)]
enum Words {
    Absent,
    Literal(Arc<str>),
    /// A path or an intrinsic function.
    Path {
        field: &'static str,
        selector: Selector,
    },
    Expression {
        field: &'static str,
        template: JsonataTemplate,
    },
}

impl Words {
    fn parse(
        fields: &Fields<'_>,
        field: &'static str,
        path_field: &'static str,
        language: Language,
    ) -> Result<Words, DefinitionError> {
        match (fields.optional_text(field)?, fields.optional_text(path_field)?) {
            (Some(_), Some(_)) => {
                Err(fields.wrong(path_field, &format!("{field} and {path_field} exclude each other")))
            }
            (None, None) => Ok(Words::Absent),
            (Some(text), None) => match language {
                Language::JsonPath => Ok(Words::Literal(text.into())),
                Language::Jsonata => Ok(match jsonata(fields, field)? {
                    Some(template) => Words::Expression { field, template },
                    None => Words::Absent,
                }),
            },
            (None, Some(path)) => Selector::parse(path)
                .map(|selector| Words::Path { field: path_field, selector })
                .map_err(|error| fields.wrong(path_field, &error.to_string())),
        }
    }

    fn say(&self, cx: &Cx<'_>) -> Result<Option<Arc<str>>, StateError> {
        let (field, json) = match self {
            Words::Absent => return Ok(None),
            Words::Literal(text) => return Ok(Some(Arc::clone(text))),
            Words::Path { field, selector } => (field, selector.evaluate(&cx.scope(), field)?),
            Words::Expression { field, template } => (field, template.evaluate(&cx.scope(), field)?),
        };
        match json {
            Json::String(text) => Ok(Some(text)),
            other if matches!(self, Words::Expression { .. }) => {
                Err(StateError::unfit(field, format!("The {field} field must be a string but was: {other}")))
            }
            other => Err(StateError::runtime(format!(
                "The {field} field must reference a string but was: {other}"
            ))),
        }
    }
}

impl Fail {
    pub(crate) fn enter(&self, cx: &Cx<'_>) -> StateError {
        let said = self.error.say(cx).and_then(|error| Ok((error, self.cause.say(cx)?)));
        match said {
            Ok((error, cause)) => StateError::reported(error, cause),
            Err(error) => error,
        }
    }

    pub(crate) fn parse(fields: &Fields<'_>, language: Language) -> Result<Fail, DefinitionError> {
        Ok(Fail {
            error: Words::parse(fields, "Error", "ErrorPath", language)?,
            cause: Words::parse(fields, "Cause", "CausePath", language)?,
        })
    }
}
