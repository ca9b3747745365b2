//! What everybody on the list is notified of: the commitment before the round, and afterwards who has won and who has not.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use end_to_end_tests::stack;

#[tokio::test]
async fn everybody_is_notified_of_the_commitment_before_the_round_and_afterwards_what_became_of_them() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw_at = (jiff::Timestamp::now() + jiff::SignedDuration::from_secs(12)).to_string();
    let request = json!({"winners": 2, "channels": ["email"], "draw_at": draw_at,
        "announce_commitment": true, "notify_others": true});
    let draw = client.run_draw("party", request).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    assert_eq!(
        (&draw["announced"]["sent"], &draw["others_notified"]["sent"]),
        (&json!(10), &json!(8)),
        "{draw}"
    );

    let round_at: jiff::Timestamp = draw["round_at"].as_str().unwrap().parse().unwrap();
    let mut by_address: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for message in client.messages(draw["draw_id"].as_str().unwrap()).await {
        by_address.entry(message["address"].as_str().unwrap().to_owned()).or_default().push(message);
    }
    assert_eq!(by_address.len(), 10);
    let commitment = draw["commitment"].as_str().unwrap();
    let mut winners = 0;
    for messages in by_address.values() {
        let [sealed, result] = messages.as_slice() else { panic!("{messages:?}") };
        let text = |message: &Value| message["text"].as_str().unwrap().to_owned();
        assert!(text(sealed).contains(commitment) && text(sealed).contains("/me?receipt="), "{sealed}");
        let sent: jiff::Timestamp = sealed["time"].as_str().unwrap().parse().unwrap();
        assert!(sent < round_at, "{sent}, round at {round_at}");
        winners += usize::from(text(result).contains("congratulations"));
        assert!(
            text(result).contains("congratulations") != text(result).contains("You have not won"),
            "{result}"
        );
    }
    assert_eq!(winners, 2);
    let path = format!("/lotteries/party/draws/{}/notifications", draw["draw_id"].as_str().unwrap());
    let ledger = client.get(&path).await.expect(200);
    assert_eq!(ledger["notifications"].as_array().unwrap().len(), 2, "the ledger of winners: {ledger}");
}
