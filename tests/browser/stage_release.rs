//! A draw that is held for the stage: nobody else sees a name, and no phone rings, before the hall has seen it.

use serde_json::{Value, json};

use crate::browser::{Browser, Reader};
use crate::line::Line;
use crate::stage::{at, names};
use end_to_end_tests::{Client, eventually, stack};

/// Waits until so many winners are released.
async fn released(client: &Client, place: &str, count: usize) -> Value {
    eventually("the release", async || {
        let draw = client.get(place).await.expect(200);
        (draw["release"]["released"] == count).then_some(draw)
    })
    .await
}

#[tokio::test]
async fn names_are_public_and_messages_sent_only_after_the_stage_has_shown_them() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let prizes = json!([{"name": "Bicycle", "winners": 1}, {"name": "Book", "winners": 3}]);
    let draw = client
        .start_draw("party", json!({"prizes": prizes, "release": "on_reveal", "channels": ["sms"]}))
        .await;
    let place = format!("/lotteries/party/draws/{draw}");
    let mut line = Line::to(stack.api()).await;
    let browser = Browser::open(&line.url(), Reader::ENGLISH).await;
    browser.sign_in(stack.token()).await;
    browser.go(&format!("{place}/stage")).await;
    browser.wait_for(".stage-ready").await;
    released(&client, &place, 0).await;
    // The three books are called up one by one. The names in motion tell nothing yet.
    browser.press("Space").await;
    at(&browser, "prize").await;
    browser.press("Space").await;
    at(&browser, "roll").await;
    assert!(client.messages(&draw).await.is_empty());
    browser.press("Space").await;
    names(&browser, 1).await;
    released(&client, &place, 1).await;
    let shown = client.get(&format!("{place}/winners")).await.expect(200);
    let released_now: Vec<_> =
        shown["winners"].as_array().unwrap().iter().filter(|one| one["released"] == true).collect();
    assert_eq!(released_now.len(), 1);
    assert_eq!(browser.texts(".stage-name").await, [released_now[0]["name"].as_str().unwrap()]);
    let public = client.anonymous().get(&format!("{place}/winners")).await.expect(200);
    let named = public["winners"].as_array().unwrap().iter().filter(|one| one["name"].is_string()).count();
    assert_eq!(named, 1, "{public}");

    // The connection is lost: the show goes on, the organiser is notified, and the release follows.
    line.cut().await;
    browser.press("Space").await;
    at(&browser, "roll").await;
    browser.press("Space").await;
    names(&browser, 1).await;
    browser.wait_for_text(".stage-trouble", "not released yet").await;
    assert_eq!(released(&client, &place, 1).await["release"]["total"], 4);
    line.mend().await;
    released(&client, &place, 2).await;
    browser.wait("no trouble", "return document.querySelector('.stage-trouble').textContent === ''").await;

    // The page is left before it could release: it does so when it is back.
    line.cut().await;
    browser.press("a").await;
    names(&browser, 3).await;
    line.mend().await;
    browser.go(&format!("{place}/stage")).await;
    names(&browser, 3).await;
    released(&client, &place, 3).await;

    for phase in ["prize", "roll", "names", "wall"] {
        browser.press("Space").await;
        at(&browser, phase).await;
    }
    client.wait_for_end("party", &draw).await;
    assert_eq!(client.addressed(&draw, "sms").await.len(), 4);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_screen_without_a_token_names_nobody_before_the_release() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let request = json!({"prizes": [{"name": "Book", "winners": 6}], "release": "on_reveal"});
    let draw = client.start_draw("party", request).await;
    let place = format!("/lotteries/party/draws/{draw}");
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    browser.go(&format!("{place}/stage")).await;
    browser.wait_for(".stage-ready").await;
    for phase in ["prize", "roll", "names"] {
        browser.press("Space").await;
        at(&browser, phase).await;
    }
    names(&browser, 6).await;
    assert_eq!(browser.texts(".stage-name").await, ["…"; 6]);
    // This screen releases nobody; somebody who may does.
    client.post(&format!("{place}/release"), &json!({"all": true})).await.expect(200);
    browser.wait("six names", "return [...document.querySelectorAll('.stage-name')].every((one) => one.textContent.includes('*'))").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
