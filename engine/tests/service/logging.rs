//! Execution logging, in the form of the logs that Step Functions sends to CloudWatch.

use std::sync::{Arc, Mutex};

use asl_engine::service::Service;
use asl_engine::{Clock, Config, Engine, ExecutionLog, LogEntry, ManualClock};
use serde_json::{Value, json};

use crate::client::{Client, ROLE};

const GROUP: &str = "arn:aws:logs:us-east-1:123456789012:log-group:executions:*";

#[derive(Default)]
struct Lines(Mutex<Vec<Value>>);

impl ExecutionLog for Lines {
    fn log(&self, entry: LogEntry<'_>) {
        assert_eq!(entry.log_group_arn, GROUP);
        self.0.lock().unwrap().push(serde_json::from_str(entry.line).unwrap());
    }
}

/// The log of an execution of a machine that fails after a Pass state.
async fn log_of(level: &str, with_data: bool) -> Vec<Value> {
    let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
    let lines = Arc::new(Lines::default());
    let config = Config {
        clock: Clock::from(clock.clone()),
        execution_log: Some(lines.clone()),
        ..Config::in_memory()
    };
    let client = Client { service: Service::new(Engine::start(config).await.unwrap()), clock };
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "F"}, "F": {"Type": "Fail", "Error": "E", "Cause": "C"}}});
    let logging = json!({"level": level, "includeExecutionData": with_data,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}]});
    let body = json!({"name": "m", "definition": definition.to_string(), "roleArn": ROLE, "loggingConfiguration": logging});
    let arn = client.ok("CreateStateMachine", body).await["stateMachineArn"].clone();
    let start = json!({"stateMachineArn": arn, "name": "e", "input": "{\"secret\":1}"});
    let started = client.ok("StartExecution", start).await;
    client.ended(started["executionArn"].as_str().unwrap()).await;
    lines.0.lock().unwrap().clone()
}

fn types(log: &[Value]) -> Vec<&str> {
    log.iter().map(|line| line["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_event_is_a_line_as_cloudwatch_has_it() {
    let log = log_of("ALL", true).await;
    assert_eq!(
        types(&log),
        ["ExecutionStarted", "PassStateEntered", "PassStateExited", "FailStateEntered", "ExecutionFailed"]
    );
    assert_eq!(
        log[0],
        json!({
            "id": "1",
            "type": "ExecutionStarted",
            "details": {"input": "{\"secret\":1}", "inputDetails": {"truncated": false}, "roleArn": ROLE},
            "previous_event_id": "0",
            "event_timestamp": "1767225600000",
            "execution_arn": "arn:aws:states:us-east-1:123456789012:execution:m:e",
            "redrive_count": "0",
        })
    );
    assert_eq!(log[4]["details"], json!({"error": "E", "cause": "C"}));
}

#[tokio::test]
async fn level_and_data_are_those_of_the_configuration() {
    assert_eq!(types(&log_of("ERROR", true).await), ["FailStateEntered", "ExecutionFailed"]);
    assert_eq!(types(&log_of("FATAL", true).await), ["ExecutionFailed"]);
    let log = log_of("ALL", false).await;
    assert!(!Value::from(log).to_string().contains("secret"));
}
