//! Numbers of a definition that may also be given by a path or an expression.

use std::sync::Arc;

use crate::data::{Expected, Expression, Json, JsonPath, Scope};
use crate::fields::{DefinitionError, Fields, Language};
use crate::state::StateError;
use crate::state::processing::expression;

/// A field such as `TimeoutSeconds` with its `TimeoutSecondsPath`.
#[derive(Debug)]
pub(crate) struct Quantity {
    field: &'static str,
    path_field: &'static str,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Literal(Json),
    Path { text: String, path: JsonPath },
    Expression(Expression),
}

impl Quantity {
    /// The field or its path form, if one of them is there.
    pub(crate) fn parse(
        fields: &Fields<'_>,
        field: &'static str,
        path_field: &'static str,
        language: Language,
    ) -> Result<Option<Quantity>, DefinitionError> {
        let source = match (fields.json(field), fields.optional_text(path_field)?) {
            (Some(_), Some(_)) => {
                return Err(fields.wrong(path_field, &format!("{field} and {path_field} exclude each other")));
            }
            (None, None) => return Ok(None),
            (None, Some(text)) => Source::Path {
                text: text.to_owned(),
                path: JsonPath::parse(text).map_err(|error| fields.wrong(path_field, &error.to_string()))?,
            },
            (Some(Json::Number(number)), None) => Source::Literal(Json::Number(number.clone())),
            (Some(Json::String(_)), None) if language == Language::Jsonata => {
                match expression(fields, field)? {
                    Some(expression) => Source::Expression(expression),
                    None => return Err(fields.wrong(field, "must be a number")),
                }
            }
            (Some(_), None) => return Err(fields.wrong(field, "must be a number")),
        };
        Ok(Some(Quantity { field, path_field, source }))
    }

    /// A whole number, whose limits the caller checks. A path is evaluated on `input`.
    pub(crate) fn whole(&self, cx: &Scope<'_>, input: &Json) -> Result<i64, StateError> {
        let json = self.value(cx, input, Expected::Integer)?;
        json.as_number().and_then(|number| number.to_whole()).ok_or_else(|| self.unfit(&json, "integer"))
    }

    /// A number.
    pub(crate) fn number(&self, cx: &Scope<'_>, input: &Json) -> Result<f64, StateError> {
        let json = self.value(cx, input, Expected::Number)?;
        json.as_f64().ok_or_else(|| self.unfit(&json, "float"))
    }

    fn value(&self, cx: &Scope<'_>, input: &Json, expected: Expected) -> Result<Json, StateError> {
        Ok(match &self.source {
            Source::Literal(json) => json.clone(),
            Source::Path { path, .. } => number_of(path.query(&cx.with_input(input))?),
            Source::Expression(expression) => expression.evaluate_as(cx, self.field, expected)?,
        })
    }

    /// A value out of the field's range: in JSONata a fault of the expression, as every value that does not fit.
    pub(crate) fn refuse(&self, words: impl Into<Arc<str>>) -> StateError {
        match &self.source {
            Source::Expression(_) => StateError::unfit(self.field, words),
            Source::Literal(_) | Source::Path { .. } => StateError::runtime(words),
        }
    }

    fn unfit(&self, json: &Json, wanted: &str) -> StateError {
        let shown = json.as_str().map_or_else(|| json.to_text(), str::to_owned);
        match &self.source {
            Source::Path { text, .. } => StateError::runtime(format!(
                "The {} field refers to value \"{shown}\" which is not a valid {wanted}: {text}",
                self.path_field
            )),
            Source::Literal(_) | Source::Expression(_) => StateError::unfit(
                self.field,
                format!("The {} field is not a valid {wanted}: {shown}", self.field),
            ),
        }
    }
}

/// A path may also lead to a text that is a number.
fn number_of(json: Json) -> Json {
    match json.as_str().map(Json::parse) {
        Some(Ok(number @ Json::Number(_))) => number,
        _ => json,
    }
}
