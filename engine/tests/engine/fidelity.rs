//! Answers of AWS that public reports and its documentation name, beside the recorded conformance cases.

use crate::stage::{Stage, outcome};

/// How a machine ends whose one state has these fields.
async fn ended(state: &str, input: &str) -> String {
    let stage = Stage::in_memory().await;
    let definition = format!(r#"{{"StartAt": "S", "States": {{"S": {{{state}, "End": true}}}}}}"#);
    let arn = stage.start(&definition, input).await;
    outcome(&stage.end(&arn).await)
}

async fn parameters(template: &str, input: &str) -> String {
    ended(&format!(r#""Type": "Pass", "Parameters": {template}"#), input).await
}

const PROCESSOR: &str =
    r#""ItemProcessor": {"StartAt": "C", "States": {"C": {"Type": "Pass", "End": true}}}"#;
const DISTRIBUTED: &str = r#""ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "C", "States": {"C": {"Type": "Pass", "End": true}}}"#;

#[tokio::test]
async fn an_index_beyond_an_array_is_null_in_a_template_and_absent_for_a_choice() {
    assert_eq!(parameters(r#"{"m.$": "$.a[5]"}"#, r#"{"a":[1]}"#).await, r#"{"m":null}"#);
    assert_eq!(parameters(r#"{"m.$": "States.Array($.a[1])"}"#, r#"{"a":[1]}"#).await, r#"{"m":[null]}"#);
    let choice = r#"{"StartAt": "C", "States": {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.a[0]", "IsPresent": true, "Next": "Yes"}], "Default": "No"},
        "Yes": {"Type": "Pass", "Result": "yes", "End": true}, "No": {"Type": "Pass", "Result": "no", "End": true}}}"#;
    let stage = Stage::in_memory().await;
    for (input, expected) in [(r#"{"a":[null]}"#, r#""yes""#), (r#"{"a":[]}"#, r#""no""#)] {
        let machine = stage.machine(&format!("m{expected}").replace('"', ""), choice).await;
        let arn = stage.start_machine(&machine, None, input).await;
        assert_eq!(outcome(&stage.end(&arn).await), expected);
    }
}

#[tokio::test]
async fn a_map_goes_over_the_members_of_an_object() {
    let input = r#"{"servers":{"a":{"port":80},"b":{"port":81}}}"#;
    let pairs = r#"[{"Key":"a","Value":{"port":80}},{"Key":"b","Value":{"port":81}}]"#;
    let selector = r#""ItemSelector": {"k.$": "$$.Map.Item.Key", "p.$": "$$.Map.Item.Value.port"}"#;
    for processor in [PROCESSOR, DISTRIBUTED] {
        let map = format!(r#""Type": "Map", "ItemsPath": "$.servers", {processor}"#);
        assert_eq!(ended(&map, input).await, pairs);
        let selected = r#"[{"k":"a","p":80},{"k":"b","p":81}]"#;
        assert_eq!(ended(&format!("{map}, {selector}"), input).await, selected);
    }
    assert_eq!(
        ended(&format!(r#""Type": "Map", "ItemsPath": "$.none", {PROCESSOR}"#), r#"{"none":{}}"#).await,
        "[]"
    );
}

#[tokio::test]
async fn a_distributed_map_says_where_its_items_come_from() {
    let selector = r#""ItemSelector": {"s.$": "$$.Map.Item.Source"}"#;
    let map = format!(r#""Type": "Map", {DISTRIBUTED}, {selector}"#);
    assert_eq!(ended(&map, "[5]").await, r#"[{"s":"STATE_DATA"}]"#);
}

#[tokio::test]
async fn an_inline_map_takes_tolerances_without_effect() {
    let failing = r#""ItemProcessor": {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "No"}}}"#;
    let map = format!(
        r#""Type": "Map", "ToleratedFailureCount": 5, "ToleratedFailurePercentagePath": "$[0]", {failing}"#
    );
    assert!(ended(&map, "[50]").await.starts_with("FAILED No"));
}

#[tokio::test]
async fn a_path_into_a_null_input_is_refused() {
    let choice =
        r#""Type": "Choice", "Choices": [{"Variable": "$", "IsString": true, "Next": "S"}], "Default": "S""#;
    let refused = "Unable to apply Path transformation to null or empty input.";
    assert!(ended(&choice.replace(r#", "End""#, ""), "null").await.ends_with(refused));
    assert!(ended(r#""Type": "Pass", "InputPath": "$.a""#, "null").await.ends_with(refused));
    assert_eq!(ended(r#""Type": "Pass""#, "null").await, "null");
}

#[tokio::test]
async fn a_number_is_no_payload_of_a_function() {
    let task = r#""Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "f", "Payload.$": "$"}"#;
    let ended = ended(task, "1").await;
    assert!(ended.starts_with("FAILED States.Runtime"), "{ended}");
    assert!(ended.ends_with("[The value for the field 'Payload' must be a STRING]"), "{ended}");
}

#[tokio::test]
async fn whole_numbers_keep_every_digit_through_an_execution() {
    let number = "123456789012345678901234567890";
    let ended = parameters(r#"{"m.$": "$.n"}"#, &format!(r#"{{"n":{number}}}"#)).await;
    assert_eq!(ended, format!(r#"{{"m":{number}}}"#));
}

#[tokio::test]
async fn an_express_execution_is_started_and_awaited_by_an_sdk_task() {
    use asl_engine::engine::{MachineType, NewStateMachine};
    let stage = Stage::in_memory().await;
    let inner = r#"{"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"a": 1}, "End": true}}}"#;
    let new = crate::stage::new_machine("inner", inner);
    let inner = stage
        .engine
        .create_state_machine(NewStateMachine { machine_type: MachineType::Express, ..new })
        .await;
    let inner = inner.unwrap().arn.clone();
    let outer = format!(
        r#"{{"StartAt": "S", "States": {{"S": {{"Type": "Task", "End": true,
            "Resource": "arn:aws:states:::aws-sdk:sfn:startSyncExecution",
            "Parameters": {{"StateMachineArn": "{inner}", "Input": {{"x": 1}}}},
            "ResultSelector": {{"status.$": "$.Status", "output.$": "$.Output", "billed.$": "$.BillingDetails.BilledMemoryUsedInMB"}}
        }}}}}}"#
    );
    let arn = stage.start(&outer, "{}").await;
    assert_eq!(outcome(&stage.end(&arn).await), r#"{"status":"SUCCEEDED","output":"{\"a\":1}","billed":64}"#);
}
