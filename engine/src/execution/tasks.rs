//! Tasks: scheduling them, and applying their results, reports, heartbeats and time-outs.

use std::sync::Arc;

use super::branch::Work;
use super::open_task::{OpenTask, Phase, Watched};
use super::run::Progress;
use super::timers::Timer;
use super::{Action, Execution, MAX_PAYLOAD_BYTES, Reported};
use crate::data::{Json, Object};
use crate::history::{Detail, Details, EventType, Field};
use crate::integration::{Pattern, Resource, ServiceCall, json_metadata, lambda_envelope};
use crate::model::TaskFailure;
use crate::state::{State, StateError, TaskRequest};

impl Execution {
    /// The token that the next task gets, if the state's parameters may hold it.
    pub(super) fn preview_token(&self, state: &State) -> Option<String> {
        match state.resource() {
            Some(Resource::Service(call)) if call.pattern != Pattern::Request => {
                Some(self.identity.token(self.last_task + 1).to_string())
            }
            _ => None,
        }
    }

    /// The name of the state that a task belongs to, and what the state waits for.
    pub(crate) fn task_state(&self, key: u64) -> Option<(Arc<str>, Pattern)> {
        let task = self.tasks.get(&key)?;
        let pattern = match task.resource() {
            Resource::Service(call) => call.pattern,
            Resource::Function { .. } | Resource::Activity { .. } => Pattern::Request,
        };
        Some((Arc::clone(&task.state.name), pattern))
    }

    /// Schedules a task.
    pub(super) fn schedule_task(&mut self, id: usize, state: &Arc<State>, request: TaskRequest) -> Progress {
        let TaskRequest { parameters, timeout_seconds, heartbeat_seconds, credentials } = request;
        let parameters = match state.resource() {
            Some(Resource::Service(call)) => call.sent(parameters),
            _ => parameters,
        };
        if parameters.serialized_len() > MAX_PAYLOAD_BYTES {
            return self.fail(id, state, StateError::data_limit(&state.name));
        }
        self.last_task += 1;
        let key = self.last_task;
        let task = OpenTask {
            branch: id,
            state: Arc::clone(state),
            phase: Phase::Scheduled,
            parameters,
            timeout_seconds,
            timeout: timeout_seconds
                .map(|seconds| self.timers.set(self.after(seconds), Timer::Timeout { task: key })),
            heartbeat_seconds,
            heartbeat: heartbeat_seconds
                .map(|seconds| self.timers.set(self.after(seconds), Timer::Heartbeat { task: key })),
            early: None,
        };
        let resource = task.resource();
        let events = resource.events();
        let mut details: Details = Vec::with_capacity(7);
        match resource {
            Resource::Function { arn } | Resource::Activity { arn } => {
                details.push((Field::Input, Detail::Data(task.parameters.clone())));
                details.push((Field::Resource, Detail::Text(Arc::clone(arn))));
            }
            Resource::Service(call) => {
                details.push((Field::Parameters, Detail::Data(task.parameters.clone())));
                details.push((Field::Region, Detail::Text(Arc::clone(&self.identity.region))));
                details.extend(service_details(call));
            }
        }
        details.extend(timeout_seconds.map(|seconds| (Field::TimeoutInSeconds, Detail::Number(seconds))));
        details.extend(heartbeat_seconds.map(|seconds| (Field::HeartbeatInSeconds, Detail::Number(seconds))));
        if let Some(role_arn) = credentials.as_ref().and_then(|credentials| credentials.get("RoleArn")) {
            let shown = Json::object([("roleArn", role_arn.clone())]);
            details.push((Field::TaskCredentials, Detail::Members(shown)));
        }
        let started = match resource {
            Resource::Activity { .. } => None,
            Resource::Function { .. } => Some(Vec::new()),
            Resource::Service(call) => Some(service_details(call).to_vec()),
        };
        self.actions.push(Action::Invoke(task.invocation(key)));
        self.tasks.insert(key, task);
        self.branch_mut(id).work = Work::Task(key);
        self.emit(id, events.scheduled, details);
        if let Some(details) = started {
            self.emit(id, events.started, details);
        }
        Progress::Suspend
    }

    /// Applies the result of a call.
    pub(super) fn task_returned(&mut self, key: u64, result: &Result<Json, TaskFailure>) -> bool {
        let Some(task) = self.tasks.get(&key).filter(|task| task.phase == Phase::Scheduled) else {
            return false;
        };
        let pattern = match task.resource() {
            Resource::Service(call) => call.pattern,
            _ => Pattern::Request,
        };
        match result {
            Err(failure) => {
                let failed =
                    StateError::reported(Some((&*failure.error).into()), Some((&*failure.cause).into()));
                self.task_failed(key, failed);
            }
            Ok(json) => {
                let json = self.as_shown(key, json);
                match pattern {
                    Pattern::Request => self.task_succeeded(key, json),
                    Pattern::Callback | Pattern::Sync | Pattern::Sync2 => {
                        self.task_submitted(key, pattern, json)
                    }
                }
            }
        }
        true
    }

