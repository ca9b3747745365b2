//! `kill -9`, and on again.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use end_to_end_tests::client::{email_of, phone_of};
use end_to_end_tests::{Client, Process};

/// Kills the stack so many milliseconds after the draw has come to this status, so that every step of a draw is hit
/// by one. The delay is the test's subject: there is nothing to wait for but time.
const DELAYS: [(&str, u64); 12] = [
    ("WAITING", 0),
    ("WAITING", 5),
    ("WAITING", 15),
    ("WAITING", 40),
    ("SEALED", 0),
    ("SEALED", 300),
    ("DRAWN", 0),
    ("RECORDED", 0),
    ("RECORDED", 5),
    ("RECORDED", 15),
    ("RECORDED", 40),
    ("SUCCEEDED", 0),
];

/// The statuses of a draw that goes well, in their order.
const STATUSES: [&str; 5] = ["WAITING", "SEALED", "DRAWN", "RECORDED", "SUCCEEDED"];

/// Asks without a pause, until the draw has come to a status or beyond it.
async fn come_to(client: &Client, lottery: &str, draw: &str, status: &str) {
    let index = |status: &str| STATUSES.iter().position(|one| *one == status);
    while index(client.draw(lottery, draw).await["status"].as_str().unwrap()) < index(status) {}
}

/// The proof's own bytes; none before the draw is sealed.
async fn proof(client: &Client, lottery: &str, draw: &str) -> Option<String> {
    let answer = client.anonymous().get(&format!("/lotteries/{lottery}/draws/{draw}/proof")).await;
    (answer.status == 200).then_some(answer.text)
}

/// What was committed to stays, and once there is a ranking every byte.
fn assert_same_proof(before: &str, after: &str, case: &str) {
    let parse = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let (seen, now) = (parse(before), parse(after));
    for field in ["manifest", "signature", "entries"] {
        assert_eq!(seen[field], now[field], "{case}");
    }
    assert!(seen["ranking"].is_null() || before == after, "{case}");
}

#[tokio::test]
async fn a_killed_stack_goes_on_where_it_was_and_its_proofs_stay_the_same() {
    let data = tempfile::tempdir().unwrap();
    let mut stack = Process::start(data.path()).await;
    let mut proofs = Vec::new();
    for (round, (status, delay)) in DELAYS.into_iter().enumerate() {
        let case = format!("killed {delay} ms after {status}");
        let lottery = format!("party-{round}");
        stack.client().lottery_of_employees(&lottery).await;
        let draw = stack.client().start_draw(&lottery, json!({"winners": 2})).await;
        come_to(&stack.client(), &lottery, &draw, status).await;
        tokio::time::sleep(Duration::from_millis(delay)).await;
        let before = stack.client().winners(&lottery, &draw).await;
        let proof_before = proof(&stack.client(), &lottery, &draw).await;
        stack.kill().await;

        stack = Process::start(data.path()).await;
        let client = stack.client();
        let ended = client.wait_for_end(&lottery, &draw).await;
        let winners = client.winners(&lottery, &draw).await;
        assert_eq!(BTreeSet::from_iter(&winners).len(), 2, "{case}: {ended}");
        assert!(before.is_empty() || before == winners, "{case}: {before:?}, then {winners:?}");
        assert_eq!(ended["sequence"], 1, "{case}: nothing is committed to twice");
        let proof_after = proof(&client, &lottery, &draw).await.unwrap();
        if let Some(proof_before) = proof_before {
            assert_same_proof(&proof_before, &proof_after, &case);
        }
        proofs.push((lottery.clone(), draw.clone(), proof_after));
        // A message whose sending was cut off is shown as unknown, and never sent twice.
        let (sms, email) = (client.addressed(&draw, "sms").await, client.addressed(&draw, "email").await);
        assert!(sms.is_subset(&winners.iter().map(|id| phone_of(id)).collect()));
        assert!(email.is_subset(&winners.iter().map(|id| email_of(id)).collect()));
        match ended["status"].as_str().unwrap() {
            "SUCCEEDED" => assert_eq!((sms.len(), email.len()), (2, 2), "{case}: {ended}"),
            "INCOMPLETE" => {
                let count =
                    |channel: &str, state: &str| ended["notifications"][channel][state].as_u64().unwrap();
                assert!(count("sms", "unknown") + count("email", "unknown") > 0, "{ended}");
            }
            other => panic!("{case}, the draw ended {other}: {ended}"),
        }
    }
    for (lottery, draw, kept) in proofs {
        assert_eq!(
            proof(&stack.client(), &lottery, &draw).await,
            Some(kept),
            "every later start leaves it alone"
        );
    }
}

#[tokio::test]
async fn a_stack_killed_again_and_again_in_one_draw_ends_it() {
    let data = tempfile::tempdir().unwrap();
    let mut stack = Process::start(data.path()).await;
    stack.client().lottery_of_employees("party").await;
    let draw = stack.client().start_draw("party", json!({"winners": 10})).await;
    for delay in [3, 6, 12, 24, 48] {
        tokio::time::sleep(Duration::from_millis(delay)).await;
        stack.kill().await;
        stack = Process::start(data.path()).await;
    }
    let client = stack.client();
    let ended = client.wait_for_end("party", &draw).await;
    assert!(["SUCCEEDED", "INCOMPLETE"].contains(&ended["status"].as_str().unwrap()), "{ended}");
    assert_eq!(client.winners("party", &draw).await.len(), 10);
    client.addressed(&draw, "sms").await;
    client.addressed(&draw, "email").await;
}
