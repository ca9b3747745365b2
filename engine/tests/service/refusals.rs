//! What is refused: AWS's exceptions, in its words.

use serde_json::{Value, json};

use crate::client::{Client, ROLE, pass};

#[tokio::test]
async fn bad_requests_are_refused_in_the_words_of_aws() {
    let client = Client::new().await;
    let arn = "arn:aws:states:us-east-1:123456789012:stateMachine:none";
    let definition = pass().to_string();
    for (operation, body, name, message) in [
        (
            "CreateStateMachine",
            json!({}),
            "ValidationException",
            "3 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; Value null at 'definition' failed to satisfy constraint: Member must not be null; Value null at 'roleArn' failed to satisfy constraint: Member must not be null",
        ),
        (
            "CreateStateMachine",
            json!({"name": "a b", "definition": definition, "roleArn": ROLE}),
            "InvalidName",
            "Invalid Name: 'a b'",
        ),
        (
            "CreateStateMachine",
            json!({"name": "a", "definition": definition, "roleArn": "me"}),
            "InvalidArn",
            "Invalid Role Arn: 'me'",
        ),
        (
            "CreateStateMachine",
            json!({"name": "a", "definition": definition, "roleArn": ROLE, "type": "FAST"}),
            "ValidationException",
            "1 validation error detected: Value 'FAST' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, EXPRESS]",
        ),
        (
            "CreateStateMachine",
            json!({"name": "a", "definition": "{\"StartAt\": \"A\"}", "roleArn": ROLE}),
            "InvalidDefinition",
            "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /'",
        ),
        (
            "DescribeStateMachine",
            json!({"stateMachineArn": arn}),
            "StateMachineDoesNotExist",
            "State Machine Does Not Exist: 'arn:aws:states:us-east-1:123456789012:stateMachine:none'",
        ),
        (
            "DescribeStateMachine",
            json!({"stateMachineArn": arn.replace("stateMachine", "execution")}),
            "InvalidArn",
            "Invalid Arn: 'Resource type not valid in this context: execution'",
        ),
        (
            "DescribeStateMachine",
            json!({"stateMachineArn": "x"}),
            "InvalidArn",
            "Invalid Arn: 'Invalid ARN prefix: x'",
        ),
        (
            "UpdateStateMachine",
            json!({"stateMachineArn": arn}),
            "MissingRequiredParameter",
            "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified",
        ),
        (
            "StartExecution",
            json!({"stateMachineArn": arn, "input": "not JSON"}),
            "InvalidExecutionInput",
            "Invalid State Machine Execution Input: 'Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n at [Source: (String)\"not JSON\"; line: 1, column: 4]'",
        ),
        (
            "StartExecution",
            json!({"stateMachineArn": arn}),
            "StateMachineDoesNotExist",
            "State Machine Does Not Exist: 'arn:aws:states:us-east-1:123456789012:stateMachine:none'",
        ),
        (
            "ListExecutions",
            json!({"stateMachineArn": arn, "maxResults": 1001}),
            "ValidationException",
            "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 1000",
        ),
        ("ListStateMachines", json!({"nextToken": "%"}), "InvalidToken", "Invalid Token: 'Invalid token'"),
        (
            "DescribeExecution",
            json!({"executionArn": "arn:aws:states:us-east-1:123456789012:execution:none:none"}),
            "ExecutionDoesNotExist",
            "Execution Does Not Exist: 'arn:aws:states:us-east-1:123456789012:execution:none:none'",
        ),
        (
            "SendTaskSuccess",
            json!({"taskToken": "x", "output": "{}"}),
            "InvalidToken",
            "Invalid Token: 'Invalid token'",
        ),
        (
            "DescribeActivity",
            json!({"activityArn": "arn:aws:states:us-east-1:123456789012:activity:none"}),
            "ActivityDoesNotExist",
            "Activity Does Not Exist: 'arn:aws:states:us-east-1:123456789012:activity:none'",
        ),
        (
            "ListTagsForResource",
            json!({"resourceArn": arn}),
            "ResourceNotFound",
            "Resource not found: 'arn:aws:states:us-east-1:123456789012:stateMachine:none'",
        ),
        (
            "DescribeStateMachineVersion",
            json!({}),
            "UnknownOperationException",
            "The operation 'DescribeStateMachineVersion' is not supported here",
        ),
    ] {
        let refused = client.refused(operation, body.clone()).await;
        assert_eq!(refused, (name.to_owned(), message.to_owned()), "{operation} {body}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_object_is_a_serialization_exception() {
    let client = Client::new().await;
    for body in ["", "[]", "{", "\u{1}"] {
        let reply = client.service.call("CreateStateMachine", body.as_bytes()).await;
        assert_eq!(reply.status, 400);
        assert!(reply.body.contains("SerializationException") || body.is_empty(), "{}", reply.body);
    }
    assert_eq!(
        client.refused("ListStateMachines", json!({"maxResults": "7"})).await.0,
        "SerializationException"
    );
}

#[tokio::test]
async fn diagnostics_can_be_limited_and_asked_for_with_warnings() {
    let client = Client::new().await;
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Parameters": {"x": "$.y"}, "Foo": 1, "Bar": 2, "End": true}}});
    let mut body = json!({"definition": definition.to_string()});
    let errors = client.ok("ValidateStateMachineDefinition", body.clone()).await;
    assert_eq!((errors["diagnostics"].as_array().unwrap().len(), &errors["result"]), (2, &"FAIL".into()));
    body["severity"] = "WARNING".into();
    let all = client.ok("ValidateStateMachineDefinition", body.clone()).await;
    assert_eq!(all["diagnostics"].as_array().unwrap().len(), 3);
    body["maxResults"] = 1.into();
    let one = client.ok("ValidateStateMachineDefinition", body).await;
    assert_eq!((one["diagnostics"].as_array().unwrap().len(), &one["truncated"]), (1, &true.into()));
}

#[tokio::test]
async fn what_the_host_cannot_do_is_refused_by_name() {
    let client = Client::new().await;
    let definition = json!({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {"Message": "m", "PhoneNumber": "+1"}, "End": true}}});
    let body = json!({"name": "m", "definition": definition.to_string(), "roleArn": ROLE});
    assert_eq!(
        client.refused("CreateStateMachine", body).await.1,
        "Invalid State Machine Definition: 'NOT_SUPPORTED_HERE: The integration 'sns:publish' is not supported here at /States/T/Resource'"
    );
    let body = json!({"definition": definition.to_string()});
    assert_eq!(client.ok("ValidateStateMachineDefinition", body).await["result"], "OK");
}

