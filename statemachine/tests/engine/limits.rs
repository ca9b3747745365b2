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
