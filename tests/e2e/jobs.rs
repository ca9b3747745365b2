//! `.sync` of services that calls are sent on to: a job is described until it ends, stopped when it is given up, and waited for again
//! after a kill.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use end_to_end_tests::process::Process;
use end_to_end_tests::scripted::Scripted;
use end_to_end_tests::stack::{self, Started};
use end_to_end_tests::{eventually, http};
use local_stack::Endpoints;
use serde_json::{Value, json};

/// A job of each kind, as its service tells of it; `described` counts the descriptions of all.
fn services(operation: &str, body: &Value, described: usize) -> (u16, Value) {
    let is_over = described > 1;
    match operation {
        "StartJobRun" => (200, json!({"JobRunId": "jr_1"})),
        "GetJobRun" if described == 0 => {
            (400, json!({"__type": "ThrottlingException", "message": "Rate exceeded"}))
        }
        "GetJobRun" => {
            let state = if is_over { "SUCCEEDED" } else { "RUNNING" };
            (200, json!({"JobRun": {"Id": body["RunId"], "JobRunState": state, "StartedOn": 1.5}}))
        }
        "/v1/submitjob" => (200, json!({"jobId": "b-1", "jobName": body["jobName"]})),
        "/v1/describejobs" => {
            let status = if is_over { "FAILED" } else { "RUNNABLE" };
            (
                200,
                json!({"jobs": [{"jobId": body["jobs"][0], "status": status, "statusReason": "OutOfMemory"}]}),
            )
        }
        "RunTask" => (
            200,
            json!({"tasks": [{"taskArn": "t-1", "clusterArn": "c-1", "lastStatus": "PENDING"}], "failures": []}),
        ),
        "DescribeTasks" => {
            let status = if is_over { "STOPPED" } else { "RUNNING" };
            let container = json!({"name": "main", "exitCode": 137});
            (
                200,
                json!({"tasks": [{"taskArn": body["tasks"][0], "lastStatus": status, "containers": [container]}]}),
            )
        }
        "StartQueryExecution" => (200, json!({"QueryExecutionId": "q-1"})),
        "GetQueryExecution" => {
            let state = if is_over { "SUCCEEDED" } else { "QUEUED" };
            let id = &body["QueryExecutionId"];
            (200, json!({"QueryExecution": {"QueryExecutionId": id, "Status": {"State": state}}}))
        }
        other => (400, json!({"__type": "UnknownOperationException", "message": other})),
    }
}

fn endpoints(service: &Scripted) -> Endpoints {
    let mut endpoints = Endpoints::default();
    endpoints.add(&format!("*={}", service.url)).unwrap();
    endpoints
}

fn task(resource: &str, parameters: Value) -> Value {
    json!({"Type": "Task", "Resource": format!("arn:aws:states:::{resource}"), "Parameters": parameters, "End": true})
}

fn caught(mut task: Value, next: &str) -> Value {
    task["Catch"] = json!([{"ErrorEquals": ["States.ALL"], "Next": next}]);
    task
}

fn machine(states: Value) -> Value {
    let first = states.as_object().unwrap().keys().find(|name| !name.starts_with("No")).unwrap().clone();
    json!({"StartAt": first, "States": states})
}

/// Creates a state machine and starts it; gives the ARN of the execution.
async fn start(aws: &str, definition: &Value) -> String {
    let role = "arn:aws:iam::123456789012:role/any";
    let machine = json!({"name": "jobs", "definition": definition.to_string(), "roleArn": role});
    let machine = call(aws, "CreateStateMachine", machine).await;
    let started = call(aws, "StartExecution", json!({"stateMachineArn": machine["stateMachineArn"]})).await;
    started["executionArn"].as_str().unwrap_or_else(|| panic!("{machine} {started}")).to_owned()
}

async fn call(aws: &str, operation: &str, request: Value) -> Value {
    let request = http()
        .post(aws)
        .header("x-amz-target", format!("AWSStepFunctions.{operation}"))
        .header("content-type", "application/x-amz-json-1.0")
        .body(request.to_string());
    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
}

async fn ended(aws: &str, execution: &str) -> Value {
    eventually("the end of the execution", async || {
        let described = call(aws, "DescribeExecution", json!({"executionArn": execution})).await;
        (described["status"] != "RUNNING").then_some(described)
    })
    .await
}

