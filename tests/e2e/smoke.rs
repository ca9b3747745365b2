//! One story for every stack: the local one, and a deployed one if the environment names it.
//!
//!     LOTTERY_URL=https://… LOTTERY_TOKEN=… cargo test --package end-to-end-tests smoke
//!
//! Nobody in it has a phone or an address, so that nobody is notified and nothing is spent on messages.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use end_to_end_tests::{Client, stack};

const PEOPLE: &str = "participant_id,name\n1,Ann\n2,Ben\n3,Cleo\n";

#[tokio::test]
async fn the_smoke_test_passes() {
    match std::env::var("LOTTERY_URL") {
        Ok(url) => {
            let token =
                std::env::var("LOTTERY_TOKEN").expect("LOTTERY_TOKEN holds an organiser's access token");
            story(&Client::organiser(url.trim_end_matches('/'), token.trim())).await;
        }
        Err(_) => {
            let stack = stack::start().await;
            story(&stack.client()).await;
        }
    }
}

async fn story(client: &Client) {
    let anonymous = client.anonymous();
    anonymous.get("/healthz").await.expect(200);
    anonymous.get("/openapi.json").await.expect(200);
    anonymous.post("/lotteries", &json!({"name": "Refused"})).await.expect(401);

    let lottery = client.post("/lotteries", &json!({"name": "Smoke test"})).await.expect(201);
    let lottery = lottery["lottery_id"].as_str().unwrap();
    let report = client.import(lottery, PEOPLE).await;
    assert_eq!(report["accepted"], 3, "{report}");

    let mut winners = BTreeSet::new();
    for _ in 0..3 {
        let draw = client.run_draw(lottery, json!({"winners": 1})).await;
        // Nobody has an address, so nobody is to be notified.
        assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
        winners.extend(client.winners(lottery, id(&draw)).await);
        let public = anonymous.get(&format!("/lotteries/{lottery}/draws/{}/winners", id(&draw))).await;
        let public = public.expect(200).to_string();
        assert!(!["Ann", "Ben", "Cleo"].iter().any(|name| public.contains(name)), "{public}");
    }
    assert_eq!(winners, BTreeSet::from(["1", "2", "3"].map(str::to_owned)));

    let rejected = client.run_draw(lottery, json!({"winners": 1})).await;
    assert_eq!(rejected["status"], "REJECTED", "{rejected}");
    for participant in winners {
        let path = format!("/lotteries/{lottery}/participants/{participant}");
        let answer = client.send(reqwest::Method::DELETE, &path, &[], Vec::new()).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
}

fn id(draw: &Value) -> &str {
    draw["draw_id"].as_str().unwrap()
}

/// The load test of a deployed stack, on this one: it watches a draw, and asks nobody else.
#[tokio::test]
async fn the_load_test_watches_a_draw() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let draw = client.run_draw("party", json!({"winners": 1})).await;
    let url = format!("{}/lotteries/party/draws/{}", stack.api(), id(&draw));
    let output = watch(&[&url, "--watchers", "20", "--seconds", "2", "--every", "0.5"]).await;
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["statuses"]["200"].as_u64().is_some_and(|answers| answers >= 20), "{report}");
    assert_eq!(report["not_answered"], json!({}), "{report}");

    for refused in [
        &["https://example.com/", "--watchers", "1"][..],
        &[&url, "--watchers", "501"],
        &[&url, "--seconds", "121"],
        &[&url, "--every", "0.1"],
    ] {
        let output = watch(refused).await;
        assert_eq!(output.status.code(), Some(2), "{refused:?}: {output:?}");
    }
    let unknown = format!("{}/lotteries/party/draws/unknown", stack.api());
    let output = watch(&[&unknown, "--watchers", "1", "--seconds", "1"]).await;
    assert_eq!(output.status.code(), Some(1), "what is not there is a failure: {output:?}");
}

async fn watch(arguments: &[&str]) -> std::process::Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/load/watch.py");
    tokio::process::Command::new("python3").arg(script).args(arguments).output().await.unwrap()
}
