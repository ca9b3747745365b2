//! boto3 and the AWS CLI, unchanged, through `AWS_ENDPOINT_URL`.

use serde_json::{Value, json};

use end_to_end_tests::{eventually, python, stack};

/// What an AWS user does from Python; prints what it saw as one JSON object.
const SCRIPT: &str = include_str!("aws_tools.py");

#[tokio::test]
async fn boto3_works_unchanged() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let printed = python::run("python3", stack.aws(), &["-c", SCRIPT]).await;
    let seen: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(seen["machines"], json!(["import-participants", "lottery"]), "{seen}");
    assert_eq!(seen["start_at"], "IsResumed", "{seen}");
    assert_eq!(seen["status"], "FAILED", "an unknown draw ends with a typed error: {seen}");
    assert_eq!(seen["error"], "DrawUnknown", "{seen}");
    assert_eq!(seen["first_and_last_event"], json!(["ExecutionStarted", "ExecutionFailed"]), "{seen}");
    assert_eq!(seen["pages"], "the same events", "{seen}");
    assert!(seen["tables"].as_array().unwrap().len() == 2, "{seen}");
    assert!(seen["items"].as_u64().unwrap() >= 10, "{seen}");
    assert_eq!(seen["not_found"], "ExecutionDoesNotExist", "{seen}");

    let inbox = client.get("/local/messages").await.expect(200);
    let texts: Vec<_> = inbox["messages"].as_array().unwrap().iter().map(|m| m["text"].clone()).collect();
    assert!(texts.contains(&json!("hello, phone")) && texts.contains(&json!("hello, topic")), "{inbox}");
}

#[tokio::test]
async fn terraform_and_cdk_find_the_calls_that_they_make() {
    let stack = stack::start().await;
    let script = include_str!("infrastructure_tools.py");
    let printed = python::run("python3", stack.aws(), &["-c", script]).await;
    let seen: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        seen,
        json!({
            "description": "second",
            "versions_of_the_alias": ["1", "2"],
            "refused": "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [live]",
            "alias_gone": "ResourceNotFound",
            "machine_gone": "StateMachineDoesNotExist",
        })
    );
}

#[tokio::test]
async fn the_aws_cli_works_unchanged() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let aws = async |arguments: &str| {
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        let printed = python::run("aws", stack.aws(), &arguments).await;
        serde_json::from_str::<Value>(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    };

    let machines = aws("stepfunctions list-state-machines").await;
    let mut machines = machines["stateMachines"].as_array().unwrap().iter();
    let lottery = machines.find(|machine| machine["name"] == "lottery").unwrap();
    let arn = lottery["stateMachineArn"].as_str().unwrap();
    let machine = aws(&format!("stepfunctions describe-state-machine --state-machine-arn {arn}")).await;
    assert_eq!(machine["status"], "ACTIVE", "{machine}");

    let input = r#"{"lottery_id":"party","draw_id":"nobody-made-it"}"#;
    let started =
        aws(&format!("stepfunctions start-execution --state-machine-arn {arn} --input {input}")).await;
    let execution = started["executionArn"].as_str().unwrap();
    let history = eventually("the execution's end", async || {
        let command =
            format!("stepfunctions get-execution-history --execution-arn {execution} --reverse-order");
        let history = aws(&command).await;
        (history["events"][0]["type"] == "ExecutionFailed").then_some(history)
    })
    .await;
    assert_eq!(history["events"][0]["executionFailedEventDetails"]["error"], "DrawUnknown", "{history}");

    let tables = aws("dynamodb list-tables").await;
    let table = tables["TableNames"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned();
    let items = aws(&format!("dynamodb scan --table-name {table} --max-items 3")).await;
    assert_eq!(items["Items"].as_array().unwrap().len(), 3, "{items}");

    let topics = aws("sns list-topics").await;
    let topic = topics["Topics"][0]["TopicArn"].as_str().unwrap();
    aws(&format!("sns publish --topic-arn {topic} --message from-the-cli")).await;
    aws("sns publish --phone-number +12025550123 --message to-a-phone").await;
    let inbox = client.get("/local/messages").await.expect(200).to_string();
    assert!(inbox.contains("to-a-phone"), "{inbox}");
}
