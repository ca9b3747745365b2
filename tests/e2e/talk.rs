//! A definition written for other accounts, regions and partitions runs as it is.

use serde_json::{Value, json};

use end_to_end_tests::python::{self, Program};
use end_to_end_tests::{eventually, stack};

/// The functions that the definition calls.
const FUNCTIONS: &str = include_str!("talk.py");

/// The shape of a talk's demo, as in the engine's own tests.
const MACHINE: &str = include_str!("talk.asl.json");

/// Makes the topic, whatever account its ARN names, with somebody who listens.
const TOPIC: &str = r#"
import boto3
sns = boto3.client("sns")
topic = sns.create_topic(Name="told")["TopicArn"]
sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+12025550100")
"#;

#[tokio::test]
async fn functions_and_topics_of_any_region_and_partition_are_called() {
    let mut functions = Program::start(FUNCTIONS, "http://127.0.0.1:1", &[]).await;
    let url = format!("http://127.0.0.1:{}", functions.says().await);
    let stack = stack::start_with(|config| {
        config.lambda_endpoint = Some(url);
        // The lottery's roles allow none of this, nor need they.
        (config.call_log, config.iam) = (None, None);
    })
    .await;
    python::run("python3", stack.aws(), &["-c", TOPIC]).await;

    let machine =
        json!({"name": "talk", "roleArn": "arn:aws:iam::111122223333:role/talk", "definition": MACHINE});
    let machine = stack.step_functions("CreateStateMachine", machine).await;
    let request = json!({"stateMachineArn": machine["stateMachineArn"], "input": r#"{"num": 2}"#});
    let started = stack.step_functions("StartExecution", request).await;
    let ended = eventually("the end of the execution", async || {
        let request = json!({"executionArn": started["executionArn"]});
        let described = stack.step_functions("DescribeExecution", request).await;
        (described["status"] != "RUNNING").then_some(described)
    })
    .await;
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
    let output: Value = serde_json::from_str(ended["output"].as_str().unwrap()).unwrap();
    assert_eq!(output[1], json!({"recorded": ["di", "ed"]}), "the first two had been picked before");

    let inbox = stack.client().get("/local/messages").await.expect(200);
    let message = inbox["messages"].as_array().unwrap().iter().find(|it| it["address"] == "+12025550100");
    assert_eq!(message.unwrap()["text"], r#"["di","ed"]"#);
}
