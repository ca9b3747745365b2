//! Tasks: asking for them, and what their answers, reports, heartbeats and deadlines do.

use std::sync::Arc;

use super::strand::Work;
use super::task::{OpenTask, Phase};
use super::timers::Timer;
use super::{Action, Execution, PAYLOAD_LIMIT, Reported};
use crate::data::{Json, Object};
use crate::engine::TaskFailure;
use crate::engine::TaskToken;
use crate::history::{Detail, Details, EventType, Field};
use crate::integration::{Pattern, Resource, ServiceCall, json_metadata, lambda_envelope};
use crate::state::{State, StateError, TaskRequest};

impl Execution {
    /// The token that the next task gets, if the state's parameters may hold it.
    pub(super) fn preview_token(&self, state: &State) -> Option<String> {
        match state.resource() {
            Some(Resource::Service(call)) if call.pattern != Pattern::Request => {
                Some(TaskToken::of(&self.identity, self.asked + 1).to_string())
            }
            _ => None,
        }
    }

    /// Schedules a task. Says whether the strand goes on at once.
    pub(super) fn ask(&mut self, id: usize, state: &Arc<State>, request: TaskRequest) -> bool {
        let TaskRequest { parameters, timeout_seconds, heartbeat_seconds, credentials } = request;
        if parameters.serialized_len() > PAYLOAD_LIMIT {
            return self.fail(id, state, StateError::data_limit(&state.name));
        }
        self.asked += 1;
        let key = self.asked;
        let task = OpenTask {
            strand: id,
            state: Arc::clone(state),
            phase: Phase::Asked,
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
        self.actions.push(Action::Ask(task.ask(key)));
        self.tasks.insert(key, task);
        self.strand_mut(id).work = Work::Asking(key);
        self.emit(id, events.scheduled, details);
        if let Some(details) = started {
            self.emit(id, events.started, details);
        }
        false
    }

    /// What was asked answered.
    pub(super) fn answered(&mut self, key: u64, answer: &Result<Json, TaskFailure>) -> bool {
        let Some(task) = self.tasks.get(&key).filter(|task| task.phase == Phase::Asked) else { return false };
        let pattern = match task.resource() {
            Resource::Service(call) => call.pattern,
            _ => Pattern::Request,
        };
        match answer {
            Err(failure) => {
                let failed =
                    StateError::reported(Some((&*failure.error).into()), Some((&*failure.cause).into()));
                self.task_failed(key, failed);
            }
            Ok(json) => {
                let json = self.wrapped(key, json);
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

    /// An answer as the integration shows it.
    fn wrapped(&self, key: u64, answer: &Json) -> Json {
        let Some(task) = self.tasks.get(&key) else { return answer.clone() };
        let Resource::Service(call) = task.resource() else { return answer.clone() };
        if call.is_lambda_invoke() {
            return lambda_envelope(&task.parameters, answer.clone(), &self.random.uuid(), self.now);
        }
        let is_plain = !call.service.starts_with("aws-sdk:") && answer.get("SdkHttpMetadata").is_none();
        match answer.as_object() {
            Some(members) if is_plain => {
                let request_id = self.random.uuid();
                let metadata = json_metadata(&request_id, self.now, answer.serialized_len());
                let mut members: Object = members.clone();
                members.insert("SdkHttpMetadata", metadata);
                members.insert("SdkResponseMetadata", Json::object([("RequestId", Json::from(request_id))]));
                Json::from(members)
            }
            _ => answer.clone(),
        }
    }

    fn task_submitted(&mut self, key: u64, pattern: Pattern, answer: Json) {
        let Some(task) = self.tasks.get_mut(&key) else { return };
        let watched = match pattern {
            Pattern::Sync | Pattern::Sync2 => {
                answer.get("ExecutionArn").and_then(Json::as_str).map(Into::into)
            }
            Pattern::Request | Pattern::Callback => None,
        };
        task.phase = Phase::Submitted { watched };
        if let Phase::Submitted { watched: Some(arn) } = &task.phase {
            self.actions.push(Action::Ask(task.watch(key, arn)));
        }
        let early = task.early.take();
        let (id, mut details) = (task.strand, vec![(Field::Output, Detail::Data(answer))]);
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
        if output.serialized_len() > PAYLOAD_LIMIT {
            let name = match task.resource() {
                Resource::Function { arn } | Resource::Activity { arn } => Arc::clone(arn),
                Resource::Service(call) => Arc::clone(&call.service),
            };
            return self.task_failed(key, StateError::answer_limit(&name));
        }
        let Some(task) = self.close_task(key) else { return };
        let mut details: Details = vec![(Field::Output, Detail::Data(output.clone()))];
        if let Resource::Service(call) = task.resource() {
            details.extend(service_details(call));
        }
        let id = task.strand;
        self.emit(id, task.resource().events().succeeded, details);
        self.strand_mut(id).work = Work::Again;
        if self.reply(id, &task.state, output) {
            self.make_ready_as_is(id);
        }
    }

    fn task_failed(&mut self, key: u64, error: StateError) {
        let Some(task) = self.close_task(key) else { return };
        let event = task.resource().events().failed;
        self.tell_failure(task, event, error);
    }

    fn tell_failure(&mut self, task: OpenTask, event: EventType, error: StateError) {
        let mut details = error.details();
        if let Resource::Service(call) = task.resource() {
            details.extend(service_details(call));
        }
        let id = task.strand;
        self.emit(id, event, details);
        self.strand_mut(id).work = Work::Again;
        if self.fail(id, &task.state, error) {
            self.make_ready_as_is(id);
        }
    }

    pub(super) fn task_timed_out(&mut self, key: u64) {
        self.overdue(key, StateError::timeout());
    }

    pub(super) fn heartbeat_missed(&mut self, key: u64) {
        self.overdue(key, StateError::heartbeat());
    }

    fn overdue(&mut self, key: u64, error: StateError) {
        let Some(task) = self.close_task(key) else { return };
        self.call_off(key, &task);
        let event = task.resource().events().timed_out;
        self.tell_failure(task, event, error);
    }

    /// A worker takes an activity's task.
    pub(super) fn taken(&mut self, key: u64, worker: Option<&Arc<str>>) -> bool {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(&key) else { return false };
        if task.phase != Phase::Asked || !matches!(task.resource(), Resource::Activity { .. }) {
            return false;
        }
        task.phase = Phase::Taken;
        let (id, started) = (task.strand, task.resource().events().started);
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

    pub(super) fn heartbeat(&mut self, key: u64) -> bool {
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
            // Whoever got the token may be faster than the answer to the message that held it.
            (Phase::Asked, Resource::Service(call)) => {
                call.pattern != Pattern::Request && task.early.is_none()
            }
            (Phase::Asked, _) => false,
        })
    }

    pub(super) fn reported(&mut self, key: u64, report: &Result<Json, Reported>) -> bool {
        if !self.takes_reports(key) {
            return false;
        }
        if let Some(task) = self.tasks.get_mut(&key).filter(|task| task.phase == Phase::Asked) {
            // It counts once the history has told of the submission.
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

    /// Forgets a task that nobody waits for any more.
    pub(super) fn forget_task(&mut self, key: u64) {
        if let Some(task) = self.close_task(key) {
            self.call_off(key, &task);
        }
    }

    /// Has the work on a task stopped that is not waited for any more, as far as that can be done.
    fn call_off(&mut self, key: u64, task: &OpenTask) {
        self.actions.push(Action::Drop { task: key });
        if let Phase::Submitted { watched: Some(arn) } = &task.phase {
            let cause = format!(
                "The Task state in AWS Step Functions execution [{}] which was managing this resource was aborted",
                self.identity.arn
            );
            self.actions.push(Action::StopChild { arn: Arc::clone(arn), cause: Some(cause.into()) });
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
