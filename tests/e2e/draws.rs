//! One draw, and one draw after another.

use std::collections::BTreeSet;

use serde_json::json;

use end_to_end_tests::client::{email_of, phone_of};
use end_to_end_tests::stack;

#[tokio::test]
async fn a_draw_goes_from_the_post_to_the_winners_phones_and_mailboxes() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let answer = client.post("/lotteries/party/draws", &json!({"winners": 2})).await;
    let started = answer.expect(202);
    let draw = started["draw_id"].as_str().unwrap();
    assert_eq!(answer.header("location"), Some(&*format!("/lotteries/party/draws/{draw}")));
    assert!(started["execution_arn"].as_str().unwrap().ends_with(&format!(":draw-{draw}")));

    let ended = client.wait_for_end("party", draw).await;
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
    let winners = client.winners("party", draw).await;
    assert_eq!(BTreeSet::from_iter(&winners).len(), 2);
    let phones = winners.iter().map(|id| phone_of(id)).collect();
    assert_eq!(client.addressed(draw, "sms").await, phones);
    let emails = winners.iter().map(|id| email_of(id)).collect();
    assert_eq!(client.addressed(draw, "email").await, emails);
}

#[tokio::test]
async fn five_draws_of_two_give_ten_people_and_the_sixth_is_rejected() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let mut winners = BTreeSet::new();
    for _ in 0..5 {
        let draw = client.run_draw("party", json!({"winners": 2})).await;
        assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
        winners.extend(client.winners("party", draw["draw_id"].as_str().unwrap()).await);
    }
    assert_eq!(winners.len(), 10, "{winners:?}");

    let sixth = client.run_draw("party", json!({"winners": 2})).await;
    assert_eq!(sixth["status"], "REJECTED", "{sixth}");
    assert_eq!(sixth["reason"]["name"], "NotEnoughParticipants", "{sixth}");
    let messages = client.messages(sixth["draw_id"].as_str().unwrap()).await;
    assert!(messages.is_empty(), "{messages:?}");
}

#[tokio::test]
async fn more_winners_than_people_are_refused_and_the_next_draw_works() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let draw = client.run_draw("party", json!({"winners": 11})).await;
    assert_eq!(draw["status"], "REJECTED", "{draw}");
    assert_eq!(draw["reason"]["name"], "NotEnoughParticipants", "{draw}");
    assert!(client.messages(draw["draw_id"].as_str().unwrap()).await.is_empty());

    let draw = client.run_draw("party", json!({"winners": 10})).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
}

#[tokio::test]
async fn a_draw_with_prizes_fills_each_of_them_in_order() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let prizes = json!({"prizes": [{"name": "A bicycle", "winners": 1}, {"name": "A book", "winners": 3}]});
    let draw = client.run_draw("party", prizes).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    let path = format!("/lotteries/party/draws/{}/winners", draw["draw_id"].as_str().unwrap());
    let winners = client.get(&path).await.expect(200);
    let won: Vec<_> = winners["winners"].as_array().unwrap().iter().map(|w| w["prize"].clone()).collect();
    assert_eq!(won, ["A bicycle", "A book", "A book", "A book"]);
    let messages = client.messages(draw["draw_id"].as_str().unwrap()).await;
    let bicycles = messages.iter().filter(|m| m["text"].as_str().unwrap().contains("A bicycle")).count();
    assert_eq!((messages.len(), bicycles), (8, 2), "an SMS and an e-mail for each winner name the prize");
}

#[tokio::test]
async fn a_draw_waits_for_its_closing_time_and_can_be_cancelled_until_then() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let draw = client.start_draw("party", json!({"winners": 2, "closes_at": "2027-01-01T00:00:00Z"})).await;
    let waiting = client.draw("party", &draw).await;
    assert_eq!(waiting["status"], "WAITING", "{waiting}");
    let path = format!("/lotteries/party/draws/{draw}/cancel");
    client.post(&path, &json!({})).await.expect(200);
    assert_eq!(client.wait_for_end("party", &draw).await["status"], "CANCELLED");

    let next = client.run_draw("party", json!({"winners": 1})).await;
    assert_eq!(next["status"], "SUCCEEDED", "the lottery is free again: {next}");
    let path = format!("/lotteries/party/draws/{}/cancel", next["draw_id"].as_str().unwrap());
    let late = client.post(&path, &json!({})).await.expect(409);
    assert!(late["type"].as_str().unwrap().contains("already-committed"), "{late}");
}

#[tokio::test]
async fn winners_are_told_in_the_language_of_their_lottery() {
    let stack = stack::start().await;
    let client = stack.client();
    let lottery = json!({"id": "nianhui", "name": "公司年会", "locale": "zh-CN"});
    client.post("/lotteries", &lottery).await.expect(201);
    client.import("nianhui", "participant_id,name,phone\n1,王小明,+8613800000001\n").await;

    let prizes = json!({"prizes": [{"name": "一等奖", "winners": 1}]});
    let draw = client.run_draw("nianhui", prizes).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    let messages = client.messages(draw["draw_id"].as_str().unwrap()).await;
    let text = messages[0]["text"].as_str().unwrap();
    assert!(text.contains("一等奖") && text.contains("公司年会"), "{text}");
    assert!(text.chars().count() <= 70, "one SMS: {text}");
}
