//! Creating and reading lotteries.

use serde_json::{Value, json};

use crate::support::Service;

#[tokio::test]
async fn a_lottery_is_created_with_its_topic_and_read_by_everyone() {
    let service = Service::new().await;
    let body =
        json!({ "id": "party", "name": "Sommerfest", "locale": "zh-CN", "time_zone": "Asia/Shanghai" });
    let created = service.post("/lotteries", body).await.expect(201);
    assert_eq!(created.header("location"), "/lotteries/party");
    assert_eq!(service.aws.script().topics, ["arn:aws:sns:us-east-1:123456789012:lottery-party"]);

    let read = service.get("/lotteries/party").await.expect(200).json();
    assert_eq!(
        (&read["name"], &read["locale"], &read["draws"]),
        (&json!("Sommerfest"), &json!("zh-CN"), &json!([]))
    );
    assert!(read.get("topic_arn").is_none());
    let list = service.get("/lotteries").await.expect(200).json();
    assert_eq!(list["lotteries"][0]["lottery_id"], "party");
    assert_eq!(list["next_cursor"], json!(null));
}

#[tokio::test]
async fn a_field_that_cannot_stand_is_named_in_words_and_in_a_code_that_the_document_lists() {
    let service = Service::new().await;
    let refused = service.post("/lotteries", json!({ "name": "x".repeat(101) })).await.expect(422);
    assert_eq!(refused.problem(), "invalid-field");
    let error = &refused.json()["errors"][0];
    let expected = json!({
        "field": "name", "detail": "must have 1 to 100 characters",
        "code": "Length", "parameters": { "most": 100 }
    });
    assert_eq!(*error, expected);
    let document = service.get("/openapi.json").await.expect(200).json();
    for schema in ["FieldProblem", "RemarkReason"] {
        let code = &document["components"]["schemas"][schema]["properties"]["code"];
        let listed = code["enum"].as_array().unwrap_or_else(|| panic!("{schema}: {code}"));
        assert!(listed.contains(&json!("Length")), "{schema}: {code}");
    }
}

#[tokio::test]
async fn an_id_that_is_taken_is_refused() {
    let service = Service::with_party().await;
    let again = service.post("/lotteries", json!({ "id": "party", "name": "Other" })).await.expect(409);
    assert_eq!(again.problem(), "lottery-exists");
    assert_eq!(again.json()["errors"][0]["field"], "id");
    assert_eq!(service.get("/lotteries/party").await.json()["name"], "Party");
}

#[tokio::test]
async fn a_lottery_without_an_id_gets_one_and_a_repetition_gets_the_same() {
    let service = Service::new().await;
    let first = service.post_with_key("/lotteries", "k", json!({ "name": "A" })).await.expect(201);
    let second = service.post_with_key("/lotteries", "k", json!({ "name": "A" })).await.expect(201);
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(second.header("idempotency-replayed"), "true");
    let other = service.post("/lotteries", json!({ "name": "A" })).await.expect(201);
    assert_ne!(first.json()["lottery_id"], other.json()["lottery_id"]);
}

#[tokio::test]
async fn fields_that_cannot_stand_are_named() {
    let service = Service::new().await;
    for (body, field) in [
        (json!({}), "name"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": "A", "id": "No" }), "id"),
        (json!({ "name": "A", "locale": "de" }), "locale"),
        (json!({ "name": "A", "time_zone": "Mars" }), "time_zone"),
        (json!({ "name": "A", "colour": "red" }), "colour"),
        (json!({ "name": "A", "email_through": "ses" }), "email_through"),
        (json!({ "name": "A", "country": "China" }), "country"),
        (json!({ "name": "A", "country": "XX" }), "country"),
        (json!({ "name": "A", "country": 86 }), "country"),
    ] {
        let refused = service.post("/lotteries", body).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["field"], field, "{}", refused.body);
    }
    assert!(service.aws.script().topics.is_empty());
}

#[tokio::test]
async fn a_lottery_has_the_country_that_is_given_or_that_of_its_time_zone_or_language() {
    let service = Service::new().await;
    for (body, country) in [
        (json!({ "name": "A" }), Value::Null),
        (json!({ "name": "A", "country": "de" }), json!("DE")),
        (json!({ "name": "A", "time_zone": "Asia/Shanghai" }), json!("CN")),
        (json!({ "name": "A", "locale": "zh-CN" }), json!("CN")),
        (json!({ "name": "A", "locale": "zh-CN", "time_zone": "America/New_York" }), json!("US")),
        (json!({ "name": "A", "locale": "zh-CN", "country": "SG" }), json!("SG")),
    ] {
        let created = service.post("/lotteries", body).await.expect(201).json();
        assert_eq!(created["country"], country);
        let path = format!("/lotteries/{}", created["lottery_id"].as_str().unwrap());
        assert_eq!(service.get(&path).await.expect(200).json()["country"], country);
    }
}

#[tokio::test]
async fn e_mails_go_through_ses_where_a_sender_is_set_up() {
    for (has_sender, through) in [(false, "sns"), (true, "ses")] {
        let service = Service::with(|config| config.has_email_sender = has_sender).await;
        let created = service.post("/lotteries", json!({ "name": "A" })).await.expect(201).json();
        assert_eq!(created["email_through"], through);
        let chosen = json!({ "name": "B", "email_through": "sns" });
        assert_eq!(service.post("/lotteries", chosen).await.expect(201).json()["email_through"], "sns");
    }
}

#[tokio::test]
async fn an_unknown_lottery_is_not_found_whatever_its_name() {
    let service = Service::new().await;
    for path in
        ["/lotteries/none", "/lotteries/NONE", "/lotteries/%00", "/lotteries/a%2Fb", "/lotteries/none/draws"]
    {
        service.get(path).await.expect(404);
    }
    service.get_as_organiser("/lotteries/none/participants").await.expect(404);
    service.post("/lotteries/none/draws", json!({ "winners": 1 })).await.expect(404);
}

#[tokio::test]
async fn lists_are_paged_and_a_foreign_cursor_is_refused() {
    let service = Service::new().await;
    for id in ["a", "b", "c"] {
        service.post("/lotteries", json!({ "id": id, "name": id })).await.expect(201);
    }
    let first = service.get("/lotteries?limit=2").await.expect(200).json();
    assert_eq!(first["lotteries"].as_array().unwrap().len(), 2);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = service.get(&format!("/lotteries?limit=2&cursor={cursor}")).await.expect(200).json();
    assert_eq!(rest["lotteries"].as_array().unwrap().len(), 1);
    for query in ["limit=0", "limit=1001", "limit=x"] {
        service.get(&format!("/lotteries?{query}")).await.expect(400);
    }
    let foreign = service.get("/lotteries/a/draws?cursor=zzz").await.expect(400).json();
    assert_eq!(foreign["errors"][0]["field"], "cursor");
}

#[tokio::test]
async fn a_topic_that_cannot_be_made_makes_no_lottery() {
    let service = Service::new().await;
    service.aws.fail_next("CreateTopic", 403, "AuthorizationError");
    service.post_with_key("/lotteries", "k", json!({ "id": "party", "name": "A" })).await.expect(503);
    service.get("/lotteries/party").await.expect(404);
    // What failed may be tried again under the same key.
    service.post_with_key("/lotteries", "k", json!({ "id": "party", "name": "A" })).await.expect(201);
}
