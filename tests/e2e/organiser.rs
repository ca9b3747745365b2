//! The organiser's own address: the summary of each draw goes there, and all that a rehearsal sends; nobody else sees it.

use reqwest::Method;
use serde_json::{Value, json};

use end_to_end_tests::{Client, eventually, stack};

const PHONE: &str = "+12025559000";
const EMAIL: &str = "organiser@example.com";

async fn put(client: &Client, body: Value) -> end_to_end_tests::client::Answer {
    let headers = [("content-type", "application/json")];
    client.send(Method::PUT, "/lotteries/party/organiser", &headers, body.to_string().into()).await
}

async fn lottery(client: &Client) {
    let lottery = json!({"id": "party", "name": "Company party", "country": "US", "email_through": "ses"});
    client.post("/lotteries", &lottery).await.expect(201);
    client.import("party", end_to_end_tests::EMPLOYEES).await;
    let address = put(client, json!({"phone": "(202) 555-9000", "email": "organiser@Example.com"})).await;
    assert_eq!(address.expect(200), json!({"phone": PHONE, "email": EMAIL}));
}

/// The texts that went to the organiser about a draw, once there are so many, and those that went to others.
async fn sent(client: &Client, draw: &str, count: usize) -> (Vec<String>, usize) {
    eventually("the messages to the organiser", async || {
        let messages = client.messages(draw).await;
        let (own, others): (Vec<_>, Vec<_>) = messages
            .into_iter()
            .partition(|message| [PHONE, EMAIL].contains(&message["address"].as_str().unwrap()));
        let texts = own.iter().map(|message| {
            let subject = message["subject"].as_str().unwrap_or_default();
            format!("{subject} {}", message["text"].as_str().unwrap())
        });
        (own.len() >= count).then(|| (texts.collect(), others.len()))
    })
    .await
}

/// Waits until an execution has ended, and says how.
async fn execution(client: &Client, name: &str) -> Value {
    eventually("the end of the execution", async || {
        let execution = client.get(&format!("/local/executions/{name}")).await.expect(200);
        (execution["status"] != "RUNNING").then_some(execution)
    })
    .await
}

#[tokio::test]
async fn the_organiser_gets_one_summary_a_draw_on_each_address_also_after_a_replacement() {
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client).await;
    let draw = client.run_draw("party", json!({"winners": 3, "alternates": 2})).await;
    let id = draw["draw_id"].as_str().unwrap();
    let (texts, others) = sent(&client, id, 2).await;
    assert_eq!((texts.len(), others), (2, 6));
    for text in &texts {
        for part in ["Company party", "Winners: 3, alternates: 2", "6 sent, 0 failed (0 opted out)"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains(&format!("/lotteries/party/draws/{id}")), "{text}");
    }
    assert!(texts.iter().any(|text| text.contains(&format!("/draws/{id}/check"))), "{texts:?}");

    // The next in line is notified, and the draw ends again: the organiser has had the summary.
    let winner = client.get(&format!("/lotteries/party/draws/{id}/winners")).await.expect(200);
    let rank = winner["winners"][0]["rank"].clone();
    let path = format!("/lotteries/party/draws/{id}/winners/{rank}/replace");
    client.post(&path, &json!({"reason": "absent"})).await.expect(200);
    let ended = client.wait_for_end("party", id).await;
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
    let name = ended["execution_arn"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    assert_eq!(execution(&client, &name).await["status"], "SUCCEEDED");
    assert_eq!(sent(&client, id, 2).await, (texts, 8));
}

#[tokio::test]
async fn a_rehearsal_sends_samples_and_a_summary_to_the_organiser_alone_all_marked() {
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client).await;
    let prizes = json!([{"name": "Bicycle", "winners": 1}, {"name": "Book", "winners": 4}]);
    let draw = client.run_draw("party", json!({"prizes": prizes, "rehearsal": true})).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    let (texts, others) = sent(&client, draw["draw_id"].as_str().unwrap(), 6).await;
    assert_eq!((texts.len(), others), (6, 0));
    assert!(texts.iter().all(|text| text.contains("REHEARSAL")), "{texts:?}");
    for prize in ["You have won: Bicycle", "You have won: Book"] {
        assert_eq!(texts.iter().filter(|text| text.contains(prize)).count(), 2, "{texts:?}");
    }
}

#[tokio::test]
async fn a_draw_that_is_rejected_is_told_and_a_message_that_is_refused_changes_nothing() {
    let stack = stack::start_with(|config| config.refuse.push(PHONE.to_owned())).await;
    let client = stack.client();
    lottery(&client).await;
    let draw = client.run_draw("party", json!({"winners": 11})).await;
    assert_eq!(draw["status"], "REJECTED", "{draw}");
    let id = draw["draw_id"].as_str().unwrap();
    let (texts, _) = sent(&client, id, 1).await;
    assert!(texts[0].contains("NotEnoughParticipants") && texts[0].contains("without winners"), "{texts:?}");
    let ended = execution(&client, &format!("draw-{id}")).await;
    assert_eq!((&ended["status"], &ended["error"]), (&json!("FAILED"), &json!("NotEnoughParticipants")));

    let draw = client.run_draw("party", json!({"winners": 2, "channels": []})).await;
    let id = draw["draw_id"].as_str().unwrap();
    assert_eq!(sent(&client, id, 1).await.0.len(), 1);
    let ended = execution(&client, &format!("draw-{id}")).await;
    assert_eq!((&draw["status"], &ended["status"]), (&json!("SUCCEEDED"), &json!("SUCCEEDED")));
}

#[tokio::test]
async fn the_address_is_the_organisers_alone_is_checked_and_goes_with_the_contact_data() {
    let stack = stack::start().await;
    let client = stack.client();
    lottery(&client).await;
    let path = "/lotteries/party/organiser";
    client.anonymous().get(path).await.expect(401);
    for body in [
        client.anonymous().get("/lotteries/party").await.expect(200),
        client.get("/lotteries/party/settings").await.expect(200),
    ] {
        let body = body.to_string();
        assert!(!body.contains(PHONE) && !body.contains(EMAIL), "{body}");
    }
    for (body, field) in [
        (json!({"phone": "12"}), "phone"),
        (json!({"email": "nobody"}), "email"),
        (json!({"fax": "1"}), "fax"),
        (json!({"phone": 5}), "phone"),
        (json!([]), "organiser"),
    ] {
        let refused = put(&client, body).await.expect(422);
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    assert_eq!(client.get(path).await.expect(200), json!({"phone": PHONE, "email": EMAIL}));
    assert_eq!(put(&client, json!({"phone": " "})).await.expect(200), json!({"phone": null, "email": null}));

    put(&client, json!({ "phone": PHONE })).await.expect(200);
    client.send(Method::DELETE, "/lotteries/party?expected=10", &[], Vec::new()).await.expect(200);
    assert_eq!(client.get(path).await.expect(200), json!({"phone": null, "email": null}));
    put(&client, json!({ "phone": PHONE })).await.expect(409);
}
