//! What TestState is asked, and what it refuses.

use super::mock::{Mock, Mocked};
use crate::data::{Json, Object};
use crate::protocol::{Exception, MAX_PAYLOAD, Request, payload};
use crate::validation::MAX_DEFINITION_LENGTH;

/// How much of the way is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Info,
    Debug,
    Trace,
}

/// The members of a request.
pub(super) struct TestRequest {
    pub(super) definition: String,
    pub(super) role_arn: Option<String>,
    pub(super) input: Json,
    pub(super) state_name: Option<String>,
    pub(super) variables: Object,
    pub(super) context: Option<Json>,
    pub(super) level: Level,
    pub(super) reveal_secrets: bool,
    pub(super) mock: Option<Mock>,
    pub(super) configuration: Configuration,
}

/// `stateConfiguration`
#[derive(Default)]
pub(super) struct Configuration {
    pub(super) retrier_retry_count: Option<u64>,
    pub(super) error_caused_by_state: Option<String>,
    pub(super) map_iteration_failure_count: Option<u64>,
    pub(super) map_item_reader_data: Option<String>,
}

impl TestRequest {
    pub(super) fn parse(request: &mut Request) -> Result<TestRequest, Exception> {
        let definition = request.required_text("definition", 1, MAX_DEFINITION_LENGTH);
        let role_arn = request.text("roleArn", 1, 256);
        let input = request.text("input", 0, MAX_PAYLOAD);
        let state_name = request.text("stateName", 1, 80);
        let variables = request.text("variables", 0, MAX_PAYLOAD);
        let context = request.text("context", 0, MAX_PAYLOAD);
        let level = request.word("inspectionLevel", &["INFO", "DEBUG", "TRACE"]);
        let reveal_secrets = request.flag("revealSecrets").unwrap_or(false);
        let mock = request.object("mock");
        let configuration = request.object("stateConfiguration");
        request.check()?;
        let input = match input.as_deref() {
            None => Json::empty_object(),
            Some(text) => payload(text, "InvalidExecutionInput", "Invalid State Machine Execution Input")?,
        };
        let test = TestRequest {
            definition,
            role_arn,
            input,
            state_name,
            variables: parse_variables(variables.as_deref())?,
            context: context.as_deref().map(super::context::parse).transpose()?,
            level: match level.as_deref() {
                Some("DEBUG") => Level::Debug,
                Some("TRACE") => Level::Trace,
                _ => Level::Info,
            },
            reveal_secrets,
            mock: mock.as_ref().map(Mock::parse).transpose()?,
            configuration: configuration.as_ref().map(Configuration::parse).transpose()?.unwrap_or_default(),
        };
        test.check()?;
        Ok(test)
    }

    /// Members that do not go together.
    fn check(&self) -> Result<(), Exception> {
        if self.mock.is_none() {
            let configuration = &self.configuration;
            for (given, name) in [
                (configuration.map_iteration_failure_count.is_some(), "MapIterationFailureCount"),
                (configuration.retrier_retry_count.is_some(), "RetrierRetryCount"),
                (configuration.error_caused_by_state.is_some(), "ErrorCausedByState"),
                (configuration.map_item_reader_data.is_some(), "MapItemReaderData"),
            ] {
                if given {
                    return Err(Exception::validation(format!(
                        "TestState does not support {name} when a mock is not specified."
                    )));
                }
            }
        } else if self.reveal_secrets {
            return Err(Exception::validation(
                "TestState does not support RevealSecrets when a mock is specified.",
            ));
        }
        if self.configuration.error_caused_by_state.is_some()
            && !matches!(self.mock, Some(Mock { mocked: Mocked::Error { .. }, .. }))
        {
            return Err(Exception::validation(
                "ErrorCausedByState can only be specified together with a mocked errorOutput.",
            ));
        }
        Ok(())
    }
}

impl Configuration {
    fn parse(configuration: &Json) -> Result<Configuration, Exception> {
        let count = |name: &str| {
            match configuration.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| {
                Exception::validation(format!(
                    "1 validation error detected: Value '{value}' at 'stateConfiguration.{name}' failed to satisfy constraint: Member must have value greater than or equal to 0"
                ))
            }),
        }
        };
        let text = |name: &str| configuration.get(name).and_then(Json::as_str).map(str::to_owned);
        Ok(Configuration {
            retrier_retry_count: count("retrierRetryCount")?,
            error_caused_by_state: text("errorCausedByState"),
            map_iteration_failure_count: count("mapIterationFailureCount")?,
            map_item_reader_data: text("mapItemReaderData"),
        })
    }
}

fn parse_variables(text: Option<&str>) -> Result<Object, Exception> {
    let Some(text) = text else { return Ok(Object::new()) };
    match Json::parse(text) {
        Ok(Json::Object(object)) => Ok(Object::clone(&object)),
        _ => Err(Exception::validation("Variables must be a valid JSON object")),
    }
}
