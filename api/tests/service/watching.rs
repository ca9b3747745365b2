//! Watching a draw: its events, the reads for its watchers, and what caches may keep.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::results::drawn;
use crate::support::{Answer, Service};

const DRAWS: &str = "/lotteries/party/draws";

async fn start(service: &Service, body: Value) -> String {
    let draw = service.post(DRAWS, body).await.expect(202).json();
    format!("{DRAWS}/{}", draw["draw_id"].as_str().unwrap())
}

/// Sets attributes of a draw's item, as the tasks do.
fn set(service: &Service, path: &str, attributes: &[(&str, Value)]) {
    let draw_id = path.rsplit('/').next().unwrap();
    service.aws.set((&format!("LOTTERY#party#DRAW#{draw_id}"), "META"), attributes);
}

fn text(text: &str) -> Value {
    json!({ "S": text })
}

fn seal(service: &Service, path: &str) {
    let commitment = "ab".repeat(32);
    set(
        service,
        path,
        &[
            ("status", text("SEALED")),
            ("sealed_at", text("2026-11-22T12:00:01Z")),
            ("round_at", text("2026-11-22T12:00:06Z")),
            ("commitment", text(&commitment)),
            ("round", json!({ "N": "7" })),
        ],
    );
}

fn end(service: &Service, path: &str) {
    let at = text("2026-11-22T12:00:09Z");
    let attributes = ["beacon_at", "drawn_at", "recorded_at", "completed_at"].map(|name| (name, at.clone()));
    set(service, path, &attributes);
    set(service, path, &[("status", text("SUCCEEDED"))]);
}

/// The events of a response: id and data.
fn events(answer: &Answer) -> Vec<(String, Value)> {
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let blocks = answer.body.split("\n\n").filter(|block| block.contains("data:"));
    blocks
        .map(|block| {
            let field = |name: &str| {
                let line = block.lines().find(|line| line.starts_with(name)).unwrap();
                line.split_once(':').unwrap().1.trim().to_owned()
            };
            (field("id"), serde_json::from_str(&field("data")).unwrap())
        })
        .collect()
}

fn retry(answer: &Answer) -> u64 {
    let line = answer.body.lines().find_map(|line| line.strip_prefix("retry: "));
    line.unwrap_or_else(|| panic!("no retry: {}", answer.body)).parse().unwrap()
}

async fn after(service: &Service, path: &str, last: &str) -> Answer {
    service.get_with(&format!("{path}/events"), "last-event-id", last).await
}

