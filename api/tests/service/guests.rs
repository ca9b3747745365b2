//! Guests: joining within the organiser's rules, one's own entry by the receipt, presence; and what an organiser changes.

use api::Rate;
use http::{Method, Request};
use lottery::LotteryId;
use serde_json::{Value, json};

use crate::support::{Answer, Service};

async fn party(service: &Service, settings: Value) {
    let new = json!({ "id": "party", "name": "Party", "open_to_join": true });
    service.post("/lotteries", new).await.expect(201);
    change(service, settings).await.expect(200);
}

async fn change(service: &Service, settings: Value) -> Answer {
    patch(service, "/lotteries/party", settings).await
}

async fn patch(service: &Service, path: &str, body: Value) -> Answer {
    service.call(service.request(Method::PATCH, path, "application/json", body.to_string())).await
}

async fn send(service: &Service, path: &str, body: Value, venue: Option<&str>) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/json");
    if let Some(venue) = venue {
        request = request.header("venue-code", venue);
    }
    service.call(request.body(body.to_string().into()).unwrap()).await
}

async fn join(service: &Service, body: Value) -> Answer {
    send(service, "/lotteries/party/join", body, None).await
}

fn guest(n: u32) -> Value {
    json!({ "name": format!("Guest {n}"), "phone": format!("+1202555{n:04}") })
}

async fn own(service: &Service, receipt: &Value) -> Answer {
    send(service, "/lotteries/party/entry", receipt.clone(), None).await
}

#[tokio::test]
async fn a_receipt_shows_its_holder_and_nobody_else_that_they_are_in_and_lets_them_leave() {
    let service = Service::new().await;
    party(&service, json!({})).await;
    let receipt = join(&service, guest(1)).await.expect(201).json();
    let entry = own(&service, &receipt).await.expect(200).json();
    assert_eq!(
        (&entry["on_list"], &entry["present"], &entry["draws"]),
        (&json!(true), &json!(false), &json!([]))
    );
    let list = service.get_as_organiser("/lotteries/party/participants").await.expect(200).json();
    assert_eq!(entry["code"], list["participants"][0]["code"], "the organiser sees the same short name");
    for (field, other) in [("secret", "0".repeat(64)), ("participant_id", "j-1".to_owned())] {
        let mut forged = receipt.clone();
        forged[field] = json!(other);
        assert_eq!(own(&service, &forged).await.expect(404).problem(), "unknown-receipt");
        assert_eq!(send(&service, "/lotteries/party/entry/leave", forged, None).await.status, 404);
    }
    own(&service, &json!({ "secret": receipt["secret"] })).await.expect(422);

    send(&service, "/lotteries/party/entry/leave", receipt.clone(), None).await.expect(204);
    own(&service, &receipt).await.expect(404);
    // The address is free again.
    join(&service, guest(1)).await.expect(201);
}

#[tokio::test]
async fn joining_opens_and_closes_at_its_times_and_with_the_lottery() {
    let service = Service::new().await;
    let open = |opens: i64, closes: i64| {
        let at = |hours: i64| (crate::support::now() + jiff::SignedDuration::from_hours(hours)).to_string();
        json!({ "join_opens_at": at(opens), "join_closes_at": at(closes) })
    };
    party(&service, open(1, 2)).await;
    let refused = join(&service, guest(1)).await.expect(403);
    assert_eq!(refused.problem(), "joining-not-yet-open");
    assert!(refused.json()["opens_at"].is_string());
    change(&service, open(-2, -1)).await.expect(200);
    assert_eq!(join(&service, guest(1)).await.expect(403).problem(), "joining-over");
    change(&service, open(-1, 1)).await.expect(200);
    join(&service, guest(1)).await.expect(201);
    change(&service, json!({ "closed": true })).await.expect(200);
    assert_eq!(join(&service, guest(2)).await.expect(403).problem(), "not-open-to-join");
    let draw = service.post("/lotteries/party/draws", json!({ "winners": 1 })).await.expect(409);
    assert_eq!(draw.problem(), "lottery-closed");
    change(&service, json!({ "closed": false, "open_to_join": false })).await.expect(200);
    assert_eq!(join(&service, guest(2)).await.expect(403).problem(), "not-open-to-join");
    let wrong = change(&service, json!({ "join_max_people": 0 })).await.expect(422).json();
    assert_eq!(wrong["errors"][0]["field"], "join_max_people");
}

