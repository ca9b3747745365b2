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
