//! Two hundred pages watching one draw.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::stack;

#[tokio::test]
async fn two_hundred_pages_watch_one_draw_to_its_end_and_miss_nothing() {
    let stack = stack::start().await;
    let client = stack.client();
    client.create_lottery("party").await;
    let mut csv = "participant_id,name,phone\n".to_owned();
    for n in 1..=1_200 {
        csv.push_str(&format!("p{n},Person {n},+1202{:07}\n", 5_000_000 + n));
    }
    assert_eq!(client.import("party", &csv).await["accepted"], 1_200);
    let draw = client.start_draw("party", json!({"winners": 1_000})).await;
    let began = Instant::now();
    let watchers: Vec<_> = (0..200)
        .map(|_| {
            let (client, draw) = (client.anonymous(), draw.clone());
            tokio::spawn(async move {
                let mut seen: Vec<u64> = Vec::new();
                let mut calls: u64 = 0;
                loop {
                    let last = seen.last().map(u64::to_string).unwrap_or_default();
                    let headers = [("accept", "text/event-stream"), ("last-event-id", last.as_str())];
                    let path = format!("/lotteries/party/draws/{draw}/events");
                    let answer = client.send(reqwest::Method::GET, &path, &headers, Vec::new()).await;
                    calls += 1;
                    match answer.status.as_u16() {
                        200 => seen.extend(ids(&answer.text)),
                        204 => return (seen, calls),
                        429 => {}
                        other => panic!("{other}: {}", answer.text),
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
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
    assert!(events > 100, "{events}");
    // A page asks again only when its answer has ended: once for each burst of events, not once for each event.
    let most = 200 * (10 + 4 * took.as_secs());
    assert!(calls < most, "{calls} calls in {took:?}");
}

fn ids(stream: &str) -> impl Iterator<Item = u64> {
    stream.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap())
}