    /// The result of a call as the integration shows it.
    fn as_shown(&self, key: u64, result: &Json) -> Json {
        let Some(task) = self.tasks.get(&key) else { return result.clone() };
        let Resource::Service(call) = task.resource() else { return result.clone() };
        if call.is_lambda_invoke() {
            return lambda_envelope(&task.parameters, result.clone(), &self.random.uuid(), self.now);
        }
        let is_plain = !call.service.starts_with("aws-sdk:") && result.get("SdkHttpMetadata").is_none();
        match result.as_object() {
            Some(members) if is_plain => {
                let request_id = self.random.uuid();
                let metadata = json_metadata(&request_id, self.now, result.serialized_len());
                let mut members: Object = members.clone();
                members.insert("SdkHttpMetadata", metadata);
                members.insert("SdkResponseMetadata", Json::object([("RequestId", Json::from(request_id))]));
                Json::from(members)
            }
            _ => result.clone(),
        }
    }

    fn task_submitted(&mut self, key: u64, pattern: Pattern, result: Json) {
        let Some(task) = self.tasks.get_mut(&key) else { return };
        let is_own = matches!(task.resource(), Resource::Service(call) if call.is_own());
        let watched = match pattern {
            // A report with the token was faster than the job.
            Pattern::Sync | Pattern::Sync2 if !is_own && task.early.is_some() => None,
            Pattern::Sync | Pattern::Sync2 if !is_own => Some(Watched::Job(result.clone())),
            Pattern::Sync | Pattern::Sync2 => {
                let arn = result.get("ExecutionArn").and_then(Json::as_str);
                arn.map(|arn| Watched::Execution(arn.into()))
            }
            Pattern::Request | Pattern::Callback => None,
        };
        task.phase = Phase::Submitted { watched };
        let watching = match &task.phase {
            Phase::Submitted { watched: Some(watched) } => task.watch(key, watched),
            _ => None,
        };
        self.actions.extend(watching.map(Action::Invoke));
        let early = task.early.take();
        let (id, mut details) = (task.branch, vec![(Field::Output, Detail::Data(result))]);
        if let Resource::Service(call) = task.resource() {
            details.extend(service_details(call));
        }
        self.emit(id, EventType::TaskSubmitted, details);
        if let Some(report) = early {
            self.take_report(key, &report);
        }
    }

    fn task_succeeded(&mut self, key: u64, output: Json) {
        let Some(task) = self.tasks.get(&key) else { return };
        if output.serialized_len() > MAX_PAYLOAD_BYTES {
            let name = match task.resource() {
                Resource::Function { arn } | Resource::Activity { arn } => Arc::clone(arn),
                Resource::Service(call) => Arc::clone(&call.service),
            };
            return self.task_failed(key, StateError::result_limit(&name));
        }
        let Some(task) = self.close_task(key) else { return };
        let mut details: Details = vec![(Field::Output, Detail::Data(output.clone()))];
        if let Resource::Service(call) = task.resource() {
            details.extend(service_details(call));
        }
        let id = task.branch;
        self.emit(id, task.resource().events().succeeded, details);
        self.branch_mut(id).work = Work::Again;
        if self.reply(id, &task.state, output) == Progress::Continue {
            self.make_ready(id);
        }
    }

    fn task_failed(&mut self, key: u64, error: StateError) {
        let Some(task) = self.close_task(key) else { return };
        let event = task.resource().events().failed;
        self.end_task_with(task, event, error);
    }

    fn end_task_with(&mut self, task: OpenTask, event: EventType, error: StateError) {
        let mut details = error.details();
        if let Resource::Service(call) = task.resource() {
            details.extend(service_details(call));
        }
        let id = task.branch;
        self.emit(id, event, details);
        self.branch_mut(id).work = Work::Again;
        if self.fail(id, &task.state, error) == Progress::Continue {
            self.make_ready(id);
        }
    }

    pub(super) fn task_timed_out(&mut self, key: u64) {
        let invokes = self.tasks.get(&key).is_some_and(|task| match task.resource() {
            Resource::Service(call) => call.is_lambda_invoke(),
            Resource::Function { .. } | Resource::Activity { .. } => false,
        });
        self.expire_task(key, if invokes { StateError::invoke_timeout() } else { StateError::timeout() });
    }

