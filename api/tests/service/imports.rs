//! Importing and withdrawing participants.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Method;
use serde_json::{Value, json};

use crate::support::Service;

fn counts(report: &Value) -> (u64, u64, u64) {
    let count = |name: &str| report[name].as_u64().unwrap();
    (count("accepted"), count("updated"), count("refused"))
}

/// The refusals as `line column: reason`.
fn refusals(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let refusals = report["refusals"].as_array().unwrap().iter();
    refusals
        .map(|one| format!("{} {}: {}", one["line"], text(&one["column"]), text(&one["reason"])))
        .collect()
}

/// The codes of remarks.
fn codes<'a>(report: &'a Value, remarks: &str) -> Vec<&'a str> {
    report[remarks].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_kind_of_bad_line_is_named_and_the_good_ones_are_taken() {
    let service = Service::with_party().await;
    let body = "email,phone,participant_id,name,group,tickets\r\n\
        rose@example.com,+1 202-555-0101,001,Rose,a,1\r\n\
        ,12025550102,002,Tracy,,\r\n\
        nobody,,003,Aaron,,\r\n\
        ,,004,,,\r\n\
        ,,,Yigal,,\r\n\
        ,,no/id,Uber,,\r\n\
        ,,007,Oscar,,2\r\n\
        ,,008,Paul\r\n\
        ,,009,\"Ember,,\r\n\
        ,+12025550101,010,Gary,,\r\n\
        ,,011,\"Ga\r\nry\",,\r\n\
        ,,012,\"Last, \"\"one\"\"\",,";
    let report = service.import_csv(body).await;
    assert_eq!(counts(&report), (7, 0, 5));
    assert_eq!(
        refusals(&report),
        [
            "5 name: is missing",
            "6 participant_id: is missing",
            "7 participant_id: must have 1 to 64 letters, digits, dots, underscores or hyphens, and begin with a letter or digit",
            "9 -: has 4 fields, but the header has 6; quote a field that holds a separator",
            "10 -: a quotation mark within a quoted field must be doubled, and after the closing one a separator must follow",
        ]
    );
    // The same for programs: a code that does not change, and the values in the sentence.
    let found = codes(&report, "refusals");
    assert_eq!(found, ["Missing", "Missing", "NotParticipantId", "FieldCount", "QuoteMisplaced"]);
    assert_eq!(report["refusals"][3]["parameters"], json!({ "found": 4, "expected": 6 }));
    // Whose address cannot be used comes in without it.
    let warned = ["PhoneWithoutPlus", "NotEmailAddress", "AddressTaken", "LikelyDouble"];
    assert_eq!(codes(&report, "warnings"), warned);
    assert_eq!(report["refused_rows"][2]["cells"], json!(["", "", "no/id", "Uber", "", ""]));
    let list = service.get_as_organiser("/lotteries/party/participants").await.json();
    assert_eq!(list["participants"].as_array().unwrap().len(), 7);
    assert_eq!(report["more_refusals"], 0);
}

#[tokio::test]
async fn json_and_ndjson_are_imported_too() {
    let service = Service::with_party().await;
    let one = json!({ "participant_id": "001", "name": "Rose", "tickets": 1, "phone": null });
    let report = service.import("application/json", one.to_string()).await.expect(200).json();
    assert_eq!(counts(&report), (1, 0, 0));
    let array = format!("[{one},\n{{\"participant_id\":\"002\",\"name\":\"Tracy\"}},\n{{\"name\":1}}]");
    let report = service.import("application/json; charset=utf-8", array).await.expect(200).json();
    assert_eq!((counts(&report), &report["unchanged"]), ((1, 0, 1), &json!(1)));
    assert_eq!(refusals(&report), ["3 participant_id: is missing"]);
    let lines = "{\"participant_id\":\"003\",\"name\":\"Aaron\"}\n{\"participant_id\":\"004\"\n";
    let report = service.import("application/x-ndjson", lines).await.expect(200).json();
    assert_eq!(counts(&report), (1, 0, 1));
}

