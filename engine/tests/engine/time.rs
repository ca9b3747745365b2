//! Waits, timeouts, heartbeats and retries, with a clock that the test moves.

use std::time::Duration;

use asl_engine::data::Json;
use asl_engine::engine::TaskReport;

use crate::stage::{Stage, outcome};

fn task(more: &str) -> String {
    format!(
        r#"{{"StartAt": "Ask", "States": {{"Ask": {{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {{"FunctionName": "ask", "Payload.$": "$"}}, "OutputPath": "$.Payload", {more} "End": true}}}}}}"#
    )
}

#[tokio::test]
async fn a_year_of_waiting_takes_a_moment() {
    let stage = Stage::in_memory().await;
    let year = r#"{"StartAt": "Year", "States": {
        "Year": {"Type": "Wait", "Seconds": 31536000, "Next": "Until"},
        "Until": {"Type": "Wait", "Timestamp": "2028-01-01T00:00:00Z", "End": true}}}"#;
    let arn = stage.start(year, "{}").await;
    stage.until(&arn, "WaitStateEntered", 1).await;
    stage.pass(31_535_999);
    assert_eq!(stage.events(&arn).await.len(), 2);
    stage.pass(1);
    stage.until(&arn, "WaitStateEntered", 2).await;
    stage.pass(31_536_000);
    assert_eq!(outcome(&stage.end(&arn).await), "{}");
}

#[tokio::test]
async fn a_retrier_waits_longer_each_time_and_then_gives_up() {
    let stage = Stage::in_memory().await;
    let retry =
        r#""Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 2}],"#;
    let arn = stage.start(&task(retry), "{}").await;
    for (attempt, delay) in [(1, 2), (2, 6)] {
        stage.asked().await.fail("Busy");
        stage.until(&arn, "TaskFailed", attempt).await;
        stage.pass(delay - 1);
        assert!(stage.is_silent().await);
        stage.pass(1);
    }
    stage.asked().await.fail("Busy");
    assert_eq!(outcome(&stage.end(&arn).await), "FAILED Busy as told");
}

#[tokio::test]
async fn a_task_that_takes_too_long_fails_and_its_late_answer_is_dropped() {
    let stage = Stage::in_memory().await;
    let catch = r#""TimeoutSeconds": 5, "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Wait"}],"#;
    let definition = task(catch)
        .replace(r#""End": true}}"#, r#""End": true}, "Wait": {"Type": "Wait", "Seconds": 9, "End": true}}"#);
    let arn = stage.start(&definition, "{}").await;
    let asked = stage.asked().await;
    assert_eq!(asked.call.timeout, Some(Duration::from_secs(5)));
    stage.pass(5);
    stage.until(&arn, "WaitStateEntered", 1).await;
    asked.succeed(r#""too late""#);
    stage.pass(9);
    assert_eq!(outcome(&stage.end(&arn).await), r#"{"Error":"States.Timeout","Cause":""}"#);
}

#[tokio::test]
async fn heartbeats_keep_a_task_alive_until_one_is_missed() {
    let stage = Stage::in_memory().await;
    let definition = r#"{"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "HeartbeatSeconds": 10, "End": true,
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}}}}}"#;
    let arn = stage.start(definition, "{}").await;
    let asked = stage.asked().await;
    let token =
        asked.call.parameters.get("Payload").unwrap().get("token").unwrap().as_str().unwrap().to_owned();
    asked.succeed("null");
    stage.until(&arn, "TaskSubmitted", 1).await;
    for _ in 0..3 {
        stage.pass(9);
        stage.engine.report_task(&token, TaskReport::Heartbeat).await.unwrap();
    }
    stage.pass(10);
    let end = stage.end(&arn).await;
    assert_eq!(outcome(&end), "FAILED States.Timeout -");
    assert!(stage.engine.report_task(&token, TaskReport::Success(Json::Null)).await.is_err());
}

#[tokio::test]
async fn a_machine_that_takes_too_long_times_out() {
    let stage = Stage::in_memory().await;
    let definition = r#"{"TimeoutSeconds": 60, "StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 61, "End": true}}}"#;
    let arn = stage.start(definition, "{}").await;
    stage.pass(60);
    assert_eq!(outcome(&stage.end(&arn).await), "TIMED_OUT - -");
    assert_eq!(stage.events(&arn).await.last().unwrap(), "ExecutionTimedOut");
}

#[tokio::test]
async fn stopping_does_not_wait_for_tasks_under_way() {
    let stage = Stage::in_memory().await;
    let arn = stage.start(&task(""), "{}").await;
    let asked = stage.asked().await;
    stage.engine.stop_execution(&arn, Some("Enough".to_owned()), Some("of it".to_owned())).await.unwrap();
    assert_eq!(outcome(&stage.end(&arn).await), "ABORTED Enough of it");
    let events = stage.events(&arn).await;
    asked.succeed("1");
    assert_eq!(stage.events(&arn).await, events);
}

#[tokio::test]
async fn an_endless_loop_ends_with_the_history() {
    let stage = Stage::in_memory().await;
    let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}}"#;
    let arn = stage.start(definition, "{}").await;
    let end = stage.end(&arn).await;
    assert_eq!(end.error.as_deref(), Some("States.Runtime"));
    let events = stage.events(&arn).await;
    assert_eq!((events.len(), events.last().unwrap().as_str()), (25_000, "ExecutionFailed"));
}
