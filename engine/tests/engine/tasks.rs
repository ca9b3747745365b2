//! Activities, task tokens, nested executions, names, revisions.

use std::time::Duration;

use asl_engine::Refusal;
use asl_engine::data::Json;
use asl_engine::engine::{StateMachineChange, TaskReport};

use crate::stage::{Stage, new_execution, new_machine, outcome, within};

const ACTIVITY: &str = r#"{"StartAt": "Work", "States": {"Work": {"Type": "Task", "End": true,
    "Resource": "arn:aws:states:us-east-1:123456789012:activity:paint", "HeartbeatSeconds": 30, "TimeoutSeconds": 300,
    "Retry": [{"ErrorEquals": ["States.HeartbeatTimeout"], "IntervalSeconds": 1, "MaxAttempts": 1}]}}}"#;

#[tokio::test]
async fn a_worker_calls_works_and_responds_once() {
    let stage = Stage::in_memory().await;
    let activity = stage.engine.create_activity("paint", None, None).await.unwrap();
    let arn = stage.start(ACTIVITY, r#"{"wall": 1}"#).await;
    let worker = Some("worker".to_owned());
    let task =
        stage.engine.activity_task(&activity.arn, worker, Duration::from_secs(20)).await.unwrap().unwrap();
    assert_eq!(task.input.to_text(), r#"{"wall":1}"#);
    let success = || TaskReport::Success(Json::from("done"));
    stage.engine.report_task(&task.task_token, success()).await.unwrap();
    assert_eq!(outcome(&stage.end(&arn).await), r#""done""#);
    let again = stage.engine.report_task(&task.task_token, success()).await;
    assert!(matches!(again, Err(Refusal::TaskTimedOut)), "{again:?}");
    let nonsense = stage.engine.report_task("nonsense", success()).await;
    assert!(matches!(nonsense, Err(Refusal::InvalidToken)), "{nonsense:?}");
}

#[tokio::test]
async fn a_worker_that_waits_gets_the_task_that_comes() {
    let stage = Stage::in_memory().await;
    let activity = stage.engine.create_activity("paint", None, None).await.unwrap();
    let none = stage.engine.activity_task(&activity.arn, None, Duration::ZERO).await.unwrap();
    assert!(none.is_none());
    let (engine, activity_arn) = (stage.engine.clone(), activity.arn.clone());
    let waiting =
        tokio::spawn(async move { engine.activity_task(&activity_arn, None, Duration::from_secs(20)).await });
    stage.start(ACTIVITY, "{}").await;
    assert!(within(waiting).await.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn a_task_whose_worker_died_goes_to_another_after_the_heartbeat() {
    let stage = Stage::in_memory().await;
    let activity = stage.engine.create_activity("paint", None, None).await.unwrap();
    let arn = stage.start(ACTIVITY, "{}").await;
    let next = || stage.engine.activity_task(&activity.arn, None, Duration::from_secs(20));
    let lost = next().await.unwrap().unwrap();
    stage.pass(30);
    stage.until(&arn, "ActivityTimedOut", 1).await;
    stage.pass(1);
    let found = next().await.unwrap().unwrap();
    assert_ne!(found.task_token, lost.task_token);
    let late = stage.engine.report_task(&lost.task_token, TaskReport::Heartbeat).await;
    assert!(matches!(late, Err(Refusal::TaskTimedOut)));
    stage.engine.report_task(&found.task_token, TaskReport::Success(Json::from(2_i64))).await.unwrap();
    assert_eq!(outcome(&stage.end(&arn).await), "2");
}

#[tokio::test]
async fn a_token_may_be_answered_before_the_message_that_held_it() {
    let stage = Stage::in_memory().await;
    let definition = r#"{"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "End": true,
        "Resource": "arn:aws:states:::sns:publish.waitForTaskToken",
        "Parameters": {"TopicArn": "t", "Message.$": "$$.Task.Token"}}}}"#;
    let arn = stage.start(definition, "{}").await;
    let asked = stage.asked().await;
    let token = asked.call.parameters.get("Message").unwrap().as_str().unwrap().to_owned();
    let failure = TaskReport::Failure { error: Some("No".to_owned()), cause: None };
    stage.engine.report_task(&token, failure.clone()).await.unwrap();
    assert!(matches!(stage.engine.report_task(&token, failure).await, Err(Refusal::TaskTimedOut)));
    asked.succeed("{}");
    assert_eq!(outcome(&stage.end(&arn).await), "FAILED No -");
    let events = stage.events(&arn).await;
    assert_eq!(events[events.len() - 3..], ["TaskSubmitted", "TaskFailed", "ExecutionFailed"]);
}

#[tokio::test]
async fn a_nested_execution_is_waited_for_and_its_output_comes_back() {
    let stage = Stage::in_memory().await;
    let inner = stage
        .machine("inner", r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "OutputPath": "$.n", "End": true}}}"#)
        .await;
    let outer = format!(
        r#"{{"StartAt": "Nest", "States": {{"Nest": {{"Type": "Task", "End": true,
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {{"StateMachineArn": "{inner}", "Input": {{"n": 7}}, "Name": "nested"}}}}}}}}"#
    );
    let arn = stage.start(&outer, "{}").await;
    stage.until(&arn, "TaskSubmitted", 1).await;
    stage.pass(60);
    let answer = stage.end(&arn).await.output.unwrap();
    let members = ["Input", "Output", "RedriveCount", "RedriveStatus", "Status"]
        .map(|it| answer.get(it).unwrap().to_text());
    assert_eq!(members, [r#"{"n":7}"#, "7", "0", r#""NOT_REDRIVABLE""#, r#""SUCCEEDED""#]);
    let nested = stage.end("arn:aws:states:us-east-1:123456789012:execution:inner:nested").await;
    assert_eq!(nested.status.as_str(), "SUCCEEDED");
}

#[tokio::test]
async fn whoever_has_the_token_may_report_on_a_nested_execution_before_it_ends() {
    let stage = Stage::in_memory().await;
    let inner = stage
        .machine(
            "inner",
            r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": true}}}"#,
        )
        .await;
    let outer = format!(
        r#"{{"StartAt": "Nest", "States": {{"Nest": {{"Type": "Task", "End": true,
            "Resource": "arn:aws:states:::states:startExecution.sync",
            "Parameters": {{"StateMachineArn": "{inner}", "Input": {{"token.$": "$$.Task.Token"}}, "Name": "nested"}}}}}}}}"#
    );
    let arn = stage.start(&outer, "{}").await;
    stage.until(&arn, "TaskSubmitted", 1).await;
    let nested = "arn:aws:states:us-east-1:123456789012:execution:inner:nested";
    let nested = stage.engine.describe_execution(nested).await.unwrap();
    let token = nested.input.get("token").unwrap().as_str().unwrap().to_owned();
    stage.engine.report_task(&token, TaskReport::Success(Json::from("done"))).await.unwrap();
    assert_eq!(outcome(&stage.end(&arn).await), r#""done""#);
}

