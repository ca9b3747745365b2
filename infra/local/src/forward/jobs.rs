//! `.sync`: waits for the end of a job that was sent on, by describing it again and again.

use std::time::Duration;

use asl_engine::data::Json;
use asl_engine::{Job, TaskFailure};
use serde_json::{Map, Value, json};

use super::Forwarder;
use super::job_table::{self, JobKind, Outcome, Request, Rule, Source};

/// The pauses between two descriptions: the first, and the largest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// What a description says.
#[derive(Debug, PartialEq)]
enum State {
    UnderWay,
    Succeeded(Value),
    Failed(Value),
}

impl Forwarder {
    /// Whether an action, with its `.sync`, is a job that can be waited for.
    pub(super) fn is_job(service: &str, action: &str) -> bool {
        action.strip_suffix(".sync").is_some_and(|action| job_table::kind(service, action).is_some())
    }

    /// Waits for the end of a job. A service that does not answer, or throttles, is asked again; the state's time-out ends it.
    pub(crate) async fn finish_job(&self, job: &Job) -> Result<Json, TaskFailure> {
        let Some(kind) = job_table::kind(&job.call.service, &job.call.action) else {
            return std::future::pending().await;
        };
        let (parameters, submitted) = (Value::from(&job.call.parameters), Value::from(&job.submitted));
        let Some(request) = kind.describe.fill(&parameters, &submitted) else {
            // Such as a task of ECS for which there was no room: the answer says why.
            return Err(failed(&submitted));
        };
        let request = Json::from(request);
        let (mut pause, mut last) = (FIRST_PAUSE, json!({}));
        loop {
            match self.call(kind.service, kind.describe.action, &request).await {
                Ok(description) => {
                    last = Value::from(&description);
                    match kind.read(&last, &parameters, &submitted) {
                        State::UnderWay => {}
                        State::Succeeded(result) => return Ok(Json::from(result)),
                        State::Failed(description) => return Err(failed(&description)),
                    }
                }
                Err(failure) if kind.rule == Rule::Gone && is_missing(&failure) => {
                    return Ok(Json::from(kind.result.read(&last, &parameters, &submitted)));
                }
                Err(failure) if is_passing(&failure) => {
                    tracing::debug!(error = failure.error, cause = failure.cause, "a job is asked for again");
                }
                Err(failure) => return Err(failure),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(MAX_PAUSE);
        }
    }

    /// Stops a job whose task was given up.
    pub(crate) async fn stop_job(&self, job: &Job) {
        let Some(kind) = job_table::kind(&job.call.service, &job.call.action) else { return };
        let Some(stop) = &kind.stop else { return };
        let (parameters, submitted) = (Value::from(&job.call.parameters), Value::from(&job.submitted));
        let Some(request) = stop.fill(&parameters, &submitted) else { return };
        if let Err(failure) = self.call(kind.service, stop.action, &Json::from(request)).await {
            let (error, cause) = (failure.error, failure.cause);
            tracing::warn!(service = kind.service, error, cause, "a job could not be stopped");
        }
    }
}

/// `States.TaskFailed`, with the description as the cause.
fn failed(description: &Value) -> TaskFailure {
    TaskFailure { error: "States.TaskFailed".to_owned(), cause: description.to_string() }
}

/// Whether the same question may be answered later.
fn is_passing(failure: &TaskFailure) -> bool {
    let error = &failure.error;
    [
        "SdkClientException",
        "Throttl",
        "TooManyRequests",
        "RequestLimit",
        "InternalFailure",
        "ServiceUnavailable",
    ]
    .iter()
    .any(|part| error.contains(part))
        || error.contains("InternalServ")
        || failure.cause.contains("Status Code: 5")
}

/// Whether the service does not know what was asked for.
fn is_missing(failure: &TaskFailure) -> bool {
    failure.error.contains("NotFound")
}

impl Request {
    /// The parameters of the request; none if one of them is not there.
    fn fill(&self, task: &Value, submitted: &Value) -> Option<Value> {
        let mut filled = Map::new();
        for (name, from) in self.parameters {
            let value = match from {
                Source::Task(pointer) => task.pointer(pointer)?.clone(),
                Source::Submitted(pointer) => submitted.pointer(pointer)?.clone(),
                Source::Only(pointer) => json!([submitted.pointer(pointer)?]),
                Source::Reason => json!("The Task state of Step Functions that waited for it was given up"),
            };
            filled.insert((*name).to_owned(), value);
        }
        Some(Value::Object(filled))
    }
}

impl JobKind {
    fn read(&self, description: &Value, task: &Value, submitted: &Value) -> State {
        let status = description.pointer(self.status).and_then(Value::as_str).unwrap_or_default();
        let result = || self.result.read(description, task, submitted);
        let has_failed = self.failed.contains(&status);
        match (has_failed, self.succeeded.contains(&status), self.rule) {
            (true, _, _) => State::Failed(result()),
            (_, true, Rule::Containers) if containers_failed(&result()) => State::Failed(result()),
            // What is deleted may be as it was for a while.
            (_, true, Rule::Gone) if status == "ACTIVE" => State::UnderWay,
            (_, true, _) => State::Succeeded(result()),
            _ => State::UnderWay,
        }
    }
}

/// Whether a task of ECS did not do what it should.
fn containers_failed(task: &Value) -> bool {
    let containers = task["Containers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let returned_error = |container: &Value| container["ExitCode"].as_i64().is_some_and(|code| code != 0);
    task["StopCode"] == "TaskFailedToStart" || containers.iter().any(returned_error)
}

impl Outcome {
    fn read(self, description: &Value, task: &Value, submitted: &Value) -> Value {
        let at = |pointer: &str| description.pointer(pointer).cloned().unwrap_or_default();
        match self {
            Outcome::Whole => plain(description),
            Outcome::And(names) => with(plain(description), names, submitted),
            Outcome::At(pointer) => at(pointer),
            Outcome::Named(name, pointer) => json!({ name: at(pointer) }),
            Outcome::With(pointer, names) => with(at(pointer), names, task),
        }
    }
}

/// A description without what the SDK adds.
fn plain(description: &Value) -> Value {
    let mut plain = description.clone();
    if let Some(members) = plain.as_object_mut() {
        members.retain(|name, _| !matches!(name.as_str(), "SdkHttpMetadata" | "SdkResponseMetadata"));
    }
    plain
}

/// An object with members of another, where it lacks them.
fn with(mut object: Value, names: &[&str], other: &Value) -> Value {
    for name in names {
        if let (Some(members), Some(value)) = (object.as_object_mut(), other.get(*name)) {
            members.entry(*name).or_insert_with(|| value.clone());
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::super::job_table::JOBS;
    use super::super::model::Model;
    use super::super::{model_name, operation};
    use super::*;

    #[test]
    fn each_job_is_described_and_stopped_by_operations_of_its_service() {
        for kind in JOBS {
            let model = Model::of(&model_name(kind.service, "")).unwrap();
            let stop = kind.stop.iter().map(|stop| stop.action);
            for action in [kind.action, kind.describe.action].into_iter().chain(stop) {
                let action = operation(kind.service, action).unwrap();
                assert!(model.operation(action).is_some(), "{}:{action}", kind.service);
            }
            assert!(!kind.succeeded.iter().any(|status| kind.failed.contains(status)), "{kind:?}");
        }
    }

    fn read(service: &str, action: &str, description: Value) -> State {
        job_table::kind(service, action).unwrap().read(
            &description,
            &json!({"JobName": "j"}),
            &json!({"ClusterId": "j-1"}),
        )
    }

    #[test]
    fn a_container_that_fails_fails_its_task() {
        let task =
            |code: i64| json!({"LastStatus": "STOPPED", "Containers": [{"ExitCode": 0}, {"ExitCode": code}]});
        let described = |task: Value| read("ecs", "runTask", json!({"Tasks": [task], "Failures": []}));
        assert_eq!(described(json!({"LastStatus": "RUNNING"})), State::UnderWay);
        assert_eq!(described(task(0)), State::Succeeded(task(0)));
        assert_eq!(described(task(137)), State::Failed(task(137)));
        let never = json!({"LastStatus": "STOPPED", "StopCode": "TaskFailedToStart", "Containers": []});
        assert_eq!(described(never.clone()), State::Failed(never));
    }

    #[test]
    fn results_are_what_step_functions_takes_of_descriptions() {
        let described = json!({"JobRun": {"Id": "r", "JobRunState": "SUCCEEDED"}, "SdkHttpMetadata": {}});
        let expected = json!({"Id": "r", "JobRunState": "SUCCEEDED", "JobName": "j"});
        assert_eq!(read("glue", "startJobRun", described), State::Succeeded(expected));
        let described = json!({"QueryExecution": {"Status": {"State": "CANCELLED"}}, "SdkHttpMetadata": {}});
        let expected = json!({"QueryExecution": {"Status": {"State": "CANCELLED"}}});
        assert_eq!(read("athena", "startQueryExecution", described), State::Failed(expected));
        let described = json!({"Builds": [{"Id": "b", "BuildStatus": "SUCCEEDED"}], "BuildsNotFound": []});
        let expected = json!({"Build": {"Id": "b", "BuildStatus": "SUCCEEDED"}});
        assert_eq!(read("codebuild", "startBuild", described), State::Succeeded(expected));
        let described = json!({"Cluster": {"Id": "j-1", "Status": {"State": "WAITING"}}});
        let expected = json!({"Cluster": {"Id": "j-1", "Status": {"State": "WAITING"}}, "ClusterId": "j-1"});
        assert_eq!(read("elasticmapreduce", "createCluster", described), State::Succeeded(expected));
        let described = json!({"Cluster": {"Status": "ACTIVE"}});
        assert_eq!(read("eks", "deleteCluster", described.clone()), State::UnderWay);
        assert_eq!(read("eks", "createCluster", described.clone()), State::Succeeded(described));
    }

    #[test]
    fn only_what_passes_is_asked_again() {
        let failure =
            |error: &str, cause: &str| TaskFailure { error: error.to_owned(), cause: cause.to_owned() };
        for error in ["Glue.SdkClientException", "Glue.ThrottlingException", "Batch.InternalServerException"]
        {
            assert!(is_passing(&failure(error, "")), "{error}");
        }
        assert!(is_passing(&failure("Glue.OddException", "x (Service: AmazonGlue; Status Code: 503; …)")));
        assert!(!is_passing(&failure("Glue.EntityNotFoundException", "x (Status Code: 400; …)")));
    }
}
