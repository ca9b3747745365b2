//! TestState: what it shows of a state.

use serde_json::json;

use crate::client::Client;

#[tokio::test]
async fn a_tested_map_shows_its_items_as_selected_and_batched() {
    let client = Client::new().await;
    let state = json!({"Type": "Map", "ItemsPath": "$.list", "ItemSelector": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value"},
        "ItemBatcher": {"MaxItemsPerBatch": 2}, "MaxConcurrency": 4, "End": true,
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}});
    let body = json!({"definition": state.to_string(), "input": "{\"list\": [\"a\", \"b\", \"c\"]}",
        "inspectionLevel": "DEBUG", "mock": {"result": "[1]"}});
    let answer = client.ok("TestState", body).await;
    let inspected = &answer["inspectionData"];
    assert_eq!(inspected["afterItemSelector"], r#"[{"i":0,"v":"a"},{"i":1,"v":"b"},{"i":2,"v":"c"}]"#);
    assert_eq!(
        inspected["afterItemBatcher"],
        r#"[{"Items":[{"i":0,"v":"a"},{"i":1,"v":"b"}]},{"Items":[{"i":2,"v":"c"}]}]"#
    );
    assert_eq!((&inspected["maxConcurrency"], &answer["status"]), (&4.into(), &"SUCCEEDED".into()));
}

#[tokio::test]
async fn a_tested_state_sees_and_tells_its_variables() {
    let client = Client::new().await;
    let state = json!({"Type": "Pass", "Assign": {"b.$": "$a"}, "Parameters": {"x.$": "$a"}, "End": true});
    let body =
        json!({"definition": state.to_string(), "variables": "{\"a\": 7}", "inspectionLevel": "DEBUG"});
    let answer = client.ok("TestState", body).await;
    assert_eq!(answer["output"], "{\"x\":7}");
    assert_eq!(answer["inspectionData"]["variables"], "{\"a\":7,\"b\":7}");
}

#[tokio::test]
async fn the_mocked_answer_of_a_service_is_an_object_unless_nothing_is_checked() {
    let client = Client::new().await;
    let state = json!({"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {"Message": "m"}, "End": true});
    for mock in ["1", "[]", "null", "\"text\""] {
        let body = |mode: &str| json!({"definition": state.to_string(), "mock": {"result": mock, "fieldValidationMode": mode}});
        for mode in ["STRICT", "PRESENT"] {
            let refused = client.refused("TestState", body(mode)).await;
            assert_eq!(
                refused,
                ("ValidationException".to_owned(), "Mocked result must be a JSON object.".to_owned())
            );
        }
        assert_eq!(client.ok("TestState", body("NONE")).await["output"], mock);
    }
}
