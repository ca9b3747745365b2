//! Starting, watching and cancelling draws.

use futures_util::future::join_all;
use http::{Method, StatusCode};
use lottery::{DrawId, LotteryId};
use serde_json::{Value, json};

use crate::aws::EXECUTIONS;
use crate::support::{Answer, Service};

const DRAWS: &str = "/lotteries/party/draws";

fn ids(draw: &Value) -> (LotteryId, DrawId) {
    (LotteryId::parse("party").unwrap(), DrawId::parse(draw["draw_id"].as_str().unwrap()).unwrap())
}

async fn start(service: &Service) -> Value {
    service.post(DRAWS, json!({ "winners": 2 })).await.expect(202).json()
}

fn path(draw: &Value) -> String {
    format!("{DRAWS}/{}", draw["draw_id"].as_str().unwrap())
}

#[tokio::test]
async fn one_post_starts_a_draw() {
    let service = Service::with_party().await;
    let started = service.post(DRAWS, json!({ "winners": 2 })).await.expect(202);
    let draw = started.json();
    let draw_id = draw["draw_id"].as_str().unwrap();
    assert_eq!(started.header("location"), format!("{DRAWS}/{draw_id}"));
    assert_eq!(draw["execution_arn"], format!("{EXECUTIONS}draw-{draw_id}"));
    assert_eq!(draw["status"], "WAITING");

    let input: Value = serde_json::from_str(&service.aws.script().only_execution().1.input).unwrap();
    assert_eq!(input, json!({ "lottery_id": "party", "draw_id": draw_id }));
    let read = service.get(&path(&draw)).await.expect(200).json();
    assert_eq!(read["prizes"], json!([{ "name": "Prize", "winners": 2, "quota": [] }]));
    assert_eq!(read["execution_arn"], draw["execution_arn"]);
    assert_eq!((&read["reason"], &read["winners"]), (&Value::Null, &json!([])));
    assert_eq!((&read["winners_total"], &read["winners_next_cursor"]), (&json!(0), &Value::Null));
    assert_eq!(read["notifications"]["sms"], json!({ "sent": 0, "failed": 0, "unknown": 0, "pending": 0 }));
    let list = service.get(DRAWS).await.expect(200).json();
    assert_eq!(list["draws"][0]["draw_id"], draw_id);
    assert_eq!(service.get("/lotteries/party").await.json()["draws"][0]["draw_id"], draw_id);
}

#[tokio::test]
async fn a_closing_time_is_part_of_the_executions_input() {
    let service = Service::with_party().await;
    let body =
        json!({ "prizes": [{ "name": "Car", "winners": 1 }], "closes_at": "2026-12-24T18:00:00+01:00" });
    service.post(DRAWS, body).await.expect(202);
    let input: Value = serde_json::from_str(&service.aws.script().only_execution().1.input).unwrap();
    assert_eq!(input["closes_at"], "2026-12-24T17:00:00Z");
}

#[tokio::test]
async fn the_time_of_the_round_is_shown_and_is_part_of_what_was_asked_for() {
    let service = Service::with_party().await;
    let body = |draw_at: &str| json!({ "winners": 1, "draw_at": draw_at });
    let at = "2026-12-24T18:00:00+01:00";
    let draw = service.post_with_key(DRAWS, "k", body(at)).await.expect(202).json();
    assert_eq!(service.get(&path(&draw)).await.json()["draw_at"], "2026-12-24T17:00:00Z");
    let input: Value = serde_json::from_str(&service.aws.script().only_execution().1.input).unwrap();
    assert_eq!(input["draw_at"], Value::Null, "the tasks read it from the store");
    let earlier = json!({ "winners": 1, "closes_at": "2026-12-25T18:00:00Z", "draw_at": at });
    let refused = service.post(DRAWS, earlier).await.expect(422).json();
    assert_eq!(
        (&refused["errors"][0]["field"], &refused["errors"][0]["code"]),
        (&json!("draw_at"), &json!("NotAfter"))
    );
}

