//! Two hundred watchers of one draw, and the page itself in five tabs beside them.
//!
//! The watchers are HTTP clients that ask as the page's `follow.js` does: two hundred browsers are more than a machine
//! of tests has room for. The tabs show that what the watchers get is what the page needs.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::browser::{Browser, Reader};
use end_to_end_tests::stack;

/// Tabs with the page. A browser opens six connections to one host at most, all tabs together.
const TABS: usize = 5;

#[tokio::test]
async fn two_hundred_watchers_and_five_tabs_follow_one_draw_to_its_end_and_miss_nothing() {
    let stack = stack::start().await;
    let client = stack.client();
    client.create_lottery("party").await;
    let mut csv = "participant_id,name,phone\n".to_owned();
    for n in 1..=1_200 {
        csv.push_str(&format!("p{n},Person {n},+1202{:07}\n", 5_000_000 + n));
    }
    assert_eq!(client.import("party", &csv).await["accepted"], 1_200);
    let browser = Browser::open(stack.api(), Reader::ENGLISH).await;
    let closes_at = Timestamp::now() + SignedDuration::from_secs(8);
    let request = json!({"winners": 1_000, "closes_at": closes_at.to_string()});
    let draw = client.start_draw("party", request).await;
    let mut tabs = Vec::new();
    for _ in 0..TABS {
        tabs.push(browser.open_tab().await);
        browser.go(&format!("/lotteries/party/draws/{draw}/execution")).await;
    }
    let began = Instant::now();
    let watchers: Vec<_> = (0..200)
        .map(|_| {
            let (client, draw) = (client.anonymous(), draw.clone());
            tokio::spawn(async move {
                let mut seen: Vec<u64> = Vec::new();
                let mut calls: u64 = 0;
                loop {
                    let last = seen.last().copied().unwrap_or_default();
                    let headers = [("accept", "text/event-stream")];
                    let path = format!("/lotteries/party/draws/{draw}/events?after={last}");
                    let answer = client.send(reqwest::Method::GET, &path, &headers, Vec::new()).await;
                    calls += 1;
                    match answer.status.as_u16() {
                        200 => seen.extend(ids(&answer.text)),
                        204 => return (seen, calls),
                        429 => {}
                        other => panic!("{other}: {}", answer.text),
                    }
                    tokio::time::sleep(retry(&answer.text)).await;
                }
            })
        })
        .collect();
    let ended = client.wait_for_end("party", &draw).await;
    let took = began.elapsed();
    assert_eq!(ended["status"], "SUCCEEDED", "{}", ended["status"]);
    let mut calls: u64 = 0;
    let mut all: Option<Vec<u64>> = None;
    for watcher in watchers {
        let (seen, of_one) = watcher.await.unwrap();
        calls += of_one;
        assert!(seen.is_sorted() && seen.first() == Some(&1), "events are missing or out of order");
        let expected = all.get_or_insert_with(|| seen.clone());
        assert_eq!(&seen, expected);
    }
    let events = all.unwrap().len();
    // The milestones of the draw, however many winners it has.
    assert!((20..80).contains(&events), "{events}");
    // A watcher asks again only when its answer has ended: once for each burst of events, not once for each event.
    let most = 200 * (10 + 4 * took.as_secs());
    assert!(calls < most, "{calls} calls in {took:?}");
    for tab in tabs {
        browser.tab(&tab).await;
        browser.wait_for(".facts [data-status=SUCCEEDED]").await;
        browser.wait_for_text(".facts", &format!("{events} events")).await;
        browser.wait_for("[data-state=Succeed][data-status=succeeded]").await;
    }
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// When to ask again.
fn retry(stream: &str) -> Duration {
    let milliseconds = stream.lines().find_map(|line| line.strip_prefix("retry: "));
    Duration::from_millis(milliseconds.map_or(1_000, |text| text.parse().unwrap()))
}

fn ids(stream: &str) -> impl Iterator<Item = u64> {
    stream.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap())
}
