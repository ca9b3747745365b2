//! Joining tells nobody who takes part, and a lost receipt is sent to nobody but its owner.

use api::Rate;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{Answer, Service};

const ROSE: &str = "+12025550101";

async fn party(settings: Value) -> Service {
    let service = Service::with(|config| {
        config.has_email_sender = true;
        config.public_url = Some("https://lottery.example".to_owned());
    })
    .await;
    open(&service, settings).await;
    service
}

async fn open(service: &Service, settings: Value) {
    let new = json!({ "id": "party", "name": "Party", "open_to_join": true });
    service.post("/lotteries", new).await.expect(201);
    let change = service.request(Method::PATCH, "/lotteries/party", "application/json", settings.to_string());
    service.call(change).await.expect(200);
}

/// By somebody without a token.
async fn post(service: &Service, path: &str, body: Value) -> Answer {
    let path = format!("/lotteries/party/{path}");
    let request = Request::post(path).header("content-type", "application/json");
    service.call(request.body(body.to_string().into()).unwrap()).await
}

async fn people(service: &Service) -> u64 {
    let count = service.get("/lotteries/party/head-count").await.expect(200).json();
    count["people"].as_u64().unwrap()
}

fn confirmed() -> Value {
    json!({ "join_confirm_addresses": true })
}

/// What a response is, but for what is random in it.
fn shape(answer: &Answer) -> (u16, Vec<String>, Vec<usize>, Vec<String>) {
    let body = answer.json();
    let members = body.as_object().unwrap();
    let length = |value: &Value| value.as_str().map_or(0, str::len);
    let headers = answer.headers.keys().map(ToString::to_string).collect();
    let members: (Vec<_>, Vec<_>) = members.iter().map(|(name, value)| (name.clone(), length(value))).unzip();
    (answer.status.as_u16(), members.0, members.1, headers)
}

/// The code in the last message to an address.
fn code(service: &Service, to: &str) -> String {
    let messages = service.aws.messages_to(to);
    let text = messages.last().expect("a message was sent");
    let digits: Vec<_> = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 6).collect();
    assert_eq!(digits.len(), 1, "{text}");
    digits[0].to_owned()
}

