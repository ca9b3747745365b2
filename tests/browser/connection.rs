//! A page that loses its connection during a draw.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::Instant;

use crate::browser::{Browser, Reader};
use crate::line::Line;
use end_to_end_tests::stack;

/// How long the connection is lost.
const LOST: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_page_that_was_cut_off_for_a_minute_says_so_and_comes_back_complete() {
    let stack = stack::start().await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let mut line = Line::to(stack.api()).await;
    let browser = Browser::open(&line.url(), Reader::ENGLISH).await;

    // Everyone may watch: without a token, by the public stream of events. The draw waits until the line is cut.
    let closes_at = Timestamp::now() + SignedDuration::from_secs(15);
    let draw = client.start_draw("party", json!({"winners": 2, "closes_at": closes_at.to_string()})).await;
    browser.go(&format!("/lotteries/party/draws/{draw}/execution")).await;
    browser.wait_for("[data-state=WaitUntilClosed][data-status=active]").await;
    browser.screenshot("waiting").await;

    line.cut().await;
    let began = Instant::now();
    browser.wait_for(".connection[data-state=lost]").await;
    browser.wait_for_text(".connection", "connection is lost").await;
    browser.screenshot("connection-lost").await;
    let ended = client.wait_for_end("party", &draw).await;
    assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
    tokio::time::sleep_until(began + LOST).await;
    // All that the page has seen it still shows, and it does not pretend to know more.
    browser.wait_for("[data-state=WaitUntilClosed][data-status=active]").await;
    browser.wait_for(".connection[data-state=lost]").await;

    line.mend().await;
    browser.wait_for(".connection[data-state=back]").await;
    browser.wait_for(".facts [data-status=SUCCEEDED]").await;
    for state in ["WaitUntilClosed", "SealEntries", "RecordWinners", "SendSms", "Succeed"] {
        browser.wait_for(&format!("[data-state={state}][data-status=succeeded]")).await;
    }
    let stream = client.anonymous().get(&format!("/lotteries/party/draws/{draw}/events")).await.text;
    let events = stream.lines().filter(|line| line.starts_with("id: ")).count();
    assert!(events > 20, "{stream}");
    browser.wait_for_text(".facts", &format!("{events} events")).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
