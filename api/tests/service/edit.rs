//! Editing one person.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Service};

const ROSE: &str = "/lotteries/party/participants/1";

async fn patch(service: &Service, path: &str, body: Value) -> Answer {
    service.call(service.request(Method::PATCH, path, "application/merge-patch+json", body.to_string())).await
}

/// A lottery in New York, whose e-mails go through SNS, with two people.
async fn with_rose(limit: u64) -> Service {
    let service = Service::with(|config| config.email_subscription_limit = limit).await;
    let party =
        json!({ "id": "party", "name": "Party", "time_zone": "America/New_York", "email_through": "sns" });
    service.post("/lotteries", party).await.expect(201);
    let people = json!([
        { "participant_id": "1", "name": "Rose", "phone": "+12025550101", "email": "rose@example.com", "group": "Sales",
            "tickets": 5, "excluded": true },
        { "participant_id": "2", "name": "Tracy", "phone": "+12025550102", "email": "tracy@example.com" },
    ]);
    let report = service.import("application/json", people.to_string()).await.expect(200).json();
    assert_eq!(report["accepted"], 2, "{report}");
    service
}

fn fields(person: &Value) -> Value {
    let mut person = person.clone();
    for other in ["registered_at", "masked", "warnings", "participant_id", "present_at", "answer", "code"] {
        person.as_object_mut().unwrap().shift_remove(other);
    }
    person
}

fn rose() -> Value {
    json!({ "name": "Rose", "phone": "+12025550101", "email": "rose@example.com", "group": "Sales", "tickets": 5,
        "excluded": true })
}