async fn stack_before(service: &Scripted) -> Started {
    let endpoints = endpoints(service);
    stack::start_with(|config| config.endpoints = endpoints).await
}

#[tokio::test]
async fn jobs_are_waited_for_and_give_their_last_description() {
    let counts: [AtomicUsize; 4] = Default::default();
    let service = Scripted::start(move |operation, body| {
        let names = ["GetJobRun", "/v1/describejobs", "DescribeTasks", "GetQueryExecution"];
        let described = names.iter().position(|name| *name == operation);
        let described = described.map_or(0, |index| counts[index].fetch_add(1, Ordering::SeqCst));
        services(operation, body, described)
    })
    .await;
    let stack = stack_before(&service).await;
    let caught_state = json!({"Type": "Pass", "End": true});
    let batch = json!({"JobName": "j", "JobQueue": "q", "JobDefinition": "d"});
    let definition = machine(json!({"All": {"Type": "Parallel", "End": true, "Branches": [
        machine(json!({"Glue": task("glue:startJobRun.sync", json!({"JobName": "nightly"}))})),
        machine(json!({"Batch": caught(task("batch:submitJob.sync", batch), "NoBatch"), "NoBatch": caught_state})),
        machine(json!({"Ecs": caught(task("ecs:runTask.sync", json!({"TaskDefinition": "t"})), "NoEcs"), "NoEcs": caught_state})),
        machine(json!({"Athena": task("athena:startQueryExecution.sync", json!({"QueryString": "SELECT 1"}))})),
    ]}}));
    let execution = start(stack.aws(), &definition).await;
    let ended = ended(stack.aws(), &execution).await;
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
    let output: Value = serde_json::from_str(ended["output"].as_str().unwrap()).unwrap();
    let glue = json!({"Id": "jr_1", "JobRunState": "SUCCEEDED", "StartedOn": 1500, "JobName": "nightly"});
    assert_eq!(output[0], glue);
    for (index, description) in [
        (1, json!({"JobId": "b-1", "Status": "FAILED", "StatusReason": "OutOfMemory"})),
        (
            2,
            json!({"TaskArn": "t-1", "LastStatus": "STOPPED", "Containers": [{"Name": "main", "ExitCode": 137}]}),
        ),
    ] {
        assert_eq!(output[index]["Error"], "States.TaskFailed", "{output}");
        let cause: Value = serde_json::from_str(output[index]["Cause"].as_str().unwrap()).unwrap();
        assert_eq!(cause, description);
    }
    let query = json!({"QueryExecution": {"QueryExecutionId": "q-1", "Status": {"State": "SUCCEEDED"}}});
    assert_eq!(output[3], query);
    assert_eq!(service.calls_of("RunTask")[0]["startedBy"], "AWS Step Functions");
    assert_eq!(service.calls_of("GetJobRun")[0], json!({"JobName": "nightly", "RunId": "jr_1"}));

    let history = call(stack.aws(), "GetExecutionHistory", json!({"executionArn": execution})).await;
    let events = history["events"].as_array().unwrap();
    let submitted = events.iter().filter(|event| event["type"] == "TaskSubmitted");
    let outputs: Vec<_> = submitted.map(|it| it["taskSubmittedEventDetails"]["output"].to_string()).collect();
    assert_eq!(outputs.len(), 4);
    assert!(outputs.iter().any(|text| text.contains("jr_1") && text.contains("nightly")), "{outputs:?}");
}

