//! What goes wrong: refused messages, failed steps, lost answers, stopped executions.

use local_stack::{Fault, FaultTime};
use serde_json::json;

use end_to_end_tests::client::phone_of;
use end_to_end_tests::{eventually, stack};

#[tokio::test]
async fn a_refused_phone_is_shown_and_does_not_stop_the_others() {
    let refused = phone_of("004");
    let stack = stack::start_with(|config| config.refuse = vec![refused.clone()]).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let draw = client.run_draw("party", json!({"winners": 10})).await;
    assert_eq!(draw["status"], "INCOMPLETE", "{draw}");
    let id = draw["draw_id"].as_str().unwrap();
    let addressed = client.addressed(id, "sms").await;
    assert!(!addressed.contains(&refused));
    assert_eq!((addressed.len(), client.addressed(id, "email").await.len()), (9, 10));
    assert_eq!(draw["notifications"]["sms"]["sent"], 9, "{draw}");
    assert_eq!(draw["notifications"]["sms"]["failed"], 1, "{draw}");
    assert_eq!(draw["notifications"]["email"]["sent"], 10, "{draw}");
    let alerts = stack.operator_alerts().await;
    assert!(
        alerts.iter().any(|alert| alert.contains(id)),
        "the organiser hears of the unsent one: {alerts:?}"
    );
}

#[tokio::test]
async fn a_draw_whose_seal_is_damaged_is_abandoned_and_the_lottery_is_free_again() {
    let fault = Fault::every("record-winners", "SealBroken", FaultTime::Before).calls(1..=1);
    let stack = stack::start_with(|config| config.faults = vec![fault]).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let draw = client.run_draw("party", json!({"winners": 2})).await;
    assert_eq!(draw["status"], "ABANDONED", "{draw}");
    let id = draw["draw_id"].as_str().unwrap();
    assert!(client.winners("party", id).await.is_empty());
    assert!(client.messages(id).await.is_empty());
    let alerts = stack.operator_alerts().await;
    assert!(alerts.iter().any(|alert| alert.contains(id)), "{alerts:?}");

    let next = client.run_draw("party", json!({"winners": 10})).await;
    assert_eq!(next["status"], "SUCCEEDED", "all ten can win: {next}");
}

#[tokio::test]
async fn whatever_else_fails_is_told_and_resumed_with_the_same_commitment() {
    for function in ["fetch-beacon", "draw-winners", "record-winners", "complete-draw"] {
        let fault = Fault::every(function, "Broken", FaultTime::Before).calls(1..=1);
        let stack = stack::start_with(|config| config.faults = vec![fault]).await;
        let client = stack.client();
        client.lottery_of_employees("party").await;

        let draw = client.run_draw("party", json!({"winners": 2})).await;
        assert_eq!(draw["status"], "SUCCEEDED", "{function}: {draw}");
        assert_eq!(draw["sequence"], 1, "{function}: {draw}");
        let id = draw["draw_id"].as_str().unwrap();
        let alerts = stack.operator_alerts().await;
        let addressed = alerts.iter().filter(|alert| alert.contains(id) && alert.contains("Broken")).count();
        assert_eq!(addressed, 1, "{function}: {alerts:?}");
        assert_eq!(client.addressed(id, "sms").await.len(), 2, "{function}");
    }
}

#[tokio::test]
async fn a_recording_whose_answer_is_lost_once_is_found_by_the_next_try() {
    recording_goes_forward(
        Fault::every("record-winners", "Runtime.ExitError", FaultTime::After).calls(1..=1),
    )
    .await;
}

#[tokio::test]
async fn a_recording_whose_answer_is_lost_to_its_execution_goes_forward_in_the_next() {
    recording_goes_forward(Fault::every("record-winners", "RecordingBroke", FaultTime::After).calls(1..=1))
        .await;
}

#[tokio::test]
async fn a_recording_whose_answer_is_lost_as_a_damaged_seal_goes_forward_at_once() {
    recording_goes_forward(Fault::every("record-winners", "SealBroken", FaultTime::After)).await;
}

async fn recording_goes_forward(fault: Fault) {
    let stack = stack::start_with(|config| config.faults = vec![fault]).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let draw = client.run_draw("party", json!({"winners": 2})).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    let id = draw["draw_id"].as_str().unwrap();
    let winners = client.winners("party", id).await;
    let phones = winners.iter().map(|id| phone_of(id)).collect();
    assert_eq!(client.addressed(id, "sms").await, phones);
}

#[tokio::test]
async fn an_execution_stopped_after_the_commitment_goes_on_with_the_same_one() {
    // Drawing hangs in its retries while the execution is stopped under it.
    let fault = Fault::every("draw-winners", "Runtime.ExitError", FaultTime::Before).calls(1..=3);
    let stack = stack::start_with(|config| config.faults = vec![fault]).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let answer = client.post("/lotteries/party/draws", &json!({"winners": 2})).await.expect(202);
    let draw = answer["draw_id"].as_str().unwrap();
    let sealed = eventually("the seal", async || {
        let draw = client.draw("party", draw).await;
        (draw["status"] == "SEALED").then_some(draw)
    })
    .await;
    stack.stop_execution(answer["execution_arn"].as_str().unwrap()).await;

    let ended = client.wait_for_end("party", draw).await;
    assert_eq!(ended["status"], "SUCCEEDED", "stopping it is no way to draw again: {ended}");
    assert_eq!((&ended["commitment"], &ended["round"]), (&sealed["commitment"], &sealed["round"]));
    assert!(ended["execution_arn"].as_str().unwrap().contains("-r"), "{ended}");
    assert_eq!(client.addressed(draw, "sms").await.len(), 2);
    let next = client.run_draw("party", json!({"winners": 8})).await;
    assert_eq!(next["status"], "SUCCEEDED", "{next}");
}
