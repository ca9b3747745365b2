//! The ledger for its organiser, and messages that are sent again.

use serde_json::{Value, json};

use crate::results::drawn;
use crate::support::Service;

/// Ends a draw as the tasks would.
fn end(service: &Service, path: &str) {
    let draw_id = path.rsplit('/').next().unwrap();
    let reason = json!({ "name": "NotificationsUnsent", "sentence": "Some are unsent." }).to_string();
    let attributes = [
        ("status", json!({ "S": "INCOMPLETE" })),
        ("completed_at", json!({ "S": "2026-11-22T12:05:00Z" })),
        ("reason", json!({ "S": reason })),
    ];
    service.aws.set((&format!("LOTTERY#party#DRAW#{draw_id}"), "META"), &attributes);
}

async fn lines(service: &Service, path: &str, query: &str) -> Vec<(u64, String, String)> {
    let ledger = service.get_as_organiser(&format!("{path}/notifications{query}")).await.expect(200).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let lines = ledger["notifications"].as_array().unwrap().iter();
    lines.map(|line| (line["rank"].as_u64().unwrap(), text(&line["channel"]), text(&line["state"]))).collect()
}

fn line(rank: u64, channel: &str, state: &str) -> (u64, String, String) {
    (rank, channel.to_owned(), state.to_owned())
}

#[tokio::test(start_paused = true)]
async fn the_ledger_says_of_each_message_what_became_of_it_and_why() {
    let (service, path) = drawn().await;
    let ledger = [
        line(1, "sms", "SENT"),
        line(1, "email", "UNKNOWN"),
        line(2, "sms", "FAILED"),
        line(2, "email", "CLAIMED"),
    ];
    assert_eq!(lines(&service, &path, "").await, ledger);
    let unsent = lines(&service, &path, "?state=FAILED,UNKNOWN").await;
    assert_eq!(unsent, [ledger[1].clone(), ledger[2].clone()]);
    let whole = service.get_as_organiser(&format!("{path}/notifications")).await.json();
    assert_eq!(whole["notifications"][2]["reason"], "InvalidParameter");
    assert_eq!(whole["notifications"][0]["message_id"], "m-1");

    let first = service.get_as_organiser(&format!("{path}/notifications?limit=1")).await.expect(200).json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = lines(&service, &path, &format!("?limit=1&cursor={cursor}")).await;
    assert_eq!((first["notifications"].as_array().unwrap().len(), rest.len()), (2, 2));

    service.get(&format!("{path}/notifications")).await.expect(401);
    service.get_as_organiser(&format!("{path}/notifications?state=LOST")).await.expect(400);
    service.get_as_organiser(&format!("{path}/notifications?cursor=x")).await.expect(400);
    service.get_as_organiser("/lotteries/party/draws/none/notifications").await.expect(404);
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_sent_again_by_one_further_execution_however_often_one_presses() {
    let (service, path) = drawn().await;
    end(&service, &path);
    let retry = format!("{path}/notifications/retry");
    let first = service.post(&retry, json!({})).await.expect(202);
    assert_eq!(first.json(), json!({ "sms": 1, "email": 0 }), "UNKNOWN was not named");
    assert_eq!(first.header("location"), path);
    let draw_id = path.rsplit('/').next().unwrap();
    let name = format!("draw-{draw_id}-r1");
    let input: Value = serde_json::from_str(&service.aws.script().executions[&name].input).unwrap();
    assert_eq!(input, json!({ "lottery_id": "party", "draw_id": draw_id, "resume_from": "RecordWinners" }));
    let read = service.get(&path).await.json();
    assert_eq!(
        (&read["status"], &read["completed_at"], &read["reason"]),
        (&json!("RECORDED"), &Value::Null, &Value::Null)
    );
    assert!(read["execution_arn"].as_str().unwrap().ends_with(&name));
    assert_eq!(lines(&service, &path, "?state=PENDING").await, [line(2, "sms", "PENDING")]);

    service.post(&retry, json!({})).await.expect(202);
    assert_eq!(service.aws.script().executions.len(), 2, "the first, and one that resumes");
    assert_eq!(lines(&service, &path, "?state=PENDING").await.len(), 1);
    let ledger = service.get_as_organiser(&format!("{path}/notifications?state=PENDING")).await.json();
    assert_eq!(ledger["notifications"][0]["earlier"][0]["reason"], "InvalidParameter");
}

#[tokio::test(start_paused = true)]
async fn what_was_perhaps_sent_is_sent_again_by_the_organisers_word_alone_and_once_for_a_key() {
    let (service, path) = drawn().await;
    end(&service, &path);
    let retry = format!("{path}/notifications/retry");
    let body = json!({ "states": ["UNKNOWN"], "channels": ["email"], "ranks": [1] });
    let first = service.post_with_key(&retry, "press", body.clone()).await.expect(202);
    assert_eq!(first.json(), json!({ "sms": 0, "email": 1 }));
    let again = service.post_with_key(&retry, "press", body).await.expect(202);
    assert_eq!((again.header("idempotency-replayed"), &again.body), ("true", &first.body));
    let nobody = service.post(&retry, json!({ "ranks": [1], "channels": ["sms"] })).await.expect(202).json();
    assert_eq!(nobody, json!({ "sms": 0, "email": 0 }));
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_does_not_start_is_left_to_the_reconciler() {
    let (service, path) = drawn().await;
    end(&service, &path);
    for _ in 0..3 {
        service.aws.fail_next("StartExecution", 500, "InternalServerError");
    }
    service.post(&format!("{path}/notifications/retry"), json!({})).await.expect(202);
    assert_eq!(service.aws.script().executions.len(), 1);
    assert_eq!(service.get(&path).await.json()["status"], "RECORDED");
    assert_eq!(service.store.unfinished_draws().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_again_of_a_draw_without_winners() {
    let service = Service::with_party().await;
    let draw = service.post("/lotteries/party/draws", json!({ "winners": 1 })).await.expect(202).json();
    let retry = format!("/lotteries/party/draws/{}/notifications/retry", draw["draw_id"].as_str().unwrap());
    let refused = service.post(&retry, json!({})).await.expect(409);
    assert_eq!(
        (refused.problem().as_str(), &refused.json()["draw_status"]),
        ("no-official-winners", &json!("WAITING"))
    );
    service.post("/lotteries/party/draws/none/notifications/retry", json!({})).await.expect(404);
    let invalid = service.post(&retry, json!({ "states": ["SENT"] })).await.expect(422);
    assert_eq!(invalid.json()["errors"][0]["field"], "states[0]");
}
