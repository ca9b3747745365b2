//! `Fail`: the execution, branch or iteration fails with an error name and a cause.
//!
//! Spec: <https://states-language.net/#fail-state>

use std::sync::Arc;

use crate::data::{Expected, Expression, Json, Scope, Selector};
use crate::fields::{DefinitionError, Fields, Language};
use crate::state::StateError;
use crate::state::processing::expression;

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
        expression: Expression,
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
                Language::Jsonata => Ok(match expression(fields, field)? {
                    Some(expression) => Words::Expression { field, expression },
                    None => Words::Literal(text.into()),
                }),
            },
            (None, Some(path)) => Selector::parse(path)
                .map(|selector| Words::Path { field: path_field, selector })
                .map_err(|error| fields.wrong(path_field, &error.to_string())),
        }
    }

    fn say(&self, cx: &Scope<'_>) -> Result<Option<Arc<str>>, StateError> {
        let (field, json) = match self {
            Words::Absent => return Ok(None),
            Words::Literal(text) => return Ok(Some(Arc::clone(text))),
            Words::Path { field, selector } => (field, selector.evaluate(cx, field)?),
            Words::Expression { field, expression } => {
                (field, expression.evaluate_as(cx, field, Expected::String)?)
            }
        };
        match json {
            Json::String(text) => Ok(Some(text)),
            other => Err(StateError::runtime(format!(
                "The {field} field must reference a string but was: {other}"
            ))),
        }
    }
}

impl Fail {
    pub(crate) fn enter(&self, cx: &Scope<'_>) -> StateError {
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
