//! Guests: their own entry through a draw, a draw among those who are present, and a rehearsal that nobody takes for a draw.

use serde_json::{Value, json};

use end_to_end_tests::{Client, eventually, stack};

async fn receipt(client: &Client, participant: &str) -> Value {
    client.get(&format!("/lotteries/party/participants/{participant}/receipt")).await.expect(200)
}

/// What became of somebody in the newest draw.
async fn result(client: &Client, participant: &str) -> Value {
    let receipt = receipt(client, participant).await;
    let entry = client.anonymous().post("/lotteries/party/entry", &receipt).await.expect(200);
    entry["draws"][0].clone()
}

async fn everybody(client: &Client) -> Vec<String> {
    let page = client.get("/lotteries/party/participants").await.expect(200);
    let people = page["participants"].as_array().unwrap().iter();
    people.map(|person| person["participant_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn everybody_is_shown_their_own_result_and_not_before_it_is_announced() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let people = everybody(&client).await;
    let request = json!({"winners": 2, "release": "manual", "channels": []});
    let draw = client.start_draw("party", request).await;
    eventually("the wait for a release", async || {
        (client.draw("party", &draw).await["current_state"] == "AwaitRelease").then_some(())
    })
    .await;
    for person in &people {
        let shown = result(&client, person).await;
        assert_eq!((&shown["result"], &shown["prize"]), (&json!("not_announced"), &Value::Null), "{shown}");
    }
    let winners = client.winners("party", &draw).await;
    let path = format!("/lotteries/party/draws/{draw}/release");
    client.post(&path, &json!({"ranks": [1]})).await.expect(200);
    assert_eq!(result(&client, &winners[0]).await["result"], "won");
    assert_eq!(result(&client, &winners[1]).await["result"], "not_announced");
    let other = people.iter().find(|person| !winners.contains(person)).unwrap();
    assert_eq!(result(&client, other).await["result"], "not_announced");
    client.post(&path, &json!({"all": true})).await.expect(200);
    for person in &people {
        let expected = if winners.contains(person) { "won" } else { "not_won" };
        let shown = result(&client, person).await;
        assert_eq!(shown["result"], expected, "{shown}");
        assert_eq!(shown["prize"].is_string(), expected == "won");
    }
    // A winner who leaves is still shown what became of them.
    let own = receipt(&client, &winners[0]).await;
    let left = client.anonymous().post("/lotteries/party/entry/leave", &own).await;
    assert_eq!(left.status.as_u16(), 204, "{}", left.text);
    let entry = client.anonymous().post("/lotteries/party/entry", &own).await.expect(200);
    assert_eq!((&entry["on_list"], &entry["draws"][0]["result"]), (&json!(false), &json!("won")));
    // Who comes later was not in that draw.
    client.import("party", "participant_id,name\nlate,Late\n").await;
    assert_eq!(result(&client, "late").await["result"], "not_in");
}

#[tokio::test]
async fn only_those_who_are_present_can_win_and_the_list_of_entries_says_so() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let people = everybody(&client).await;
    for person in &people[..2] {
        client.post("/lotteries/party/presence", &json!({"participant_id": person})).await.expect(200);
    }
    let request = |winners: u32| json!({"winners": winners, "present_only": true, "channels": []});
    let rejected = client.run_draw("party", request(3)).await;
    assert_eq!(rejected["status"], "REJECTED", "{rejected}");
    let drawn = client.run_draw("party", request(2)).await;
    assert_eq!((&drawn["status"], &drawn["present_only"]), (&json!("SUCCEEDED"), &json!(true)), "{drawn}");
    let draw = drawn["draw_id"].as_str().unwrap();
    let mut winners = client.winners("party", draw).await;
    winners.sort();
    let mut present = people[..2].to_vec();
    present.sort();
    assert_eq!(winners, present);
    let proof = client.anonymous().get(&format!("/lotteries/party/draws/{draw}/proof")).await.expect(200);
    let entries = proof["entries"].as_array().unwrap();
    assert_eq!(entries.iter().filter(|entry| entry["excluded"] == "absent").count(), people.len() - 2);
    assert_eq!(result(&client, &people[5]).await["result"], "absent");
}

#[tokio::test]
async fn a_rehearsal_runs_everything_and_leaves_nothing_behind_that_a_draw_would() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let people = everybody(&client).await;
    // Everybody wins in the rehearsals, and can still win in the draw.
    let mut commitments = Vec::new();
    for _ in 0..2 {
        let request = json!({"winners": people.len(), "rehearsal": true, "channels": ["sms", "email"]});
        let rehearsed = client.run_draw("party", request).await;
        assert_eq!(rehearsed["status"], "SUCCEEDED", "{rehearsed}");
        assert_eq!((&rehearsed["rehearsal"], &rehearsed["sequence"]), (&json!(true), &Value::Null));
        let id = rehearsed["draw_id"].as_str().unwrap();
        assert!(client.messages(id).await.is_empty(), "nobody is told");
        let path = format!("/lotteries/party/draws/{id}");
        let public = client.anonymous().get(&format!("{path}/winners")).await.expect(200);
        assert!(
            public["winners"].as_array().unwrap().iter().all(|winner| winner["name"].is_null()),
            "{public}"
        );
        let proof = client.anonymous().get(&format!("{path}/proof")).await.expect(200);
        let manifest = &proof["manifest"];
        assert_eq!((&manifest["kind"], &manifest["sequence"]), (&json!("rehearsal"), &json!(0)));
        assert_eq!(manifest["previous_commitment"], Value::Null);
        commitments.push(rehearsed["commitment"].clone());
    }
    for person in &people {
        let receipt = receipt(&client, person).await;
        let entry = client.anonymous().post("/lotteries/party/entry", &receipt).await.expect(200);
        assert_eq!(entry["draws"], json!([]), "nobody has won anything");
    }
    let draw = client.run_draw("party", json!({"winners": people.len(), "channels": []})).await;
    assert_eq!((&draw["status"], &draw["sequence"]), (&json!("SUCCEEDED"), &json!(1)), "{draw}");
    let path = format!("/lotteries/party/draws/{}/proof", draw["draw_id"].as_str().unwrap());
    let proof = client.anonymous().get(&path).await.expect(200);
    let manifest = proof["manifest"].as_object().unwrap();
    assert!(!manifest.contains_key("kind") && manifest["previous_commitment"].is_null(), "{manifest:?}");
    assert!(!commitments.contains(&draw["commitment"]));
}

#[tokio::test]
async fn a_rehearsal_goes_on_beside_a_draw_that_waits_and_one_that_is_rejected_holds_nothing() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let rejected = client.run_draw("party", json!({"winners": 11, "rehearsal": true})).await;
    assert_eq!(rejected["status"], "REJECTED", "{rejected}");
    // A draw that has the lottery: its round comes out in an hour.
    let at = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
    let draw = client.start_draw("party", json!({"winners": 1, "draw_at": at, "channels": []})).await;
    eventually("the seal", async || (client.draw("party", &draw).await["status"] == "SEALED").then_some(()))
        .await;
    let rehearsed = client.run_draw("party", json!({"winners": 1, "rehearsal": true})).await;
    assert_eq!(rehearsed["status"], "SUCCEEDED", "{rehearsed}");
    assert_eq!(client.draw("party", &draw).await["status"], "SEALED");
}
