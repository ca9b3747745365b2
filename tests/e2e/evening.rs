//! An evening: winners are held back, and released one by one, by prize, all at once, or by their time.

use std::collections::BTreeSet;
use std::time::Duration;

use local_stack::ManualClock;
use serde_json::{Value, json};

use end_to_end_tests::client::phone_of;
use end_to_end_tests::{Client, Process, eventually, stack};

/// A held draw whose winners are recorded, and which waits.
async fn held_draw(client: &Client, request: Value) -> String {
    let mut request = request;
    request["release"] = json!("manual");
    let draw = client.start_draw("party", request).await;
    waits(client, &draw).await;
    draw
}

/// Waits until the execution does.
async fn waits(client: &Client, draw: &str) {
    eventually("the wait for a release", async || {
        (client.draw("party", draw).await["current_state"] == "AwaitRelease").then_some(())
    })
    .await;
}

async fn release(client: &Client, draw: &str, body: Value) -> Value {
    client.post(&format!("/lotteries/party/draws/{draw}/release"), &body).await.expect(200)
}

/// The phones of these winners.
fn phones(winners: &[Value]) -> BTreeSet<String> {
    winners.iter().map(|winner| phone_of(winner["participant_id"].as_str().unwrap())).collect()
}

async fn full(client: &Client, draw: &str) -> Vec<Value> {
    let page = client.get(&format!("/lotteries/party/draws/{draw}/winners")).await.expect(200);
    page["winners"].as_array().unwrap().clone()
}

/// Waits until exactly these phones have an SMS.
async fn notified(client: &Client, draw: &str, phones: &BTreeSet<String>) {
    eventually("the messages", async || (client.addressed(draw, "sms").await == *phones).then_some(())).await;
}

#[tokio::test]
async fn phones_ring_as_winners_are_released_and_not_before() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let prizes = json!({"prizes": [{"name": "Car", "winners": 1}, {"name": "Pen", "winners": 4}]});
    let early = client
        .start_draw("party", json!({"winners": 1, "closes_at": "2027-06-01T00:00:00Z", "release": "manual"}));
    let early = format!("/lotteries/party/draws/{}", early.await);
    let refused = client.post(&format!("{early}/release"), &json!({"all": true})).await.expect(409);
    assert!(refused["type"].as_str().unwrap().ends_with("not-drawn-yet"), "{refused}");

    let draw = held_draw(&client, prizes).await;
    let path = format!("/lotteries/party/draws/{draw}");
    let shown = client.draw("party", &draw).await;
    assert_eq!(shown["release"]["released"], 0);
    assert_eq!((&shown["release"]["total"], &shown["release"]["mode"]), (&json!(5), &json!("manual")));
    // Official and provable: the proof has the ranking, and nobody has a name.
    let proof = client.anonymous().get(&format!("{path}/proof")).await.expect(200);
    assert!(proof["ranking"].as_array().unwrap().len() >= 5);
    let public = client.anonymous().get(&format!("{path}/winners")).await.expect(200);
    for winner in public["winners"].as_array().unwrap() {
        assert_eq!((&winner["released"], &winner["name"]), (&json!(false), &Value::Null));
        assert_eq!((&winner["phone"], &winner["email"]), (&Value::Null, &Value::Null));
    }
    let anonymous = client.anonymous();
    let accept = [("accept", "text/csv")];
    let csv = anonymous.send(reqwest::Method::GET, &format!("{path}/winners"), &accept, "".into()).await;
    assert!(csv.status == 200 && !csv.text.contains("***"), "{}", csv.text);
    let winners = full(&client, &draw).await;
    assert!(winners.iter().all(|winner| winner["name"].is_string() && winner["released"] == false));
    assert!(client.messages(&draw).await.is_empty());

    // One, and the same one again by a second person.
    let pen = winners.iter().find(|winner| winner["prize"] == "Pen").unwrap();
    let (first, second) = tokio::join!(
        release(&client, &draw, json!({"ranks": [pen["rank"]]})),
        release(&client, &draw, json!({"ranks": [pen["rank"]]})),
    );
    assert_eq!((&first["released"], &second["released"], &first["total"]), (&json!(1), &json!(1), &json!(5)));
    notified(&client, &draw, &phones(std::slice::from_ref(pen))).await;
    let public = client.anonymous().get(&format!("{path}/winners")).await.expect(200);
    let named = public["winners"].as_array().unwrap().iter().filter(|winner| winner["name"].is_string());
    assert_eq!(named.map(|winner| &winner["rank"]).collect::<Vec<_>>(), [&pen["rank"]]);

    // A prize.
    let pens: Vec<Value> = winners.iter().filter(|winner| winner["prize"] == "Pen").cloned().collect();
    assert_eq!(
        release(&client, &draw, json!({"prize": 1})).await,
        json!({"released": 4, "total": 5, "newly": 3})
    );
    notified(&client, &draw, &phones(&pens)).await;
    for wrong in [json!({"prize": 2}), json!({"ranks": [11]}), json!({}), json!({"all": false})] {
        client.post(&format!("{path}/release"), &wrong).await.expect(422);
    }
    // Everything, and the draw ends.
    assert_eq!(release(&client, &draw, json!({"all": true})).await["newly"], 1);
    assert_eq!(client.wait_for_end("party", &draw).await["status"], "SUCCEEDED");
    assert_eq!(client.addressed(&draw, "sms").await, phones(&winners));
    let events = client.anonymous().get(&format!("{path}/events")).await.text;
    assert_eq!(events.matches("WinnersReleased").count(), 3, "{events}");
    assert_eq!(
        release(&client, &draw, json!({"all": true})).await,
        json!({"released": 5, "total": 5, "newly": 0})
    );
    let after = client.anonymous().get(&format!("{path}/proof")).await.expect(200);
    assert_eq!(after, proof, "a release changes nothing about who wins");
}

