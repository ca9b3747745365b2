//! `kill -9`, and on again.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::support::Process;
use crate::support::client::{email_of, phone_of};

/// Kills the stack after each of these delays from the POST, so that every step of a draw is hit by one.
/// The delay is the test's subject: there is nothing to wait for but time.
const MOMENTS: [u64; 10] = [0, 5, 10, 20, 35, 50, 80, 120, 180, 300];

#[tokio::test]
async fn a_killed_stack_goes_on_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    let mut stack = Process::start(data.path()).await;
    for (round, moment) in MOMENTS.into_iter().enumerate() {
        let lottery = format!("party-{round}");
        stack.client().lottery_of_employees(&lottery).await;
        let draw = stack.client().start_draw(&lottery, json!({"winners": 2})).await;
        tokio::time::sleep(Duration::from_millis(moment)).await;
        let before = stack.client().winners(&lottery, &draw).await;
        stack.kill().await;

        stack = Process::start(data.path()).await;
        let client = stack.client();
        let ended = client.wait_for_end(&lottery, &draw).await;
        let winners = client.winners(&lottery, &draw).await;
        assert_eq!(BTreeSet::from_iter(&winners).len(), 2, "killed after {moment} ms: {ended}");
        assert!(
            before.is_empty() || before == winners,
            "killed after {moment} ms: {before:?}, then {winners:?}"
        );
        // A message whose sending was cut off is shown as unknown, and never sent twice.
        let (sms, email) = (client.addressed(&draw, "sms").await, client.addressed(&draw, "email").await);
        assert!(sms.is_subset(&winners.iter().map(|id| phone_of(id)).collect()));
        assert!(email.is_subset(&winners.iter().map(|id| email_of(id)).collect()));
        match ended["status"].as_str().unwrap() {
            "SUCCEEDED" => assert_eq!((sms.len(), email.len()), (2, 2), "killed after {moment} ms: {ended}"),
            "INCOMPLETE" => {
                let count =
                    |channel: &str, state: &str| ended["notifications"][channel][state].as_u64().unwrap();
                assert!(count("sms", "unknown") + count("email", "unknown") > 0, "{ended}");
            }
            other => panic!("killed after {moment} ms, the draw ended {other}: {ended}"),
        }
    }
}

#[tokio::test]
async fn a_stack_killed_again_and_again_in_one_draw_ends_it() {
    let data = tempfile::tempdir().unwrap();
    let mut stack = Process::start(data.path()).await;
    stack.client().lottery_of_employees("party").await;
    let draw = stack.client().start_draw("party", json!({"winners": 10})).await;
    for moment in [3, 6, 12, 24, 48] {
        tokio::time::sleep(Duration::from_millis(moment)).await;
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
