//! Quotas over HTTP: groups that are mistyped, several together, people without one, and a list that changes meanwhile.

use std::collections::BTreeMap;

use local_stack::{Fault, FaultTime};
use serde_json::{Value, json};

use end_to_end_tests::stack::{self, Started};
use end_to_end_tests::{Client, eventually};

/// Forty people: `Management`, `Sales`, `Works` and nobody's, ten of each.
async fn with_groups(stack: &Started) -> Client {
    let client = stack.client();
    client.create_lottery("party").await;
    let groups = ["Management", "Sales", "Works", ""];
    let people: String = (0..40).map(|n| format!("{n:03},Person {n},{}\n", groups[n % 4])).collect();
    assert_eq!(client.import("party", &format!("participant_id,name,group\n{people}")).await["accepted"], 40);
    client
}

fn prizes(winners: u32, quota: Value) -> Value {
    json!({"prizes": [{"name": "Car", "winners": winners, "quota": quota}]})
}

/// How many winners there are of each group.
async fn by_group(client: &Client, draw: &str) -> BTreeMap<&'static str, usize> {
    let groups = ["Management", "Sales", "Works", ""];
    let mut found = BTreeMap::new();
    for winner in client.winners("party", draw).await {
        *found.entry(groups[winner.parse::<usize>().unwrap() % 4]).or_default() += 1;
    }
    found
}

#[tokio::test]
async fn a_mistyped_group_is_refused_by_name_and_nothing_is_sealed() {
    let stack = stack::start().await;
    let client = with_groups(&stack).await;
    let request = prizes(30, json!([{"group": "management", "at_most": 0}]));
    let refused = client.post("/lotteries/party/draws", &request).await.expect(422);
    assert_eq!(refused["type"], "/problems/unknown-group");
    let nearest = &refused["errors"][0]["parameters"]["nearest"];
    assert_eq!((&refused["code"], &nearest[0]), (&json!("UnknownGroup"), &json!("Management")));
    assert_eq!(client.get("/lotteries/party").await.expect(200)["draws"], json!([]));

    let request = prizes(30, json!([{"group": nearest[0], "at_most": 0}]));
    let draw = client.run_draw("party", request).await;
    assert_eq!(draw["sequence"], 1, "{draw}");
    let found = by_group(&client, draw["draw_id"].as_str().unwrap()).await;
    assert_eq!(found, BTreeMap::from([("", 10), ("Sales", 10), ("Works", 10)]));
}

#[tokio::test]
async fn quotas_of_several_groups_and_of_people_without_one_are_kept_and_proven() {
    let stack = stack::start().await;
    let client = with_groups(&stack).await;
    let quota = json!([
        {"groups": ["Works", "Sales"], "at_least": 12, "at_most": 12},
        {"without_group": true, "at_most": 3},
    ]);
    let draw = client.run_draw("party", prizes(20, quota)).await;
    let draw_id = draw["draw_id"].as_str().unwrap();
    let found = by_group(&client, draw_id).await;
    let count = |group: &str| found.get(group).copied().unwrap_or(0);
    assert_eq!(count("Works") + count("Sales"), 12, "{found:?}");
    assert!(count("") <= 3 && count("Management") >= 5, "{found:?}");
    let shown = &draw["prizes"][0]["quota"];
    assert_eq!(shown[0]["groups"], json!(["Sales", "Works"]), "{shown}");
    assert_eq!((&shown[1]["groups"], &shown[1]["without_group"]), (&json!([]), &json!(true)));
    let address = format!("{}/lotteries/party/draws/{draw_id}", stack.api());
    let (holds, said) = end_to_end_tests::process::verify(&["--url", &address]).await;
    assert!(holds && said.contains("20 winners"), "{said}");
    let odds = client.anonymous().get(&format!("/lotteries/party/draws/{draw_id}/odds")).await.expect(200);
    let without = odds["classes"].as_array().unwrap().iter().filter(|class| class["without_group"] == true);
    assert_eq!(without.map(|class| &class["entries"]).collect::<Vec<_>>(), [&json!(10)], "{odds}");
}

#[tokio::test]
async fn a_group_that_leaves_between_the_request_and_the_seal_is_refused_before_anything_is_committed() {
    // Retried after a random part of 2, 4 and 8 s.
    let late = Fault::every("seal-entries", "StoreUnavailable", FaultTime::Before).calls(1..=3);
    let stack = stack::start_with(|config| config.faults = vec![late]).await;
    let client = with_groups(&stack).await;
    client.import("party", "participant_id,name,group\n100,Rose Smith,Guests\n").await;
    let draw = client.start_draw("party", prizes(2, json!([{"group": "Guests", "at_most": 0}]))).await;
    let gone =
        client.send(reqwest::Method::DELETE, "/lotteries/party/participants/100", &[], Vec::new()).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    let ended = client.wait_for_end("party", &draw).await;
    assert_eq!((&ended["status"], &ended["reason"]["name"]), (&json!("REJECTED"), &json!("UnknownGroup")));
    assert_eq!(ended["reason"]["groups"], json!(["Guests"]), "{ended}");
    let sentence = ended["reason"]["sentence"].as_str().unwrap();
    assert!(
        sentence.starts_with("Nobody on the list is in the group Guests; the nearest are: "),
        "{sentence}"
    );
    assert_eq!((&ended["commitment"], &ended["sequence"]), (&Value::Null, &Value::Null));
    // The number is free, and so is the lottery.
    let next = client.run_draw("party", json!({"winners": 1})).await;
    assert_eq!(next["sequence"], 1, "{next}");
}

#[tokio::test]
async fn a_draw_that_closes_later_finds_a_group_that_came_meanwhile_and_misses_one_that_did_not() {
    let stack = stack::start().await;
    let client = with_groups(&stack).await;
    let closing = |group: &str| {
        let mut request = prizes(1, json!([{"group": group, "at_least": 1}]));
        let closes_at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(3);
        request["closes_at"] = json!(closes_at.to_string());
        request
    };
    let draw = client.start_draw("party", closing("Guests")).await;
    client.import("party", "participant_id,name,group\n100,Rose Smith,Guests\n").await;
    let ended = client.wait_for_end("party", &draw).await;
    assert!(ended["commitment"].is_string(), "{ended}");
    assert_eq!(client.winners("party", &draw).await, ["100"]);

    let missing = client.start_draw("party", closing("guests")).await;
    let rejected = eventually("the end", async || {
        let draw = client.draw("party", &missing).await;
        (draw["status"] == "REJECTED").then_some(draw)
    })
    .await;
    assert_eq!(rejected["reason"]["name"], "UnknownGroup");
    assert!(
        rejected["reason"]["sentence"].as_str().unwrap().contains("the nearest are: Guests"),
        "{rejected}"
    );
}
