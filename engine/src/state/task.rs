//! `Task`: request work from a function, an activity or a service, and continue with the result.
//!
//! Spec: <https://states-language.net/#task-state>

use crate::data::{Json, JsonataTemplate, Scope, Template};
use crate::fields::{DefinitionError, Fields, Language};
use crate::integration::Resource;
use crate::state::processing::{jsonata, template};
use crate::state::quantity::Quantity;
use crate::state::{Handlers, Processing, StateError, Step};
use crate::state::{StateIndices, Transition};

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) processing: Processing,
    pub(crate) handlers: Handlers,
    pub(crate) resource: Resource,
    timeout: Option<Quantity>,
    heartbeat: Option<Quantity>,
    credentials: Credentials,
    pub(crate) transition: Transition,
}

/// `Credentials`: shown in the history; the engine itself has no roles to take on.
#[derive(Debug)]
enum Credentials {
    Absent,
    JsonPath(Template),
    Jsonata(JsonataTemplate),
}

/// The task that a Task state schedules.
#[derive(Debug)]
pub(crate) struct TaskRequest {
    pub(crate) parameters: Json,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) heartbeat_seconds: Option<u64>,
    pub(crate) credentials: Option<Json>,
}

impl Task {
    pub(crate) fn enter(&self, cx: &Scope<'_>) -> Result<Step, StateError> {
        let selected = self.processing.select(cx)?;
        let timeout_seconds = positive(self.timeout.as_ref(), cx, &selected, "TimeoutSeconds")?;
        let heartbeat_seconds = positive(self.heartbeat.as_ref(), cx, &selected, "HeartbeatSeconds")?;
        let credentials = match &self.credentials {
            Credentials::Absent => None,
            Credentials::JsonPath(template) => Some(template.evaluate(&cx.with_input(&selected))?),
            Credentials::Jsonata(template) => Some(template.evaluate(cx, "Credentials")?),
        };
        let parameters = self.processing.arguments(cx)?;
        self.check_payload(&parameters)?;
        Ok(Step::ScheduleTask(TaskRequest { parameters, timeout_seconds, heartbeat_seconds, credentials }))
    }

    /// AWS starts no `lambda:invoke` whose `Payload` is a number.
    fn check_payload(&self, parameters: &Json) -> Result<(), StateError> {
        let invokes = matches!(&self.resource, Resource::Service(call) if call.is_lambda_invoke());
        match parameters.get("Payload") {
            Some(Json::Number(_)) if invokes => Err(StateError::runtime(format!(
                "The Parameters '{parameters}' could not be used to start the Task: [The value for the field \
                 'Payload' must be a STRING]"
            ))),
            _ => Ok(()),
        }
    }

    pub(crate) fn parse(
        fields: &Fields<'_>,
        language: Language,
        indices: &StateIndices<'_>,
    ) -> Result<Task, DefinitionError> {
        let credentials = match language {
            Language::JsonPath => template(fields, "Credentials")?.map(Credentials::JsonPath),
            Language::Jsonata => jsonata(fields, "Credentials")?.map(Credentials::Jsonata),
        };
        Ok(Task {
            processing: Processing::parse(fields, language)?,
            handlers: Handlers::parse(fields, language, indices)?,
            resource: Resource::parse(fields.text("Resource")?)
                .map_err(|message| fields.wrong("Resource", &message))?,
            timeout: Quantity::parse(fields, "TimeoutSeconds", "TimeoutSecondsPath", language)?,
            heartbeat: Quantity::parse(fields, "HeartbeatSeconds", "HeartbeatSecondsPath", language)?,
            credentials: credentials.unwrap_or(Credentials::Absent),
            transition: indices.transition(fields)?,
        })
    }
}

fn positive(
    quantity: Option<&Quantity>,
    cx: &Scope<'_>,
    input: &Json,
    field: &str,
) -> Result<Option<u64>, StateError> {
    let Some(quantity) = quantity else { return Ok(None) };
    let whole = quantity.whole(cx, input)?;
    match u64::try_from(whole) {
        Ok(seconds) if seconds > 0 => Ok(Some(seconds)),
        _ => Err(quantity.refuse(format!("{field} must be a positive integer but was: {whole}"))),
    }
}
