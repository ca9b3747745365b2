//! A harsh AWS: the quotas of an account, throttling for minutes and an hour, slow services. The clock is moved.

use std::time::Duration;

use local_stack::{Clock, Limits, ManualClock, Throttled, Window};
use reqwest::Method;
use serde_json::{Value, json};

use end_to_end_tests::Client;
use end_to_end_tests::client::Answer;
use end_to_end_tests::stack::{self, Started};

/// A stack with these limits, and the clock that moves it.
async fn harsh(limits: Limits) -> (Started, ManualClock) {
    let now = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap();
    let clock = ManualClock::new(now);
    let stack = stack::start_with(|config| {
        config.limits = Some(limits);
        config.clock = clock.clone().into();
        config.reconcile_every = Duration::from_secs(60);
    })
    .await;
    (stack, clock)
}

/// The draw, asked for again until it has ended. The service may be throttled meanwhile.
async fn ended(client: &Client, clock: &Clock, draw: &str) -> Value {
    loop {
        let answer = client.get(&format!("/lotteries/party/draws/{draw}")).await;
        if answer.status.as_u16() == 200 {
            let draw = answer.json();
            let status = draw["status"].as_str().unwrap();
            if ["SUCCEEDED", "INCOMPLETE", "REJECTED", "FAILED", "CANCELLED", "ABANDONED"].contains(&status) {
                return draw;
            }
        }
        sleep(clock, Duration::from_secs(5)).await;
    }
}

async fn sleep(clock: &Clock, duration: Duration) {
    clock.sleep_until(clock.now() + duration).await;
}

/// Watches as the page does: asks when the service says so, and less often while it is refused. Returns how often the
/// answer was a refusal.
async fn watch(client: &Client, clock: &Clock, draw: &str, number: u64) -> u64 {
    let (mut last, mut refused, mut attempt) = (0, 0, 0_u32);
    // Nobody comes at the same time as another.
    sleep(clock, Duration::from_millis(number * 7 % 5_000)).await;
    loop {
        let path = format!("/lotteries/party/draws/{draw}/events?after={last}");
        let answer = client.send(Method::GET, &path, &[("accept", "text/event-stream")], Vec::new()).await;
        let pause = match answer.status.as_u16() {
            204 => return refused,
            200 => {
                attempt = 0;
                if let Some(id) = lines(&answer, "id:").last() {
                    last = *id;
                }
                lines(&answer, "retry:").last().copied().unwrap_or(1_000)
            }
            429 | 503 => {
                refused += 1;
                attempt += 1;
                1_000 << attempt.min(4)
            }
            other => panic!("{other}: {}", answer.text),
        };
        // Spread out by half of it, as the page does.
        sleep(clock, Duration::from_millis(pause / 2 + (number * 7_919 + u64::from(attempt)) % pause.max(1)))
            .await;
    }
}

/// The numbers on the lines of an event stream that begin so.
fn lines(answer: &Answer, name: &str) -> Vec<u64> {
    let lines = answer.text.lines().filter_map(|line| line.strip_prefix(name));
    lines.filter_map(|number| number.trim().parse().ok()).collect()
}

/// One scheduled draw in an account made today, with so many people watching it: it succeeds, and of the organiser's
/// calls none is refused.
async fn watched_draw(watchers: u64) {
    // A call of AWS takes 10 ms.
    let limits: Limits = "aws-new-account,latency-ms=10".parse().unwrap();
    let (stack, clock) = harsh(limits).await;
    let (client, time) = (stack.client(), Clock::from(clock.clone()));
    let story = async {
        client.lottery_of_employees("party").await;
        let closes_at = (clock.now() + Duration::from_secs(10)).to_string();
        let draw = client.start_draw("party", json!({"winners": 2, "closes_at": closes_at})).await;
        let watching = (0..watchers).map(|number| {
            let (client, time, draw) = (client.anonymous(), time.clone(), draw.clone());
            tokio::spawn(async move { watch(&client, &time, &draw, number).await })
        });
        let watching: Vec<_> = watching.collect();
        let mut calls = 0;
        let draw = loop {
            for path in [format!("/lotteries/party/draws/{draw}"), "/lotteries/party/participants".to_owned()]
            {
                client.get(&path).await.expect(200);
                calls += 1;
            }
            let draw = client.draw("party", &draw).await;
            if ["SUCCEEDED", "INCOMPLETE", "FAILED", "ABANDONED"].contains(&draw["status"].as_str().unwrap())
            {
                break draw;
            }
            sleep(&time, Duration::from_secs(1)).await;
        };
        let mut refused = 0;
        for watcher in watching {
            refused += watcher.await.unwrap();
        }
        (draw, calls, refused)
    };
    let (draw, calls, refused) = stack.fast_forward(&clock, Duration::from_millis(20), story).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    assert!(calls >= 20, "{calls}");
    let bill = stack.bill().await;
    let tasks: u64 =
        bill.functions.iter().filter(|(name, _)| *name != "api").map(|(_, it)| it.throttles).sum();
    assert_eq!(tasks, 0, "no task was throttled: {bill:#?}");
    print(&format!("{watchers} watchers: {refused} refused, {bill}"));
}

