//! A page that loses its connection during a draw.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::browser::{Browser, Reader};
use crate::support::stack;

#[tokio::test]
async fn states_turn_live_and_a_page_that_was_cut_off_comes_back_complete() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;

    // Everyone may watch: without a token, by the public stream of events.
    let closes_at = Timestamp::now() + SignedDuration::from_secs(8);
    let draw = client.start_draw("party", json!({"winners": 2, "closes_at": closes_at.to_string()})).await;
    browser.go(&format!("/lotteries/party/draws/{draw}/execution")).await;
    browser.wait_for("[data-state=WaitUntilClosed][data-status=active]").await;
    browser.screenshot("waiting").await;

    let offline = |is_offline: bool| {
        let conditions =
            json!({"offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
        browser.devtools("Network.emulateNetworkConditions", conditions)
    };
    browser.devtools("Network.enable", json!({})).await;
    offline(true).await;
    browser.wait_for(".connection[data-state=lost]").await;
    browser.screenshot("connection-lost").await;
    let ended = client.wait_for_end("party", &draw).await;
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
    browser.wait_for("[data-state=WaitUntilClosed][data-status=active]").await;

    offline(false).await;
    browser.wait_for(".connection[data-state=back]").await;
    browser.wait_for(".facts [data-status=SUCCEEDED]").await;
    for state in ["WaitUntilClosed", "SealEntries", "RecordWinners", "SendSms", "Succeed"] {
        browser.wait_for(&format!("[data-state={state}][data-status=succeeded]")).await;
    }
    let history = client.get(&format!("/local/executions/draw-{draw}")).await.expect(200);
    let events = history["events"].as_array().unwrap().len();
    let rows =
        format!("return document.querySelectorAll('table.history tbody tr').length === {}", events.min(200));
    browser.wait("every event", &rows).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
