//! The API as a client meets it: AWS's exceptions and messages, paging, idempotency, what is kept and shown.
#![allow(clippy::unwrap_used, reason = "what a test sets up is there, or the test fails")]

use std::sync::Arc;

use serde_json::{Value, json};
use statemachine::engine::NoServices;
use statemachine::service::Service;
use statemachine::{Clock, Config, Engine, ManualClock, Storage};

const ROLE: &str = "arn:aws:iam::123456789012:role/r";

/// A client of an engine in memory, on a clock that stands still.
struct Client {
    service: Service,
    clock: ManualClock,
}

impl Client {
    async fn new() -> Client {
        let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
        let config = Config {
            storage: Storage::Memory,
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            clock: Clock::from(clock.clone()),
            invoker: Arc::new(NoServices),
        };
        Client { service: Service::new(Engine::start(config).await.unwrap()), clock }
    }

    async fn call(&self, operation: &str, body: Value) -> Result<Value, (String, String)> {
        let reply = self.service.call(operation, body.to_string().as_bytes()).await;
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        if reply.status == 200 {
            return Ok(body);
        }
        assert_eq!(reply.status, 400, "{body}");
        Err((body["__type"].as_str().unwrap().to_owned(), body["message"].as_str().unwrap().to_owned()))
    }

    async fn ok(&self, operation: &str, body: Value) -> Value {
        self.call(operation, body).await.unwrap()
    }

    async fn refused(&self, operation: &str, body: Value) -> (String, String) {
        self.call(operation, body).await.unwrap_err()
    }

    async fn make(&self, name: &str, definition: Value) -> String {
        let body = json!({"name": name, "definition": definition.to_string(), "roleArn": ROLE});
        self.ok("CreateStateMachine", body).await["stateMachineArn"].as_str().unwrap().to_owned()
    }

    async fn ended(&self, execution_arn: &str) -> Value {
        self.service.engine().closed(execution_arn).await.unwrap();
        self.ok("DescribeExecution", json!({"executionArn": execution_arn})).await
    }
}

fn pass() -> Value {
    json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}})
}

fn wait() -> Value {
    json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": true}}})
}

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
            "PublishStateMachineVersion",
            json!({}),
            "UnknownOperationException",
            "The operation 'PublishStateMachineVersion' is not supported here",
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
async fn making_a_machine_twice_is_one_machine_and_making_another_of_its_name_is_refused() {
    let client = Client::new().await;
    let arn = client.make("m", pass()).await;
    assert_eq!(client.make("m", pass()).await, arn);
    let body = json!({"name": "m", "definition": wait().to_string(), "roleArn": ROLE});
    assert_eq!(
        client.refused("CreateStateMachine", body).await,
        ("StateMachineAlreadyExists".to_owned(), format!("State Machine Already Exists: '{arn}'"))
    );
}

#[tokio::test]
async fn starting_twice_under_one_name_is_one_execution_as_long_as_it_runs() {
    let client = Client::new().await;
    let arn = client.make("m", wait()).await;
    let start = json!({"stateMachineArn": arn, "name": "e", "input": "{\"a\": 1}"});
    let first = client.ok("StartExecution", start.clone()).await;
    assert_eq!(client.ok("StartExecution", start.clone()).await, first);
    let execution_arn = first["executionArn"].as_str().unwrap();
    let exists =
        ("ExecutionAlreadyExists".to_owned(), format!("Execution Already Exists: '{execution_arn}'"));
    let mut other = start.clone();
    other["input"] = "{}".into();
    assert_eq!(client.refused("StartExecution", other).await, exists);
    client.ok("StopExecution", json!({"executionArn": execution_arn, "error": "E", "cause": "C"})).await;
    let ended = client.ended(execution_arn).await;
    assert_eq!(
        (&ended["status"], &ended["error"], &ended["cause"]),
        (&"ABORTED".into(), &"E".into(), &"C".into())
    );
    assert_eq!(client.refused("StartExecution", start).await, exists);
}

