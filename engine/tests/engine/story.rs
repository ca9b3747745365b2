//! A whole small application: functions of any region, a loop back, two branches, retriers and catchers.
//!
//! The shape is that of a talk's demo (aws-serverless-lottery): its states, paths, retriers and catchers under names
//! of our own, the behaviour of its functions given by the test.

use crate::stage::{Stage, outcome};

const MACHINE: &str = include_str!("talk.asl.json");

/// Who is asked, and with what.
async fn asked(stage: &Stage) -> (String, crate::stage::Asked) {
    let asked = stage.asked().await;
    let name = asked.call.parameters.get("FunctionName").and_then(|name| name.as_str()).unwrap_or("topic");
    (name.rsplit(':').next().unwrap().to_owned(), asked)
}

async fn answer(stage: &Stage, name: &str, json: &str) -> String {
    let (asked_name, asked) = asked(stage).await;
    assert_eq!(asked_name, name);
    let payload = asked.call.parameters.get("Payload").unwrap().to_text();
    asked.succeed(json);
    payload
}

#[tokio::test]
async fn it_picks_again_until_nobody_was_picked_before_then_tells_and_records() {
    let stage = Stage::in_memory().await;
    let arn = stage.start(MACHINE, r#"{"num": 2}"#).await;
    assert_eq!(
        answer(&stage, "take-request", r#"{"body": {"num": 2}, "status": 200}"#).await,
        r#"{"num":2}"#
    );
    assert_eq!(answer(&stage, "pick", r#"{"body": ["a", "b"]}"#).await, r#"{"num":2}"#);
    assert_eq!(answer(&stage, "check", r#"{"body": {"num": 2}, "status": 1}"#).await, r#"["a","b"]"#);
    let (name, pick) = asked(&stage).await;
    assert_eq!(name, "pick");
    pick.fail("Throttled");
    stage.until(&arn, "LambdaFunctionFailed", 1).await;
    stage.pass(1);
    answer(&stage, "pick", r#"{"body": ["c", "d"]}"#).await;
    answer(&stage, "check", r#"{"body": ["c", "d"], "status": 0}"#).await;
    for _ in 0..2 {
        let (name, asked) = asked(&stage).await;
        match &*name {
            "topic" => {
                assert_eq!(asked.call.parameters.get("Message").unwrap().to_text(), r#"["c","d"]"#);
                asked.succeed(r#"{"MessageId": "1", "SdkHttpMetadata": {}}"#);
            }
            "record" => asked.succeed(r#""recorded""#),
            other => panic!("{other} was asked"),
        }
    }
    assert_eq!(outcome(&stage.end(&arn).await), r#"[{"MessageId":"1","SdkHttpMetadata":{}},"recorded"]"#);
}

#[tokio::test]
async fn it_fails_when_recording_fails_for_good() {
    let stage = Stage::in_memory().await;
    let arn = stage.start(MACHINE, r#"{"num": 1}"#).await;
    answer(&stage, "take-request", r#"{"body": {"num": 1}}"#).await;
    answer(&stage, "pick", r#"{"body": ["a"]}"#).await;
    answer(&stage, "check", r#"{"body": ["a"], "status": 0}"#).await;
    for (attempt, delay) in [(1, 1), (2, 2), (3, 0)] {
        for _ in 0..2 {
            let (name, asked) = asked(&stage).await;
            if name == "record" {
                asked.fail("Broken");
            }
        }
        stage.until(&arn, "LambdaFunctionFailed", attempt).await;
        stage.pass(delay);
    }
    assert_eq!(outcome(&stage.end(&arn).await), "FAILED - -");
    let events = stage.events(&arn).await;
    let last: Vec<&str> = events.iter().rev().take(4).rev().map(String::as_str).collect();
    assert_eq!(last, ["ParallelStateFailed", "ParallelStateExited", "FailStateEntered", "ExecutionFailed"]);
}
