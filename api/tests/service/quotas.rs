//! Quotas of a new draw: the groups must be on the list, as far as that is known at once.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Service};

const DRAWS: &str = "/lotteries/party/draws";

fn draw_of(quota: Value) -> Value {
    json!({ "prizes": [{ "name": "Pen", "winners": 1 }, { "name": "Car", "winners": 2, "quota": quota }] })
}

async fn ask(service: &Service, quota: Value) -> Answer {
    service.post(DRAWS, draw_of(quota)).await
}

async fn with_groups() -> Service {
    let service = Service::with_party().await;
    let csv = "participant_id,name,group,excluded\n\
        1,Rose,Management,\n2,Ann,Sales Team,\n3,Bob,\u{ff33}upport,\n4,Eve,,\n5,Max,Board,true\n";
    assert_eq!(service.import_csv(csv).await["accepted"], 5);
    service
}

#[tokio::test]
async fn a_quota_for_a_group_that_nobody_is_in_is_refused_with_the_nearest_names_and_starts_nothing() {
    let service = with_groups().await;
    for (name, nearest) in [
        ("management", "Management"),
        ("Managment", "Management"),
        ("SALES TEAM", "Sales Team"),
        ("Salesteam", "Sales Team"),
        ("support", "Support"),
    ] {
        for bound in
            [json!({ "at_most": 0 }), json!({ "at_least": 0 }), json!({ "at_least": 1, "at_most": 2 })]
        {
            let mut quota = json!({ "group": name });
            quota.as_object_mut().unwrap().extend(bound.as_object().unwrap().clone());
            let refused = ask(&service, json!([{ "group": "Board", "at_most": 0 }, quota])).await.expect(422);
            assert_eq!(refused.problem(), "unknown-group");
            let problem = refused.json();
            assert_eq!(
                (&problem["code"], &problem["parameters"]["group"]),
                (&json!("UnknownGroup"), &json!(name))
            );
            assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
            let error = &problem["errors"][0];
            assert_eq!(
                (&error["field"], &error["code"]),
                (&json!("prizes[1].quota[1]"), &json!("UnknownGroup"))
            );
            assert_eq!(error["parameters"]["nearest"][0], nearest, "{problem}");
            let sentence = format!("nobody on the list is in the group {name}; the nearest are: {nearest}, ");
            assert!(problem["detail"].as_str().unwrap().starts_with(&sentence), "{problem}");
        }
    }
    assert_eq!(service.aws.script().executions.len(), 0);
    assert_eq!(service.get(DRAWS).await.expect(200).json()["draws"], json!([]));
}

#[tokio::test]
async fn every_group_that_is_not_on_the_list_is_named_at_its_quota() {
    let service = with_groups().await;
    let quota =
        json!([{ "groups": ["Board", "X", "Management"], "at_most": 1 }, { "group": "Y", "at_most": 1 }]);
    let problem = ask(&service, quota).await.expect(422).json();
    let errors: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["field"].as_str().unwrap().to_owned(),
                one["parameters"]["group"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let expected = [("prizes[1].quota[0]", "X"), ("prizes[1].quota[1]", "Y")];
    assert_eq!(errors, expected.map(|(field, group)| (field.to_owned(), group.to_owned())));
}

#[tokio::test]
async fn groups_of_the_list_several_together_and_people_without_one_are_taken_in_any_spelling() {
    let service = with_groups().await;
    let quota = json!([
        { "groups": ["\u{ff33}upport", "Sales   Team"], "at_most": 1 },
        { "group": " Board", "without_group": true, "at_most": 1 },
        { "groups": ["Management"], "at_most": 1 },
    ]);
    let draw = ask(&service, quota).await.expect(202).json();
    let read =
        service.get(&format!("{DRAWS}/{}", draw["draw_id"].as_str().unwrap())).await.expect(200).json();
    assert_eq!(
        read["prizes"][1]["quota"],
        json!([
            { "groups": ["Sales Team", "Support"], "without_group": false, "at_least": null, "at_most": 1 },
            { "groups": ["Board"], "without_group": true, "at_least": null, "at_most": 1 },
            { "group": "Management", "at_least": null, "at_most": 1 },
        ])
    );
    let alone = json!([{ "without_group": true, "at_most": 0 }]);
    ask(&service, alone).await.expect(202);
}

#[tokio::test]
async fn what_cannot_be_known_yet_is_left_to_the_seal() {
    let service = with_groups().await;
    let mut later = draw_of(json!([{ "group": "Nobody", "at_most": 0 }]));
    later["closes_at"] = json!("2027-01-01T00:00:00Z");
    let started = service.post(DRAWS, later).await.expect(202).json();
    let notice = &started["notices"][0];
    assert_eq!((&notice["code"], &notice["parameters"]["group"]), (&json!("UnknownGroup"), &json!("Nobody")));
    // With more groups than are counted by name, a group may be among the others.
    let people: String = (0..250).map(|n| format!("p{n},Rose,group {n}\n")).collect();
    assert_eq!(service.import_csv(&format!("participant_id,name,group\n{people}")).await["accepted"], 250);
    let started = ask(&service, json!([{ "group": "Nobody", "at_most": 0 }])).await.expect(202).json();
    assert_eq!(started["notices"], json!([]));
}

#[tokio::test]
async fn an_empty_list_has_no_groups() {
    let service = Service::with_party().await;
    let problem = ask(&service, json!([{ "group": "Sales", "at_most": 0 }])).await.expect(422).json();
    assert_eq!(problem["parameters"], json!({ "group": "Sales", "nearest": [] }));
    assert_eq!(problem["detail"], "nobody on the list is in the group Sales");
}

#[tokio::test]
async fn a_request_sent_again_after_its_group_has_left_is_answered_with_the_draw_it_started() {
    let service = with_groups().await;
    let body = draw_of(json!([{ "group": "Support", "at_most": 1 }]));
    let token = format!("Bearer {}", service.lasting_token());
    let send = async |key: &str| {
        let mut request = service.request(Method::POST, DRAWS, "application/json", body.to_string());
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        request.headers_mut().insert("authorization", token.parse().unwrap());
        service.call(request).await
    };
    let first = send("once").await.expect(202).json();
    service.delete("/lotteries/party/participants/3").await.expect(204);
    // The kept answer goes after a day; the draw stays.
    service.wait(48 * 3600);
    let again = send("once").await.expect(202);
    assert!(again.headers.get("idempotency-replayed").is_none());
    assert_eq!(again.json()["draw_id"], first["draw_id"]);
    assert_eq!(send("another").await.expect(422).problem(), "unknown-group");
}