#[tokio::test]
async fn no_more_people_join_than_there_is_room_for_however_many_do_so_at_once() {
    let service = Service::new().await;
    party(&service, json!({ "join_max_people": 5 })).await;
    let joining = (1..=16).map(|n| join(&service, guest(n)));
    let statuses: Vec<u16> = futures_util::future::join_all(joining)
        .await
        .into_iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409)), "{statuses:?}");
    let count = service.get("/lotteries/party/head-count").await.expect(200).json();
    let people = count["people"].as_u64().unwrap();
    assert!(people <= 5, "{count}");
    assert_eq!(statuses.iter().filter(|status| **status == 201).count() as u64, people);
    for n in people..5 {
        join(&service, guest(100 + n as u32)).await.expect(201);
    }
    assert_eq!(join(&service, guest(200)).await.expect(409).problem(), "lottery-full");
    let count = service.get("/lotteries/party/head-count").await.expect(200).json();
    assert_eq!(
        (&count["people"], &count["max_people"], &count["joining"]),
        (&json!(5), &json!(5), &json!("full"))
    );
}

#[tokio::test]
async fn people_choose_a_group_and_answer_what_the_organiser_asks() {
    let service = Service::new().await;
    party(&service, json!({ "join_groups": ["Sales", "R&D"], "join_question": "Your table?" })).await;
    let with = |n: u32, more: Value| {
        let mut body = guest(n);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (more, field) in
        [(json!({}), "group"), (json!({ "group": "Legal" }), "group"), (json!({ "group": 1 }), "group")]
    {
        let refused = join(&service, with(1, more)).await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    let receipt = join(&service, with(1, json!({ "group": "\u{ff33}ales", "answer": " Table 7 " })));
    let id = receipt.await.expect(201).json()["participant_id"].as_str().unwrap().to_owned();
    let person = service.get_as_organiser(&format!("/lotteries/party/participants/{id}")).await.expect(200);
    let person = person.json();
    assert_eq!((&person["group"], &person["answer"]), (&json!("Sales"), &json!("Table 7")));
    // Whom an organiser edits keeps what they answered.
    let path = format!("/lotteries/party/participants/{id}");
    let edited = patch(&service, &path, json!({ "name": "Rose" })).await.expect(200);
    assert_eq!(edited.json()["answer"], "Table 7");
    change(&service, json!({ "join_groups": null, "join_question": null })).await.expect(200);
    for more in [json!({ "group": "Sales" }), json!({ "answer": "x" })] {
        join(&service, with(2, more)).await.expect(422);
    }
}

#[tokio::test]
async fn one_mailbox_is_one_entry_where_the_organiser_says_so() {
    let service = Service::new().await;
    party(&service, json!({})).await;
    let mail = |address: &str| json!({ "name": "Rose", "email": address });
    join(&service, mail("rose@example.com")).await.expect(201);
    join(&service, mail("rose+1@example.com")).await.expect(201);
    change(&service, json!({ "join_one_mailbox": true })).await.expect(200);
    let people = async || {
        let counts = service.get_as_organiser("/lotteries/party/counts").await.expect(200).json();
        counts["total"].as_u64().unwrap()
    };
    join(&service, mail("rose+2@example.com")).await.expect(201);
    assert_eq!(people().await, 2, "whoever is known is answered alike, and not entered again");
    let tracy = join(&service, mail("t.racy+a@gmail.com")).await.expect(201).json();
    for alias in ["tracy@gmail.com", "t.r.a.c.y@googlemail.com", "tracy+b@gmail.com"] {
        join(&service, mail(alias)).await.expect(201);
        assert_eq!(people().await, 3, "{alias}");
    }
    send(&service, "/lotteries/party/entry/leave", tracy, None).await.expect(204);
    join(&service, mail("tracy@gmail.com")).await.expect(201);
    assert_eq!(people().await, 3);
}

#[tokio::test]
async fn a_thousand_guests_behind_one_address_join_within_a_minute_with_the_venues_code() {
    let service = Service::with(|config| {
        config.rate_limits.join = Rate { per_second: 1.0, burst: 100.0 };
    })
    .await;
    party(&service, json!({ "venue_code": "KRT7-PQ" })).await;
    let all = (0..1000).map(|n| send_join(&service, n));
    let statuses = futures_util::future::join_all(all).await;
    assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
    let counts = service.get_as_organiser("/lotteries/party/counts").await.expect(200).json();
    assert_eq!((&counts["total"], &counts["present"]), (&json!(1000), &json!(1000)));
}

async fn send_join(service: &Service, n: u32) -> u16 {
    send(service, "/lotteries/party/join", guest(n), Some("krt7pq")).await.status.as_u16()
}

#[tokio::test]
async fn a_venues_code_is_not_found_by_trying_and_is_no_ones_but_the_organisers() {
    let service = Service::with(|config| {
        config.rate_limits.join = Rate { per_second: 0.001, burst: 3.0 };
    })
    .await;
    party(&service, json!({ "venue_code": "KRT7PQ" })).await;
    let public = service.get("/lotteries/party").await.expect(200);
    assert!(!public.body.contains("KRT7PQ"), "{}", public.body);
    service.get("/lotteries/party/settings").await.expect(401);
    let settings = service.get_as_organiser("/lotteries/party/settings").await.expect(200).json();
    assert_eq!(settings["venue_code"], "KRT7PQ");
    let mut statuses = Vec::new();
    for n in 0..5 {
        let answer = send(&service, "/lotteries/party/join", guest(n), Some(&format!("AAAA{n}"))).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [403, 403, 403, 429, 429]);
    send(&service, "/lotteries/party/join", guest(9), Some("KRT7PQ")).await.expect(201);
}

#[tokio::test]
async fn who_is_present_is_marked_at_the_door_or_with_the_venues_code() {
    let service = Service::new().await;
    party(&service, json!({ "venue_code": "KRT7PQ" })).await;
    let rose = join(&service, guest(1)).await.expect(201).json();
    let tracy = join(&service, guest(2)).await.expect(201).json();
    let at_the_door = |body: Value| service.post("/lotteries/party/presence", body);
    let code = own(&service, &rose).await.expect(200).json()["code"].as_str().unwrap().to_lowercase();
    let marked = at_the_door(json!({ "code": code })).await.expect(200).json();
    assert_eq!((&marked["name"], &marked["is_new"]), (&json!("Guest 1"), &json!(true)));
    assert_eq!(at_the_door(json!({ "receipt": rose })).await.expect(200).json()["is_new"], false);
    assert_eq!(at_the_door(json!({ "code": "0000-0000" })).await.expect(404).problem(), "unknown-code");
    at_the_door(json!({ "code": code, "receipt": rose })).await.expect(422);
    at_the_door(json!({})).await.expect(422);

    let check_in = |venue| send(&service, "/lotteries/party/entry/check-in", tracy.clone(), venue);
    assert_eq!(check_in(None).await.expect(403).problem(), "no-venue-code");
    assert_eq!(check_in(Some("AAAAAA")).await.expect(403).problem(), "wrong-venue-code");
    check_in(Some("KRT7PQ")).await.expect(204);
    assert_eq!(own(&service, &tracy).await.expect(200).json()["present"], true);
    let present = async || {
        let counts = service.get_as_organiser("/lotteries/party/counts").await.expect(200).json();
        let listed = service.get_as_organiser("/lotteries/party/participants?only=present").await.expect(200);
        let listed = listed.json()["participants"].as_array().unwrap().len() as u64;
        assert_eq!(counts["present"], listed);
        listed
    };
    assert_eq!(present().await, 2);
    let undone = json!({ "participant_id": rose["participant_id"], "present": false });
    assert_eq!(at_the_door(undone).await.expect(200).json()["present_at"], Value::Null);
    assert_eq!(present().await, 1);
    // A participant who leaves is not counted any more.
    send(&service, "/lotteries/party/entry/leave", tracy, None).await.expect(204);
    assert_eq!(present().await, 0);
}

#[tokio::test]
async fn a_lottery_is_deleted_with_all_contact_data_and_cannot_be_filled_again() {
    let service = Service::with_party().await;
    service.import_csv("participant_id,name,phone\n1,Rose,+12025550101\n2,Tracy,+12025550102\n").await;
    service.import_csv("participant_id,name,phone\n1,Rosa,+12025550101\n").await;
    let delete = |expected: u64| {
        let path = format!("/lotteries/party?expected={expected}");
        let service = &service;
        async move { service.delete(&path).await }
    };
    service.wait(1);
    assert_eq!(delete(7).await.expect(409).problem(), "count-differs");
    let deleted = delete(2).await.expect(200).json();
    assert_eq!((&deleted["withdrawn"], &deleted["remaining"]), (&json!(2), &json!(0)));
    let lottery_id = LotteryId::parse("party").unwrap();
    assert_eq!(service.store.participant_counts(&lottery_id).await.unwrap().total, 0);
    let last = service.get_as_organiser("/lotteries/party/imports/last").await.expect(200).json();
    let undo = format!("/lotteries/party/imports/{}/undo", last["number"]);
    let _ = service.post(&undo, json!({})).await;
    assert_eq!(service.store.participant_counts(&lottery_id).await.unwrap().total, 0, "nothing is kept");
    let public = service.get("/lotteries/party").await.expect(200).json();
    assert!(public["deleted_at"].is_string() && public["closed_at"].is_string(), "{public}");
    assert_eq!(service.get("/lotteries").await.expect(200).json()["lotteries"], json!([]));
    let import = service.import("text/csv", "participant_id,name\n3,Donna\n".to_owned()).await;
    assert_eq!(import.expect(409).problem(), "lottery-closed");
    assert_eq!(change(&service, json!({ "closed": false })).await.expect(409).problem(), "lottery-deleted");
}

#[tokio::test]
async fn own_words_are_previewed_with_their_parts_and_kept() {
    let service = Service::new().await;
    party(&service, json!({ "open_to_join": false })).await;
    let preview = |body: Value| {
        let service = &service;
        async move { service.post("/lotteries/party/messages/preview", body).await }
    };
    let words = "Hi {name} – you’ve won {prize}!";
    let shown = preview(json!({ "sms": words })).await.expect(200).json();
    let sms = &shown["sms"];
    assert_eq!(sms["text"], "Hi Rose Tyler – you’ve won First prize!");
    assert_eq!((&sms["alphabet"], &sms["parts"]), (&json!("ucs2"), &json!(1)));
    assert_eq!(sms["plain"], "Hi {name} - you've won {prize}!");
    assert_eq!(sms["forcing"][1], json!({ "character": "’", "plain": "'" }));
    let plain = preview(json!({ "sms": sms["plain"] })).await.expect(200).json();
    assert_eq!((&plain["sms"]["alphabet"], &plain["sms"]["plain"]), (&json!("gsm7"), &Value::Null));
    let wrong = preview(json!({ "sms": "Hi {nmae}" })).await.expect(422).json();
    assert_eq!(wrong["errors"][0]["code"], "UnknownPlaceholder", "{wrong}");

    let words = json!({ "messages": { "en": { "sms": "Hi {name}", "email_subject": "You have won" } } });
    let changed = change(&service, words).await.expect(200).json();
    assert_eq!(changed["messages"]["en"]["sms"], "Hi {name}");
    assert!(!service.get("/lotteries/party").await.expect(200).body.contains("Hi {name}"));
    let sender = change(&service, json!({ "sms_sender": "YearParty" })).await.expect(200).json();
    assert_eq!(sender["sms_sender"], "YearParty");
    assert_eq!(preview(json!({ "sms": "Hi" })).await.expect(200).json()["sms_sender"], "YearParty");
    for wrong in ["Year Party", "2026", "TwelveTwelve"] {
        let refused = change(&service, json!({ "sms_sender": wrong })).await.expect(422).json();
        assert_eq!(refused["errors"][0]["code"], "NotSmsSender", "{wrong}");
    }
    let back = change(&service, json!({ "messages": null })).await.expect(200).json();
    assert_eq!(back["messages"]["en"]["sms"], Value::Null);
}
