//! Mocked answers, and what a mock may say.

use super::subject::Subject;
use crate::data::Json;
use crate::protocol::Exception;
use crate::validation::answers::{Answer, Strictness};

/// `mock`
pub(super) struct Mock {
    pub(super) mocked: Mocked,
    strictness: Option<Strictness>,
}

/// What the mocked work ends with.
pub(super) enum Mocked {
    Result(String),
    Error { error: Option<String>, cause: Option<String> },
}

impl Mock {
    pub(super) fn parse(mock: &Json) -> Result<Mock, Exception> {
        let strictness = match mock.get("fieldValidationMode").and_then(Json::as_str) {
            None | Some("STRICT") => Some(Strictness::Strict),
            Some("PRESENT") => Some(Strictness::Present),
            Some("NONE") => None,
            Some(other) => {
                return Err(Exception::validation(format!(
                    "1 validation error detected: Value '{other}' at 'mock.fieldValidationMode' failed to satisfy constraint: Member must satisfy enum value set: [STRICT, PRESENT, NONE]"
                )));
            }
        };
        let text = |json: Option<&Json>| json.and_then(Json::as_str).map(str::to_owned);
        let mocked =
            match (text(mock.get("result")), mock.get("errorOutput").filter(|error| error.is_object())) {
                (Some(result), None) => Mocked::Result(result),
                (None, Some(error)) => {
                    Mocked::Error { error: text(error.get("error")), cause: text(error.get("cause")) }
                }
                _ => {
                    return Err(Exception::validation(
                        "A test mock should have only one of the following fields: [result, errorOutput].",
                    ));
                }
            };
        Ok(Mock { mocked, strictness })
    }

    /// The mocked result, held against what such a state can get.
    pub(super) fn result(&self, text: &str, subject: &Subject) -> Result<Json, Exception> {
        let result = Json::parse_verbatim(text)
            .map_err(|_| Exception::validation("Mocked result must be valid JSON"))?;
        match subject.kind() {
            "Parallel" => {
                let Some(outputs) = result.as_array() else {
                    return Err(Exception::validation("Mocked result must be an array."));
                };
                let branches =
                    subject.definition.get("Branches").and_then(Json::as_array).map_or(0, <[Json]>::len);
                if outputs.len() != branches {
                    return Err(Exception::validation(
                        "Mocked result must contain the same number of items as number of Parallel branches.",
                    ));
                }
            }
            "Map" if subject.definition.get("ResultWriter").is_some() => {
                if !result.is_object() {
                    return Err(Exception::validation("Mocked result must be a JSON object."));
                }
            }
            "Map" => {
                if !result.is_array() {
                    return Err(Exception::validation("Mocked result must be an array."));
                }
            }
            _ => self.fits_api(&result, subject)?,
        }
        Ok(result)
    }

    /// Against the model of the API. A request of an API that has none here is let through.
    fn fits_api(&self, result: &Json, subject: &Subject) -> Result<(), Exception> {
        let Some(strictness) = self.strictness else { return Ok(()) };
        let Some((service, action)) = subject.requested_service() else { return Ok(()) };
        let Some(answer) = Answer::of(&service, &action) else { return Ok(()) };
        if !result.is_object() {
            return Err(Exception::validation("Mocked result must be a JSON object."));
        }
        match answer.fault(result, strictness) {
            Some(fault) => {
                Err(Exception::validation(format!("Mock result schema validation error: {fault}")))
            }
            None => Ok(()),
        }
    }
}