#[tokio::test]
async fn configurations_are_held_against_their_types() {
    let client = Client::new().await;
    let definition = pass().to_string();
    let refused = async |member: &str, value: Value| {
        let mut body = json!({"name": "m", "definition": definition, "roleArn": ROLE});
        body[member] = value;
        client.refused("CreateStateMachine", body).await
    };
    let invalid = |fault: &str| {
        let message = format!("1 validation error detected: {fault}");
        ("ValidationException".to_owned(), message)
    };
    assert_eq!(
        refused("loggingConfiguration", json!({"level": "LOUD"})).await,
        invalid(
            "Value 'LOUD' at 'loggingConfiguration.level' failed to satisfy constraint: Member must satisfy enum value set: [ALL, ERROR, FATAL, OFF]"
        )
    );
    assert_eq!(
        refused("encryptionConfiguration", json!({"type": "NONE"})).await,
        invalid(
            "Value 'NONE' at 'encryptionConfiguration.type' failed to satisfy constraint: Member must satisfy enum value set: [AWS_OWNED_KEY, CUSTOMER_MANAGED_KMS_KEY]"
        )
    );
    assert_eq!(
        refused("encryptionConfiguration", json!({})).await,
        invalid(
            "Value null at 'encryptionConfiguration.type' failed to satisfy constraint: Member must not be null"
        )
    );
    for (member, value) in [
        ("tracingConfiguration", json!({"enabled": "yes"})),
        ("loggingConfiguration", json!({"includeExecutionData": 1})),
    ] {
        assert_eq!(refused(member, value).await.0, "SerializationException");
    }
}
