//! `Wait`: delay the execution until a timestamp.
//!
//! Spec: <https://states-language.net/#wait-state>

use jiff::Timestamp;

use crate::data::{Expected, Expression, Json, JsonPath, Scope, timestamp};
use crate::fields::{DefinitionError, Fields, Language};
use crate::state::processing::expression;
use crate::state::{Finished, Processing, StateError, Step};
use crate::state::{StateIndices, Transition};

#[derive(Debug)]
pub(crate) struct Wait {
    processing: Processing,
    until: Until,
    transition: Transition,
}

/// The ways to give the end; a definition has exactly one.
#[derive(Debug)]
enum Until {
    Seconds(i64),
    SecondsPath { text: String, path: JsonPath },
    SecondsExpression(Expression),
    Timestamp(Timestamp),
    TimestampPath { text: String, path: JsonPath },
    TimestampExpression(Expression),
}

/// How long a wait is at most on AWS: about three years.
const MAX_SECONDS: i64 = 99_999_999;

impl Wait {
    pub(crate) fn enter(&self, cx: &Scope<'_>) -> Result<Step, StateError> {
        let selected = self.processing.select(cx)?;
        Ok(Step::Sleep { until: self.until.resolve(cx, &selected)?.as_millisecond() })
    }

    pub(crate) fn reply(&self, cx: &Scope<'_>) -> Result<(Finished, Transition), StateError> {
        Ok((self.processing.finish_without_work(cx)?, self.transition))
    }

    pub(crate) fn parse(
        fields: &Fields<'_>,
        language: Language,
        indices: &StateIndices<'_>,
    ) -> Result<Wait, DefinitionError> {
        Ok(Wait {
            processing: Processing::parse(fields, language)?,
            until: Until::parse(fields, language)?,
            transition: indices.transition(fields)?,
        })
    }
}

impl Until {
    fn resolve(&self, cx: &Scope<'_>, input: &Json) -> Result<Timestamp, StateError> {
        let after = |seconds: i64| {
            let wait = jiff::SignedDuration::from_secs(seconds.clamp(0, MAX_SECONDS));
            cx.now.checked_add(wait).unwrap_or(Timestamp::MAX)
        };
        match self {
            Until::Seconds(seconds) => Ok(after(*seconds)),
            Until::Timestamp(timestamp) => Ok(*timestamp),
            Until::SecondsPath { text, path } => {
                let json = path.query(&cx.with_input(input)).map_err(|_| {
                    StateError::runtime(format!(
                        "The SecondsPath parameter does not reference an input value: {text}"
                    ))
                })?;
                match whole(&json) {
                    Some(seconds) if seconds >= 0 => Ok(after(seconds)),
                    Some(seconds) => Err(StateError::runtime(format!(
                        "The SecondsPath parameter references a negative value: {text} == {seconds}"
                    ))),
                    None => Err(StateError::runtime(format!(
                        "The SecondsPath parameter cannot be parsed as a long value: {text} == {}",
                        plain(&json)
                    ))),
                }
            }
            Until::SecondsExpression(expression) => {
                let json = expression.evaluate_as(cx, "Seconds", Expected::Integer)?;
                match whole(&json) {
                    Some(seconds) if (0..=MAX_SECONDS).contains(&seconds) => Ok(after(seconds)),
                    _ => Err(StateError::unfit(
                        "Seconds",
                        format!(
                            "The Seconds field must be an integer from 0 to {MAX_SECONDS} but was: {}",
                            plain(&json)
                        ),
                    )),
                }
            }
            Until::TimestampPath { text, path } => {
                let json = path.query(&cx.with_input(input)).map_err(|_| {
                    StateError::runtime(format!(
                        "The TimestampPath parameter does not reference an input value: {text}"
                    ))
                })?;
                json.as_str().and_then(timestamp::parse).ok_or_else(|| {
                    StateError::runtime(format!(
                        "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: {text} == {}",
                        plain(&json)
                    ))
                })
            }
            Until::TimestampExpression(expression) => {
                let json = expression.evaluate_as(cx, "Timestamp", Expected::String)?;
                json.as_str().and_then(timestamp::parse).ok_or_else(|| {
                    StateError::unfit(
                        "Timestamp",
                        format!(
                            "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {}",
                            plain(&json)
                        ),
                    )
                })
            }
        }
    }

    fn parse(fields: &Fields<'_>, language: Language) -> Result<Until, DefinitionError> {
        const FIELDS: [&str; 4] = ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"];
        let given: Vec<&str> = FIELDS.into_iter().filter(|field| fields.has(field)).collect();
        let [field] = given[..] else {
            return Err(fields.wrong(
                "Seconds",
                "exactly one of Seconds, SecondsPath, Timestamp, TimestampPath is needed",
            ));
        };
        let path = |field: &str| {
            let text = fields.text(field)?;
            let path = JsonPath::parse(text).map_err(|error| fields.wrong(field, &error.to_string()))?;
            Ok((text.to_owned(), path))
        };
        let expression = |field: &str| match language {
            Language::Jsonata => expression(fields, field),
            Language::JsonPath => Ok(None),
        };
        match field {
            "Seconds" => match (expression(field)?, fields.json(field).and_then(whole)) {
                (Some(expression), _) => Ok(Until::SecondsExpression(expression)),
                (None, Some(seconds)) if seconds >= 0 => Ok(Until::Seconds(seconds)),
                _ => Err(fields.wrong(field, "must be a whole number of at least 0")),
            },
            "SecondsPath" => path(field).map(|(text, path)| Until::SecondsPath { text, path }),
            "TimestampPath" => path(field).map(|(text, path)| Until::TimestampPath { text, path }),
            _ => match expression(field)? {
                Some(expression) => Ok(Until::TimestampExpression(expression)),
                None => timestamp::parse(fields.text(field)?)
                    .map(Until::Timestamp)
                    .ok_or_else(|| fields.wrong(field, "must be a timestamp such as 2026-03-14T01:59:00Z")),
            },
        }
    }
}

fn whole(json: &Json) -> Option<i64> {
    json.as_number()?.to_whole()
}

/// A text without its quotes, anything else as JSON.
fn plain(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_text(), str::to_owned)
}