#[tokio::test]
async fn addresses_stand_once_within_a_file_and_against_the_store() {
    let service = Service::with_party().await;
    let body = "participant_id,name,phone,email\n1,Rose,+12025550101,rose@example.com\n\
        2,Tracy,+12025550101,\n3,Aaron,,ROSE@example.com\n1,Rosalind,+12025550101,rose@example.com\n";
    let strict = "/lotteries/party/participants?strict=true&dry_run=true";
    let planned = service.call(service.request(Method::POST, strict, "text/csv", body)).await.expect(200);
    assert_eq!(codes(&planned.json(), "refusals"), ["AddressTaken", "AddressTaken", "IdTwice"]);
    let report = service.import_csv(body).await;
    assert_eq!(counts(&report), (3, 0, 1));
    assert_eq!(refusals(&report), ["5 participant_id: stands on line 2 too: an id names one person"]);
    assert_eq!(codes(&report, "warnings"), ["AddressTaken", "AddressTaken"]);
    let list = service.get_as_organiser("/lotteries/party/participants").await.json();
    assert_eq!(
        (&list["participants"][1]["phone"], &list["participants"][2]["email"]),
        (&Value::Null, &Value::Null)
    );
    let report = service.import_csv("participant_id,name,phone\n4,Bob,+1 2025550101\n").await;
    assert_eq!(codes(&report, "warnings"), ["AddressTaken"]);
    // Once it is free, another may have it.
    let clearing = "/lotteries/party/participants?clear=-";
    let erase = service.request(Method::POST, clearing, "text/csv", "participant_id,phone\n1,-\n");
    assert_eq!(counts(&service.call(erase).await.expect(200).json()), (0, 1, 0));
    let report = service.import_csv("participant_id,name,phone\n4,Bob,+12025550101\n").await;
    assert_eq!(counts(&report), (0, 1, 0));
}

#[tokio::test]
async fn what_cannot_be_read_at_all_is_refused_with_the_place_and_the_mend() {
    let service = Service::with_party().await;
    for (content_type, body, detail, code) in [
        ("text/csv", "", "empty", "Empty"),
        ("text/csv", "\u{feff} \r\n", "empty", "Empty"),
        ("text/csv", "%PDF-1.7 and so on", "save the list as .xlsx or CSV", "WrongKind"),
        (
            "application/json",
            "Rose,+12025550101\nTracy,+12025550102\n",
            "no header was found",
            "HeaderNotFound",
        ),
        (
            "text/csv",
            "phone,email\n+12025550101,rose@example.com\n",
            "no column holds names",
            "NameColumnMissing",
        ),
        ("text/csv", "id,name,Phone 1,Phone 2\n1,Rose,,\n", "could each be the phone", "ColumnAmbiguous"),
    ] {
        let refused = service.import(content_type, body).await.expect(400);
        assert_eq!(refused.problem(), "unreadable-import");
        let problem = refused.json();
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
        assert_eq!((&problem["line"], &problem["code"]), (&json!(1), &json!(code)));
    }
    for content_type in ["multipart/form-data", "image/png", "text/html"] {
        let refused = service.import(content_type, "participant_id,name\n1,Rose").await.expect(415);
        assert!(refused.json()["detail"].as_str().unwrap().contains("text/csv"));
    }
    let missing =
        service.request(Method::POST, "/lotteries/none/participants", "text/csv", "participant_id,name\n");
    service.call(missing).await.expect(404);
}

#[tokio::test]
async fn lambda_refuses_more_than_it_can_take_with_a_sentence_and_takes_nothing() {
    let service = Service::with(|config| config.import = api::ImportLimits::LAMBDA).await;
    service.create_party().await;
    let file = |lines: usize| {
        let lines: String = (0..lines).map(|n| format!("{n},Name {n}\n")).collect();
        format!("participant_id,name\n{lines}")
    };
    let refused = service.import("text/csv", file(2_001)).await.expect(413);
    assert!(refused.json()["detail"].as_str().unwrap().contains("2000 rows"));
    let long = format!("participant_id,name\n{}", "x".repeat(4 * 1024 * 1024));
    service.import("text/csv", long).await.expect(413);
    let list = service.get_as_organiser("/lotteries/party/participants").await.json();
    assert_eq!(list["participants"], json!([]));
    let report = service.import("text/csv", file(2_000)).await.expect(200).json();
    assert_eq!(counts(&report), (2_000, 0, 0));
}

