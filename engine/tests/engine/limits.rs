//! What is too large, too deep or never ends, ends soon and says why.

use std::time::Instant;

use crate::stage::{Stage, outcome};

async fn ends(definition: &str, input: &str) -> String {
    let begun = Instant::now();
    let stage = Stage::in_memory().await;
    let arn = stage.start(definition, input).await;
    let outcome = outcome(&stage.end(&arn).await);
    assert!(begun.elapsed().as_secs() < 15, "it took {:?}", begun.elapsed());
    outcome
}

fn jsonata(output: &str) -> String {
    format!(
        r#"{{"QueryLanguage": "JSONata", "StartAt": "S", "States": {{"S": {{"Type": "Pass", "Output": "{{% {output} %}}", "End": true}}}}}}"#
    )
}

#[tokio::test]
async fn a_payload_beyond_256_kib_fails_the_state() {
    let definition = r#"{"StartAt": "Double", "States": {
        "Double": {"Type": "Pass", "Parameters": {"a.$": "States.Format('{}{}', $.a, $.a)"}, "Next": "Double"}}}"#;
    let outcome = ends(definition, r#"{"a": "x"}"#).await;
    assert!(outcome.starts_with("FAILED States.DataLimitExceeded The state/task 'Double'"), "{outcome}");
}

#[tokio::test]
async fn variables_beyond_256_kib_at_once_or_10_mib_together_fail_the_state() {
    let pad = |bytes: usize| format!("{{% $pad('x', {bytes}) %}}");
    let at_once = serde_json::json!({"QueryLanguage": "JSONata", "StartAt": "S", "States": {
        "S": {"Type": "Pass", "Assign": {"a": pad(140_000), "b": pad(140_000)}, "Output": 1, "End": true}}});
    let outcome = ends(&at_once.to_string(), "{}").await;
    assert!(outcome.starts_with("FAILED States.DataLimitExceeded The state/task 'S'"), "{outcome}");

    let mut together = serde_json::json!({"QueryLanguage": "JSONata", "StartAt": "S0", "States": {
        "S45": {"Type": "Pass", "Assign": {"v44": pad(250_001)}, "End": true}}});
    for state in 0..45 {
        // What takes the place of something else counts alone.
        let variable = if state < 5 { 0 } else { state };
        together["States"][format!("S{state}")] = serde_json::json!({"Type": "Pass", "Output": 1,
            "Assign": {format!("v{variable}"): pad(250_000)}, "Next": format!("S{}", state + 1)});
    }
    assert_eq!(ends(&together.to_string(), "{}").await, "1");
    together["States"]["S45"]["Assign"]["v45"] = pad(250_000).into();
    together["States"]["S45"]["Assign"]["v46"] = 1.into();
    let outcome = ends(&together.to_string(), "{}").await;
    assert!(outcome.starts_with("FAILED States.DataLimitExceeded The state/task 'S45'"), "{outcome}");
}

#[tokio::test]
async fn a_value_that_nests_ever_deeper_fails_the_state() {
    let definition = r#"{"StartAt": "Wrap", "States": {"Wrap": {"Type": "Pass", "Parameters": {"a.$": "$"}, "Next": "Wrap"}}}"#;
    let outcome = ends(definition, "{}").await;
    assert!(outcome.starts_with("FAILED States."), "{outcome}");
}

#[tokio::test]
async fn an_expression_that_never_ends_is_ended() {
    let outcome = ends(&jsonata("($f := function($n) { $f($n + 1) }; $f(1))"), "{}").await;
    assert!(outcome.starts_with("FAILED States.QueryEvaluationError"), "{outcome}");
}

#[tokio::test]
async fn a_million_items_are_refused_by_their_size() {
    let definition = r#"{"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": {"Type": "Map",
        "Items": "{% [1..1000000] %}", "End": true, "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}}"#;
    let outcome = ends(definition, "{}").await;
    assert!(outcome.starts_with("FAILED States."), "{outcome}");
}

#[tokio::test]
async fn an_inline_map_over_very_many_items_ends_with_the_history() {
    let items: Vec<&str> = std::iter::repeat_n("1", 100_000).collect();
    let definition = r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {
        "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}}"#;
    let outcome = ends(definition, &format!("[{}]", items.join(","))).await;
    assert_eq!(
        outcome,
        "FAILED States.Runtime The execution reached the maximum number of history events (25000)."
    );
}
