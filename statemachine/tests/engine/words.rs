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
