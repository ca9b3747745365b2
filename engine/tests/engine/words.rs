//! The words of failures: what a state says of a value that does not fit.

use serde_json::{Value, json};

use crate::stage::{Stage, outcome};

/// How the only state of a machine ends on an input.
async fn ends(state: Value, input: Value) -> String {
    let stage = Stage::in_memory().await;
    let definition = json!({"StartAt": "S", "States": {"S": state}}).to_string();
    let arn = stage.start(&definition, &input.to_string()).await;
    outcome(&stage.end(&arn).await)
}

/// A failure of that state.
fn failed(error: &str, cause: &str) -> String {
    format!(
        "FAILED {error} An error occurred while executing the state 'S' (entered at the event id #2). {cause}"
    )
}

#[tokio::test]
async fn a_wait_tells_a_negative_number_from_what_is_no_whole_number() {
    let wait = json!({"Type": "Wait", "SecondsPath": "$.w", "End": true});
    for (seconds, words) in [
        (json!(-1), "references a negative value: $.w == -1"),
        (json!(-1.5), "cannot be parsed as a long value: $.w == -1.5"),
        (json!("1"), "cannot be parsed as a long value: $.w == 1"),
    ] {
        let words = failed("States.Runtime", &format!("The SecondsPath parameter {words}"));
        assert_eq!(ends(wait.clone(), json!({"w": seconds})).await, words);
    }
}

#[tokio::test]
async fn a_call_of_the_engines_own_api_is_refused_as_over_http_in_the_words_of_the_sdk() {
    let nobody = "arn:aws:states:us-east-1:123456789012:stateMachine:nobody";
    let optimized = [
        (json!({"StateMachineArn": "x"}), "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: x'"),
        (json!({"StateMachineArn": nobody, "Name": "a b"}), "InvalidName", "Invalid Name: 'a b'"),
        (
            json!({"StateMachineArn": nobody, "Input": "{"}),
            "InvalidExecutionInput",
            "Invalid State Machine Execution Input: ",
        ),
        (
            json!({"StateMachineArn": null}),
            "Validation",
            "1 validation error detected: Value null at 'stateMachineArn' ",
        ),
        (json!({"StateMachineArn": nobody}), "StateMachineDoesNotExist", "State Machine Does Not Exist: "),
    ];
    for (parameters, error, cause) in optimized {
        let state = json!({"Type": "Task", "Resource": "arn:aws:states:::states:startExecution", "Parameters": parameters, "End": true});
        let ended = ends(state, json!({})).await;
        assert!(ended.starts_with(&format!("FAILED StepFunctions.{error}Exception {cause}")), "{ended}");
    }
    let sdk = [
        (
            "stopExecution",
            json!({"ExecutionArn": nobody}),
            "InvalidArn",
            "Invalid Arn: 'Resource type not valid in this context: stateMachine'",
        ),
        ("sendTaskSuccess", json!({"TaskToken": "x", "Output": "{"}), "InvalidOutput", "Invalid Output: "),
        ("sendTaskHeartbeat", json!({"TaskToken": "x"}), "InvalidToken", "Invalid Token: 'Invalid token'"),
    ];
    for (action, parameters, error, cause) in sdk {
        let resource = format!("arn:aws:states:::aws-sdk:sfn:{action}");
        let state = json!({"Type": "Task", "Resource": resource, "Parameters": parameters, "End": true});
        let ended = ends(state, json!({})).await;
        assert!(ended.starts_with(&format!("FAILED Sfn.{error}Exception {cause}")), "{ended}");
    }
}

#[tokio::test]
async fn a_number_out_of_range_is_a_fault_of_the_expression_that_gave_it_and_of_the_path_a_runtime_error() {
    let map = |more: Value| {
        let mut map = json!({"Type": "Map", "End": true, "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}});
        map.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        map
    };
    for (field, number, words) in [
        ("MaxConcurrency", -1, "Expected non-negative integer for MaxConcurrency, got '-1' instead."),
        ("ToleratedFailureCount", -1, "ToleratedFailureCount cannot be negative."),
        ("ToleratedFailurePercentage", 101, "ToleratedFailurePercentage must be between 0 and 100."),
    ] {
        let input = json!({"n": number, "items": [1]});
        let by_path = map(json!({"ItemsPath": "$.items", (format!("{field}Path")): "$.n"}));
        assert_eq!(ends(by_path, input.clone()).await, failed("States.Runtime", words));
        let by_expression =
            map(json!({"QueryLanguage": "JSONata", "Items": [1], field: "{% $states.input.n %}"}));
        assert_eq!(ends(by_expression, input).await, failed("States.QueryEvaluationError", words));
    }
}

#[tokio::test]
async fn a_fail_state_wants_texts_of_its_expressions_as_every_field_for_a_text_does() {
    let fail =
        |error: &str| json!({"Type": "Fail", "QueryLanguage": "JSONata", "Error": error, "Cause": "plain"});
    let words = "The JSONata expression '1' specified for the field 'Error' returned an unexpected result type. Expected 'string', but was 'number' for value: 1";
    assert_eq!(ends(fail("{% 1 %}"), json!({})).await, failed("States.QueryEvaluationError", words));
    assert_eq!(ends(fail("{% 'a' & 'b' %}"), json!({})).await, "FAILED ab plain");
}
