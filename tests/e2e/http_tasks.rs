//! HTTP Tasks: a state machine calls an API, here that of the stack itself.

use serde_json::{Value, json};

use end_to_end_tests::stack;
use local_stack::Connections;

const CONNECTION: &str = "arn:aws:events:us-east-1:123456789012:connection/own/1";

#[tokio::test]
async fn a_state_machine_calls_an_api_and_catches_its_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("connections.json");
    let key = json!({"ApiKeyName": "X-Key", "ApiKeyValue": "any"});
    let connection = json!({"Name": "own", "AuthorizationType": "API_KEY",
        "AuthParameters": {"ApiKeyAuthParameters": key}});
    std::fs::write(&file, json!({"Connections": [connection]}).to_string()).unwrap();
    let connections = Connections::read(&file).unwrap();
    let stack = stack::start_with(|config| config.connections = connections).await;
    stack.client().create_lottery("party").await;

    let request = |path: &str| {
        json!({"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "Arguments": {
            "ApiEndpoint": format!("{}{path}", stack.api()), "Method": "GET",
            "Authentication": {"ConnectionArn": CONNECTION}}})
    };
    let mut found = request("/lotteries/party");
    found["Assign"] = json!({"name": "{% $states.result.ResponseBody.name %}"});
    found["Next"] = json!("Missing");
    let mut missing = request("/lotteries/other");
    missing["Catch"] = json!([{"ErrorEquals": ["States.Http.StatusCode.404"], "Next": "Caught",
        "Output": "{% $states.errorOutput %}"}]);
    missing["End"] = json!(true);
    let output =
        "{% {'name': $name, 'error': $states.input.Error, 'problem': $parse($states.input.Cause).type} %}";
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": "Found", "States": {
        "Found": found, "Missing": missing,
        "Caught": {"Type": "Pass", "Output": output, "End": true}}});
    let machine = stack
        .step_functions(
            "CreateStateMachine",
            json!({"name": "caller", "type": "EXPRESS", "definition": definition.to_string(),
                "roleArn": "arn:aws:iam::123456789012:role/any"}),
        )
        .await;
    let ended = stack
        .step_functions("StartSyncExecution", json!({"stateMachineArn": machine["stateMachineArn"]}))
        .await;
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
    let output: Value = serde_json::from_str(ended["output"].as_str().unwrap()).unwrap();
    assert_eq!(output["error"], "States.Http.StatusCode.404");
    assert!(
        output["name"].is_string() && output["problem"].as_str().unwrap().contains("not-found"),
        "{output}"
    );
}