#[tokio::test]
async fn eight_posts_with_one_key_at_the_same_instant_are_one_draw() {
    let service = Service::with_party().await;
    let posts = (0..8).map(|_| service.post_with_key(DRAWS, "once", json!({ "winners": 2 })));
    let answers: Vec<Answer> = join_all(posts).await;
    assert_eq!(service.aws.script().executions.len(), 1);
    let done: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::ACCEPTED).collect();
    assert!(!done.is_empty());
    for answer in &answers {
        match answer.status.as_u16() {
            202 => assert_eq!(answer.body, done[0].body),
            409 => {
                assert_eq!(answer.problem(), "request-in-flight");
                assert_eq!(answer.header("retry-after"), "1");
            }
            other => panic!("{other}: {}", answer.body),
        }
    }
    let again = service.post_with_key(DRAWS, "once", json!({ "winners": 2 })).await.expect(202);
    assert_eq!((&again.body, again.header("location")), (&done[0].body, done[0].header("location")));
    assert_eq!(again.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_key_with_another_body_is_refused_and_with_another_lottery_is_another_key() {
    let service = Service::with_party().await;
    service.post("/lotteries", json!({ "id": "gala", "name": "Gala" })).await.expect(201);
    let first = service.post_with_key(DRAWS, "k", json!({ "winners": 2 })).await.expect(202).json();
    let other = service.post_with_key(DRAWS, "k", json!({ "winners": 3 })).await.expect(422);
    assert_eq!(other.problem(), "idempotency-key-reused");
    let gala =
        service.post_with_key("/lotteries/gala/draws", "k", json!({ "winners": 2 })).await.expect(202).json();
    assert_ne!(first["draw_id"], gala["draw_id"]);
    let mut claims = crate::tokens::claims("draws:write");
    claims["sub"] = json!("another organiser");
    let mut request =
        service.request(Method::POST, DRAWS, "application/json", json!({ "winners": 3 }).to_string());
    request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
    let token = format!("Bearer {}", service.issuer.sign(&claims));
    request.headers_mut().insert("authorization", token.parse().unwrap());
    let theirs = service.call(request).await.expect(202).json();
    assert_ne!(first["draw_id"], theirs["draw_id"]);
}

#[tokio::test]
async fn another_spelling_of_the_address_is_the_same_key() {
    let service = Service::with_party().await;
    let first = service.post_with_key(DRAWS, "k", json!({ "winners": 2 })).await.expect(202);
    for spelling in ["/lotteries/part%79/draws", "/lotteries/%70%61rty/draws"] {
        let again = service.post_with_key(spelling, "k", json!({ "winners": 2 })).await.expect(202);
        assert_eq!(again.body, first.body, "{spelling}");
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
    assert_eq!(service.aws.script().executions.len(), 1);
}

#[tokio::test]
async fn a_draw_by_e_mail_says_that_letters_are_held_while_filter_policies_settle() {
    let service = Service::with(|config| {
        config.filter_policy_wait = std::time::Duration::from_secs(900);
        config.has_email_sender = true;
    })
    .await;
    let party = json!({ "id": "party", "name": "Party", "email_through": "sns" });
    service.post("/lotteries", party).await.expect(201);
    // Where a sender is set up, SES is the default.
    let ses = json!({ "id": "ses", "name": "SES" });
    service.post("/lotteries", ses).await.expect(201);
    for (path, channels, codes) in [
        (DRAWS, json!(["email"]), json!(["EmailHeldBySns"])),
        (DRAWS, json!(["sms"]), json!([])),
        ("/lotteries/ses/draws", json!(["email"]), json!([])),
    ] {
        let body = json!({ "winners": 1, "channels": channels });
        let started = service.post(path, body).await.expect(202).json();
        let reported: Vec<_> =
            started["notices"].as_array().unwrap().iter().map(|it| it["code"].clone()).collect();
        assert_eq!(json!(reported), codes, "{path} {channels}");
    }
    let report = service.import_csv("participant_id,name,email\n1,Rose,rose@example.com\n").await;
    assert_eq!(report["notices"][0]["parameters"], json!({ "minutes": 15 }));
    let report = service.import_csv("participant_id,name\n2,Tracy\n").await;
    assert_eq!(report["notices"], json!([]), "nobody was subscribed");
}

#[tokio::test]
async fn a_mark_that_a_dead_request_left_holds_for_a_minute_and_then_finds_its_draw() {
    let service = Service::with_party().await;
    // The request died after the draw was written, before its execution was started or its mark was settled.
    service.aws.fail_next("StartExecution", 500, "InternalServerError");
    for _ in 0..2 {
        service.aws.fail_next("StartExecution", 500, "InternalServerError");
    }
    service.aws.fail_next("DeleteItem", 400, "ResourceNotFoundException");
    service.post_with_key(DRAWS, "k", json!({ "winners": 2 })).await.expect(503);
    assert!(service.aws.script().executions.is_empty());
    service.post_with_key(DRAWS, "k", json!({ "winners": 2 })).await.expect(409);
    service.wait(61);
    let draw = service.post_with_key(DRAWS, "k", json!({ "winners": 2 })).await.expect(202).json();
    assert_eq!(service.get(DRAWS).await.json()["draws"].as_array().unwrap().len(), 1);
    assert_eq!(service.aws.script().executions.len(), 1);
    assert_eq!(service.get(&path(&draw)).await.json()["execution_arn"], draw["execution_arn"]);
}

#[tokio::test]
async fn an_execution_that_exists_already_is_described_and_answered_with() {
    let service = Service::with_party().await;
    // The answer to the first start was lost: the execution runs, and has even ended when the request comes again.
    let draw = service.post_with_key(DRAWS, "k", json!({ "winners": 2 })).await.expect(202).json();
    service.aws.script().only_execution().1.status = "SUCCEEDED";
    service.wait(25 * 3600);
    let token = {
        let mut claims = crate::tokens::claims("draws:write");
        claims["exp"] = json!(4_102_444_800_i64);
        service.issuer.sign(&claims)
    };
    let mut request =
        service.request(Method::POST, DRAWS, "application/json", json!({ "winners": 2 }).to_string());
    request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let again = service.call(request).await.expect(202).json();
    assert_eq!(again["draw_id"], draw["draw_id"]);
    assert_eq!(service.aws.script().calls_of("DescribeExecution"), 1);
    assert_eq!(service.aws.script().executions.len(), 1);
}

#[tokio::test]
async fn a_draw_whose_execution_can_never_start_does_not_stay_waiting() {
    let service = Service::with_party().await;
    service.aws.fail_next("StartExecution", 400, "StateMachineDoesNotExist");
    let failed = service.post(DRAWS, json!({ "winners": 2 })).await.expect(500);
    assert!(!failed.body.contains("StateMachine"), "{}", failed.body);
    let draw = &service.get(DRAWS).await.json()["draws"][0];
    assert_eq!(
        (&draw["status"], &draw["reason"]["name"]),
        (&json!("CANCELLED"), &json!("ExecutionNotStarted"))
    );
}

#[tokio::test]
async fn requests_that_cannot_stand_are_named() {
    let service = Service::with_party().await;
    for (body, problem) in [
        (json!({ "winners": 0 }), "no-winners"),
        (json!({ "winners": 10_001 }), "too-many-winners"),
        (json!({ "winners": 1, "alternates": -2 }), "invalid-field"),
        (json!({ "winners": 1, "claim_within_seconds": 59 }), "invalid-field"),
        (json!({ "winers": 1 }), "invalid-field"),
        (json!({ "winners": 1, "closes_at": "2020-01-01T00:00:00Z" }), "invalid-field"),
    ] {
        let refused = service.post_with_key(DRAWS, "k", body).await.expect(422);
        assert_eq!(refused.problem(), problem);
        assert!(refused.json()["errors"][0]["field"].is_string());
    }
    assert!(service.aws.script().executions.is_empty());
    // A request that was refused does not use up its key.
    service.post_with_key(DRAWS, "k", json!({ "winners": 1 })).await.expect(202);
}

#[tokio::test]
async fn a_waiting_draw_is_cancelled_once_and_for_all() {
    let service = Service::with_party().await;
    let draw = start(&service).await;
    for _ in 0..2 {
        let cancelled = service.post(&format!("{}/cancel", path(&draw)), json!({})).await.expect(200).json();
        assert_eq!(cancelled["status"], "CANCELLED");
        assert_eq!(cancelled["reason"]["name"], "DrawCancelled");
    }
    assert_eq!(service.aws.script().only_execution().1.status, "ABORTED");
    service.post(&format!("{DRAWS}/none/cancel"), json!({})).await.expect(404);
}

#[tokio::test]
async fn a_committed_draw_cannot_be_cancelled() {
    let service = Service::with_party().await;
    let draw = start(&service).await;
    let (lottery_id, draw_id) = ids(&draw);
    let pk = format!("LOTTERY#{lottery_id}#DRAW#{draw_id}");
    for (status, problem) in
        [("SEALED", "already-committed"), ("DRAWN", "already-committed"), ("SUCCEEDED", "already-committed")]
    {
        service.aws.set((&pk, "META"), &[("status", json!({ "S": status }))]);
        let refused = service.post(&format!("{}/cancel", path(&draw)), json!({})).await.expect(409);
        assert_eq!(refused.problem(), problem);
        assert_eq!(refused.json()["draw_status"], status);
    }
    assert_eq!(service.aws.script().only_execution().1.status, "RUNNING");
}
