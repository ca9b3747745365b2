//! What a failure in a branch or an iteration leaves in the history, and what follows what.
//!
//! The shapes are those of real executions, as measured on AWS by others.

use asl_engine::data::Json;

use crate::stage::Stage;

/// The events of a finished execution: each one's type and the number of the one that it follows.
async fn shape(definition: &str, input: &str) -> Vec<(String, u64)> {
    let stage = Stage::in_memory().await;
    let arn = stage.start(definition, input).await;
    stage.end(&arn).await;
    shape_of(&stage, &arn).await
}

async fn shape_of(stage: &Stage, arn: &str) -> Vec<(String, u64)> {
    let line = |event: &Json| {
        let event_type = event.get("type").unwrap().as_str().unwrap().to_owned();
        (event_type, event.get("previousEventId").unwrap().as_u64().unwrap())
    };
    stage.history(arn).await.iter().map(line).collect()
}

fn expected(shape: &[(&str, u64)]) -> Vec<(String, u64)> {
    shape.iter().map(|(event_type, previous)| ((*event_type).to_owned(), *previous)).collect()
}

#[tokio::test]
async fn a_runtime_error_in_a_branch_ends_the_execution_and_tells_of_nothing_else() {
    let definition = r#"{"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true,
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Never"}], "Branches": [
            {"StartAt": "Fast", "States": {"Fast": {"Type": "Pass", "Parameters": {"m.$": "$.nope"}, "End": true}}}]},
        "Never": {"Type": "Succeed"}}}"#;
    let wanted = [
        ("ExecutionStarted", 0),
        ("ParallelStateEntered", 0),
        ("ParallelStateStarted", 2),
        ("PassStateEntered", 3),
        ("ExecutionFailed", 4),
    ];
    assert_eq!(shape(definition, r#"{"x": "a"}"#).await, expected(&wanted));
}

#[tokio::test]
async fn a_runtime_error_in_an_iteration_likewise() {
    let definition = r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "MaxConcurrency": 1, "End": true, "ItemProcessor": {
        "StartAt": "Fast", "States": {"Fast": {"Type": "Pass", "Parameters": {"m.$": "$.nope"}, "End": true}}}}}}"#;
    let wanted = [
        ("ExecutionStarted", 0),
        ("MapStateEntered", 0),
        ("MapStateStarted", 2),
        ("MapIterationStarted", 3),
        ("PassStateEntered", 4),
        ("ExecutionFailed", 5),
    ];
    assert_eq!(shape(definition, "[1, 2]").await, expected(&wanted));
}

#[tokio::test]
async fn a_choice_that_leads_nowhere_is_a_runtime_error() {
    let stage = Stage::in_memory().await;
    let definition = r#"{"StartAt": "C", "States": {"D": {"Type": "Succeed"}, "C": {"Type": "Choice",
        "Choices": [{"Variable": "$.x", "StringEquals": "never", "Next": "D"}]}}}"#;
    let arn = stage.start(definition, r#"{"x": "a"}"#).await;
    let end = stage.end(&arn).await;
    assert_eq!(end.error.as_deref(), Some("States.Runtime"));
    let cause = "An error occurred while executing the state 'C' (entered at the event id #2). \
        Failed to transition out of the state. The state does not point to a next state.";
    assert_eq!(end.cause.as_deref(), Some(cause));
}

#[tokio::test]
async fn what_fails_after_all_branches_succeeded_follows_their_success() {
    let definition = r#"{"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "ResultSelector": {"m.$": "$.nope"},
        "Branches": [{"StartAt": "Ok", "States": {"Ok": {"Type": "Pass", "End": true}}}]}}}"#;
    let wanted = [
        ("ExecutionStarted", 0),
        ("ParallelStateEntered", 0),
        ("ParallelStateStarted", 2),
        ("PassStateEntered", 3),
        ("PassStateExited", 4),
        ("ParallelStateSucceeded", 5),
        ("ExecutionFailed", 6),
    ];
    assert_eq!(shape(definition, "{}").await, expected(&wanted));
}

