//! TestState: what it shows of a state.

use std::sync::Arc;

use asl_engine::data::Json;
use asl_engine::engine::{Call, HttpExchange, HttpResponse, Invoker, Secrets, TaskFailure, Traced};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::client::{Client, ROLE};

/// A host whose HTTP Tasks are answered with 201, and with the method that they ask for.
struct Web;

impl Invoker for Web {
    fn supports(&self, service: &str, _: &str) -> bool {
        service == "http"
    }

    fn invoke(&self, _: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        Box::pin(async { Ok(Json::from(1)) })
    }

    fn invoke_traced(&self, call: Call, secrets: Secrets) -> BoxFuture<'static, Traced> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let secret = (secrets == Secrets::Revealed).then(|| pair("authorization", "Basic dTpw"));
        let exchange = HttpExchange {
            method: call.parameters.get("Method").and_then(Json::as_str).unwrap().to_owned(),
            url: "https://example.com/?a=1".to_owned(),
            headers: [pair("x-own", "yes")].into_iter().chain(secret).collect(),
            body: None,
            response: Some(HttpResponse {
                status: 201,
                message: "Created".to_owned(),
                headers: vec![pair("date", "today"), pair("server", "s")],
                body: Some("{ }".to_owned()),
            }),
        };
        Box::pin(async { Traced { result: Ok(Json::from(2)), exchange: Some(exchange) } })
    }
}

/// In the form of the developer's guide, "Example 3" of TestState.
#[tokio::test]
async fn the_level_trace_shows_the_request_and_the_response_of_an_http_task() {
    let client = Client::with_host(Arc::new(Web)).await;
    let arn = "arn:aws:events:us-east-1:123456789012:connection/c/0c2f9d3a-1f0a-4a56-8d0a-111111111111";
    let state = json!({"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "End": true, "Parameters": {
        "Method": "POST", "ApiEndpoint": "https://example.com/", "Authentication": {"ConnectionArn": arn}}});
    let test = |level: &str, reveal: bool| json!({"definition": state.to_string(), "roleArn": ROLE, "inspectionLevel": level, "revealSecrets": reveal});
    let traced = client.ok("TestState", test("TRACE", false)).await;
    assert_eq!(traced["output"], "2");
    let request = |headers: &str| json!({"protocol": "https", "method": "POST", "url": "https://example.com/?a=1", "headers": headers});
    assert_eq!(traced["inspectionData"]["request"], request("[x-own: yes]"));
    let response = json!({"protocol": "https", "statusCode": "201", "statusMessage": "Created",
        "headers": "[date: today, server: s]", "body": "{ }"});
    assert_eq!(traced["inspectionData"]["response"], response);
    let revealed = client.ok("TestState", test("TRACE", true)).await;
    assert_eq!(revealed["inspectionData"]["request"], request("[x-own: yes, authorization: Basic dTpw]"));
    let debugged = client.ok("TestState", test("DEBUG", true)).await;
    assert_eq!((&debugged["output"], &debugged["inspectionData"]["request"]), (&"1".into(), &Value::Null));
}

#[tokio::test]
async fn a_mock_of_any_service_is_held_against_its_api() {
    let client = Client::new().await;
    let state = json!({"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:kms:encrypt", "End": true,
        "Parameters": {"KeyId": "k", "Plaintext": "p"}});
    let test = |result: &str, mode: &str| json!({"definition": state.to_string(), "mock": {"result": result, "fieldValidationMode": mode}});
    for (result, fault) in [
        (r#"{"CiphertextBlob": 123}"#, "Field 'CiphertextBlob' must be a string"),
        (r#"{"CiphertextBlob": ""}"#, "Field 'CiphertextBlob' is less than the minimum length"),
        (r#"{"EncryptionAlgorithm": "ROT13"}"#, "Field 'EncryptionAlgorithm' is not an expected value"),
    ] {
        for mode in ["STRICT", "PRESENT"] {
            let refused = client.refused("TestState", test(result, mode)).await;
            assert_eq!(refused.1, format!("Mock result schema validation error: {fault}"), "{mode}");
        }
        assert_eq!(client.ok("TestState", test(result, "NONE")).await["output"], result);
    }
}

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
