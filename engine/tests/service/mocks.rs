//! Test cases of a mock file, and the executions of Step Functions Local's kind that get their answers from it.
//!
//! The cases of `local_mocking` were recorded from AWS by LocalStack's suite (Apache License 2.0; see the README of the
//! conformance cases): there the services answered, here the mock file of the case.

use std::collections::BTreeSet;
use std::sync::Arc;

use asl_engine::service::Service;
use asl_engine::{Clock, Config, Engine, ManualClock, Mocks};
use serde_json::{Value, json};

use crate::client::{Client, ROLE, pass};

const CASES: &[(&str, &str)] = &[
    ("lambda_invoke", include_str!("../conformance/cases/local_mocking/lambda_invoke.json")),
    ("lambda_service_invoke", include_str!("../conformance/cases/local_mocking/lambda_service_invoke.json")),
    (
        "lambda_service_invoke_sync_execution",
        include_str!("../conformance/cases/local_mocking/lambda_service_invoke_sync_execution.json"),
    ),
    ("map_state_lambda", include_str!("../conformance/cases/local_mocking/map_state_lambda.json")),
    (
        "sfn_start_execution_sync",
        include_str!("../conformance/cases/local_mocking/sfn_start_execution_sync-SFN_SYNC.json"),
    ),
    ("sns_publish_base", include_str!("../conformance/cases/local_mocking/sns_publish_base.json")),
    ("sqs_send_message", include_str!("../conformance/cases/local_mocking/sqs_send_message.json")),
];

/// A client of an engine with these mocks, and Wait states of a hundredth of their time.
async fn with_mocks(file: &Value) -> Client {
    let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
    let mocks = Mocks::parse(&file.to_string()).unwrap();
    let config = Config {
        clock: Clock::from(clock.clone()),
        mocks: Some(Arc::new(mocks)),
        wait_scale: Some(0.01),
        ..Config::in_memory()
    };
    Client { service: Service::new(Engine::start(config).await.unwrap()), clock }
}

/// The members of an output at any depth, but for those that only a service's own answer has.
fn members(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    let left_out = ["SdkHttpMetadata", "SdkResponseMetadata", "ExecutedVersion", "final"];
    for (name, value) in value.as_object().into_iter().flatten() {
        if !left_out.contains(&name.as_str()) && !name.starts_with("Redrive") {
            let at = format!("{at}.{name}");
            members(value, &at, found);
            found.insert(at);
        }
    }
}

fn members_of(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    members(value, "", &mut found);
    found
}

#[tokio::test]
async fn the_recorded_cases_of_step_functions_local_end_as_they_did() {
    for (name, case) in CASES {
        let case: Value = serde_json::from_str(case).unwrap();
        let responses = case["mocks"]["responses"].as_object().unwrap();
        let states: serde_json::Map<_, _> =
            responses.keys().map(|state| (state.clone(), json!(state))).collect();
        let client = with_mocks(&json!({
            "StateMachines": {"machine": {"TestCases": {"Case": states}}},
            "MockedResponses": responses,
        }))
        .await;
        let kind = case.get("type").and_then(Value::as_str).unwrap_or("STANDARD");
        let body = json!({"name": "machine", "definition": case["definition"].to_string(), "roleArn": ROLE, "type": kind});
        let arn = client.ok("CreateStateMachine", body).await["stateMachineArn"].clone();
        let start = json!({"stateMachineArn": format!("{}#Case", arn.as_str().unwrap()), "input": case["input"].to_string()});
        let ended = if case["via"] == "StartSyncExecution" {
            client.ok("StartSyncExecution", start).await
        } else {
            let started = client.ok("StartExecution", start).await;
            client.ended(started["executionArn"].as_str().unwrap()).await
        };
        assert_eq!(ended["status"], case["expect"]["status"], "{name}: {ended}");
        let output: Value = serde_json::from_str(ended["output"].as_str().unwrap()).unwrap();
        assert_eq!(members_of(&output), members_of(&case["expect"]["output"]), "{name}: {output}");
        assert_eq!(ended["stateMachineArn"], arn, "{name}");
    }
}

#[tokio::test]
async fn retries_see_one_answer_after_the_other_and_states_beside_the_case_do_their_work() {
    let client = with_mocks(&json!({
        "StateMachines": {"m": {"TestCases": {"Busy": {"Ask": "Busy"}, "Lost": {"Ask": "Lost"}}}},
        "MockedResponses": {
            "Busy": {
                "0": {"Throw": {"Error": "Lambda.TooManyRequestsException", "Cause": "busy"}},
                "1-2": {"Throw": {"Error": "Lambda.ServiceException", "Cause": "down"}},
                "3": {"Return": {"StatusCode": 200, "Payload": {"answer": 42}}},
            },
            "Lost": {"0": {"Throw": {"Error": "Gone", "Cause": "for good"}}},
        },
    }))
    .await;
    let definition = json!({"StartAt": "Rest", "States": {
        "Rest": {"Type": "Wait", "Seconds": 100, "Next": "Ask"},
        "Ask": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"},
            "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException", "Lambda.ServiceException"],
                "IntervalSeconds": 1, "MaxAttempts": 5, "BackoffRate": 1}],
            "OutputPath": "$.Payload", "End": true}}});
    let arn = client.make("m", definition).await;
    let end_of = async |case: &str| {
        let started = client.ok("StartExecution", json!({"stateMachineArn": format!("{arn}#{case}")})).await;
        let execution = started["executionArn"].as_str().unwrap().to_owned();
        let ended = client.ended(&execution);
        tokio::pin!(ended);
        loop {
            tokio::select! {
                ended = &mut ended => return (execution.clone(), ended),
                () = tokio::time::sleep(std::time::Duration::from_millis(1)) => {
                    client.clock.advance(std::time::Duration::from_millis(500));
                }
            }
        }
    };
    let before = client.clock.now();
    let (execution, ended) = end_of("Busy").await;
    assert_eq!(ended["output"], r#"{"answer":42}"#, "{ended}");
    let took = client.clock.now().duration_since(before);
    assert!(took.as_secs() < 50, "the Wait state was not shortened: {took}");
    let history = client.ok("GetExecutionHistory", json!({"executionArn": execution})).await;
    let failures = history["events"].as_array().unwrap().iter().filter(|event| event["type"] == "TaskFailed");
    assert_eq!(failures.count(), 3);
    let (_, ended) = end_of("Lost").await;
    assert_eq!((&ended["error"], &ended["cause"]), (&"Gone".into(), &"for good".into()));
    let unknown = json!({"stateMachineArn": format!("{arn}#Other")});
    assert_eq!(
        client.refused("StartExecution", unknown).await,
        (
            "ValidationException".to_owned(),
            "The mock file has no test case 'Other' of the state machine 'm'".to_owned()
        )
    );
}

#[tokio::test]
async fn a_test_case_means_nothing_without_a_mock_file() {
    let client = Client::new().await;
    let arn = client.make("m", pass()).await;
    let start = json!({"stateMachineArn": format!("{arn}#Case")});
    assert_eq!(client.refused("StartExecution", start).await.0, "StateMachineDoesNotExist");
}