    pub(super) fn heartbeat_missed(&mut self, key: u64) {
        self.expire_task(key, StateError::heartbeat());
    }

    fn expire_task(&mut self, key: u64, error: StateError) {
        let Some(task) = self.close_task(key) else { return };
        self.cancel_work_on(key, &task);
        let event = task.resource().events().timed_out;
        self.end_task_with(task, event, error);
    }

    /// Hands an activity's task to a worker.
    pub(super) fn task_taken(&mut self, key: u64, worker: Option<&Arc<str>>) -> bool {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(&key) else { return false };
        if task.phase != Phase::Scheduled || !matches!(task.resource(), Resource::Activity { .. }) {
            return false;
        }
        task.phase = Phase::Taken;
        let (id, started) = (task.branch, task.resource().events().started);
        // Heartbeats are due from a worker only.
        if let (Some(seconds), Some(timer)) = (task.heartbeat_seconds, task.heartbeat.take()) {
            self.timers.cancel(timer);
            let due = now.saturating_add(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX));
            task.heartbeat = Some(self.timers.set(due, Timer::Heartbeat { task: key }));
        }
        let details =
            worker.map(|worker| (Field::WorkerName, Detail::Text(Arc::clone(worker)))).into_iter().collect();
        self.emit(id, started, details);
        true
    }

    /// Restarts the heartbeat time-out of a task.
    pub(super) fn task_heartbeat(&mut self, key: u64) -> bool {
        if !self.takes_reports(key) {
            return false;
        }
        let due =
            self.tasks.get(&key).and_then(|task| task.heartbeat_seconds).map(|seconds| self.after(seconds));
        if let (Some(due), Some(task)) = (due, self.tasks.get_mut(&key)) {
            if let Some(timer) = task.heartbeat.take() {
                self.timers.cancel(timer);
            }
            task.heartbeat = Some(self.timers.set(due, Timer::Heartbeat { task: key }));
        }
        true
    }

    /// Whether a worker, a callback or the end of a job may report on a task.
    pub(crate) fn takes_reports(&self, key: u64) -> bool {
        self.tasks.get(&key).is_some_and(|task| match (&task.phase, task.resource()) {
            (Phase::Taken | Phase::Submitted { .. }, _) => true,
            // A report with the token may arrive before the call that carried the token has returned.
            (Phase::Scheduled, Resource::Service(call)) => {
                call.pattern != Pattern::Request && task.early.is_none()
            }
            (Phase::Scheduled, _) => false,
        })
    }

    /// Applies a report on a task.
    pub(super) fn task_reported(&mut self, key: u64, report: &Result<Json, Reported>) -> bool {
        if !self.takes_reports(key) {
            return false;
        }
        if let Some(task) = self.tasks.get_mut(&key).filter(|task| task.phase == Phase::Scheduled) {
            // It is applied after the event of the submission.
            task.early = Some(report.clone());
        } else {
            self.take_report(key, report);
        }
        true
    }

    fn take_report(&mut self, key: u64, report: &Result<Json, Reported>) {
        match report {
            Ok(output) => self.task_succeeded(key, output.clone()),
            Err(reported) => {
                self.task_failed(key, StateError::reported(reported.error.clone(), reported.cause.clone()));
            }
        }
    }

    /// Cancels a task whose result is not wanted any more.
    pub(super) fn cancel_task(&mut self, key: u64) {
        if let Some(task) = self.close_task(key) {
            self.cancel_work_on(key, &task);
        }
    }

    /// Stops the work on a task as far as that is possible.
    fn cancel_work_on(&mut self, key: u64, task: &OpenTask) {
        self.actions.push(Action::CancelTask { task: key });
        self.actions.extend(task.job().map(Action::StopJob));
        if let Phase::Submitted { watched: Some(Watched::Execution(arn)) } = &task.phase {
            let cause = format!(
                "The Task state in AWS Step Functions execution [{}] which was managing this resource was aborted",
                self.identity.arn
            );
            self.actions.push(Action::StopExecution { arn: Arc::clone(arn), cause: Some(cause.into()) });
        }
    }

    fn close_task(&mut self, key: u64) -> Option<OpenTask> {
        let task = self.tasks.remove(&key)?;
        for timer in [task.timeout, task.heartbeat].into_iter().flatten() {
            self.timers.cancel(timer);
        }
        Some(task)
    }
}

fn service_details(call: &ServiceCall) -> [(Field, Detail); 2] {
    [
        (Field::Resource, Detail::Text(Arc::clone(&call.shown))),
        (Field::ResourceType, Detail::Text(Arc::clone(&call.service))),
    ]
}
