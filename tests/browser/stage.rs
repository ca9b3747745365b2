//! The stage from the closing time on: the countdown, the commitment before the round, and names of those alone who
//! have a seat.

use jiff::{SignedDuration, Timestamp};
use local_stack::{Fault, FaultTime};
use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

#[tokio::test]
async fn the_stage_counts_down_shows_the_commitment_and_calls_up_who_has_a_seat() {
    // The round comes late, so that the sealed list can be looked at, and some of it withdraw.
    let late = Fault::every("fetch-beacon", "BeaconUnavailable", FaultTime::Before).calls(1..=2);
    let stack = stack::start_with(|config| config.faults = vec![late]).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    let closes_at = Timestamp::now() + SignedDuration::from_secs(6);
    let request = json!({"winners": 8, "alternates": 2, "closes_at": closes_at.to_string()});
    let draw = client.start_draw("party", request).await;
    let path = format!("/lotteries/party/draws/{draw}");

    browser.go(&format!("{path}/stage")).await;
    browser.wait_for(".stage[data-phase=waiting] .stage-countdown").await;
    let shown = browser.texts(".stage-countdown").await.remove(0);
    assert!(shown.starts_with("00:0"), "{shown}");
    browser.screenshot("stage-countdown").await;

    browser.wait_for(".stage[data-phase=sealed] .stage-hash").await;
    let commitment = browser.texts(".stage-hash .grouped").await.remove(0);
    assert_eq!(commitment, client.draw("party", &draw).await["commitment"]);
    browser.wait_for_text(".stage-prize", "10 entries").await;
    browser.screenshot("stage-commitment").await;
    for participant in ["001", "002", "003"] {
        let path = format!("/lotteries/party/participants/{participant}");
        client.send(reqwest::Method::DELETE, &path, &[], Vec::new()).await;
    }

    browser.wait_for(".stage[data-phase=reveal] .stage-announced").await;
    let winners = client.get(&format!("{path}/winners")).await.expect(200)["winners"].clone();
    let winners = winners.as_array().unwrap();
    let gone: Vec<_> = winners.iter().filter(|winner| winner["forfeited"] == true).collect();
    assert!(!gone.is_empty(), "eight of ten win, and three have gone");
    browser.wait_for_text(".stage-calm", "7 winners").await;
    // A click calls up the next name as the space bar does.
    browser.click(".stage-announced").await;
    browser.wait("one name", "return document.querySelectorAll('.stage-side li').length === 1").await;
    browser.press("a").await;
    browser.wait("all names", "return document.querySelectorAll('.stage-side li').length === 7").await;
    browser.wait_until_still().await;
    browser.screenshot("stage-all").await;
    browser.press("f").await;
    browser.wait("full screen", "return document.fullscreenElement?.classList.contains('stage')").await;
    browser.press("f").await;
    browser.wait("the window again", "return document.fullscreenElement === null").await;

    // Who wants no motion gets the same names, at once.
    let still = json!([{"name": "prefers-reduced-motion", "value": "reduce"}]);
    browser.devtools("Emulation.setEmulatedMedia", json!({ "features": still })).await;
    browser.press("Left").await;
    browser.wait("one name less", "return document.querySelectorAll('.stage-side li').length === 6").await;
    browser.press("Space").await;
    browser.wait("all names", "return document.querySelectorAll('.stage-side li').length === 7").await;
    let moving = "return document.getAnimations().filter((one) => one.playState === 'running' && one.effect.getTiming().duration > 1).length";
    assert_eq!(browser.run(moving, json!([])).await, 0);

    browser.go(&path).await;
    browser.wait_for_text(".draw-head .badge", "complete").await;
    let seats =
        browser.texts(".winners li").await.into_iter().filter(|text| text.contains("the seat is forfeited"));
    assert_eq!(seats.count(), gone.len());
    for taker in winners.iter().filter(|winner| winner["instead_of"].is_number()) {
        browser
            .wait_for_text(".winners li", &format!("alternate, in the seat of rank {}", taker["instead_of"]))
            .await;
    }
    browser.wait_until_still().await;
    browser.screenshot("forfeited-seats").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
