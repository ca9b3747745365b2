//! Winners and notifications: masked for everyone, in full for those who may read results.

use axum::body::Body;
use http::Request;
use lottery::selection::{Ranked, Seat};
use lottery::{Channel, DrawId, HexBytes, LotteryId, NotificationsByChannel, ParticipantId};
use lottery_store::{NotificationClaim, RankedEntry, SendOutcome, Withdrawals};
use serde_json::{Value, json};

use crate::support::{Answer, Service, now};

const PERSONAL: [&str; 6] =
    ["Rosalind", "Tracy", "12025550147", "12025550148", "rosalind@example.com", "tracy@example.com"];

/// A lottery whose two participants have both won, one of them notified, as the tasks would leave it.
pub(crate) async fn drawn() -> (Service, String) {
    let service = Service::with_party().await;
    service
        .import_csv(
            "participant_id,name,phone,email\n001,Rosalind Tyler,+12025550147,rosalind@example.com\n\
             002,=Tracy,+12025550148,tracy@example.com\n",
        )
        .await;
    let draw = service.post("/lotteries/party/draws", json!({ "winners": 2 })).await.expect(202).json();
    let lottery_id = LotteryId::parse("party").unwrap();
    let draw_id = DrawId::parse(draw["draw_id"].as_str().unwrap()).unwrap();
    let store = &service.store;
    store.take_lottery(&lottery_id, &draw_id).await.unwrap();
    let seal = service.seal(&lottery_id, &draw_id).await;
    let labels: Vec<Value> = {
        let mut items = service.aws.items("Contacts");
        items.retain(|item| item["label"].is_object());
        items.sort_by_key(|item| item["participant_id"]["S"].to_string());
        items.iter().map(|item| item["label"]["S"].clone()).collect()
    };
    let ranking: Vec<RankedEntry> = ["001", "002"]
        .iter()
        .zip(1..)
        .map(|(id, rank)| RankedEntry {
            participant_id: ParticipantId::parse(id).unwrap(),
            member: serde_json::from_value(labels[rank as usize - 1].clone()).unwrap(),
            fingerprints: None,
            rank,
            ranked: Ranked {
                label: serde_json::from_value(labels[rank as usize - 1].clone()).unwrap(),
                prize: Some(0),
                score: HexBytes::from([rank as u8; 32]),
                seat: Seat::Open,
            },
            part: lottery::Part::Other,
        })
        .collect();
    assert_eq!(seal.manifest.entries, 2);
    store.put_pending_ranking(&lottery_id, &draw_id, &ranking).await.unwrap();
    store.mark_drawn(&lottery_id, &draw_id, now()).await.unwrap();
    let path = format!("/lotteries/party/draws/{draw_id}");
    assert_eq!(service.get(&path).await.json()["winners"], json!([]), "nobody has won before it is recorded");
    store.record_winners(&lottery_id, &draw_id, &Withdrawals::default(), now()).await.unwrap();
    let claim = |id: &str, channel| NotificationClaim {
        lottery_id: lottery_id.clone(),
        draw_id: draw_id.clone(),
        participant_id: ParticipantId::parse(id).unwrap(),
        channel,
        kind: lottery_store::NotificationKind::Won,
        owner: "run".to_owned(),
        at: now(),
    };
    for (id, channel, settlement) in [
        ("001", Channel::Sms, Some(SendOutcome::Sent { message_id: "m-1".to_owned() })),
        ("001", Channel::Email, Some(SendOutcome::Unknown { reason: "NoAnswer".to_owned() })),
        ("002", Channel::Sms, Some(SendOutcome::Failed { reason: "InvalidParameter".to_owned() })),
        ("002", Channel::Email, None),
    ] {
        let claim = claim(id, channel);
        store.claim_notification(&claim).await.unwrap();
        if let Some(settlement) = settlement {
            store.record_outcome(&claim, &settlement, now()).await.unwrap();
        }
    }
    // As a task does at the end of its invocation.
    let mut counts = NotificationsByChannel::default();
    (counts.sms.sent, counts.sms.failed, counts.email.unknown) = (1, 1, 1);
    store.count_notifications(&lottery_id, &draw_id, &counts).await.unwrap();
    (service, path)
}

async fn winners(service: &Service, path: &str, accept: &str, token: Option<String>) -> Answer {
    let mut request = Request::get(format!("{path}/winners")).header("accept", accept);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    service.call(request.body(Body::empty()).unwrap()).await
}