/// Shown with `--no-capture`.
#[allow(clippy::print_stderr, reason = "figures of a test")]
fn print(line: &str) {
    eprintln!("{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifteen_people_watch_a_draw_in_a_new_account() {
    watched_draw(15).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_people_watch_a_draw_in_a_new_account() {
    watched_draw(1_000).await;
}

/// Everything that the state machine calls for a draw that goes well.
const FUNCTIONS: [&str; 7] = [
    "seal-entries",
    "fetch-beacon",
    "draw-winners",
    "record-winners",
    "send-sms",
    "send-email",
    "complete-draw",
];

/// Lambda answers 429 for so long from the first call at a state on: the draw ends as it would have, with the commitment
/// and the round that it was sealed with, and everyone is notified once.
async fn throttled_at(window: Window) {
    let limits = Limits { windows: vec![window.clone()], ..Limits::aws_default() };
    let (stack, clock) = harsh(limits).await;
    let (client, time) = (stack.client(), Clock::from(clock.clone()));
    let story = async {
        client.lottery_of_employees("party").await;
        let draw = client.start_draw("party", json!({"winners": 2})).await;
        let mut sealed = Value::Null;
        while window.from_first_call_of != "seal-entries" && sealed["commitment"].is_null() {
            sleep(&time, Duration::from_millis(100)).await;
            sealed = client.get(&format!("/lotteries/party/draws/{draw}")).await.json();
        }
        (sealed, ended(&client, &time, &draw).await)
    };
    let began = clock.now();
    // Hours in few steps.
    let step = (window.lasts / 120).max(Duration::from_secs(1));
    let (sealed, draw) = stack.fast_forward(&clock, step, story).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{window:?}: {draw}");
    assert!(clock.now().duration_since(began).unsigned_abs() >= window.lasts, "{window:?} was not reached");
    if !sealed.is_null() {
        assert_eq!((&draw["commitment"], &draw["round"]), (&sealed["commitment"], &sealed["round"]));
    }
    let bill = stack.bill().await;
    assert!(bill.throttles() > 0, "{bill}");
    let id = draw["draw_id"].as_str().unwrap();
    assert_eq!(client.winners("party", id).await.len(), 2);
    assert_eq!(client.addressed(id, "sms").await.len(), 2);
    assert_eq!(client.addressed(id, "email").await.len(), 2);
}

async fn throttled_at_each_state(minutes: u64) {
    let lasts = Duration::from_secs(minutes * 60);
    for function in FUNCTIONS {
        throttled_at(Window::of_function(function, lasts)).await;
    }
    // And everything at once, the API too, from the time on at which the result can be computed.
    let from_first_call_of = "draw-winners".to_owned();
    throttled_at(Window { of: Throttled::EveryFunction, from_first_call_of, lasts }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_of_throttling_at_any_state_changes_nothing() {
    throttled_at_each_state(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_of_throttling_at_any_state_change_nothing() {
    throttled_at_each_state(10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_throttling_at_any_state_changes_nothing() {
    throttled_at_each_state(60).await;
}

/// The services behind the functions throttle for ten minutes: DynamoDB from each task on, SNS and SES from the first
/// message on.
#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_of_throttled_services_change_nothing() {
    let lasts = Duration::from_secs(600);
    for (of, function) in [
        (Throttled::DynamoDb, "fetch-beacon"),
        (Throttled::DynamoDb, "record-winners"),
        (Throttled::Sns, "send-sms"),
    ] {
        let window = Window { of, from_first_call_of: function.to_owned(), lasts };
        let limits = Limits { windows: vec![window.clone()], ..Limits::aws_default() };
        let (stack, clock) = harsh(limits).await;
        let (client, time) = (stack.client(), Clock::from(clock.clone()));
        let story = async {
            client.lottery_of_employees("party").await;
            let draw = client.start_draw("party", json!({"winners": 2})).await;
            ended(&client, &time, &draw).await
        };
        let draw = stack.fast_forward(&clock, Duration::from_secs(1), story).await;
        assert_eq!(draw["status"], "SUCCEEDED", "{window:?}: {draw}");
    }
}

/// An account without a limit of what tables take: the SDK backs off in real time, while a table takes more only as the
/// stack's clock moves, so that importing many people would wait for long.
const LARGE: &str = "aws-default,latency-ms=10,table-writes=1000000";

async fn import_many(client: &Client, people: u32) {
    let lottery = json!({"id": "party", "name": "Party", "email_through": "ses"});
    client.post("/lotteries", &lottery).await.expect(201);
    let people: Vec<u32> = (0..people).collect();
    for batch in people.chunks(2_000) {
        let mut csv = "participant_id,name,phone,email\n".to_owned();
        for number in batch {
            csv += &format!("{number:07},Somebody,+1202{number:07},somebody.{number:07}@example.com\n");
        }
        let report = client.import("party", &csv).await;
        assert_eq!(report["accepted"], batch.len(), "{report}");
    }
}

/// While chunks are written the next ones are awaited: no call is left without somebody who takes its answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_many_chunks_is_sealed_at_once_while_each_call_takes_its_time() {
    let (stack, clock) = harsh(LARGE.parse().unwrap()).await;
    let (client, time) = (stack.client(), Clock::from(clock.clone()));
    let story = async {
        import_many(&client, 6_000).await;
        let draw = client.start_draw("party", json!({"winners": 1})).await;
        ended(&client, &time, &draw).await
    };
    let draw = stack.fast_forward(&clock, Duration::from_millis(500), story).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    let at = |name: &str| draw[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let took = at("sealed_at").duration_since(at("created_at"));
    assert!(took.as_secs_f64() < 5.0, "{took}");
}

/// So many winners at 20 SMS and 14 e-mails a second: everything is attempted. Returns what it took.
async fn large_draw(winners: u32) -> String {
    let (stack, clock) = harsh(LARGE.parse().unwrap()).await;
    let (client, time) = (stack.client(), Clock::from(clock.clone()));
    let story = async {
        import_many(&client, winners).await;
        let began = (clock.now(), stack.bill().await.gb_seconds());
        let draw = client.start_draw("party", json!({ "winners": winners })).await;
        (began, ended(&client, &time, &draw).await)
    };
    let ((began, billed), draw) = stack.fast_forward(&clock, Duration::from_millis(500), story).await;
    assert_eq!(draw["status"], "SUCCEEDED", "{draw}");
    for channel in ["sms", "email"] {
        assert_eq!(draw["notifications"][channel]["sent"], winners, "{draw}");
    }
    let took = clock.now().duration_since(began).as_secs_f64();
    assert!(
        took >= f64::from(winners) / 14.0 - 2.0,
        "{winners} e-mails within {took} s are more than 14 a second"
    );
    let bill = stack.bill().await;
    let states = bill
        .functions
        .iter()
        .map(|(name, it)| format!("{name} {} x {:.1} GB-s", it.invocations, it.gb_seconds));
    format!(
        "{winners} winners: {took:.0} s, {:.1} GB-seconds, {} state transitions ({})",
        bill.gb_seconds() - billed,
        bill.state_transitions,
        states.collect::<Vec<_>>().join(", ")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_draw_tells_everyone_within_the_rates_of_the_services() {
    print(&large_draw(150).await);
}

/// The command and its figures are in docs/limits.md.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "many minutes; prints the time and the GB-seconds of a large draw"]
async fn ten_thousand_winners() {
    print(&large_draw(10_000).await);
}

/// In its sandbox SES sends to verified recipients alone: the draw says so of each, and is not held up.
#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_of_ses_leaves_a_draw_incomplete_and_says_why() {
    let (stack, clock) = harsh("aws-new-account".parse().unwrap()).await;
    let (client, time) = (stack.client(), Clock::from(clock.clone()));
    let story = async {
        let lottery = json!({"id": "party", "name": "Party", "email_through": "ses"});
        client.post("/lotteries", &lottery).await.expect(201);
        client.import("party", end_to_end_tests::EMPLOYEES).await;
        let draw = client.start_draw("party", json!({"winners": 2})).await;
        ended(&client, &time, &draw).await
    };
    let draw = stack.fast_forward(&clock, Duration::from_secs(1), story).await;
    assert_eq!(draw["status"], "INCOMPLETE", "{draw}");
    assert_eq!(draw["notifications"]["email"]["failed"], 2, "{draw}");
    assert_eq!(draw["notifications"]["sms"]["sent"], 2, "{draw}");
}
