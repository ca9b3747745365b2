//! Many at once.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use end_to_end_tests::{eventually, stack};

#[tokio::test]
async fn eight_posts_with_one_idempotency_key_are_one_draw() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let headers = [("content-type", "application/json"), ("idempotency-key", "the-one-and-only")];
    let post = async || {
        eventually("an answer that is not 409", async || {
            let body = br#"{"winners": 2}"#.to_vec();
            let answer = client.send(Method::POST, "/lotteries/party/draws", &headers, body).await;
            (answer.status != 409).then(|| answer.expect(202))
        })
        .await
    };
    let answers = join_all((0..8).map(|_| post())).await;
    let distinct: BTreeSet<_> = answers.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), 1, "{distinct:?}");

    client.wait_for_end("party", answers[0]["draw_id"].as_str().unwrap()).await;
    let draws = client.get("/lotteries/party/draws").await.expect(200);
    assert_eq!(draws["draws"].as_array().unwrap().len(), 1, "{draws}");

    let other = br#"{"winners": 3}"#.to_vec();
    client.send(Method::POST, "/lotteries/party/draws", &headers, other).await.expect(422);
}

#[tokio::test]
async fn twenty_draws_at_once_on_ten_people_give_ten_different_winners() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;

    let draws = join_all((0..20).map(|_| client.run_draw("party", json!({"winners": 1})))).await;

    let mut ends = BTreeMap::new();
    let mut winners = BTreeSet::new();
    for draw in &draws {
        let reason = draw["reason"]["name"].as_str().unwrap_or_default();
        *ends.entry(format!("{} {reason}", draw["status"].as_str().unwrap())).or_insert(0) += 1;
        winners.extend(client.winners("party", draw["draw_id"].as_str().unwrap()).await);
    }
    let expected = [("REJECTED NotEnoughParticipants".to_owned(), 10), ("SUCCEEDED ".to_owned(), 10)];
    assert_eq!(ends, BTreeMap::from(expected));
    assert_eq!(winners.len(), 10, "{winners:?}");
}
