//! Acting on stored records: invoking tasks, starting and stopping executions.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::active::{ActiveExecution, FollowUp};
use super::{Call, Inner, Job, Secrets, TaskFailure, Traced};
use crate::data::Json;
use crate::execution::{Action, Command, Invocation, Outcome, Reported, SubmittedJob, Target};

impl Inner {
    /// Acts on a stored record.
    pub(super) fn act(self: &Arc<Inner>, active: &Arc<ActiveExecution>, follow_up: FollowUp) {
        let FollowUp { sequence, actions, next_tick, opened, closed, more, logged } = follow_up;
        if let Some(logged) = logged {
            self.log(active, &logged);
        }
        if opened || closed.is_some() {
            self.observe(active, opened, closed.as_ref());
        }
        for action in actions {
            self.perform(active, action);
        }
        if let Some(due) = next_tick {
            self.timers.set(due, active.identity.number);
        }
        if let Some(outcome) = &closed {
            self.leave(active, outcome);
        }
        active.mark_stored(sequence, closed.is_some());
        if more {
            self.continue_later(active);
        }
    }

    /// Performs one action.
    pub(super) fn perform(self: &Arc<Inner>, active: &Arc<ActiveExecution>, action: Action) {
        match action {
            Action::Invoke(invocation) => self.start_invocation(active, invocation),
            Action::CancelTask { task } => {
                active.host_calls.abort(task);
                self.activities.withdraw(active.identity.number, task);
            }
            Action::StartChild(start) => {
                let (engine, active) = (Arc::clone(self), Arc::clone(active));
                self.runtime.spawn(async move { engine.start_child(&active, start).await });
            }
            Action::ReadItems { run, page, request, position } => {
                self.read_items(active, (run, page), request, position);
            }
            Action::WriteResults(export) => self.write_results(active, export),
            Action::StopJob(job) => self.stop_job(active, job),
            Action::StopExecution { arn, cause } => {
                if let Some(child) = self.executions.by_arn(&arn) {
                    let engine = Arc::clone(self);
                    let stop = Command::Stop { error: None, cause };
                    self.runtime.spawn(async move { engine.apply(&child, stop).await });
                }
            }
        }
    }

    fn start_invocation(self: &Arc<Inner>, active: &Arc<ActiveExecution>, invocation: Invocation) {
        if let Some(mocked) = &active.mocked
            && self.answer_by_mock(active, mocked, &invocation)
        {
            return;
        }
        let Invocation { task, target, timeout_seconds } = invocation;
        match target {
            Target::Host { service, action, parameters } => {
                let call = call_of(active, &service, &action, parameters, timeout_seconds);
                self.invoke_host(active, task, call);
            }
            Target::Activity { arn, input } => {
                self.activities.offer(&arn, active.identity.number, task, input);
            }
            Target::Engine { call, parameters } => {
                let (engine, active) = (Arc::clone(self), Arc::clone(active));
                self.runtime.spawn(async move {
                    let result = engine.call_own_api(&active, task, &call, &parameters).await;
                    engine.apply(&active, Command::TaskReturned { task, result }).await;
                });
            }
            Target::Watch { arn, pattern } => self.watch(active, task, &arn, pattern),
            Target::Job(job) => self.finish_job(active, task, job, timeout_seconds),
        }
    }

    /// Invokes the host; a panic there is a failure of the task.
    pub(super) async fn invoke(&self, call: Call) -> Result<Json, TaskFailure> {
        let invoked = AssertUnwindSafe(async { self.config.invoker.invoke(call).await }).catch_unwind().await;
        invoked.unwrap_or_else(|_| Err(panicked()))
    }

    /// The same, with what an HTTP Task sent and received.
    pub(super) async fn invoke_traced(&self, call: Call, secrets: Secrets) -> Traced {
        let traced = AssertUnwindSafe(async { self.config.invoker.invoke_traced(call, secrets).await });
        let traced = traced.catch_unwind().await;
        traced.unwrap_or_else(|_| Traced { result: Err(panicked()), exchange: None })
    }

    fn invoke_host(self: &Arc<Inner>, active: &Arc<ActiveExecution>, task: u64, call: Call) {
        let (engine, execution) = (Arc::clone(self), Arc::clone(active));
        let invocation = async move {
            let result = engine.invoke(call).await;
            execution.host_calls.ended(task);
            engine.apply(&execution, Command::TaskReturned { task, result }).await;
        };
        active.host_calls.began(task, self.runtime.spawn(invocation).abort_handle());
    }

    /// Waits for the end of a job of the host; a panic there is a failure of the task.
    fn finish_job(
        self: &Arc<Inner>,
        active: &Arc<ActiveExecution>,
        task: u64,
        job: SubmittedJob,
        timeout_seconds: Option<u64>,
    ) {
        let (engine, execution) = (Arc::clone(self), Arc::clone(active));
        let job = job_of(active, job, timeout_seconds);
        let waiting = async move {
            let ended = AssertUnwindSafe(async { engine.config.invoker.finish_job(job).await });
            let ended = ended.catch_unwind().await.unwrap_or_else(|_| Err(panicked()));
            let report = ended.map_err(|failure| Reported {
                error: Some(failure.error.into()),
                cause: Some(failure.cause.into()),
            });
            execution.host_calls.ended(task);
            engine.apply(&execution, Command::TaskReported { task, report }).await;
        };
        active.host_calls.began(task, self.runtime.spawn(waiting).abort_handle());
    }

    fn stop_job(self: &Arc<Inner>, active: &Arc<ActiveExecution>, job: SubmittedJob) {
        let (engine, job) = (Arc::clone(self), job_of(active, job, None));
        self.runtime.spawn(async move { engine.config.invoker.stop_job(job).await });
    }

    /// Takes an execution whose end is stored out of memory, and notifies those who wait for it.
    fn leave(self: &Arc<Inner>, active: &Arc<ActiveExecution>, outcome: &Outcome) {
        self.executions.remove(active);
        if let Some(child) = &active.identity.map_child
            && let Some(parent) = self.executions.by_number(child.parent)
        {
            let command =
                Command::ChildClosed { run: child.run, index: child.index, outcome: outcome.clone() };
            let engine = Arc::clone(self);
            self.runtime.spawn(async move { engine.apply(&parent, command).await });
        }
        self.notify_watchers(&active.identity.arn);
    }
}

fn job_of(active: &ActiveExecution, job: SubmittedJob, timeout_seconds: Option<u64>) -> Job {
    let SubmittedJob { service, action, parameters, submitted } = job;
    Job { call: call_of(active, &service, &action, parameters, timeout_seconds), submitted }
}

/// A call of a service on behalf of an execution.
fn call_of(
    active: &ActiveExecution,
    service: &str,
    action: &str,
    parameters: Json,
    timeout_seconds: Option<u64>,
) -> Call {
    Call {
        service: service.to_owned(),
        action: action.to_owned(),
        parameters,
        execution_arn: active.identity.arn.to_string(),
        timeout: timeout_seconds.map(Duration::from_secs),
    }
}

fn panicked() -> TaskFailure {
    TaskFailure { error: "Runtime.Unknown".to_owned(), cause: "The task panicked".to_owned() }
}
