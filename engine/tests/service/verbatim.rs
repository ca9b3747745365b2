//! Data that is handed on whole is shown as it was sent: AWS does so in histories, descriptions and causes.

use serde_json::{Value, json};

use crate::client::Client;

const SENT: &str = "{ \"a\": [1, 2.0],\n \"b\": \"\\u00e9\\/\" }";
const COMPACT: &str = r#"{"a":[1,2.0],"b":"é/"}"#;

/// The texts of one member in the details of the events of a type.
async fn shown(client: &Client, execution_arn: &str, event_type: &str, member: &str) -> Vec<String> {
    let history = client.ok("GetExecutionHistory", json!({"executionArn": execution_arn})).await;
    let events = history["events"].as_array().unwrap().iter().filter(|event| event["type"] == event_type);
    let details = events.filter_map(|event| {
        let members = event.as_object().unwrap().iter();
        members.into_iter().find(|(name, _)| name.ends_with("EventDetails")).map(|(_, details)| details)
    });
    details.filter_map(|details| details[member].as_str().map(str::to_owned)).collect()
}

async fn run(client: &Client, name: &str, states: Value, input: &str) -> (String, Value) {
    let machine = client.make(name, json!({"StartAt": "S", "States": states})).await;
    let body = json!({"stateMachineArn": machine, "input": input});
    let started = client.ok("StartExecution", body).await;
    let arn = started["executionArn"].as_str().unwrap().to_owned();
    let ended = client.ended(&arn).await;
    (arn, ended)
}

#[tokio::test]
async fn the_input_keeps_its_text_as_long_as_no_field_changes_it() {
    let client = Client::new().await;
    let states = json!({
        "S": {"Type": "Pass", "InputPath": "$", "Next": "W"}, "W": {"Type": "Succeed"}});
    let (arn, ended) = run(&client, "whole", states, SENT).await;
    assert_eq!((&ended["input"], &ended["output"]), (&SENT.into(), &SENT.into()));
    for (event_type, member) in [
        ("ExecutionStarted", "input"),
        ("PassStateEntered", "input"),
        ("PassStateExited", "output"),
        ("SucceedStateExited", "output"),
        ("ExecutionSucceeded", "output"),
    ] {
        assert_eq!(shown(&client, &arn, event_type, member).await, [SENT], "{event_type}");
    }
    for (name, state) in [
        ("path", json!({"Type": "Pass", "Parameters": {"x.$": "$"}, "OutputPath": "$.x", "End": true})),
        (
            "jsonata",
            json!({"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input %}", "End": true}),
        ),
        ("context", json!({"Type": "Pass", "InputPath": "$$.Execution.Input", "End": true})),
    ] {
        let (_, ended) = run(&client, name, json!({"S": state}), SENT).await;
        assert_eq!((&ended["input"], &ended["output"]), (&SENT.into(), &COMPACT.into()), "{name}");
    }
}

/// As recorded: a Parallel state puts the texts of its branches together, a Map state's items are written anew.
#[tokio::test]
async fn a_parallel_state_joins_the_texts_of_its_branches() {
    let client = Client::new().await;
    let pass = json!({"StartAt": "I", "States": {"I": {"Type": "Pass", "End": true}}});
    let nested =
        json!({"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": [pass], "End": true}}});
    let outer = json!({"S": {"Type": "Parallel", "Branches": [nested], "End": true}});
    let (arn, ended) = run(&client, "nested", outer, "[[1, 2, 3], [4, 5, 6]]").await;
    assert_eq!(ended["output"], "[[[[1, 2, 3], [4, 5, 6]]]]");
    let exits = shown(&client, &arn, "ParallelStateExited", "output").await;
    assert_eq!(exits, ["[[[1, 2, 3], [4, 5, 6]]]", "[[[[1, 2, 3], [4, 5, 6]]]]"]);
    let map = json!({"S": {"Type": "Map", "End": true, "ItemProcessor": pass}});
    let (_, ended) = run(&client, "items", map, "[[1, 2], [3]]").await;
    assert_eq!(ended["output"], "[[1,2],[3]]");
}

#[tokio::test]
async fn a_cause_quotes_the_input_as_it_was_sent() {
    let client = Client::new().await;
    let state = json!({"S": {"Type": "Pass", "Parameters": {"x.$": "$.value"}, "End": true}});
    let (_, ended) = run(&client, "cause", state, r#"{"a": 1,       "b": 2}"#).await;
    let cause = ended["cause"].as_str().unwrap();
    assert!(cause.ends_with(r#"could not be found in the input '{"a": 1,       "b": 2}'"#), "{cause}");
}

/// As recorded, the items of a Map are listed with blanks between them.
#[tokio::test]
async fn a_tested_state_shows_input_and_mock_as_they_were_sent() {
    let client = Client::new().await;
    let state = json!({"Type": "Map", "ItemsPath": "$.list", "End": true,
        "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}});
    let body = json!({"definition": state.to_string(), "input": "{ \"list\":[\"a\",{\"b\":1}] }",
        "inspectionLevel": "DEBUG", "mock": {"result": "[1,  2]"}});
    let answer = client.ok("TestState", body).await;
    let inspected = &answer["inspectionData"];
    assert_eq!(inspected["input"], "{ \"list\":[\"a\",{\"b\":1}] }");
    assert_eq!(inspected["afterItemsPath"], r#"["a", {"b":1}]"#);
    assert_eq!(
        (&inspected["afterResultSelector"], &answer["output"]),
        (&"[1,  2]".into(), &"[1,  2]".into())
    );
}
