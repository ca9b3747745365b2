//! What is kept and shown: idempotency, paging, revisions, workers, tags, Express.

use serde_json::{Value, json};

use crate::client::{Client, ROLE, pass, wait};

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
    assert_eq!(task["input"], "{\"n\": 5}");
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
    assert_eq!(ended["output"], "{\"done\": true}");
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
async fn an_answer_can_be_awaited_on_any_thread() {
    fn send<T: Send>(_: T) {}
    let client = Client::new().await;
    send(client.service.call("ListStateMachines", b"{}"));
}

#[tokio::test]
async fn a_map_over_what_is_no_list_fails_in_the_words_of_its_language() {
    let client = Client::new().await;
    let processor = json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}});
    let fields = [("JSONPath", "ItemsPath", "$.x"), ("JSONata", "Items", "{% $states.input.x %}")];
    let mut failures = Vec::new();
    for (language, field, place) in fields {
        let state = json!({"Type": "Map", field: place, "ItemProcessor": processor, "End": true});
        let machine = json!({"QueryLanguage": language, "StartAt": "M", "States": {"M": state}});
        let arn = client.make(language, machine).await;
        let begun = client.ok("StartExecution", json!({"stateMachineArn": arn, "input": "{\"x\": 1}"})).await;
        let ended = client.ended(begun["executionArn"].as_str().unwrap()).await;
        failures.push((ended["error"].clone(), ended["cause"].as_str().unwrap().to_owned()));
    }
    assert_eq!(failures[0].0, "States.Runtime");
    assert!(failures[0].1.ends_with("Reference path \"$.x\" must point to array."), "{}", failures[0].1);
    assert_eq!(failures[1].0, "States.QueryEvaluationError");
    assert!(failures[1].1.contains("returned an unexpected result type"), "{}", failures[1].1);
}