#[tokio::test]
async fn an_automatic_draw_is_released_already() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"winners": 2})).await;
    assert_eq!(draw["release"], Value::Null);
    let draw = draw["draw_id"].as_str().unwrap();
    assert_eq!(
        release(&client, draw, json!({"all": true})).await,
        json!({"released": 2, "total": 2, "newly": 0})
    );
}

#[tokio::test]
async fn a_list_without_addresses_and_a_draw_without_channels_succeed() {
    let stack = stack::start().await;
    let client = stack.client();
    client.create_lottery("party").await;
    client.import("party", "participant_id,name\n1,Rose\n2,Martha\n3,Donna\n").await;
    for request in [json!({"winners": 1}), json!({"winners": 1, "channels": []})] {
        let draw = client.run_draw("party", request).await;
        assert_eq!((&draw["status"], &draw["reason"]), (&json!("SUCCEEDED"), &Value::Null));
        assert_eq!(full(&client, draw["draw_id"].as_str().unwrap()).await[0]["notifications"], json!([]));
    }
}

#[tokio::test]
async fn nobody_is_forgotten_when_nobody_releases() {
    let clock = ManualClock::new(jiff::Timestamp::now());
    let stack = stack::start_with(|config| {
        config.limits = Some(local_stack::Limits::default());
        config.clock = clock.clone().into();
        config.reconcile_every = Duration::from_secs(3_600);
    })
    .await;
    let client = stack.client();
    let story = async {
        client.lottery_of_employees("party").await;
        let draw = client.start_draw("party", json!({"winners": 3, "release": "on_reveal"})).await;
        (client.wait_for_end("party", &draw).await, draw)
    };
    let (ended, draw) = stack.fast_forward(&clock, Duration::from_secs(60), story).await;
    assert_eq!((&ended["status"], &ended["release"]["released"]), (&json!("SUCCEEDED"), &json!(3)));
    assert_eq!(client.addressed(&draw, "sms").await.len(), 3);
    let at = |field: &str| ended[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let waited = at("completed_at").duration_since(at("recorded_at")).as_secs();
    assert!((86_400..86_400 + 600).contains(&waited), "{waited}");
}

/// Kills the stack so many milliseconds after a release. The delay is the test's subject: there is nothing to wait for but
/// time.
const MOMENTS: [u64; 5] = [0, 4, 10, 25, 60];

#[tokio::test]
async fn a_killed_stack_tells_who_is_released_once_and_nobody_else() {
    let data = tempfile::tempdir().unwrap();
    let mut stack = Process::start(data.path()).await;
    stack.client().lottery_of_employees("party").await;
    let draw = held_draw(&stack.client(), json!({"winners": MOMENTS.len() + 1, "channels": ["sms"]})).await;
    let winners = full(&stack.client(), &draw).await;
    for (index, delay) in MOMENTS.into_iter().enumerate() {
        let body = json!({"ranks": [winners[index]["rank"]]});
        release(&stack.client(), &draw, body).await;
        tokio::time::sleep(Duration::from_millis(delay)).await;
        stack.kill().await;
        stack = Process::start(data.path()).await;
        let expected = phones(&winners[..=index]);
        let client = stack.client();
        eventually("what became of the messages", async || {
            let counts = client.draw("party", &draw).await["notifications"]["sms"].clone();
            let finished = counts["sent"].as_u64().unwrap() + counts["unknown"].as_u64().unwrap();
            let addressed = client.addressed(&draw, "sms").await;
            assert!(addressed.is_subset(&expected), "before its release");
            (finished > index as u64 || addressed == expected).then_some(())
        })
        .await;
    }
    let client = stack.client();
    release(&client, &draw, json!({"all": true})).await;
    let ended = client.wait_for_end("party", &draw).await;
    let sms = &ended["notifications"]["sms"];
    let all = sms["sent"].as_u64().unwrap() + sms["unknown"].as_u64().unwrap();
    assert_eq!(all, MOMENTS.len() as u64 + 1, "{ended}");
}