#[tokio::test]
async fn a_function_without_payload_gets_an_empty_object_and_its_log_comes_along_if_it_is_asked_for() {
    let stage = Stage::in_memory().await;
    let definition = r#"{"StartAt": "Call", "States": {"Call": {"Type": "Task", "End": true,
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "f", "Payload.$": "$.payload", "LogType": "Tail"},
        "ResultSelector": {"payload.$": "$.Payload", "log.$": "$.LogResult",
            "header.$": "$.SdkHttpMetadata.HttpHeaders['X-Amz-Log-Result']"}}}}"#;
    let arn = stage.start(definition, r#"{"payload": null}"#).await;
    let asked = stage.asked().await;
    assert_eq!(asked.call.parameters.get("Payload").unwrap().to_text(), "{}");
    asked.succeed(r#"{"Payload": [1], "LogResult": "TE9H"}"#);
    assert_eq!(outcome(&stage.end(&arn).await), r#"{"payload":[1],"log":"TE9H","header":"TE9H"}"#);
}

#[tokio::test]
async fn a_name_starts_one_execution() {
    let stage = Stage::in_memory().await;
    let machine = stage
        .machine(
            "machine",
            r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": true}}}"#,
        )
        .await;
    let starts =
        (0..8).map(|_| stage.engine.start_execution(new_execution(&machine, Some("one"), r#"{"a":1}"#)));
    let started: Vec<_> =
        futures_util::future::join_all(starts).await.into_iter().map(Result::unwrap).collect();
    assert!(started.iter().all(|start| *start == started[0]));
    let other = stage.engine.start_execution(new_execution(&machine, Some("one"), "{}")).await;
    assert!(matches!(other, Err(Refusal::ExecutionAlreadyExists(_))));
    stage.pass(60);
    stage.end(&started[0].arn).await;
    let again = stage.engine.start_execution(new_execution(&machine, Some("one"), r#"{"a":1}"#)).await;
    assert!(matches!(again, Err(Refusal::ExecutionAlreadyExists(_))));
}

#[tokio::test]
async fn an_execution_goes_on_with_the_definition_it_began_with() {
    let stage = Stage::in_memory().await;
    let definition = |result: &str| {
        format!(
            r#"{{"StartAt": "W", "States": {{"W": {{"Type": "Wait", "Seconds": 60, "Next": "P"}}, "P": {{"Type": "Pass", "Result": "{result}", "End": true}}}}}}"#
        )
    };
    let machine = stage.machine("machine", &definition("old")).await;
    let old = stage.start_machine(&machine, None, "{}").await;
    let change = StateMachineChange { definition: Some(definition("new")), ..StateMachineChange::default() };
    stage.engine.update_state_machine(&machine, change).await.unwrap();
    let new = stage.start_machine(&machine, None, "{}").await;
    stage.engine.delete_state_machine(&machine).await.unwrap();
    let gone = stage.engine.start_execution(new_execution(&machine, None, "{}")).await;
    assert!(matches!(gone, Err(Refusal::StateMachineDoesNotExist(_))));
    stage.pass(60);
    assert_eq!(outcome(&stage.end(&old).await), r#""old""#);
    assert_eq!(outcome(&stage.end(&new).await), r#""new""#);
}

#[tokio::test]
async fn a_failed_execution_is_redriven_from_the_branch_that_failed() {
    let stage = Stage::in_memory().await;
    let definition = r#"{"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "End": true, "Branches": [
        {"StartAt": "Good", "States": {"Good": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:good", "End": true}}},
        {"StartAt": "Bad", "States": {"Bad": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:bad", "End": true}}}]}}}"#;
    let arn = stage.start(definition, "{}").await;
    let (mut good, mut bad) = (stage.asked().await, stage.asked().await);
    if good.call.parameters.to_text().contains("bad") {
        std::mem::swap(&mut good, &mut bad);
    }
    good.succeed("1");
    stage.until(&arn, "LambdaFunctionSucceeded", 1).await;
    bad.fail("Broken");
    assert_eq!(outcome(&stage.end(&arn).await), "FAILED Broken as told");
    stage.engine.redrive_execution(&arn).await.unwrap();
    let again = stage.asked().await;
    assert!(again.call.parameters.to_text().contains("bad"));
    again.succeed("2");
    let end = stage.end(&arn).await;
    assert_eq!((outcome(&end).as_str(), end.redrive_count), ("[1,2]", 1));
    let refused = stage.engine.redrive_execution(&arn).await;
    assert!(matches!(refused, Err(Refusal::ExecutionNotRedrivable(_))));
}

#[tokio::test]
async fn a_machine_is_made_once_under_a_name() {
    let stage = Stage::in_memory().await;
    let pass = r#"{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}"#;
    let first = stage.engine.create_state_machine(new_machine("m", pass)).await.unwrap();
    let again = stage.engine.create_state_machine(new_machine("m", pass)).await.unwrap();
    assert_eq!(first.creation_date, again.creation_date);
    let other = pass.replace("Pass", "Succeed").replace(r#", "End": true"#, "");
    let refused = stage.engine.create_state_machine(new_machine("m", &other)).await;
    assert!(matches!(refused, Err(Refusal::StateMachineAlreadyExists(_))));
}