/// The receipt in the last message to an address.
fn receipt(service: &Service, to: &str) -> Value {
    use base64::Engine;
    let messages = service.aws.messages_to(to);
    let text = messages.last().expect("a message was sent");
    let (_, link) = text.split_once("https://lottery.example/#/lotteries/party/me?receipt=").expect(text);
    let word = link.split_whitespace().next().unwrap();
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(word).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// The code that is not this one.
fn another(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

#[tokio::test]
async fn a_known_address_is_answered_as_a_new_one_and_its_owner_gets_the_link() {
    let service = party(json!({ "venue_code": "KRT7PQ" })).await;
    let join = |name: &str, phone: &str| post(&service, "join", json!({ "name": name, "phone": phone }));
    let first = join("Rose Tyler", ROSE).await.expect(201);
    let rose = first.json();
    assert!(service.aws.script().messages.is_empty());
    let stored = service.aws.items("Contacts").len();
    let known = join("Roz Nobody", ROSE).await.expect(201);
    let new = join("Tom Nobody", "+12025550102").await.expect(201);
    assert_eq!(shape(&known), shape(&new));
    assert_eq!(people(&service).await, 2);
    assert_eq!(receipt(&service, ROSE), rose, "the owner is told, with their own receipt");
    // Of the known address nothing is stored but the count of messages; of the new one, who it is and that it is taken.
    assert_eq!(service.aws.items("Contacts").len(), stored + 1 + 2);
    assert!(!format!("{:?}", service.aws.items("Contacts")).contains("Roz Nobody"));

    // Asking for the entry does not tell the two apart either, nor does checking in or leaving.
    let entry = async |receipt: &Value| {
        let mut entry = post(&service, "entry", receipt.clone()).await.expect(200).json();
        entry.as_object_mut().unwrap().remove("code");
        entry
    };
    assert_eq!(entry(&known.json()).await, entry(&new.json()).await);
    let mut forged = known.json();
    forged["participant_id"] = json!("j-1");
    post(&service, "entry", forged).await.expect(404);
    post(&service, "entry/leave", known.json()).await.expect(204);
    assert_eq!(people(&service).await, 2, "nobody can take out whom they only know");
    assert_eq!(entry(&rose).await["on_list"], true);
}

#[tokio::test]
async fn an_address_gets_no_more_than_five_messages_an_hour_however_often_it_is_named() {
    let service = party(json!({})).await;
    for phone in [ROSE, "+12025550102"] {
        post(&service, "join", json!({ "name": "Guest", "phone": phone })).await.expect(201);
    }
    for n in 0..4 {
        post(&service, "join", json!({ "name": "Guest", "phone": ROSE })).await.expect(201);
        post(&service, "join/link", json!({ "phone": ROSE })).await.expect(202);
        assert!(service.aws.messages_to(ROSE).len() <= 5, "{n}");
    }
    assert_eq!(service.aws.messages_to(ROSE).len(), 5);
    post(&service, "join/link", json!({ "phone": "+12025550102" })).await.expect(202);
    assert_eq!(service.aws.messages_to("+12025550102").len(), 1, "addresses are counted apart");
    service.wait(3601);
    post(&service, "join/link", json!({ "phone": ROSE })).await.expect(202);
    assert_eq!(service.aws.messages_to(ROSE).len(), 6);
}

#[tokio::test]
async fn a_lost_receipt_is_sent_to_the_address_of_the_entry_and_nobody_learns_who_has_one() {
    let service = party(json!({})).await;
    let rose = json!({ "name": "Rose", "email": "Rose@example.com", "phone": ROSE });
    let rose = post(&service, "join", rose).await.expect(201).json();
    let link = |body: Value| post(&service, "join/link", body);
    let known = link(json!({ "email": "rose@EXAMPLE.com" })).await.expect(202);
    let unknown = link(json!({ "email": "tracy@example.com" })).await.expect(202);
    assert_eq!((known.body.as_str(), unknown.body.as_str()), ("", ""));
    assert_eq!(service.aws.script().messages.len(), 1);
    assert_eq!(receipt(&service, "Rose@example.com"), rose);
    for (body, field) in [
        (json!({}), "phone"),
        (json!({ "phone": ROSE, "email": "rose@example.com" }), "email"),
        (json!({ "phone": "1" }), "phone"),
        (json!({ "email": "rose" }), "email"),
        (json!({ "name": "Rose" }), "name"),
    ] {
        assert_eq!(link(body).await.expect(422).json()["errors"][0]["field"], field);
    }
    // What the service does not take is not reported: it would say that there was somebody to send to.
    service.aws.fail_next("Publish", 400, "InvalidParameter");
    link(json!({ "phone": ROSE })).await.expect(202);
}

#[tokio::test]
async fn a_caller_has_no_more_than_some_messages_sent() {
    let service = Service::with(|config| {
        config.public_url = Some("https://lottery.example".to_owned());
        config.rate_limits.message = Rate { per_second: 0.001, burst: 2.0 };
    })
    .await;
    open(&service, json!({ "join_confirm_addresses": true, "venue_code": "KRT7PQ" })).await;
    let guest = |n: u32| json!({ "name": "Guest", "phone": format!("+1202555{n:04}") });
    let statuses = [
        post(&service, "join", guest(1)).await.status.as_u16(),
        post(&service, "join/link", json!({ "phone": ROSE })).await.status.as_u16(),
        post(&service, "join", guest(2)).await.status.as_u16(),
        post(&service, "join/link", json!({ "phone": ROSE })).await.status.as_u16(),
    ];
    assert_eq!(statuses, [202, 202, 429, 429]);
    // The guests of an evening share an address, and know the code.
    let request = Request::post("/lotteries/party/join").header("content-type", "application/json");
    let request = request.header("venue-code", "KRT7PQ").body(guest(3).to_string().into()).unwrap();
    service.call(request).await.expect(202);
}

#[tokio::test]
async fn an_entry_counts_once_its_address_is_confirmed() {
    let service = party(confirmed()).await;
    let public = service.get("/lotteries/party").await.expect(200).json();
    assert_eq!(public["joining"]["confirm_addresses"], true);
    let pending = post(&service, "join", json!({ "name": "Rose", "phone": ROSE })).await.expect(202).json();
    assert_eq!(people(&service).await, 0, "nobody is on a list whose address is not confirmed");
    let code = code(&service, ROSE);
    assert!(!format!("{:?}", service.aws.items("Contacts")).contains(&code), "the code is stored as a hash");
    let confirm = |join_id: Value, code: &str| {
        post(&service, "join/confirm", json!({ "join_id": join_id, "code": code }))
    };
    let id = pending["join_id"].clone();
    assert_eq!(confirm(id.clone(), another(&code)).await.expect(403).problem(), "wrong-code");
    assert_eq!(confirm(json!("0"), &code).await.expect(403).problem(), "wrong-code");
    let wrong = confirm(id.clone(), "12345").await.expect(422).json();
    assert_eq!(wrong["errors"][0]["code"], "NotJoinCode");
    let receipt = confirm(id.clone(), &code).await.expect(201).json();
    assert_eq!((people(&service).await, &receipt["name"]), (1, &json!("Rose")));
    // A repeated call, whose first response was lost, enters nobody twice.
    assert_eq!(confirm(id, &code).await.expect(201).json(), receipt);
    assert_eq!(people(&service).await, 1);
    assert_eq!(post(&service, "entry", receipt).await.expect(200).json()["on_list"], true);
}

#[tokio::test]
async fn a_code_counts_for_ten_minutes_and_five_tries() {
    let service = party(confirmed()).await;
    let mail = "rose@example.com";
    let begin = async || {
        let body = json!({ "name": "Rose", "email": mail });
        let pending = post(&service, "join", body).await.expect(202).json();
        (pending["join_id"].clone(), code(&service, mail))
    };
    let confirm = |join_id: &Value, code: &str| {
        post(&service, "join/confirm", json!({ "join_id": join_id, "code": code }))
    };
    let (id, right) = begin().await;
    for _ in 0..5 {
        confirm(&id, another(&right)).await.expect(403);
    }
    confirm(&id, &right).await.expect(403);
    let (id, right) = begin().await;
    service.wait(601);
    confirm(&id, &right).await.expect(403);
    assert_eq!(people(&service).await, 0);
    let (id, right) = begin().await;
    service.wait(599);
    confirm(&id, &right).await.expect(201);
    assert_eq!(people(&service).await, 1);
}

#[tokio::test]
async fn with_confirmed_addresses_nothing_tells_who_takes_part() {
    let service = party(confirmed()).await;
    let join = |phone: &str| post(&service, "join", json!({ "name": "Rose", "phone": phone }));
    let pending = join(ROSE).await.expect(202).json();
    let body = json!({ "join_id": pending["join_id"], "code": code(&service, ROSE) });
    let rose = post(&service, "join/confirm", body).await.expect(201).json();
    let stored = service.aws.items("Contacts").len();
    let known = join(ROSE).await.expect(202);
    assert_eq!(service.aws.items("Contacts").len(), stored, "nothing is stored of a known address");
    assert_eq!(receipt(&service, ROSE), rose);
    let new = join("+12025550102").await.expect(202);
    assert_eq!(shape(&known), shape(&new));
    for answer in [&known, &new] {
        let body = json!({ "join_id": answer.json()["join_id"], "code": "000000" });
        assert_eq!(post(&service, "join/confirm", body).await.expect(403).problem(), "wrong-code");
    }
    assert_eq!(people(&service).await, 1);
    // Of two who begin with one address both have its code, and so both get its one entry.
    let (first, first_code) = (join("+12025550103").await.json(), code(&service, "+12025550103"));
    let (second, second_code) = (join("+12025550103").await.json(), code(&service, "+12025550103"));
    let confirm = |pending: &Value, code: &str| {
        post(&service, "join/confirm", json!({ "join_id": pending["join_id"], "code": code }))
    };
    let receipt = confirm(&first, &first_code).await.expect(201).json();
    assert_eq!(confirm(&second, &second_code).await.expect(201).json(), receipt);
    assert_eq!(people(&service).await, 2);
}

#[tokio::test]
async fn one_address_is_confirmed_to_which_a_code_can_be_sent() {
    let service = party(confirmed()).await;
    let join = |body: Value| post(&service, "join", body);
    let both = join(json!({ "name": "Rose", "phone": ROSE, "email": "rose@example.com" })).await.expect(422);
    assert_eq!(both.json()["errors"][0]["code"], "OneAddress");
    // Through a topic SNS has addresses confirmed in its own way: no code reaches one that is new.
    let through_topics = Service::new().await;
    open(&through_topics, confirmed()).await;
    let email = post(&through_topics, "join", json!({ "name": "Rose", "email": "rose@example.com" })).await;
    assert_eq!(email.expect(422).json()["errors"][0]["code"], "CannotConfirm");
    post(&through_topics, "join", json!({ "name": "Rose", "phone": ROSE })).await.expect(202);
}