#[tokio::test]
async fn a_catcher_whose_output_fails_fails_the_state_a_second_time() {
    let definition = r#"{"QueryLanguage": "JSONata", "StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true,
        "Branches": [{"StartAt": "Boom", "States": {"Boom": {"Type": "Fail", "Error": "MyError"}}}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Output": {"v": "{% $states.input.missing %}"}, "Next": "Done"}]},
        "Done": {"Type": "Pass", "End": true}}}"#;
    let wanted = [
        ("ExecutionStarted", 0),
        ("ParallelStateEntered", 0),
        ("ParallelStateStarted", 2),
        ("FailStateEntered", 3),
        ("ParallelStateFailed", 4),
        ("EvaluationFailed", 4),
        ("ParallelStateFailed", 6),
        ("ExecutionFailed", 7),
    ];
    assert_eq!(shape(definition, r#"{"x": "a"}"#).await, expected(&wanted));
}

#[tokio::test]
async fn the_events_of_what_a_failing_iteration_cuts_off_follow_its_last_event() {
    let stage = Stage::in_memory().await;
    let definition = r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "Route", "States": {
        "Route": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 0, "Next": "Long"}], "Default": "Short"},
        "Long": {"Type": "Wait", "Seconds": 20, "End": true},
        "Short": {"Type": "Wait", "Seconds": 1, "Next": "Boom"},
        "Boom": {"Type": "Fail", "Error": "Boom"}}}}}}"#;
    let arn = stage.start(definition, "[0, 1]").await;
    stage.pass(1);
    stage.end(&arn).await;
    let shape = shape_of(&stage, &arn).await;
    let failure =
        shape.iter().position(|(event_type, _)| event_type == "FailStateEntered").unwrap() as u64 + 1;
    let wanted = [
        ("MapIterationAborted", failure),
        ("WaitStateAborted", failure),
        ("MapIterationFailed", failure),
        ("MapStateFailed", failure),
        ("ExecutionFailed", failure + 4),
    ];
    assert_eq!(shape[shape.len() - 5..], expected(&wanted));
}

#[tokio::test]
async fn a_nested_execution_is_stopped_with_the_branch_that_waits_for_it() {
    let stage = Stage::in_memory().await;
    let inner = stage
        .machine(
            "inner",
            r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 600, "End": true}}}"#,
        )
        .await;
    let definition = format!(
        r#"{{"StartAt": "P", "States": {{"P": {{"Type": "Parallel", "End": true, "Branches": [
            {{"StartAt": "Nest", "States": {{"Nest": {{"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Parameters": {{"StateMachineArn": "{inner}", "Name": "nested"}}, "End": true}}}}}},
            {{"StartAt": "Short", "States": {{"Short": {{"Type": "Wait", "Seconds": 1, "Next": "Boom"}}, "Boom": {{"Type": "Fail", "Error": "Boom"}}}}}}]}}}}}}"#
    );
    let arn = stage.start(&definition, "{}").await;
    stage.until(&arn, "TaskSubmitted", 1).await;
    stage.pass(1);
    stage.end(&arn).await;
    let nested = stage.end("arn:aws:states:us-east-1:123456789012:execution:inner:nested").await;
    assert_eq!(nested.status.as_str(), "ABORTED");
    let cause = format!(
        "The Task state in AWS Step Functions execution [{arn}] which was managing this resource was aborted"
    );
    assert_eq!(nested.cause, Some(cause));
}

#[tokio::test]
async fn the_history_tells_the_error_of_a_timeout_that_the_description_does_not() {
    let stage = Stage::in_memory().await;
    let definition = r#"{"TimeoutSeconds": 3, "StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 25, "End": true}}}"#;
    let arn = stage.start(definition, "{}").await;
    stage.pass(3);
    assert_eq!(stage.end(&arn).await.error, None);
    let last = stage.history(&arn).await.pop().unwrap();
    assert_eq!(last.get("previousEventId").unwrap().as_u64(), Some(0));
    assert_eq!(last.get("executionTimedOutEventDetails").unwrap().to_text(), r#"{"error":"States.Timeout"}"#);
}
