//! Tasks that the engine itself does: nested executions, and calls of its own API.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::active::ActiveExecution;
use super::{Engine, Inner, NewExecution, TaskFailure};
use crate::data::{Json, Random, timestamp};
use crate::execution::{Caller, Command, Reported};
use crate::integration::{Pattern, ServiceCall, closed_result, described, started_result, sync_result};
use crate::protocol::{Exception, TaskCall};

/// Tasks that wait for the end of another execution, by its ARN.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<HashMap<Arc<str>, Vec<Watcher>>>);

struct Watcher {
    active: Arc<ActiveExecution>,
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
    /// Performs a call that a Task makes to the engine itself.
    pub(super) async fn call_own_api(
        self: &Arc<Inner>,
        active: &ActiveExecution,
        task: u64,
        call: &ServiceCall,
        parameters: &Json,
    ) -> Result<Json, TaskFailure> {
        let is_sdk = call.service.starts_with("aws-sdk:");
        let request_id = Random::from_text(&format!("{} {task}", active.identity.arn)).uuid();
        let returned = match TaskCall::read(&call.action, parameters) {
            Ok(call) => self.perform_call(active, task, call, &request_id, is_sdk).await,
            Err(refused) => Err(refused),
        };
        returned.map_err(|exception| {
            let Exception { name, message, .. } = exception;
            let class = name.strip_suffix("Exception").unwrap_or(name);
            let (error, cause) = if is_sdk {
                (
                    format!("Sfn.{class}Exception"),
                    format!(
                        "{message} (Service: Sfn, Status Code: 400, Request ID: {request_id}) (SDK Attempt Count: 1)"
                    ),
                )
            } else {
                (
                    format!("StepFunctions.{class}Exception"),
                    format!(
                        "{message} (Service: AWSStepFunctions; Status Code: 400; Error Code: {name}; Request ID: {request_id}; Proxy: null)"
                    ),
                )
            };
            TaskFailure { error, cause }
        })
    }

    async fn perform_call(
        self: &Arc<Inner>,
        active: &ActiveExecution,
        task: u64,
        call: TaskCall,
        request_id: &str,
        is_sdk: bool,
    ) -> Result<Json, Exception> {
        let engine = Engine(Arc::clone(self));
        match call {
            TaskCall::Start(new) => self.start_nested(active, task, new, request_id, is_sdk).await,
            TaskCall::StartSync(new) => {
                let ended = engine.start_sync_execution(new).await?;
                Ok(sync_result(&ended, timestamp::from_millis))
            }
            TaskCall::Stop { execution_arn, error, cause } => {
                let stopped = engine.stop_execution(&execution_arn, error, cause).await?;
                Ok(Json::object([("StopDate", timestamp::from_millis(stopped))]))
            }
            TaskCall::Describe { execution_arn } => {
                let description = engine.describe_execution(&execution_arn).await?;
                Ok(described(&description, timestamp::from_millis, |payload| {
                    Json::string(payload.verbatim())
                }))
            }
            TaskCall::Report { token, report } => {
                engine.report_task(&token, report).await?;
                Ok(Json::empty_object())
            }
        }
    }

    async fn start_nested(
        self: &Arc<Inner>,
        active: &ActiveExecution,
        task: u64,
        new: NewExecution,
        request_id: &str,
        is_sdk: bool,
    ) -> Result<Json, Exception> {
        let caller = Caller { execution: active.identity.number, task };
        // The name is the same after a crash, so that the task finds the execution it started.
        let name = Some(new.name.unwrap_or_else(|| request_id.to_owned()));
        let child = self.start(NewExecution { name, ..new }, Some(caller)).await?;
        let identity = &child.identity;
        if is_sdk {
            return Ok(Json::object([
                ("ExecutionArn", Json::String(Arc::clone(&identity.arn))),
                ("StartDate", timestamp::from_millis(identity.start)),
            ]));
        }
        Ok(started_result(&identity.arn, identity.start, request_id, self.config.clock.now_millis()))
    }

    /// Lets a task wait for the end of an execution, which may have ended already.
    pub(super) fn watch(
        self: &Arc<Inner>,
        active: &Arc<ActiveExecution>,
        task: u64,
        arn: &Arc<str>,
        pattern: Pattern,
    ) {
        self.watchers.add(arn, Watcher { active: Arc::clone(active), task, pattern });
        if self.executions.by_arn(arn).is_none() {
            self.notify_watchers(arn);
        }
    }

    /// Reports the end of an execution, which is stored, to the tasks that wait for it.
    pub(super) fn notify_watchers(self: &Arc<Inner>, arn: &Arc<str>) {
        let watchers = self.watchers.take(arn);
        if watchers.is_empty() {
            return;
        }
        let (engine, arn) = (Arc::clone(self), Arc::clone(arn));
        self.runtime.spawn(async move {
            let described = engine.find_execution(&arn).map(|row| engine.describe(row));
            for Watcher { active, task, pattern } in watchers {
                let report = match &described {
                    Ok(Some(child)) => closed_result(pattern, child).map_err(|cause| Reported {
                        error: Some("States.TaskFailed".into()),
                        cause: Some(cause.to_text().into()),
                    }),
                    Ok(None) | Err(_) => Err(Reported {
                        error: Some("States.TaskFailed".into()),
                        cause: Some("The nested execution is gone".into()),
                    }),
                };
                engine.apply(&active, Command::TaskReported { task, report }).await;
            }
        });
    }
}