#[tokio::test(start_paused = true)]
async fn everyone_sees_masked_winners_and_counts() {
    let (service, path) = drawn().await;
    let draw = service.get(&path).await.expect(200).json();
    assert_eq!(draw["status"], "RECORDED");
    assert_eq!((&draw["sequence"], &draw["entries"]), (&json!(1), &json!(2)));
    assert_eq!(draw["commitment"].as_str().unwrap().len(), 64);
    assert_eq!(draw["notifications"]["sms"], json!({ "sent": 1, "failed": 1, "unknown": 0, "pending": 0 }));
    assert_eq!(draw["notifications"]["email"], json!({ "sent": 0, "failed": 0, "unknown": 1, "pending": 0 }));
    assert_eq!((&draw["winners_total"], &draw["winners_next_cursor"]), (&json!(2), &Value::Null));
    assert_eq!(draw["winners"][0]["name"], "R*** T***");
    assert_eq!(draw["winners"][0]["phone"], "***47");
    assert_eq!(draw["winners"][0]["email"], "r***@e***.com");

    let organiser_without_scope = service.issuer.token("draws:write");
    for token in [None, Some(organiser_without_scope)] {
        for accept in ["application/json", "text/csv"] {
            let masked = winners(&service, &path, accept, token.clone()).await.expect(200);
            assert!(masked.body.contains("R*** T***"), "{}", masked.body);
            assert!(!masked.body.contains("001"), "the organiser's ids are not for everyone");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_without_a_scope_holds_a_name_or_an_address() {
    let (service, path) = drawn().await;
    for address in [
        "/".to_owned(),
        "/lotteries".to_owned(),
        "/lotteries/party".to_owned(),
        "/lotteries/party/draws".to_owned(),
        path.clone(),
        format!("{path}/winners"),
        format!("{path}/events"),
        "/lotteries/party/participants".to_owned(),
        "/openapi.json".to_owned(),
    ] {
        let answer = service.get(&address).await;
        for personal in PERSONAL {
            assert!(!answer.body.contains(personal), "{address} holds {personal}");
        }
    }
    let (_, execution) = (0, service.aws.script().only_execution().1.input.clone());
    assert!(PERSONAL.iter().all(|personal| !execution.contains(personal)));
}

#[tokio::test(start_paused = true)]
async fn those_who_may_read_results_see_them_in_full() {
    let (service, path) = drawn().await;
    let token = Some(service.issuer.token("results:read"));
    let full = winners(&service, &path, "application/json", token.clone()).await.expect(200);
    assert_eq!(full.header("cache-control"), "private, no-store");
    assert!(full.header("vary").contains("authorization"));
    let full = full.json();
    assert_eq!(full["status"], "RECORDED");
    let first = &full["winners"][0];
    assert_eq!((&first["participant_id"], &first["name"]), (&json!("001"), &json!("Rosalind Tyler")));
    assert_eq!((&first["phone"], &first["email"]), (&json!("+12025550147"), &json!("rosalind@example.com")));
    assert_eq!(
        (&first["notifications"][0]["state"], &first["notifications"][0]["message_id"]),
        (&json!("SENT"), &json!("m-1"))
    );
    assert_eq!(full["winners"][1]["notifications"][0]["reason"], "InvalidParameter");

    let csv = winners(&service, &path, "text/csv", token.clone()).await.expect(200);
    assert!(csv.header("content-disposition").starts_with("attachment; filename=\"winners-"));
    let lines: Vec<_> = csv.body.lines().collect();
    let columns = "\u{feff}rank,prize,alternate,participant_id,name,group,phone,email,label,sms_state,email_state,\
        forfeited,taken_by,instead_of,replaced,claimed_at";
    assert_eq!(lines[0], columns);
    assert!(lines[1].starts_with("1,Prize,no,001,Rosalind Tyler,,'+12025550147,rosalind@example.com,"));
    assert!(lines[1].ends_with(",SENT,UNKNOWN,,,,,"));
    assert!(lines[2].contains(",'=Tracy,"), "{}", lines[2]);
    winners(&service, &path, "image/png", token).await.expect(406);
}

#[tokio::test(start_paused = true)]
async fn a_winner_who_withdrew_has_no_name_left() {
    let (service, path) = drawn().await;
    service.delete("/lotteries/party/participants/001").await.expect(204);
    let token = Some(service.issuer.token("results:read"));
    let full = winners(&service, &path, "application/json", token).await.expect(200).json();
    assert_eq!(full["winners"][0]["name"], Value::Null);
    assert_eq!(full["winners"][0]["participant_id"], "001");
    assert_eq!(full["winners"].as_array().unwrap().len(), 2);
}
