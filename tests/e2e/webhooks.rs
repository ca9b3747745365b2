//! Webhooks: what a receiver of the organiser's gets, over a socket, and what becomes of what it does not take.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use end_to_end_tests::stack::{self, Started};
use end_to_end_tests::{Client, eventually};
use local_stack::{Limits, ManualClock, Window};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::draw_events::aws;

/// A receiver that answers with these statuses, and then with 200.
struct Receiver {
    url: String,
    statuses: Arc<Mutex<VecDeque<u16>>>,
    requests: Arc<Mutex<Vec<Received>>>,
}

/// A request that it got.
#[derive(Clone, Debug)]
struct Received {
    head: String,
    body: String,
    status: u16,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head)).split_once(": ").unwrap().1
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Receiver {
    async fn start(statuses: impl IntoIterator<Item = u16>, answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?key=secret", listener.local_addr().unwrap());
        let statuses = Arc::new(Mutex::new(statuses.into_iter().collect()));
        let receiver = Self { url, statuses, requests: Arc::default() };
        let (statuses, requests) = (receiver.statuses.clone(), receiver.requests.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, statuses.clone(), requests.clone(), answer));
            }
        });
        receiver
    }

    fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }

    /// What it took, by the types of the events.
    fn taken(&self) -> Vec<String> {
        let taken = self.requests().into_iter().filter(|request| request.status == 200);
        taken.map(|request| request.json()["event"].as_str().unwrap().to_owned()).collect()
    }
}

