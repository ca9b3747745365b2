//! What the engine itself does for a Task: nested executions, and calls of its own API.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::cell::Cell;
use super::{Engine, Inner, NewExecution, TaskFailure, TaskReport};
use crate::data::{Json, Random};
use crate::execution::{Caller, Reported, Stimulus};
use crate::integration::{NestedRequest, Pattern, ServiceCall, closed_answer, described, started_answer};
use crate::service::Exception;

/// Tasks that wait for the end of another execution, by its ARN.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<HashMap<Arc<str>, Vec<Watcher>>>);

struct Watcher {
    cell: Arc<Cell>,
    task: u64,
    pattern: Pattern,
}

impl Watchers {
    fn add(&self, arn: &Arc<str>, watcher: Watcher) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(Arc::clone(arn))
            .or_default()
            .push(watcher);
    }

    fn take(&self, arn: &str) -> Vec<Watcher> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(arn).unwrap_or_default()
    }
}

impl Inner {
    /// Answers a call that a Task makes to the engine itself.
    pub(super) async fn do_own(
        self: &Arc<Inner>,
        cell: &Cell,
        task: u64,
        call: &ServiceCall,
        parameters: &Json,
    ) -> Result<Json, TaskFailure> {
        let is_sdk = call.service.starts_with("aws-sdk:");
        let request_id = Random::from_text(&format!("{} {task}", cell.identity.arn)).uuid();
        let answered = match &*call.action {
            "startExecution" => self.start_nested(cell, task, parameters, &request_id, is_sdk).await,
            _ => self.call_api(&call.action, parameters).await,
        };
        answered.map_err(|exception| {
            let Exception { name, message, .. } = exception;
            let (error, cause) = if is_sdk {
                (
                    format!("Sfn.{name}Exception"),
                    format!(
                        "{message} (Service: Sfn, Status Code: 400, Request ID: {request_id}) (SDK Attempt Count: 1)"
                    ),
                )
            } else {
                (
                    format!("StepFunctions.{name}Exception"),
                    format!(
                        "{message} (Service: AWSStepFunctions; Status Code: 400; Error Code: {name}; Request ID: {request_id}; Proxy: null)"
                    ),
                )
            };
            TaskFailure { error, cause }
        })
    }

    async fn start_nested(
        self: &Arc<Inner>,
        cell: &Cell,
        task: u64,
        parameters: &Json,
        request_id: &str,
        is_sdk: bool,
    ) -> Result<Json, Exception> {
        let request = NestedRequest::read(parameters).map_err(Exception::validation)?;
        let caller = Caller { execution: cell.identity.number, task };
        let new = NewExecution {
            state_machine_arn: request.state_machine_arn,
            // Asked again after a crash, the task must come upon what it started.
            name: Some(request.name.unwrap_or_else(|| request_id.to_owned())),
            input: request.input,
            trace_header: None,
        };
        let child = self.start(new, Some(caller)).await?;
        let identity = &child.identity;
        if is_sdk {
            return Ok(Json::object([
                ("ExecutionArn", Json::String(Arc::clone(&identity.arn))),
                ("StartDate", moment(identity.start)),
            ]));
        }
        Ok(started_answer(&identity.arn, identity.start, request_id, self.config.clock.now_millis()))
    }

    /// The calls of `aws-sdk:sfn` that answer about tasks and executions.
    async fn call_api(self: &Arc<Inner>, action: &str, parameters: &Json) -> Result<Json, Exception> {
        let engine = Engine(Arc::clone(self));
        let text = |name: &str| parameters.get(name).and_then(Json::as_str).map(str::to_owned);
        let needed = |name: &str| {
            text(name).ok_or_else(|| {
                Exception::validation(format!("1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"))
            })
        };
        match action {
            "sendTaskSuccess" => {
                let output = match parameters.get("Output") {
                    Some(Json::String(text)) => {
                        Json::parse(text).unwrap_or_else(|_| Json::String(Arc::clone(text)))
                    }
                    Some(output) => output.clone(),
                    None => Json::Null,
                };
                engine.report_task(&needed("TaskToken")?, TaskReport::Success(output)).await?;
            }
            "sendTaskFailure" => {
                let report = TaskReport::Failure { error: text("Error"), cause: text("Cause") };
                engine.report_task(&needed("TaskToken")?, report).await?;
            }
            "sendTaskHeartbeat" => engine.report_task(&needed("TaskToken")?, TaskReport::Heartbeat).await?,
            "stopExecution" => {
                let stopped =
                    engine.stop_execution(&needed("ExecutionArn")?, text("Error"), text("Cause")).await?;
                return Ok(Json::object([("StopDate", moment(stopped))]));
            }
            _ => {
                let description = engine.describe_execution(&needed("ExecutionArn")?).await?;
                return Ok(described(&description, moment, |payload| Json::from(payload.to_text())));
            }
        }
        Ok(Json::empty_object())
    }

    /// A task waits for the end of an execution, which may have come already.
    pub(super) fn watch(self: &Arc<Inner>, cell: &Arc<Cell>, task: u64, arn: &Arc<str>, pattern: Pattern) {
        self.watchers.add(arn, Watcher { cell: Arc::clone(cell), task, pattern });
        if self.active.by_arn(arn).is_none() {
            self.tell(arn);
        }
    }

    /// An execution has ended and is stored.
    pub(super) fn tell_watchers(self: &Arc<Inner>, cell: &Cell) {
        self.tell(&cell.identity.arn);
    }

    fn tell(self: &Arc<Inner>, arn: &Arc<str>) {
        let watchers = self.watchers.take(arn);
        if watchers.is_empty() {
            return;
        }
        let (engine, arn) = (Arc::clone(self), Arc::clone(arn));
        self.runtime.spawn(async move {
            let described = engine.find_execution(&arn).map(|row| engine.describe(row));
            for Watcher { cell, task, pattern } in watchers {
                let report = match &described {
                    Ok(Some(child)) => closed_answer(pattern, child).map_err(|cause| Reported {
                        error: Some("States.TaskFailed".into()),
                        cause: Some(cause.to_text().into()),
                    }),
                    Ok(None) | Err(_) => Err(Reported {
                        error: Some("States.TaskFailed".into()),
                        cause: Some("The nested execution is gone".into()),
                    }),
                };
                engine.feed(&cell, Stimulus::Reported { task, report });
            }
        });
    }
}

fn moment(millis: i64) -> Json {
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Json::from(crate::data::timestamp::format(moment))
}
