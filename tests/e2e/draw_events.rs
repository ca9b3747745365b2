//! What draws tell other systems through EventBridge, as a rule of somebody else hears it.

use std::path::Path;

use local_stack::{Endpoints, Fault, FaultTime};
use serde_json::{Value, json};

use end_to_end_tests::client::phone_of;
use end_to_end_tests::stack::{self, Started};
use end_to_end_tests::{eventually, http};

const QUEUE: &str = "arn:aws:sqs:us-east-1:123456789012:heard";

/// Any call in AWS's JSON, as an SDK sends it.
pub(crate) async fn aws(stack: &Started, target: &str, request: Value) -> Value {
    let answer = http()
        .post(stack.aws())
        .header("x-amz-target", target)
        .header("content-type", "application/x-amz-json-1.1")
        .body(request.to_string())
        .send()
        .await
        .unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success(), "{target}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// Has every event of the lottery sent to a queue.
async fn listen(stack: &Started) {
    aws(stack, "AmazonSQS.CreateQueue", json!({"QueueName": "heard"})).await;
    let pattern = json!({"source": ["lottery"]}).to_string();
    let rule = json!({"Name": "all", "EventBusName": "local-draws", "EventPattern": pattern});
    aws(stack, "AWSEvents.PutRule", rule).await;
    let targets = json!([{"Id": "heard", "Arn": QUEUE}]);
    aws(
        stack,
        "AWSEvents.PutTargets",
        json!({"Rule": "all", "EventBusName": "local-draws", "Targets": targets}),
    )
    .await;
}

/// The next events that the rule has passed on, in the order of their arrival.
async fn heard(stack: &Started, count: usize) -> Vec<Value> {
    let url = format!("{}/123456789012/heard", stack.aws());
    let mut events = Vec::new();
    while events.len() < count {
        events.extend(
            eventually("an event", async || {
                let request = json!({"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 3600});
                let answer = aws(stack, "AmazonSQS.ReceiveMessage", request).await;
                let bodies =
                    answer["Messages"].as_array()?.iter().map(|message| message["Body"].as_str().unwrap());
                Some(bodies.map(|body| serde_json::from_str::<Value>(body).unwrap()).collect::<Vec<_>>())
            })
            .await,
        );
    }
    events.sort_by_key(|event| event["time"].as_str().unwrap().to_owned());
    events
}

/// The schema of the detail of an event of this type.
fn schema(detail_type: &Value) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/events.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(
        schema["properties"]["detail-type"]["enum"].as_array().unwrap().contains(detail_type),
        "{detail_type}"
    );
    let ways = schema["oneOf"].as_array().unwrap().iter();
    let way =
        ways.map(|way| &way["properties"]).find(|way| way["detail-type"]["const"] == *detail_type).unwrap();
    let definition = way["detail"]["$ref"].as_str().unwrap().trim_start_matches("#/$defs/");
    schema["$defs"][definition].clone()
}

/// Holds an event against the published schema: its members are exactly the documented ones.
fn check(event: &Value) {
    let schema = schema(&event["detail-type"]);
    let mut required: Vec<&str> =
        schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let mut documented: Vec<&str> =
        schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let detail = event["detail"].as_object().unwrap();
    let mut members: Vec<&str> = detail.keys().map(String::as_str).collect();
    for names in [&mut required, &mut documented, &mut members] {
        names.sort_unstable();
    }
    assert_eq!((&members, &members), (&required, &documented), "{event}");
    for (name, value) in detail {
        let property = &schema["properties"][name];
        assert!(value.is_string(), "{name} of {event}");
        let allowed = property["enum"].as_array();
        assert!(allowed.is_none_or(|allowed| allowed.contains(value)), "{name} of {event}");
    }
}

/// The types of the events of a draw.
fn types<'a>(events: &'a [Value], draw: &str) -> Vec<&'a str> {
    let of_draw = events.iter().filter(|event| event["detail"]["draw_id"] == draw);
    of_draw.map(|event| event["detail-type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn other_systems_hear_of_each_step_of_a_draw_by_ids_alone_as_the_schema_says() {
    let breaks = Fault::every("record-winners", "SealBroken", FaultTime::Before).calls(2..=2);
    let stack = stack::start_with(|config| config.faults = vec![breaks]).await;
    listen(&stack).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let good = client.run_draw("party", json!({"winners": 2})).await["draw_id"].as_str().unwrap().to_owned();
    let broken =
        client.run_draw("party", json!({"winners": 2})).await["draw_id"].as_str().unwrap().to_owned();
    let large =
        client.run_draw("party", json!({"winners": 50})).await["draw_id"].as_str().unwrap().to_owned();

    let events = heard(&stack, 6).await;
    assert_eq!(types(&events, &good), ["DrawSealed", "WinnersRecorded", "DrawCompleted"]);
    assert_eq!(types(&events, &broken), ["DrawSealed", "DrawFailed"]);
    assert_eq!(types(&events, &large), ["DrawRejected"]);
    for event in &events {
        check(event);
        assert_eq!(event["detail"]["lottery_id"], "party");
        let text = event["detail"].to_string();
        assert!(!text.contains("Company") && !text.contains("001"), "{text}");
    }
    let of = |kind: &str| events.iter().find(|event| event["detail-type"] == kind).unwrap()["detail"].clone();
    assert_eq!(of("DrawCompleted")["status"], "SUCCEEDED");
    assert_eq!(of("DrawFailed")["error"], "SealBroken");
    assert_eq!(of("DrawRejected")["error"], "NotEnoughParticipants");
}

#[tokio::test]
async fn what_a_further_execution_repeats_has_the_same_event_id_and_another_completion_has_not() {
    let stack = stack::start_with(|config| config.refuse = vec![phone_of("004")]).await;
    listen(&stack).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"winners": 10})).await;
    assert_eq!(draw["status"], "INCOMPLETE", "{draw}");
    let path = format!("/lotteries/party/draws/{}", draw["draw_id"].as_str().unwrap());
    client.post(&format!("{path}/notifications/retry"), &json!({"states": ["FAILED"]})).await;

    let events = heard(&stack, 5).await;
    events.iter().for_each(check);
    let ids = |kind: &str| {
        let of_kind = events.iter().filter(|event| event["detail-type"] == kind);
        of_kind.map(|event| event["detail"]["event_id"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids("DrawSealed").len(), 1, "{events:?}");
    let (recorded, completed) = (ids("WinnersRecorded"), ids("DrawCompleted"));
    assert_eq!((recorded.len(), completed.len()), (2, 2), "{events:?}");
    assert_eq!(recorded[0], recorded[1]);
    assert_ne!(completed[0], completed[1]);
}

#[tokio::test]
async fn a_draw_does_not_fail_because_nobody_takes_its_events() {
    let mut endpoints = Endpoints::default();
    endpoints.add("events=http://127.0.0.1:1").unwrap();
    let stack = stack::start_with(|config| config.endpoints = endpoints).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"winners": 2})).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    let rejected = client.run_draw("party", json!({"winners": 50})).await;
    // The draw's own error is the execution's.
    let arn = rejected["execution_arn"].clone();
    let error = eventually("the end of the execution", async || {
        let execution = stack.step_functions("DescribeExecution", json!({ "executionArn": arn })).await;
        execution["error"].as_str().map(str::to_owned)
    })
    .await;
    assert_eq!(error, "NotEnoughParticipants");
}