/// Reads requests of one connection, and answers them.
async fn serve(
    mut socket: TcpStream,
    statuses: Arc<Mutex<VecDeque<u16>>>,
    requests: Arc<Mutex<Vec<Received>>>,
    answer: &str,
) {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = socket.read(&mut piece).await {
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        let status = statuses.lock().unwrap().pop_front().unwrap_or(200);
        requests.lock().unwrap().push(Received { head: head.to_owned(), body: body.to_owned(), status });
        // A redirection leads to where nobody may be sent.
        let reply = format!(
            "HTTP/1.1 {status} Status\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        socket.write_all(reply.as_bytes()).await.unwrap();
        bytes.clear();
    }
}

/// A stack whose clock is moved while nothing happens.
async fn stack() -> (Started, ManualClock) {
    // None, but for the clock, which is stopped while something works.
    stack_with(Limits::default()).await
}

async fn stack_with(limits: Limits) -> (Started, ManualClock) {
    let clock = ManualClock::new(jiff::Timestamp::now());
    let stack = stack::start_with(|config| {
        config.clock = clock.clone().into();
        config.limits = Some(limits);
        config.reconcile_every = Duration::from_secs(60);
    })
    .await;
    (stack, clock)
}

async fn put(client: &Client, body: Value) -> Value {
    let json = [("content-type", "application/json")];
    let answer = client.send(Method::PUT, "/lotteries/party/webhook", &json, body.to_string().into()).await;
    answer.expect(200)
}

async fn webhook(client: &Client) -> Value {
    client.get("/lotteries/party/webhook").await.expect(200)
}

/// The deliveries once there are three, all in one of these states.
async fn deliveries(client: &Client, states: &[&str]) -> Vec<Value> {
    eventually("the deliveries", async || {
        let deliveries = webhook(client).await["deliveries"].as_array().unwrap().clone();
        let are_done = deliveries.iter().all(|it| states.contains(&it["state"].as_str().unwrap()));
        (deliveries.len() == 3 && are_done).then_some(deliveries)
    })
    .await
}

#[tokio::test]
async fn a_receiver_that_fails_twice_gets_each_event_once_in_the_end_and_signed() {
    let (stack, clock) = stack().await;
    let receiver = Receiver::start([500, 302], "").await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    let set = put(&client, json!({"url": receiver.url})).await;
    let secret = set["secret"].as_str().unwrap();
    let story = async {
        client.run_draw("party", json!({"winners": 2})).await;
        deliveries(&client, &["DELIVERED"]).await
    };
    let deliveries = stack.fast_forward(&clock, Duration::from_secs(1), story).await;

    let mut taken = receiver.taken();
    taken.sort();
    assert_eq!(taken, ["DrawCompleted", "DrawSealed", "WinnersRecorded"]);
    assert_eq!(receiver.requests().len(), 5, "two attempts failed");
    let attempts: u64 = deliveries.iter().map(|it| it["attempts"].as_u64().unwrap()).sum();
    assert_eq!(attempts, 5, "{deliveries:?}");
    for request in receiver.requests() {
        assert!(request.head.starts_with("POST /hook?key=secret HTTP/1.1"), "{}", request.head);
        let body = request.json();
        assert_eq!(body["event_id"], request.header("lottery-event-id"));
        assert!(body["text"].as_str().unwrap().starts_with("Company party: "), "{body}");
        let signature = request.header("lottery-signature");
        assert_eq!(signature, signed(secret, signature, &request.body));
    }
    // The secret and the key within the address are shown to nobody.
    let shown = webhook(&client).await.to_string();
    assert!(!shown.contains("whsec_") && !shown.contains("key="), "{shown}");
}

/// The signature as a receiver computes it for the time within, here one in Python.
fn signed(secret: &str, signature: &str, body: &str) -> String {
    let seconds = signature.split(['=', ',']).nth(1).unwrap();
    let program = "import hashlib, hmac, sys\nsecret, seconds, body = (arg.encode() for arg in sys.argv[1:])\n\
                   print(hmac.new(secret, seconds + b'.' + body, hashlib.sha256).hexdigest())";
    let computed =
        std::process::Command::new("python3").args(["-c", program, secret, seconds, body]).output();
    let computed = String::from_utf8(computed.unwrap().stdout).unwrap();
    format!("t={seconds},v1={}", computed.trim())
}

#[tokio::test]
async fn what_a_dead_receiver_never_takes_is_among_the_dead_letters_and_can_be_sent_again() {
    let (stack, clock) = stack().await;
    let receiver = Receiver::start(std::iter::repeat_n(503, 24), "").await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    put(&client, json!({"url": receiver.url})).await;
    let dead_letters = async || {
        let url = format!("{}/123456789012/WebhookDeadLetters", stack.aws());
        let request = json!({"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]});
        let answer = aws(&stack, "AmazonSQS.GetQueueAttributes", request).await;
        answer["Attributes"]["ApproximateNumberOfMessages"].as_str().unwrap().to_owned()
    };
    let story = async {
        client.run_draw("party", json!({"winners": 2})).await;
        let dead = deliveries(&client, &["DEAD"]).await;
        eventually("the dead letters", async || (dead_letters().await == "3").then_some(())).await;
        dead
    };
    let dead = stack.fast_forward(&clock, Duration::from_secs(60), story).await;
    for delivery in &dead {
        assert_eq!((&delivery["attempts"], &delivery["failure"]), (&json!(8), &json!("status 503")));
    }
    assert_eq!(receiver.requests().len(), 24);

    // The receiver is back.
    let event = dead[0]["event_id"].as_str().unwrap();
    let path = format!("/lotteries/party/webhook/deliveries/{event}/retry");
    let again = async {
        client.post(&path, &json!({})).await.expect(202);
        eventually("the event", async || (receiver.taken().len() == 1).then_some(())).await;
        eventually("the delivery", async || {
            let all = webhook(&client).await["deliveries"].as_array().unwrap().clone();
            all.into_iter().find(|it| it["event_id"] == event && it["state"] == "DELIVERED")
        })
        .await
    };
    stack.fast_forward(&clock, Duration::from_secs(1), again).await;
    assert_eq!(receiver.requests().last().unwrap().json()["event_id"], event);
    client.post("/lotteries/party/webhook/deliveries/nothing/retry", &json!({})).await.expect(404);
}

#[tokio::test]
async fn attempts_that_lambda_throttles_are_made_up_for() {
    // The queue gives each message out eight or nine times meanwhile: every twelve minutes, or somewhat later.
    let throttled = Window::of_function("send-webhook", Duration::from_secs(100 * 60));
    let (stack, clock) = stack_with(Limits { windows: vec![throttled], ..Limits::default() }).await;
    let receiver = Receiver::start([], "").await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    put(&client, json!({"url": receiver.url})).await;
    let story = async {
        client.run_draw("party", json!({"winners": 2})).await;
        deliveries(&client, &["DELIVERED"]).await
    };
    let deliveries = stack.fast_forward(&clock, Duration::from_secs(60), story).await;
    let attempts: Vec<_> = deliveries.iter().map(|it| it["attempts"].as_u64().unwrap()).collect();
    assert!(attempts.iter().any(|attempts| *attempts > 8), "{attempts:?}");
    assert_eq!(receiver.taken().len(), 3);
}

#[tokio::test]
async fn a_bot_that_refuses_in_its_body_is_asked_again_and_a_webhook_that_is_taken_away_hears_nothing() {
    let (stack, clock) = stack().await;
    let bot = Receiver::start([], r#"{"errcode": 310000, "errmsg": "sign not match"}"#).await;
    let client = stack.client();
    client.lottery_of_employees("party").await;
    put(&client, json!({"url": bot.url, "format": "dingtalk", "bot_secret": "SEC1"})).await;
    let story = async {
        client.run_draw("party", json!({"winners": 2})).await;
        deliveries(&client, &["RETRYING"]).await
    };
    let deliveries = stack.fast_forward(&clock, Duration::from_secs(1), story).await;
    assert_eq!(deliveries[0]["failure"], "errcode 310000");
    let request = &bot.requests()[0];
    assert!(request.head.starts_with("POST /hook?key=secret&timestamp="), "{}", request.head);
    assert_eq!(request.json()["msgtype"], "text");

    client.send(Method::DELETE, "/lotteries/party/webhook", &[], Vec::new()).await;
    assert_eq!(webhook(&client).await["url"], Value::Null);
    let other = Receiver::start([], "").await;
    let refused = [
        json!({"url": "ftp://example.com"}),
        json!({"url": other.url, "format": "pigeon"}),
        json!({"url": other.url, "bot_secret": "x"}),
        json!({"url": other.url, "more": 1}),
        json!({}),
    ];
    let json = [("content-type", "application/json")];
    for body in refused {
        let answer =
            client.send(Method::PUT, "/lotteries/party/webhook", &json, body.to_string().into()).await;
        answer.expect(422);
    }
    client.anonymous().get("/lotteries/party/webhook").await.expect(401);
}
