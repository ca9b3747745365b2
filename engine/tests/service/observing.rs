//! What the host learns of executions that start and end.

use std::sync::{Arc, Mutex};

use asl_engine::service::Service;
use asl_engine::{Clock, Config, Engine, ExecutionDescription, ExecutionObserver, ManualClock};
use serde_json::{Value, json};

use crate::client::{Client, ROLE};

#[derive(Default)]
struct Changes(Mutex<Vec<ExecutionDescription>>);

impl ExecutionObserver for Changes {
    fn is_interested(&self) -> bool {
        true
    }

    fn changed(&self, execution: ExecutionDescription) {
        self.0.lock().unwrap().push(execution);
    }
}

/// The changes of an execution of a machine of this type, which is redriven if it fails.
async fn changes_of(machine_type: &str, states: Value) -> Vec<ExecutionDescription> {
    let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
    let changes = Arc::new(Changes::default());
    let config =
        Config { clock: Clock::from(clock.clone()), observer: Some(changes.clone()), ..Config::in_memory() };
    let client = Client { service: Service::new(Engine::start(config).await.unwrap()), clock };
    let definition = json!({"StartAt": "A", "States": states}).to_string();
    let body = json!({"name": "m", "definition": definition, "roleArn": ROLE, "type": machine_type});
    let arn = client.ok("CreateStateMachine", body).await["stateMachineArn"].clone();
    let started = client.ok("StartExecution", json!({"stateMachineArn": arn, "input": "{\"a\":1}"})).await;
    let execution = started["executionArn"].as_str().unwrap();
    let ended = client.ended(execution).await;
    if ended["status"] == "FAILED" {
        client.ok("RedriveExecution", json!({"executionArn": execution})).await;
        client.ended(execution).await;
    }
    changes.0.lock().unwrap().clone()
}

fn statuses(changes: &[ExecutionDescription]) -> Vec<(&str, u32)> {
    changes.iter().map(|change| (change.status.as_str(), change.redrive_count)).collect()
}

#[tokio::test]
async fn each_start_and_each_end_of_a_standard_execution_is_reported_once() {
    let changes = changes_of("STANDARD", json!({"A": {"Type": "Pass", "End": true}})).await;
    assert_eq!(statuses(&changes), [("RUNNING", 0), ("SUCCEEDED", 0)]);
    let [started, ended] = changes.as_slice() else { panic!("two") };
    assert_eq!((started.stop_date, &started.output), (None, &None));
    assert_eq!((ended.stop_date, ended.output.as_ref()), (Some(1_767_225_600_000), Some(&ended.input)));
    let changes = changes_of("STANDARD", json!({"A": {"Type": "Fail", "Error": "E", "Cause": "C"}})).await;
    assert_eq!(statuses(&changes), [("RUNNING", 0), ("FAILED", 0), ("RUNNING", 1), ("FAILED", 1)]);
    assert_eq!((changes[1].error.as_deref(), changes[1].cause.as_deref()), (Some("E"), Some("C")));
}

#[tokio::test]
async fn express_executions_and_children_of_maps_are_not_reported() {
    assert_eq!(statuses(&changes_of("EXPRESS", json!({"A": {"Type": "Pass", "End": true}})).await), []);
    let map = json!({"Type": "Map", "End": true, "ItemsPath": "$.items",
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}});
    let states = json!({"A": {"Type": "Pass", "Result": {"items": [1, 2]}, "Next": "M"}, "M": map});
    assert_eq!(statuses(&changes_of("STANDARD", states).await), [("RUNNING", 0), ("SUCCEEDED", 0)]);
}