#[tokio::test]
async fn lists_come_in_pages_without_gap_or_overlap_newest_first() {
    let client = Client::new().await;
    let arn = client.make("m", wait()).await;
    for number in 0..7 {
        client.ok("StartExecution", json!({"stateMachineArn": arn, "name": format!("e{number}")})).await;
        client.clock.advance(std::time::Duration::from_millis(1));
    }
    let mut names = Vec::new();
    let mut body = json!({"stateMachineArn": arn, "maxResults": 3, "statusFilter": "RUNNING"});
    loop {
        let page = client.ok("ListExecutions", body.clone()).await;
        let executions = page["executions"].as_array().unwrap();
        assert!(executions.len() <= 3);
        names.extend(executions.iter().map(|execution| execution["name"].as_str().unwrap().to_owned()));
        match page.get("nextToken") {
            Some(token) => body["nextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(names, ["e6", "e5", "e4", "e3", "e2", "e1", "e0"]);
}

#[tokio::test]
async fn a_history_can_be_read_in_pages_backwards_and_without_data() {
    let client = Client::new().await;
    let arn = client.make("m", pass()).await;
    let started =
        client.ok("StartExecution", json!({"stateMachineArn": arn, "input": "{\"secret\": 1}"})).await;
    let execution_arn = started["executionArn"].as_str().unwrap();
    client.ended(execution_arn).await;
    let ids = |page: &Value| -> Vec<i64> {
        page["events"].as_array().unwrap().iter().map(|event| event["id"].as_i64().unwrap()).collect()
    };
    let first =
        client.ok("GetExecutionHistory", json!({"executionArn": execution_arn, "maxResults": 3})).await;
    assert_eq!(ids(&first), [1, 2, 3]);
    let next = json!({"executionArn": execution_arn, "maxResults": 3, "nextToken": first["nextToken"]});
    let rest = client.ok("GetExecutionHistory", next).await;
    assert_eq!(ids(&rest), [4]);
    assert!(rest.get("nextToken").is_none());
    let back = json!({"executionArn": execution_arn, "reverseOrder": true});
    assert_eq!(ids(&client.ok("GetExecutionHistory", back).await), [4, 3, 2, 1]);
    let bare = json!({"executionArn": execution_arn, "includeExecutionData": false});
    assert!(!client.ok("GetExecutionHistory", bare).await.to_string().contains("secret"));
}

#[tokio::test]
async fn an_update_gives_a_revision_and_running_executions_keep_theirs() {
    let client = Client::new().await;
    let arn = client.make("m", wait()).await;
    assert!(
        client.ok("DescribeStateMachine", json!({"stateMachineArn": arn})).await.get("revisionId").is_none()
    );
    let started = client.ok("StartExecution", json!({"stateMachineArn": arn})).await;
    let update = json!({"stateMachineArn": arn, "definition": pass().to_string()});
    let revision = client.ok("UpdateStateMachine", update).await["revisionId"].clone();
    let now = client.ok("DescribeStateMachine", json!({"stateMachineArn": arn})).await;
    assert_eq!((&now["revisionId"], &now["definition"]), (&revision, &pass().to_string().into()));
    let which = json!({"executionArn": started["executionArn"]});
    let then = client.ok("DescribeStateMachineForExecution", which).await;
    assert_eq!(then["definition"], wait().to_string());
}

#[tokio::test]
async fn a_worker_takes_a_task_and_answers_it_once() {
    let client = Client::new().await;
    let activity = client.ok("CreateActivity", json!({"name": "work"})).await["activityArn"].clone();
    let task = json!({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": activity, "End": true}}});
    let arn = client.make("m", task).await;
    let started = client.ok("StartExecution", json!({"stateMachineArn": arn, "input": "{\"n\": 5}"})).await;
    let task = client.ok("GetActivityTask", json!({"activityArn": activity, "workerName": "w"})).await;
    assert_eq!(task["input"], "{\"n\":5}");
    let token = &task["taskToken"];
    client.ok("SendTaskHeartbeat", json!({"taskToken": token})).await;
    let (name, message) = client.refused("SendTaskSuccess", json!({"taskToken": token, "output": "{"})).await;
    assert!(
        name == "InvalidOutput" && message.starts_with("Invalid Output: 'Unexpected end-of-input"),
        "{message}"
    );
    client.ok("SendTaskSuccess", json!({"taskToken": token, "output": "{\"done\": true}"})).await;
    let again = client.refused("SendTaskSuccess", json!({"taskToken": token, "output": "{}"})).await;
    assert_eq!(again.0, "TaskTimedOut");
    let ended = client.ended(started["executionArn"].as_str().unwrap()).await;
    assert_eq!(ended["output"], "{\"done\":true}");
}

#[tokio::test]
async fn tags_are_kept_changed_and_removed() {
    let client = Client::new().await;
    let body = json!({"name": "m", "definition": pass().to_string(), "roleArn": ROLE, "tags": [{"key": "a", "value": "1"}]});
    let arn = client.ok("CreateStateMachine", body).await["stateMachineArn"].clone();
    let tags = [json!({"key": "a", "value": "2"}), json!({"key": "b", "value": "3"})];
    client.ok("TagResource", json!({"resourceArn": arn, "tags": tags})).await;
    assert_eq!(client.ok("ListTagsForResource", json!({"resourceArn": arn})).await, json!({"tags": tags}));
    client.ok("UntagResource", json!({"resourceArn": arn, "tagKeys": ["a"]})).await;
    assert_eq!(
        client.ok("ListTagsForResource", json!({"resourceArn": arn})).await,
        json!({"tags": [tags[1]]})
    );
}

#[tokio::test]
async fn express_machines_answer_at_once_and_refuse_what_they_cannot() {
    let client = Client::new().await;
    let body = json!({"name": "x", "definition": pass().to_string(), "roleArn": ROLE, "type": "EXPRESS"});
    let arn = client.ok("CreateStateMachine", body).await["stateMachineArn"].clone();
    let answer = client.ok("StartSyncExecution", json!({"stateMachineArn": arn, "input": "{\"a\":1}"})).await;
    assert_eq!((&answer["status"], &answer["output"]), (&"SUCCEEDED".into(), &"{\"a\":1}".into()));
    assert_eq!(
        answer["billingDetails"],
        json!({"billedDurationInMilliseconds": 100, "billedMemoryUsedInMB": 64})
    );
    let unsupported = (
        "StateMachineTypeNotSupported".to_owned(),
        "This operation is not supported by this type of state machine".to_owned(),
    );
    assert_eq!(client.refused("ListExecutions", json!({"stateMachineArn": arn})).await, unsupported);
    let history = json!({"executionArn": answer["executionArn"]});
    assert_eq!(client.refused("GetExecutionHistory", history).await, unsupported);
    let standard = client.make("m", pass()).await;
    assert_eq!(client.refused("StartSyncExecution", json!({"stateMachineArn": standard})).await, unsupported);
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
async fn an_answer_can_be_awaited_on_any_thread() {
    fn send<T: Send>(_: T) {}
    let client = Client::new().await;
    send(client.service.call("ListStateMachines", b"{}"));
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
    let told = &answer["inspectionData"];
    assert_eq!(told["afterItemSelector"], r#"[{"i":0,"v":"a"},{"i":1,"v":"b"},{"i":2,"v":"c"}]"#);
    assert_eq!(
        told["afterItemBatcher"],
        r#"[{"Items":[{"i":0,"v":"a"},{"i":1,"v":"b"}]},{"Items":[{"i":2,"v":"c"}]}]"#
    );
    assert_eq!((&told["maxConcurrency"], &answer["status"]), (&4.into(), &"SUCCEEDED".into()));
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
