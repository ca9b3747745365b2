//! The Distributed Map and its children.

use asl_engine::engine::{ExecutionQuery, ExecutionsOf};

use crate::stage::{Stage, outcome};

fn distributed(more: &str) -> String {
    format!(
        r#"{{"StartAt": "Each", "States": {{"Each": {{"Type": "Map", "ItemsPath": "$.items", {more}
            "ItemProcessor": {{"ProcessorConfig": {{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}, "StartAt": "Odd", "States": {{
                "Odd": {{"Type": "Choice", "Choices": [{{"Variable": "$.v", "NumericEquals": 13, "Next": "Fail"}}], "Default": "Pass"}},
                "Fail": {{"Type": "Fail", "Error": "Unlucky"}},
                "Pass": {{"Type": "Pass", "OutputPath": "$.v", "End": true}}}}}},
            "ItemSelector": {{"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index"}}, "Label": "each", "End": true}}}}}}"#
    )
}

#[tokio::test]
async fn children_run_as_executions_of_their_own() {
    let stage = Stage::in_memory().await;
    let arn =
        stage.start(&distributed(r#""MaxConcurrency": 3,"#), r#"{"items": [1, 2, 3, 4, 5, 6, 7]}"#).await;
    assert_eq!(outcome(&stage.end(&arn).await), "[1,2,3,4,5,6,7]");
    let runs = stage.engine.map_runs(&arn).await.unwrap();
    assert_eq!((runs.len(), runs[0].item_counts.succeeded, runs[0].status.as_str()), (1, 7, "SUCCEEDED"));
    let query = ExecutionQuery {
        of: ExecutionsOf::MapRun(runs[0].arn.clone()),
        status: None,
        redriven: None,
        limit: 4,
        after: None,
    };
    let first = stage.engine.list_executions(query.clone()).await.unwrap();
    let second =
        stage.engine.list_executions(ExecutionQuery { after: first.next.clone(), ..query }).await.unwrap();
    assert_eq!((first.executions.len(), second.executions.len(), second.next), (4, 3, None));
    let child = stage.engine.describe_execution(&first.executions[0].arn).await.unwrap();
    assert_eq!(child.map_run_arn.as_ref(), Some(&runs[0].arn));
    assert_eq!(stage.engine.map_run(&runs[0].arn).await.unwrap().execution_arn, arn);
}

#[tokio::test]
async fn failures_are_tolerated_up_to_the_limit() {
    let stage = Stage::in_memory().await;
    let items = r#"{"items": [1, 13, 3]}"#;
    let tolerant = stage.machine("tolerant", &distributed(r#""ToleratedFailureCount": 1,"#)).await;
    let arn = stage.start_machine(&tolerant, None, items).await;
    assert_eq!(outcome(&stage.end(&arn).await), "[1,3]");
    let strict = stage.machine("strict", &distributed(r#""ToleratedFailurePercentage": 33,"#)).await;
    let arn = stage.start_machine(&strict, None, items).await;
    assert_eq!(
        outcome(&stage.end(&arn).await),
        "FAILED States.ExceedToleratedFailureThreshold The specified tolerated failure threshold was exceeded"
    );
    let events = stage.events(&arn).await;
    assert_eq!(events[events.len() - 3..], ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]);
}

#[tokio::test]
async fn ten_thousand_items_are_worked_through() {
    let stage = Stage::in_memory().await;
    let items: Vec<String> = (0..10_000).map(|item| item.to_string()).collect();
    let definition = distributed(r#""ToleratedFailureCount": 1,"#);
    let arn = stage.start(&definition, &format!(r#"{{"items": [{}]}}"#, items.join(","))).await;
    let end = stage.end(&arn).await;
    assert_eq!(end.output.unwrap().as_array().unwrap().len(), 9_999);
}

#[tokio::test]
async fn a_redrive_runs_only_the_children_that_failed() {
    let stage = Stage::in_memory().await;
    let definition = r#"{"StartAt": "Each", "States": {"Each": {"Type": "Map", "End": true, "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "Ask", "States": {
            "Ask": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:ask", "End": true}}}}}}"#;
    let arn = stage.start(definition, "[0, 1]").await;
    for _ in 0..2 {
        let asked = stage.asked().await;
        match asked.call.parameters.get("Payload").unwrap().as_i64() {
            Some(0) => {
                asked.succeed("0");
                // The other one fails when this one is done.
                let run = stage.engine.map_runs(&arn).await.unwrap().remove(0);
                crate::stage::within(async {
                    while stage.engine.map_run(&run.arn).await.unwrap().item_counts.succeeded == 0 {
                        tokio::task::yield_now().await;
                    }
                })
                .await;
            }
            _ => asked.fail("Broken"),
        }
    }
    assert_eq!(stage.end(&arn).await.error.as_deref(), Some("States.ExceedToleratedFailureThreshold"));
    stage.engine.redrive_execution(&arn).await.unwrap();
    let again = stage.asked().await;
    assert_eq!(again.call.parameters.get("Payload").unwrap().as_i64(), Some(1));
    again.succeed("1");
    assert_eq!(outcome(&stage.end(&arn).await), "[0,1]");
    assert!(stage.events(&arn).await.contains(&"MapRunRedriven".to_owned()));
}