#[tokio::test]
async fn what_is_named_changes_null_erases_and_the_rest_stays() {
    let service = with_rose(200).await;
    let mut now = rose();
    for (patched, changed) in [
        (json!({}), json!({})),
        (json!({ "name": "Rose Tyler" }), json!({ "name": "Rose Tyler" })),
        (json!({ "participant_id": "1", "tickets": 7 }), json!({ "tickets": 7 })),
        (json!({ "phone": "(202) 555-0177" }), json!({ "phone": "+12025550177" })),
        (json!({ "phone": "+44 7700 900123" }), json!({ "phone": "+447700900123" })),
        (json!({ "phone": null, "group": null }), json!({ "phone": null, "group": null })),
        (json!({ "tickets": null, "excluded": null }), json!({ "tickets": 1, "excluded": false })),
        (json!({ "group": " Ｓａｌｅｓ  Team " }), json!({ "group": "Sales Team" })),
        (json!({ "group": " " }), json!({ "group": null })),
        (json!({ "name": "\u{202e}王小明\u{200b}" }), json!({ "name": "王小明" })),
        (json!({ "email": "Rose <rose@例子.example>" }), json!({ "email": "rose@xn--fsqu00a.example" })),
        (json!({ "email": "" }), json!({ "email": null })),
    ] {
        let answer = patch(&service, ROSE, patched.clone()).await.expect(200).json();
        now.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        assert_eq!(fields(&answer), now, "{patched}");
        assert_eq!((&answer["masked"], &answer["warnings"]), (&json!(false), &json!([])), "{patched}");
        let stored = service.get_as_organiser(ROSE).await.expect(200).json();
        assert_eq!(fields(&stored), now, "{patched}");
    }
    let counts = service.get_as_organiser("/lotteries/party/counts").await.json();
    assert_eq!(
        (&counts["total"], &counts["unreachable"], &counts["excluded"]),
        (&json!(2), &json!(1), &json!(0))
    );
    let other = service.get_as_organiser("/lotteries/party/participants/2").await.json();
    assert_eq!((&other["name"], &other["phone"]), (&json!("Tracy"), &json!("+12025550102")));
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_field_and_changes_nothing() {
    let service = with_rose(200).await;
    for (body, field, code) in [
        (json!({ "name": null }), "name", "Missing"),
        (json!({ "name": " " }), "name", "Missing"),
        (json!({ "name": "\u{200b}" }), "name", "NothingVisible"),
        (json!({ "name": "a\u{7}b" }), "name", "ControlCharacters"),
        (json!({ "name": 7 }), "name", "NotText"),
        (json!({ "phone": "555" }), "phone", "PhoneNotNumber"),
        (json!({ "phone": "202-555-010" }), "phone", "PhoneNotInPlan"),
        (json!({ "phone": "1.38E+10" }), "phone", "NumberSpoilt"),
        (json!({ "email": "rose" }), "email", "NotEmailAddress"),
        (json!({ "tickets": 0 }), "tickets", "OutOfRange"),
        (json!({ "tickets": 1001 }), "tickets", "OutOfRange"),
        (json!({ "excluded": "perhaps" }), "excluded", "NotBoolean"),
        (json!({ "nickname": "R" }), "nickname", "UnknownField"),
        (json!({ "participant_id": "3" }), "participant_id", "OtherId"),
        (json!({ "participant_id": null }), "participant_id", "OtherId"),
        (json!(["name"]), "body", "NotObject"),
        // One field at fault, and none of the others is taken.
        (json!({ "name": "Rosalind", "tickets": "many" }), "tickets", "OutOfRange"),
    ] {
        let refused = patch(&service, ROSE, body.clone()).await.expect(422).json();
        assert_eq!(
            (&refused["errors"][0]["field"], &refused["errors"][0]["code"]),
            (&json!(field), &json!(code)),
            "{body}"
        );
        assert_eq!(fields(&service.get_as_organiser(ROSE).await.json()), rose(), "{body}");
    }
    let malformed = service.request(Method::PATCH, ROSE, "application/json", "{");
    service.call(malformed).await.expect(400);
    service.call(service.request(Method::PATCH, ROSE, "text/csv", "name\nRose")).await.expect(415);
    patch(&service, &format!("{ROSE}?force=true"), json!({ "name": "R" })).await.expect(400);
}

#[tokio::test]
async fn an_address_of_somebody_else_is_refused_with_its_code() {
    let service = with_rose(200).await;
    for (body, field) in [
        (json!({ "phone": "202-555-0102", "name": "Rosalind" }), "phone"),
        (json!({ "email": "tracy@EXAMPLE.com" }), "email"),
    ] {
        let refused = patch(&service, ROSE, body).await.expect(409);
        assert_eq!(refused.problem(), "address-taken");
        let refused = refused.json();
        assert_eq!(
            (&refused["code"], &refused["errors"][0]["field"]),
            (&json!("AddressTaken"), &json!(field))
        );
        assert_eq!(fields(&service.get_as_organiser(ROSE).await.json()), rose());
    }
    assert_eq!(service.aws.script().subscriptions.len(), 2);
    // Once it is free, it can be had.
    patch(&service, "/lotteries/party/participants/2", json!({ "phone": null })).await.expect(200);
    patch(&service, ROSE, json!({ "phone": "+12025550102" })).await.expect(200);
}

#[tokio::test]
async fn an_edit_makes_nobody() {
    let service = with_rose(200).await;
    let nobody = json!({ "name": "Nobody", "phone": "+12025550109" });
    patch(&service, "/lotteries/party/participants/9", nobody.clone()).await.expect(404);
    patch(&service, "/lotteries/none/participants/1", nobody.clone()).await.expect(404);
    service.delete(ROSE).await.expect(204);
    patch(&service, ROSE, nobody).await.expect(404);
    let counts = service.get_as_organiser("/lotteries/party/counts").await.json();
    assert_eq!(counts["total"], 1);
}

#[tokio::test]
async fn who_may_not_read_the_list_edits_it_and_sees_the_answer_masked() {
    let service = with_rose(200).await;
    let token = service.issuer.token("participants:write");
    let mut request = service.request(
        Method::PATCH,
        ROSE,
        "application/json",
        "{\"name\":\"Rosalind\",\"phone\":\"+12025550177\"}",
    );
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let answer = service.call(request).await.expect(200).json();
    assert_eq!((&answer["name"], &answer["phone"]), (&json!("R***"), &json!("***77")));
    assert_eq!(answer["masked"], true);
    assert_eq!(service.get_as_organiser(ROSE).await.json()["name"], "Rosalind");
}

#[tokio::test]
async fn another_address_is_subscribed_and_the_former_one_unsubscribed() {
    let service = with_rose(2).await;
    let endpoints = || {
        let mut endpoints: Vec<String> =
            service.aws.script().subscriptions.iter().map(|one| one.endpoint.clone()).collect();
        endpoints.sort();
        endpoints
    };
    let label = |endpoint: &str| {
        let script = service.aws.script();
        let policy = script.subscriptions.iter().find(|one| one.endpoint == endpoint).unwrap().policy.clone();
        serde_json::from_str::<Value>(&policy).unwrap()["audience"][1].clone()
    };
    let before = label("rose@example.com");
    // All slots are taken, and a change of address needs none.
    patch(&service, ROSE, json!({ "email": "rose@example.org" })).await.expect(200);
    assert_eq!(endpoints(), ["rose@example.org", "tracy@example.com"]);
    assert_eq!(label("rose@example.org"), before, "it is for the same entry");
    // What does not change the address asks nobody anew.
    let calls = service.aws.script().calls_of("Subscribe");
    patch(&service, ROSE, json!({ "name": "Rosalind", "email": "rose@example.org" })).await.expect(200);
    assert_eq!(service.aws.script().calls_of("Subscribe"), calls);
    // An erased one gives its slot back, and then another can have it.
    patch(&service, ROSE, json!({ "email": null })).await.expect(200);
    assert_eq!(endpoints(), ["tracy@example.com"]);
    let third = json!({ "participant_id": "3", "name": "Aaron" });
    service.import("application/json", third.to_string()).await.expect(200);
    let aaron = "/lotteries/party/participants/3";
    patch(&service, aaron, json!({ "email": "aaron@example.com" })).await.expect(200);
    assert_eq!(endpoints(), ["aaron@example.com", "tracy@example.com"]);
    // Beyond the limit it is kept, and the answer says that nothing is sent to it.
    let beyond = patch(&service, ROSE, json!({ "email": "rose@example.com" })).await.expect(200).json();
    assert_eq!(
        (&beyond["email"], &beyond["warnings"][0]["code"]),
        (&json!("rose@example.com"), &json!("EmailsFull"))
    );
    assert_eq!(endpoints(), ["aaron@example.com", "tracy@example.com"]);
    patch(&service, ROSE, json!({ "email": null })).await.expect(200);
    // One that is refused for another reason has kept no slot.
    patch(&service, aaron, json!({ "email": null })).await.expect(200);
    patch(&service, ROSE, json!({ "email": "tracy@example.com" })).await.expect(409);
    patch(&service, ROSE, json!({ "email": "rose@example.com" })).await.expect(200);
    assert_eq!(endpoints(), ["rose@example.com", "tracy@example.com"]);
}

#[tokio::test]
async fn an_address_that_sns_does_not_take_is_a_warning() {
    let service = with_rose(200).await;
    service.aws.fail_next("Subscribe", 400, "InvalidParameter");
    let answer = patch(&service, ROSE, json!({ "email": "rose@example.org" })).await.expect(200).json();
    assert_eq!(answer["email"], "rose@example.org");
    assert_eq!(
        (&answer["warnings"][0]["column"], &answer["warnings"][0]["code"]),
        (&json!("email"), &json!("EmailNotTaken"))
    );
}

#[tokio::test]
async fn of_edits_at_once_of_two_people_one_gets_the_address() {
    let service = with_rose(200).await;
    let (one, two) = tokio::join!(
        patch(&service, ROSE, json!({ "phone": "+12025550199" })),
        patch(&service, "/lotteries/party/participants/2", json!({ "phone": "+12025550199" })),
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    // And edits of different fields of one person both hold.
    let (name, group) = tokio::join!(
        patch(&service, ROSE, json!({ "name": "Rosalind" })),
        patch(&service, ROSE, json!({ "group": "Board" })),
    );
    name.expect(200);
    group.expect(200);
    let rose = service.get_as_organiser(ROSE).await.json();
    assert_eq!((&rose["name"], &rose["group"]), (&json!("Rosalind"), &json!("Board")));
}
