//! An evening: winners are held back, and released one by one, by prize, all at once, or by their time; and replaced.

use std::collections::BTreeSet;
use std::time::Duration;

use local_stack::{Fault, FaultTime, ManualClock};
use serde_json::{Value, json};

use end_to_end_tests::client::phone_of;
use end_to_end_tests::process::verify;
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

/// Waits until the draw has ended again, with a seat passed on for this reason: a cache may hold its earlier end for a moment.
async fn ended_with(client: &Client, draw: &str, reason: &str) -> Value {
    eventually("the end of the draw", async || {
        let now = client.draw("party", draw).await;
        (now["status"] == "SUCCEEDED" && now["passed_on"][reason] == 1).then_some(now)
    })
    .await
}

#[tokio::test]
async fn an_absent_winner_is_replaced_whoever_takes_the_seat_is_told_once_and_everybody_can_check_it() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let request = json!({"winners": 3, "alternates": 1, "channels": ["sms"]});
    let draw = client.run_draw("party", request).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    assert_eq!(draw["passed_on"]["absent"], 0);
    let draw = draw["draw_id"].as_str().unwrap().to_owned();
    let path = format!("/lotteries/party/draws/{draw}");
    let before = full(&client, &draw).await;
    let addressed = client.addressed(&draw, "sms").await;
    assert_eq!(addressed.len(), 3);

    // Whom the seat goes to is known before, and cannot be chosen.
    let seat = format!("{path}/winners/2/replace");
    let next = client.get(&seat).await.expect(200)["taker"].clone();
    assert_eq!(next["rank"], 4);
    client.anonymous().get(&seat).await.expect(401);
    client.post(&seat, &json!({"reason": "absent", "taker": 7})).await.expect(422);
    client.post(&seat, &json!({"reason": "dull"})).await.expect(422);
    client.post(&format!("{path}/winners/4/replace"), &json!({"reason": "absent"})).await.expect(404);
    // Two press at once, one of them twice with the same key.
    let body = || json!({"reason": "absent"}).to_string().into();
    let key = [("idempotency-key", "k"), ("content-type", "application/json")];
    let absent = json!({"reason": "absent"});
    let (first, second) =
        tokio::join!(client.send(reqwest::Method::POST, &seat, &key, body()), client.post(&seat, &absent));
    let statuses = BTreeSet::from([first.status.as_u16(), second.status.as_u16()]);
    assert_eq!(statuses, [200, 409].into(), "{} {}", first.text, second.text);
    if first.status == 200 {
        let again = client.send(reqwest::Method::POST, &seat, &key, body()).await;
        assert_eq!((again.status.as_u16(), again.text), (200, first.text));
    }
    let ended = ended_with(&client, &draw, "absent").await;
    assert_eq!(ended["passed_on"]["absent"], 1);
    let winners = full(&client, &draw).await;
    let of_rank = |rank: u32| winners.iter().find(|winner| winner["rank"] == rank).unwrap();
    assert_eq!((&of_rank(2)["replaced"], &of_rank(2)["taken_by"]), (&json!("absent"), &json!(4)));
    assert_eq!(of_rank(4)["participant_id"], next["participant_id"]);
    assert_eq!((&of_rank(4)["instead_of"], &of_rank(4)["prize"]), (&json!(2), &before[1]["prize"]));
    let phone = phone_of(next["participant_id"].as_str().unwrap());
    let mut expected = addressed.clone();
    expected.insert(phone.clone());
    notified(&client, &draw, &expected).await;
    let messages = client.messages(&draw).await;
    assert_eq!(messages.len(), 4, "each once: {messages:?}");

    // Behind the only alternate the sealed list continues.
    let fourth =
        client.post(&format!("{path}/winners/4/replace"), &json!({"reason": "declined"})).await.expect(200);
    assert_eq!((&fourth["number"], &fourth["taken_by"]), (&json!(2), &json!(5)));
    ended_with(&client, &draw, "declined").await;
    client.post(&format!("{path}/close"), &json!({})).await.expect(200);
    let refused =
        client.post(&format!("{path}/winners/1/replace"), &json!({"reason": "absent"})).await.expect(409);
    assert!(refused["type"].as_str().unwrap().ends_with("draw-closed"), "{refused}");
    let csv = client
        .send(reqwest::Method::GET, &format!("{path}/winners"), &[("accept", "text/csv")], "".into())
        .await;
    let line = csv.text.lines().find(|line| line.starts_with("2,")).unwrap().to_owned();
    assert!(line.trim_end().ends_with("4,,absent,"), "{line}");

    // Everybody sees how often, and why.
    let public = client.anonymous().get(&path).await.expect(200);
    assert_eq!((&public["passed_on"]["absent"], &public["passed_on"]["declined"]), (&json!(1), &json!(1)));
    let address = format!("{}{path}", stack.api());
    let (holds, said) = verify(&["--url", &address]).await;
    assert!(holds && said.contains("2 seats were passed on: 1 absent, 1 declined"), "{said}");
    let (_, said) = verify(&["--url", &address, "--json"]).await;
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(report["passed_on"]["declined"], 1);
    // A replacement that is left out, or given to somebody else.
    let proof = client.anonymous().get(&format!("{path}/proof")).await.text;
    let mut forged: Value = serde_json::from_str(&proof).unwrap();
    assert_eq!(forged.to_string(), proof, "this spelling is canonical");
    forged["changes"].as_array_mut().unwrap().remove(0);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("forged.json");
    std::fs::write(&file, forged.to_string()).unwrap();
    let (holds, said) = verify(&[file.to_str().unwrap()]).await;
    assert!(!holds && said.contains("the step 'changes' does not hold"), "{said}");
    // A past winner is who has the seat in the end.
    let receipt = client
        .get(&format!(
            "/lotteries/party/participants/{}/receipt",
            of_rank(2)["participant_id"].as_str().unwrap()
        ))
        .await;
    let kept = directory.path().join("receipt.json");
    std::fs::write(&kept, &receipt.text).unwrap();
    let (holds, said) = verify(&["--url", &address, "--receipt", kept.to_str().unwrap()]).await;
    assert!(holds && said.contains("was replaced as absent"), "{said}");
}

#[tokio::test]
async fn the_round_is_not_notified_the_winners_are_official() {
    let stuck = Fault::every("record-winners", "StoreUnavailable", FaultTime::Before).calls(1..=2);
    let stack = stack::start_with(|config| config.faults = vec![stuck]).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.start_draw("party", json!({"winners": 1, "channels": []})).await;
    let path = format!("/lotteries/party/draws/{draw}");
    eventually("the ranking", async || {
        (client.draw("party", &draw).await["status"] == "DRAWN").then_some(())
    })
    .await;
    let proof = client.anonymous().get(&format!("{path}/proof")).await.expect(200);
    assert_eq!((&proof["beacon"]["round"], &proof["ranking"]), (&Value::Null, &Value::Null), "{proof}");
    client.wait_for_end("party", &draw).await;
    let proof = client.anonymous().get(&format!("{path}/proof")).await.expect(200);
    assert!(proof["beacon"]["round"].is_object() && proof["ranking"].is_array());
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