#[tokio::test]
async fn a_server_stops_a_body_that_is_too_long_and_says_what_was_taken() {
    let service = Service::with(|config| config.import.max_bytes = 100_000).await;
    service.create_party().await;
    let pieces = std::iter::once("participant_id,name\n".to_owned())
        .chain((0..).map(|n| (n * 100..n * 100 + 100).map(|n| format!("{n},Name\n")).collect()));
    let body = Body::from_stream(stream::iter(
        pieces.take(300).map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece))),
    ));
    let refused = service.import("text/csv", body).await.expect(413);
    let problem = refused.json();
    assert!(problem["accepted"].as_u64().unwrap() >= 1_000, "{problem}");
    let mut long = service.request(Method::POST, "/lotteries/party/participants", "text/csv", "x");
    long.headers_mut().insert("content-length", "100001".parse().unwrap());
    service.call(long).await.expect(413);
}

#[tokio::test]
async fn a_body_that_ends_early_keeps_what_was_taken_and_says_so() {
    let service = Service::with_party().await;
    let lines: String = (0..2_000).map(|n| format!("{n},{}\n", "x".repeat(60))).collect();
    let pieces = vec![
        Ok(Bytes::from(format!("participant_id,name\n{lines}"))),
        Err(std::io::Error::other("the connection is gone")),
    ];
    let refused = service.import("text/csv", Body::from_stream(stream::iter(pieces))).await.expect(400);
    let taken = refused.json()["accepted"].as_u64().unwrap();
    assert!((500..=2_000).contains(&taken), "{taken}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_given_up() {
    let service = Service::with_party().await;
    let pieces = futures_util::StreamExt::chain(
        stream::iter([Ok::<_, std::io::Error>(Bytes::from("participant_id,name\n"))]),
        stream::pending(),
    );
    service.import("text/csv", Body::from_stream(pieces)).await.expect(408);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_told_and_the_file_can_be_sent_again() {
    let service = Service::with_party().await;
    for _ in 0..3 {
        service.aws.fail_next("TransactWriteItems", 500, "InternalServerError");
    }
    let body = "participant_id,name\n1,Rose\n";
    service.import("text/csv", body).await.expect(503);
    assert_eq!(counts(&service.import_csv(body).await), (1, 0, 0));
}

#[tokio::test]
async fn an_e_mail_address_is_subscribed_for_its_entry_and_everyone() {
    let service = Service::with_party().await;
    let body = "participant_id,name,email\n001,Rose,rose@example.com\n002,Tracy,\n";
    for expected in [(2, 0, 0), (0, 0, 0)] {
        let report = service.import_csv(body).await;
        assert_eq!(counts(&report), expected);
        assert_eq!(report["warnings"], json!([]));
        let subscriptions = service.aws.script().subscriptions.clone();
        assert_eq!(subscriptions.len(), 1);
        assert_eq!(subscriptions[0].endpoint, "rose@example.com");
        let policy: Value = serde_json::from_str(&subscriptions[0].policy).unwrap();
        assert_eq!(policy["audience"][0], "everyone");
        let label = policy["audience"][1].as_str().unwrap();
        let items = service.aws.items("Contacts");
        let rose = items
            .iter()
            .find(|item| item["participant_id"]["S"] == "001" && item["label"].is_object())
            .unwrap();
        assert_eq!(rose["label"]["S"], label);
        assert_eq!(rose["subscription_arn"]["S"], subscriptions[0].arn.as_str());
    }
    assert_eq!(service.aws.script().calls_of("Subscribe"), 1, "importing again subscribes nobody again");

    service.import_csv("participant_id,name,email\n001,Rose,rose@example.org\n").await;
    let endpoints = |service: &Service| -> Vec<String> {
        service.aws.script().subscriptions.iter().map(|one| one.endpoint.clone()).collect()
    };
    assert_eq!(endpoints(&service), ["rose@example.org"], "the former address is unsubscribed");
    // A list that does not speak of the address leaves it; one that erases it ends the subscription.
    service.import_csv("participant_id,name\n001,Rosalind\n").await;
    assert_eq!(endpoints(&service), ["rose@example.org"]);
    let erase = service.request(
        Method::POST,
        "/lotteries/party/participants?clear=none",
        "text/csv",
        "participant_id,email\n001,none\n",
    );
    service.call(erase).await.expect(200);
    assert!(endpoints(&service).is_empty());
}

#[tokio::test]
async fn addresses_beyond_the_limit_cost_nobody_their_entry_and_freed_ones_are_used_again() {
    let service = Service::with(|config| config.email_subscription_limit = 2).await;
    service.create_party().await;
    let file = "participant_id,name,email\n1,A,a@example.com\n2,B,b@example.com\n3,C,c@example.com\n4,D,\n";
    let report = service.import_csv(file).await;
    assert_eq!(counts(&report), (4, 0, 0));
    assert_eq!((&report["warnings"][0]["line"], codes(&report, "warnings")), (&json!(4), vec!["EmailsFull"]));
    assert_eq!(report["warnings"][0]["parameters"], json!({ "most": 2 }));
    assert!(report["warnings"][0]["reason"].as_str().unwrap().contains("SES v2"));
    let subscribed = || service.aws.script().subscriptions.len();
    assert_eq!(subscribed(), 2);
    // The same file again: those who hold a slot keep it, and the third stays without.
    let again = service.import_csv(file).await;
    assert_eq!((&again["unchanged"], codes(&again, "warnings")), (&json!(4), vec!["EmailsFull"]));
    service.delete("/lotteries/party/participants/1").await.expect(204);
    let third = service.import_csv("participant_id,name,email\n3,C,c@example.com\n").await;
    assert_eq!((&third["warnings"], subscribed()), (&json!([]), 2));
    // A change of address takes no further slot.
    let changed = service.import_csv("participant_id,name,email\n3,C,cc@example.com\n").await;
    assert_eq!((counts(&changed), &changed["warnings"], subscribed()), ((0, 1, 0), &json!([]), 2));
    // The participant who loses the address releases the slot, and a line without it takes none.
    let clear = "/lotteries/party/participants?clear=-";
    service
        .call(service.request(Method::POST, clear, "text/csv", "participant_id,email\n2,-\n"))
        .await
        .expect(200);
    let taken = service.import_csv("participant_id,name,email\n5,E,cc@example.com\n").await;
    assert_eq!(codes(&taken, "warnings"), ["AddressTaken"]);
    let last = service.import_csv("participant_id,name,email\n6,F,f@example.com\n").await;
    assert_eq!((counts(&last), &last["warnings"], subscribed()), ((1, 0, 0), &json!([]), 2));
}

#[tokio::test]
async fn an_address_that_sns_does_not_take_is_a_warning_and_may_be_sent_again() {
    let service = Service::with_party().await;
    let body = "participant_id,name,email\n001,Rose,rose@example.com\n";
    service.aws.fail_next("Subscribe", 400, "InvalidParameter");
    let report = service.import_csv(body).await;
    assert_eq!(counts(&report), (1, 0, 0));
    assert_eq!(report["warnings"][0]["line"], 2);
    assert_eq!(report["warnings"][0]["column"], "email");
    let report = service.import_csv(body).await;
    assert_eq!((&report["unchanged"], &report["warnings"]), (&json!(1), &json!([])));
    assert_eq!(service.aws.script().subscriptions.len(), 1);
}

#[tokio::test]
async fn an_address_that_did_not_confirm_in_time_is_asked_again_and_frees_its_slot() {
    let service = Service::with(|config| config.email_subscription_limit = 1).await;
    service.create_party().await;
    let body = "participant_id,name,email\n001,Rose,rose@example.com\n";
    assert_eq!(counts(&service.import_csv(body).await), (1, 0, 0));
    let first = service.aws.script().subscriptions[0].arn.clone();
    let subscribed_at = |service: &Service| {
        let items = service.aws.items("Contacts");
        items.iter().find_map(|item| item["subscribed_at"]["S"].as_str().map(str::to_owned))
    };
    assert_eq!(subscribed_at(&service).unwrap(), "2026-11-22T12:00:00Z");

    // Within 48 hours it is there, and nobody asks.
    service.wait(1800);
    assert_eq!(counts(&service.import_csv(body).await), (0, 0, 0));
    assert_eq!(service.aws.script().calls_of("GetSubscriptionAttributes"), 0);
    // Later SNS is asked. It may be confirmed, or SNS may not answer: then nothing changes.
    service.wait(48 * 3600);
    let token = service.lasting_token();
    let import = |body: &'static str| service.import_with(&token, body);
    assert_eq!(counts(&import(body).await), (0, 0, 0));
    for _ in 0..3 {
        service.aws.fail_next("GetSubscriptionAttributes", 500, "InternalError");
    }
    assert_eq!(counts(&import(body).await), (0, 0, 0));
    assert_eq!(service.aws.script().calls_of("Subscribe"), 1);

    // SNS has deleted it: the same line asks the address again, in the slot that it had.
    service.aws.script().subscriptions.clear();
    let report = import(body).await;
    assert_eq!((counts(&report), &report["warnings"]), ((0, 0, 0), &json!([])));
    let again = service.aws.script().subscriptions.clone();
    assert_eq!(again.len(), 1);
    assert_ne!(again[0].arn, first);
    assert_eq!(subscribed_at(&service).unwrap(), "2026-11-24T12:30:00Z");
    // And one that is gone for good leaves its slot to another.
    service.wait(49 * 3600);
    service.aws.script().subscriptions.clear();
    let path = "/lotteries/party/participants?clear=-";
    let body = "participant_id,name,email\n001,,-\n002,Tracy,tracy@example.com\n";
    let mut others = service.request(Method::POST, path, "text/csv", body);
    others.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let others = service.call(others).await.expect(200).json();
    assert_eq!(codes(&others, "warnings"), ["EmailsFull"], "a slot is free for the next file: {others}");
    let again = import("participant_id,name,email\n002,Tracy,tracy@example.com\n").await;
    assert_eq!((&again["unchanged"], &again["warnings"]), (&json!(1), &json!([])));
    assert_eq!(service.aws.script().subscriptions.len(), 1);
}

#[tokio::test]
async fn bad_lines_without_end_are_counted_by_their_reason_and_a_thousand_listed() {
    let service = Service::with_party().await;
    let piece = Bytes::from("{},".repeat(20_000));
    let pieces =
        std::iter::once(Bytes::from("[")).chain(std::iter::repeat_n(piece, 5)).chain([Bytes::from("7]")]);
    let body = Body::from_stream(stream::iter(pieces.map(Ok::<_, std::io::Error>)));
    let report = service.import("application/json", body).await.expect(200);
    assert!(report.body.len() < 400_000, "{}", report.body.len());
    let report = report.json();
    assert_eq!(counts(&report), (0, 0, 100_001));
    assert_eq!(
        (report["refusals"].as_array().unwrap().len(), &report["more_refusals"]),
        (1_000, &json!(99_001))
    );
    assert_eq!(report["refused_by_code"], json!({ "Missing": 100_000, "NotObject": 1 }));
}

#[tokio::test]
async fn a_subscription_left_from_before_gets_the_new_policy() {
    let service = Service::with_party().await;
    let body = "participant_id,name,email\n001,Rose,rose@example.com\n";
    service.import_csv(body).await;
    let old = service.aws.script().subscriptions[0].policy.clone();
    // An address that never confirmed cannot be unsubscribed.
    service.aws.fail_next("Unsubscribe", 400, "InvalidParameter");
    service.delete("/lotteries/party/participants/001").await.expect(204);
    let report = service.import_csv(body).await;
    assert_eq!(report["warnings"], json!([]));
    let subscriptions = service.aws.script().subscriptions.clone();
    assert_eq!(subscriptions.len(), 1);
    assert_ne!(subscriptions[0].policy, old);
}

#[tokio::test]
async fn a_withdrawal_erases_and_unsubscribes() {
    let service = Service::with_party().await;
    service.import_csv("participant_id,name,phone,email\n001,Rose,+12025550101,rose@example.com\n").await;
    for _ in 0..3 {
        service.aws.fail_next("Unsubscribe", 500, "InternalError");
    }
    service.delete("/lotteries/party/participants/001").await.expect(503);
    assert_eq!(service.aws.script().subscriptions.len(), 1);
    service.delete("/lotteries/party/participants/001").await.expect(204);
    assert!(service.aws.script().subscriptions.is_empty());
    let left = service.aws.items("Contacts");
    assert!(
        left.iter().all(|item| item["sk"]["S"] == "FINGERPRINT_KEY"),
        "only the lottery's own key: {left:?}"
    );
    service.delete("/lotteries/party/participants/001").await.expect(404);
}

#[tokio::test]
async fn a_long_file_streams_through_in_batches() {
    let service = Service::with_party().await;
    let pieces = std::iter::once("participant_id,name,phone\n".to_owned()).chain((0..50).map(|piece| {
        (piece * 100..piece * 100 + 100)
            .map(|n| {
                let phone = if n == 4_321 { "none".to_owned() } else { format!("+1202{n:07}") };
                format!("{n},Name {n},{phone}\n")
            })
            .collect()
    }));
    let body =
        Body::from_stream(stream::iter(pieces.map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)))));
    let report = service.import("text/csv", body).await.expect(200).json();
    assert_eq!((counts(&report), &report["rows"]), ((5_000, 0, 0), &json!(5_000)));
    assert_eq!(report["detected"]["encoding"], json!({ "name": "utf-8", "certainty": "sure" }));
}