#[tokio::test(start_paused = true)]
async fn events_are_resumed_behind_the_last_one_and_end_with_the_draw() {
    let service = Service::with_party().await;
    let path = start(&service, json!({ "winners": 2 })).await;
    let first = events(&service.get(&format!("{path}/events")).await.expect(200));
    let last = first.last().unwrap();
    assert_eq!(
        (&last.1["type"], &last.1["state"]),
        (&json!("TaskStateEntered"), &json!("SealEntries")),
        "{first:?}"
    );
    assert_eq!(
        first.iter().map(|(id, _)| id.parse().unwrap()).collect::<Vec<usize>>(),
        Vec::from_iter(1..=first.len())
    );
    let read = service.get(&path).await.expect(200).json();
    assert_eq!(
        (&read["current_state"], &read["current_states"]),
        (&json!("SealEntries"), &json!(["SealEntries"]))
    );

    // A waiting request gets the event within a second.
    let (later, ()) = tokio::join!(after(&service, &path, &last.0), async {
        tokio::time::sleep(Duration::from_secs(4)).await;
        seal(&service, &path);
    });
    let later = events(&later.expect(200));
    assert_eq!(later[0].1["state"], "SealEntries");
    let committed = json!({ "commitment": "ab".repeat(32), "round": 7, "round_at": "2026-11-22T12:00:06Z" });
    assert_eq!(later[0].1["committed"], committed);
    assert_eq!(service.get(&path).await.json()["current_state"], "WaitForBeacon");

    end(&service, &path);
    let rest = events(&after(&service, &path, &later.last().unwrap().0).await.expect(200));
    assert_eq!(rest.last().unwrap().1["type"], "ExecutionSucceeded");
    let last = &rest.last().unwrap().0;
    after(&service, &path, last).await.expect(204);
    service.get(&format!("{path}/events?after={last}")).await.expect(204);
    for bad in ["x", "1-2", "-1"] {
        after(&service, &path, bad).await.expect(400);
    }
    service.get(&format!("{path}/events?after=x")).await.expect(400);
    assert_eq!(service.get(&path).await.json()["current_states"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_response_without_events_ends_after_twenty_seconds() {
    let service = Service::with_party().await;
    let path = start(&service, json!({ "winners": 2 })).await;
    let begun = tokio::time::Instant::now();
    let answer = after(&service, &path, "99").await.expect(200);
    assert!(events(&answer).is_empty());
    let waited = begun.elapsed().as_secs();
    assert!((20..=21).contains(&waited), "{waited}");
    assert!(answer.body.matches("\n:\n").count() >= 3, "comments keep the connection: {:?}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn on_lambda_no_request_waits_and_the_answer_says_when_to_ask_again() {
    let service = Service::with(|config| config.events_wait = Duration::ZERO).await;
    service.create_party().await;
    let path = start(&service, json!({ "winners": 2, "closes_at": "2026-11-22T13:00:00Z" })).await;
    let begun = tokio::time::Instant::now();
    let first = service.get(&format!("{path}/events")).await.expect(200);
    let last = events(&first).last().unwrap().0.clone();
    let none = after(&service, &path, &last).await.expect(200);
    assert!(events(&none).is_empty());
    assert_eq!(begun.elapsed(), Duration::ZERO);
    // An hour before the closing time there is nothing to see.
    assert_eq!((retry(&first), retry(&none)), (60_000, 60_000));
    service.wait(3590);
    assert_eq!(retry(&after(&service, &path, &last).await), 5_000);
    service.wait(10);
    let closed = after(&service, &path, &last).await;
    assert_eq!(events(&closed).len(), 2, "the closing time has come: {closed:?}");
    seal(&service, &path);
    service.wait(300);
    // Long past the round the draw waits for a service, and nobody needs to know to the second.
    assert_eq!(retry(&after(&service, &path, "99").await), 15_000);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_who_watch_share_one_read_of_the_draws_item() {
    let service = Service::with(|config| config.read_freshness = Duration::from_secs(3600)).await;
    service.create_party().await;
    let path = start(&service, json!({ "winners": 2 })).await;
    service.aws.script().calls.clear();
    let stream = format!("{path}/events");
    let watchers: Vec<_> = join_all((0..1_000).map(|_| service.get(&stream))).await;
    assert!(watchers.iter().all(|answer| answer.status == 200 && answer.body == watchers[0].body));
    let reads: Vec<_> = join_all((0..1_000).map(|_| service.get(&path))).await;
    assert!(reads.iter().all(|answer| answer.body == reads[0].body));
    assert_eq!(service.aws.script().calls, ["GetItem"], "one read of the item for two thousand");
    // Those who wait share it too: however many they are, the draw is read no more often than it gets old.
    join_all((0..200).map(|_| after(&service, &path, "99"))).await;
    assert_eq!(service.aws.script().calls, ["GetItem"]);
    // What this service writes itself it knows at once.
    service.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    assert_eq!(service.get(&path).await.json()["status"], "CANCELLED");
    assert_eq!(service.get(DRAWS).await.json()["draws"][0]["status"], "CANCELLED");
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_costs_no_call_of_step_functions_and_no_look_into_the_ledger() {
    let (service, path) = drawn().await;
    for (route, reads) in [
        // The draw's item, its first winners, and their contacts: masked for everyone.
        (path.clone(), vec!["GetItem", "BatchGetItem", "BatchGetItem"]),
        (format!("{path}/events"), vec!["GetItem"]),
        (format!("{path}/winners"), vec!["GetItem", "BatchGetItem", "BatchGetItem"]),
    ] {
        service.aws.script().calls.clear();
        service.get(&route).await.expect(200);
        assert_eq!(service.aws.script().calls, reads, "{route}");
    }
}

#[tokio::test(start_paused = true)]
async fn caches_may_keep_what_everyone_sees_for_as_long_as_it_stays_so() {
    let service = Service::with_party().await;
    let path = start(&service, json!({ "winners": 2 })).await;
    let kept = |route: String, rule: &'static str| {
        let service = &service;
        async move {
            let answer = service.get(&route).await.expect(200);
            assert_eq!(answer.header("cache-control"), rule, "{route}");
            assert!(answer.header("vary").contains("accept"), "{route}");
            let known = service.get_with(&route, "if-none-match", answer.header("etag")).await.expect(304);
            assert!(known.body.is_empty());
            assert_eq!(
                (known.header("etag"), known.header("cache-control")),
                (answer.header("etag"), rule),
                "{route}"
            );
            service.get_with(&route, "if-none-match", "\"another\"").await.expect(200);
        }
    };
    let (under_way, list, ended) =
        ("public, max-age=0, s-maxage=1", "public, max-age=0, s-maxage=2", "public, max-age=0, s-maxage=10");
    for route in ["/lotteries", "/lotteries/party", DRAWS] {
        kept(route.to_owned(), list).await;
    }
    kept(path.clone(), under_way).await;
    kept(format!("{path}/events"), under_way).await;
    kept(format!("{path}/winners"), under_way).await;
    kept("/".to_owned(), "public, max-age=0, s-maxage=10").await;
    kept("/openapi.json".to_owned(), "public, max-age=60, s-maxage=300").await;
    seal(&service, &path);
    let before = service.get(&path).await.header("etag").to_owned();
    end(&service, &path);
    kept(path.clone(), ended).await;
    kept(format!("{path}/winners"), ended).await;
    assert_ne!(service.get(&path).await.header("etag"), before);

    let at_end = service.get(&format!("{path}/events?after=9999")).await.expect(204);
    assert_eq!(at_end.header("cache-control"), ended);
    // What a token opens, or what failed, is kept by nobody.
    let private = service.get_as_organiser(&format!("{path}/winners")).await.expect(200);
    assert_eq!(private.header("cache-control"), "private, no-store");
    for (path, status) in
        [("/lotteries/none", 404), ("/nothing", 404), ("/lotteries?limit=0", 400), ("/healthz", 200)]
    {
        assert_eq!(service.get(path).await.expect(status).header("cache-control"), "no-store", "{path}");
    }
    let participants = service.get_as_organiser("/lotteries/party/participants").await.expect(200);
    assert_eq!(participants.header("cache-control"), "no-store");
}