#[tokio::test]
async fn a_job_is_stopped_when_its_task_times_out_or_its_execution_is_stopped() {
    let service = Scripted::start(|operation, body| match operation {
        "BatchStopJobRun" | "StopTask" => (200, json!({})),
        _ => services(operation, body, 1),
    })
    .await;
    let stack = stack_before(&service).await;
    let mut glue = task("glue:startJobRun.sync", json!({"JobName": "nightly"}));
    glue["TimeoutSeconds"] = json!(1);
    let ecs = machine(json!({"Ecs": task("ecs:runTask.sync", json!({"TaskDefinition": "t"}))}));
    let timed_out = start(stack.aws(), &machine(json!({"Glue": glue}))).await;
    let ended_by_time = ended(stack.aws(), &timed_out).await;
    assert_eq!(ended_by_time["error"], "States.Timeout", "{ended_by_time}");
    let stops = eventually("the job is stopped", async || {
        let stops = service.calls_of("BatchStopJobRun");
        (!stops.is_empty()).then_some(stops)
    })
    .await;
    assert_eq!(stops, [json!({"JobName": "nightly", "JobRunIds": ["jr_1"]})]);

    let update = json!({"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:jobs",
        "definition": ecs.to_string()});
    call(stack.aws(), "UpdateStateMachine", update.clone()).await;
    let started = json!({"stateMachineArn": update["stateMachineArn"]});
    let stopped = call(stack.aws(), "StartExecution", started).await["executionArn"].clone();
    eventually("the task is described", async || {
        (!service.calls_of("DescribeTasks").is_empty()).then_some(())
    })
    .await;
    stack.stop_execution(stopped.as_str().unwrap()).await;
    let stops = eventually("the task is stopped", async || {
        let stops = service.calls_of("StopTask");
        (!stops.is_empty()).then_some(stops)
    })
    .await;
    assert_eq!((stops.len(), &stops[0]["task"], &stops[0]["cluster"]), (1, &json!("t-1"), &json!("c-1")));
}

#[tokio::test]
async fn a_job_that_no_service_would_take_fails_and_an_unknown_one_is_refused_at_creation() {
    let service = Scripted::start(|operation, body| match operation {
        "RunTask" => (200, json!({"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]})),
        "GetJobRun" => (400, json!({"__type": "EntityNotFoundException", "message": "no run"})),
        _ => services(operation, body, 1),
    })
    .await;
    let stack = stack_before(&service).await;
    let ecs = task("ecs:runTask.sync", json!({"TaskDefinition": "t"}));
    let execution = start(stack.aws(), &machine(json!({"Ecs": ecs}))).await;
    let full = ended(stack.aws(), &execution).await;
    assert_eq!(full["error"], "States.TaskFailed", "{full}");
    assert!(full["cause"].as_str().unwrap().contains("RESOURCE:MEMORY"), "{full}");

    let role = "arn:aws:iam::123456789012:role/any";
    let glue = machine(json!({"Glue": task("glue:startJobRun.sync", json!({"JobName": "nightly"}))}));
    let lost = json!({"name": "lost", "definition": glue.to_string(), "roleArn": role});
    let lost = call(stack.aws(), "CreateStateMachine", lost).await;
    let lost = call(stack.aws(), "StartExecution", json!({"stateMachineArn": lost["stateMachineArn"]})).await;
    let lost = ended(stack.aws(), lost["executionArn"].as_str().unwrap()).await;
    assert_eq!(lost["error"], "Glue.EntityNotFoundException", "{lost}");

    let unknown = machine(json!({"Job": task("eks:runJob.sync", json!({}))}));
    let unknown = json!({"name": "unknown", "definition": unknown.to_string(), "roleArn": role});
    let refused = call(stack.aws(), "CreateStateMachine", unknown).await;
    assert!(refused["message"].as_str().unwrap().contains("eks:runJob.sync"), "{refused}");
}

#[tokio::test]
async fn a_job_is_waited_for_again_after_a_kill_and_not_submitted_twice() {
    let over = Arc::new(AtomicBool::new(false));
    let is_over = Arc::clone(&over);
    let service = Scripted::start(move |operation, body| {
        services(operation, body, if is_over.load(Ordering::SeqCst) { 2 } else { 1 })
    })
    .await;
    let data = tempfile::tempdir().unwrap();
    let endpoint = format!("glue={}", service.url);
    let process = Process::start_with(data.path(), &["--endpoint", &endpoint]).await;
    let glue = machine(json!({"Glue": task("glue:startJobRun.sync", json!({"JobName": "nightly"}))}));
    let execution = start(&process.aws, &glue).await;
    eventually("the job is described", async || (!service.calls_of("GetJobRun").is_empty()).then_some(()))
        .await;
    process.kill().await;
    over.store(true, Ordering::SeqCst);
    let process = Process::start_with(data.path(), &["--endpoint", &endpoint]).await;
    let ended = ended(&process.aws, &execution).await;
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
    assert!(ended["output"].as_str().unwrap().contains(r#""JobRunState":"SUCCEEDED""#), "{ended}");
    assert_eq!(service.calls_of("StartJobRun").len(), 1);
    process.kill().await;
}
