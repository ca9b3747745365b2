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
    error: TextSource,
    cause: TextSource,
}

/// The source of one of the two texts.
#[derive(Debug)]
enum TextSource {
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

impl TextSource {
    fn parse(
        fields: &Fields<'_>,
        field: &'static str,
        path_field: &'static str,
        language: Language,
    ) -> Result<TextSource, DefinitionError> {
        match (fields.optional_text(field)?, fields.optional_text(path_field)?) {
            (Some(_), Some(_)) => {
                Err(fields.wrong(path_field, &format!("{field} and {path_field} exclude each other")))
            }
            (None, None) => Ok(TextSource::Absent),
            (Some(text), None) => match language {
                Language::JsonPath => Ok(TextSource::Literal(text.into())),
                Language::Jsonata => Ok(match expression(fields, field)? {
                    Some(expression) => TextSource::Expression { field, expression },
                    None => TextSource::Literal(text.into()),
                }),
            },
            (None, Some(path)) => Selector::parse(path)
                .map(|selector| TextSource::Path { field: path_field, selector })
                .map_err(|error| fields.wrong(path_field, &error.to_string())),
        }
    }

    fn resolve(&self, cx: &Scope<'_>) -> Result<Option<Arc<str>>, StateError> {
        let (field, json) = match self {
            TextSource::Absent => return Ok(None),
            TextSource::Literal(text) => return Ok(Some(Arc::clone(text))),
            TextSource::Path { field, selector } => (field, selector.evaluate(cx, field)?),
            TextSource::Expression { field, expression } => {
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
        let texts = self.error.resolve(cx).and_then(|error| Ok((error, self.cause.resolve(cx)?)));
        match texts {
            Ok((error, cause)) => StateError::reported(error, cause),
            Err(error) => error,
        }
    }

    pub(crate) fn parse(fields: &Fields<'_>, language: Language) -> Result<Fail, DefinitionError> {
        Ok(Fail {
            error: TextSource::parse(fields, "Error", "ErrorPath", language)?,
            cause: TextSource::parse(fields, "Cause", "CausePath", language)?,
        })
    }
}
