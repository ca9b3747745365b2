//! The two ports as a client meets them.

use std::time::Duration;

use asl_engine::{Clock, ManualClock};
use axum::routing::{get, post};
use bytes::Bytes;
use http::Request as Sent;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinHandle;

use super::*;
use crate::Confirmation;
use crate::aws::in_memory;
use crate::http_client::HttpClient;

/// A served port, and the state of its front for the test to inspect.
struct Port {
    address: SocketAddr,
    front: Arc<Front>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

const MIB: usize = 1024 * 1024;

fn limits(max_connections: usize) -> Limits {
    Limits { max_connections, ..Limits::of_descriptors(1_024) }
}

impl Port {
    async fn start(service: Service, limits: Limits, clock: Clock) -> Port {
        let listener = listen(([127, 0, 0, 1], 0).into(), "--listen").await.unwrap();
        let address = listener.local_addr().unwrap();
        let front = Arc::new(Front {
            hosts: Hosts::new(address.ip(), &[]),
            connections: Connections::new(limits),
            bodies: Bodies::new(MIB),
            health: Arc::new(Health::new(clock)),
        });
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(serve(listener, front.clone(), service, stopped));
        Port { address, front, stop, server }
    }

    async fn aws() -> Port {
        let endpoint = in_memory(Confirmation::ByItself, &[]);
        Port::start(Service::Aws(endpoint), limits(100), Clock::system()).await
    }

    /// A port with a few routes that the tests need.
    async fn api(limits: Limits) -> Port {
        Port::api_at(limits, Clock::system()).await
    }

    async fn api_at(limits: Limits, clock: Clock) -> Port {
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
            .route("/never", get(std::future::pending::<String>))
            .route("/large", get(|| async { vec![b'x'; 32 * MIB] }))
            .route("/broken", get(|| async { StatusCode::SERVICE_UNAVAILABLE }));
        let admission = Admission::new(Issuer::in_memory(), 4, limits.max_connections);
        Port::start(Service::Api(router, Arc::new(admission)), limits, clock).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a text as it is.
    async fn send(&self, text: impl AsRef<[u8]>) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(text.as_ref()).await.unwrap();
        stream
    }

    async fn until(&self, holds: impl Fn(&Front) -> bool) {
        let waited = async {
            while !holds(&self.front) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waited).await.expect("it comes to that");
    }

    fn sweep_in(&self, seconds: f64) {
        self.front.connections.sweep(Instant::now() + Duration::from_secs_f64(seconds));
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.server.await.unwrap();
    }
}

/// What the server says until it closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset says the same as an end.
    let _ =
        tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut bytes)).await.expect("it ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// One answer on a connection that stays open.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut bytes = [0; 4096];
    while !text.contains("\r\n\r\n") || !text.ends_with("here") {
        let read =
            tokio::time::timeout(Duration::from_secs(30), stream.read(&mut bytes)).await.unwrap().unwrap();
        assert!(read > 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    text
}

#[tokio::test]
async fn a_client_that_sends_no_head_is_closed_after_ten_seconds() {
    let port = Port::api(limits(10)).await;
    let silent = port.connect().await;
    let slow = port.send("GET / HTTP/1.1\r\nhost: loc").await;
    port.until(|front| front.connections.awaiting_head() == 2).await;
    port.sweep_in(9.0);
    assert_eq!(port.front.connections.awaiting_head(), 2);
    port.sweep_in(10.1);
    assert_eq!((rest(silent).await, rest(slow).await), (String::new(), String::new()));
    port.until(|front| front.connections.count() == 0).await;
    port.stop().await;
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let port = Port::api(limits(10)).await;
    let text = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-long: {}", "x".repeat(MAX_BUFFER));
    let said = rest(port.send(text).await).await;
    assert!(said.starts_with("HTTP/1.1 431 "), "{said}");
    port.stop().await;
}

#[tokio::test]
async fn a_connection_is_kept_for_a_minute_between_two_requests() {
    let port = Port::api(limits(10)).await;
    let mut stream = port.send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let head = answer(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("\r\ndate: "), "{head}");
    port.until(|front| front.connections.in_request() == 0).await;
    port.sweep_in(55.0);
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    answer(&mut stream).await;
    port.until(|front| front.connections.in_request() == 0).await;
    port.sweep_in(60.1);
    assert_eq!(rest(stream).await, "");
    port.stop().await;
}

#[tokio::test]
async fn half_a_body_is_given_up_after_fifteen_seconds_on_both_ports() {
    for port in [Port::api(limits(10)).await, Port::aws().await] {
        let stream =
            port.send("POST /length HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nhalf").await;
        port.until(|front| front.bodies.held() == 4).await;
        port.sweep_in(14.0);
        assert_eq!(port.front.bodies.held(), 4);
        port.sweep_in(15.1);
        let said = rest(stream).await;
        assert!(
            said.starts_with("HTTP/1.1 408 Request Timeout") && said.contains("stopped arriving"),
            "{said}"
        );
        port.until(|front| front.bodies.held() == 0 && front.connections.count() == 0).await;
        port.stop().await;
    }
}

#[tokio::test]
async fn a_slow_but_steady_body_arrives() {
    let port = Port::api(limits(10)).await;
    let mut stream = port
        .send("POST /length HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 40\r\n\r\n")
        .await;
    for piece in 1..=4 {
        stream.write_all(&[b'x'; 10]).await.unwrap();
        port.until(|front| front.bodies.held() == 10 * piece || front.connections.count() == 0).await;
        port.sweep_in(14.0);
    }
    let said = rest(stream).await;
    assert!(said.ends_with("\r\n\r\n40"), "{said}");
    port.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_closed() {
    let port = Port::api(limits(10)).await;
    let stream = port.send("GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    port.until(|front| front.connections.answer_bytes() == 32 * MIB).await;
    port.sweep_in(29.0);
    assert_eq!(port.front.connections.count(), 1);
    port.sweep_in(31.0);
    port.until(|front| front.connections.count() == 0).await;
    assert!(rest(stream).await.len() < 32 * MIB);
    port.stop().await;
}

#[tokio::test]
async fn beyond_the_cap_the_connection_that_asks_nothing_longest_is_closed_for_the_new_one() {
    let port = Port::api(limits(3)).await;
    let first = port.connect().await;
    port.until(|front| front.connections.count() == 1).await;
    let _others = [port.connect().await, port.connect().await];
    port.until(|front| front.connections.count() == 3).await;
    let mut new = port.send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    answer(&mut new).await;
    assert_eq!(rest(first).await, "");
    assert_eq!(port.front.connections.count(), 3);
    port.stop().await;
}

#[tokio::test]
async fn a_client_for_whom_no_connection_is_left_is_told() {
    let port = Port::api(limits(2)).await;
    let _busy = [
        port.send("GET /never HTTP/1.1\r\nhost: localhost\r\n\r\n").await,
        port.send("GET /never HTTP/1.1\r\nhost: localhost\r\n\r\n").await,
    ];
    port.until(|front| front.connections.in_request() == 2).await;
    let said = rest(port.connect().await).await;
    assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("retry-after: 2"), "{said}");
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())), "{said}");
    drop(port);
}

#[tokio::test]
async fn an_address_that_is_not_the_machines_own_has_a_share_of_the_connections() {
    let connections = Connections::new(Limits { max_per_address: 2, ..limits(10) });
    let (far, near) = ("192.0.2.1".parse().unwrap(), "127.0.0.1".parse().unwrap());
    let now = Instant::now();
    for peer in [far, far, far, near, near, near] {
        assert!(connections.admit(peer, now).is_some());
    }
    assert_eq!(connections.count(), 5);
}

#[tokio::test]
async fn a_body_without_room_is_told_to_come_again() {
    let port = Port::aws().await;
    let stream =
        port.send(format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", 3 * MIB)).await;
    let (reader, mut writer) = stream.into_split();
    let writing = tokio::spawn(async move {
        // Cut off as soon as the answer is there.
        let _ = writer.write_all(&vec![b'x'; 3 * MIB]).await;
        writer
    });
    let mut reader = reader;
    let mut head = [0; 40];
    reader.read_exact(&mut head).await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 503 Service Unavailable"), "{}", String::from_utf8_lossy(&head));
    drop(reader);
    drop(writing.await);
    port.stop().await;
}

#[tokio::test]
async fn a_port_with_clients_that_keep_their_connections_stops_at_once() {
    let port = Port::api(limits(10)).await;
    let mut idle = port.send("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    answer(&mut idle).await;
    let half = port.send("GET / HT").await;
    let silent = port.connect().await;
    port.until(|front| front.connections.count() == 3).await;
    tokio::time::timeout(Duration::from_secs(5), port.stop()).await.expect("nobody is waited for");
    for stream in [idle, half, silent] {
        assert_eq!(rest(stream).await, "");
    }
}

#[tokio::test]
async fn a_clock_before_1970_is_told_and_breaks_nothing() {
    let clock = ManualClock::new("1960-01-01T00:00:00Z".parse().unwrap());
    let port = Port::api_at(limits(10), clock.into()).await;
    let said = rest(port.send("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await).await;
    assert!(
        said.starts_with("HTTP/1.1 503 ") && said.contains("a time before 1970; set the clock"),
        "{said}"
    );
    port.stop().await;
}

#[tokio::test]
async fn what_is_known_to_be_down_is_told_instead_of_a_guess() {
    let port = Port::api(limits(10)).await;
    let ask = async || {
        rest(port.send("GET /broken HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await).await
    };
    assert!(ask().await.ends_with("content-length: 0\r\n\r\n"));
    port.front.health.failed("DynamoDB", crate::health::Fault::Lasting("a page is damaged".to_owned()));
    let said = ask().await;
    assert!(said.starts_with("HTTP/1.1 503 ") && said.contains(r#""detail":"a page is damaged""#), "{said}");
    port.stop().await;
}

/// What Chromium sends for a form on another site's page, and for its `fetch` in the mode `no-cors`.
const FOREIGN: [&str; 2] = [
    "host: 127.0.0.1:4566\r\norigin: http://evil.example\r\ncontent-type: application/x-www-form-urlencoded\r\n\
     sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\nsec-fetch-dest: document\r\nconnection: close\r\n",
    "host: 127.0.0.1:4566\r\norigin: http://evil.example\r\ncontent-type: text/plain;charset=UTF-8\r\n\
     sec-fetch-site: cross-site\r\nsec-fetch-mode: no-cors\r\nsec-fetch-dest: empty\r\nconnection: close\r\n",
];

#[tokio::test]
async fn no_page_of_another_site_changes_anything_on_the_aws_port() {
    let port = Port::aws().await;
    let post = async |path: &str, headers: &str, body: &str| {
        let length = body.len();
        let text = format!("POST {path} HTTP/1.1\r\n{headers}content-length: {length}\r\n\r\n{body}");
        rest(port.send(text).await).await
    };
    let attacks = [
        ("/", "Action=CreateTopic&Name=evil&Version=2010-03-31"),
        ("/v2/email/outbound-emails", "{}"),
        ("/2015-03-31/functions/release-winners/invocations", "{}"),
    ];
    for headers in FOREIGN {
        for (path, body) in attacks {
            let said = post(path, headers, body).await;
            assert!(said.starts_with("HTTP/1.1 403 Forbidden"), "{said}");
            assert!(said.contains("a web page of http://evil.example sent this request"), "{said}");
        }
    }
    // By a name that means this machine since a second ago.
    let rebound =
        "host: evil.example:4566\r\nx-amz-target: DynamoDB_20120810.ListTables\r\nconnection: close\r\n";
    let said = post("/", rebound, "{}").await;
    assert!(said.starts_with("HTTP/1.1 403 ") && said.contains("--public-host evil.example"), "{said}");
    // curl, and nothing of the above has come through.
    let own = "host: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\nconnection: close\r\n";
    let said = post("/", own, "Action=ListTopics&Version=2010-03-31").await;
    assert!(said.starts_with("HTTP/1.1 200 ") && !said.contains("evil"), "{said}");
    port.stop().await;
}

#[tokio::test]
async fn a_page_uses_a_bucket_that_allows_its_origin_and_no_other() {
    let port = Port::aws().await;
    let send = async |method: &str, path: &str, headers: &str, body: &str| {
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:4566\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        rest(port.send(text).await).await
    };
    let signed = "X-Amz-Credential=k%2F20260101%2Fus-east-1%2Fs3%2Faws4_request";
    let rule = "<CORSConfiguration><CORSRule><AllowedMethod>PUT</AllowedMethod>\
                <AllowedOrigin>http://localhost:8080</AllowedOrigin></CORSRule></CORSConfiguration>";
    for (path, body) in [("/bucket", ""), ("/other", ""), ("/bucket?cors", rule)] {
        let and = if path.contains('?') { '&' } else { '?' };
        let said = send("PUT", &format!("{path}{and}{signed}"), "", body).await;
        assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    }
    let page =
        |origin: &str| format!("origin: {origin}\r\nsec-fetch-site: same-site\r\nsec-fetch-mode: cors\r\n");
    let question = format!("{}access-control-request-method: PUT\r\n", page("http://localhost:8080"));
    let said = send("OPTIONS", &format!("/bucket/list?{signed}"), &question, "").await;
    assert!(said.contains("access-control-allow-origin: http://localhost:8080\r\n"), "{said}");
    for (origin, path, status) in [
        ("http://localhost:8080", "/bucket/list", 200),
        ("http://localhost:8080", "/other/list", 403),
        ("http://localhost:3000", "/bucket/list", 403),
        ("http://evil.example", "/bucket/list", 403),
    ] {
        let said = send("PUT", &format!("{path}?{signed}"), &page(origin), "x").await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{origin} {path}: {said}");
    }
    // Beside the bucket nothing is opened, nor under a name that means this machine since a second ago.
    let said = send("POST", "/", &page("http://localhost:8080"), "Action=ListTopics").await;
    assert!(said.starts_with("HTTP/1.1 403 "), "{said}");
    let rebound = format!(
        "PUT /bucket/x?{signed} HTTP/1.1\r\nhost: evil.example\r\n{}connection: close\r\ncontent-length: 0\r\n\r\n",
        page("http://localhost:8080")
    );
    assert!(rest(port.send(rebound).await).await.starts_with("HTTP/1.1 403 "));
    port.stop().await;
}

#[tokio::test]
async fn no_page_of_another_site_reaches_the_api() {
    let port = Port::api(limits(10)).await;
    for headers in FOREIGN {
        let text = format!("POST /length HTTP/1.1\r\n{headers}content-length: 2\r\n\r\n{{}}");
        let said = rest(port.send(text).await).await;
        assert!(said.starts_with("HTTP/1.1 403 ") && said.contains("application/problem+json"), "{said}");
    }
    let rebound = "GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    assert!(rest(port.send(rebound).await).await.starts_with("HTTP/1.1 403 "));
    let link = "GET / HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\n\
                sec-fetch-dest: document\r\nconnection: close\r\n\r\n";
    assert!(rest(port.send(link).await).await.starts_with("HTTP/1.1 200 "));
    port.stop().await;
}

/// Asks an endpoint on a socket; gives status and body.
async fn asked(requests: Vec<Sent<String>>) -> Vec<(u16, String)> {
    let port = Port::aws().await;
    let client = HttpClient::new();
    let mut answers = Vec::new();
    for mut request in requests {
        *request.uri_mut() = format!("http://{}{}", port.address, request.uri()).parse().unwrap();
        let answer = client.send(request).await.unwrap();
        answers.push((answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).unwrap()));
    }
    port.stop().await;
    answers
}

fn form(body: &str) -> Sent<String> {
    let kind = "application/x-www-form-urlencoded; charset=utf-8";
    Sent::post("/").header("content-type", kind).body(body.to_owned()).unwrap()
}

fn target(target: &str, body: &str) -> Sent<String> {
    Sent::post("/").header("x-amz-target", target).body(body.to_owned()).unwrap()
}

#[tokio::test]
async fn one_address_answers_for_every_service() {
    let answers = asked(vec![
        Sent::get("/").body(String::new()).unwrap(),
        form("Action=GetCallerIdentity&Version=2011-06-15"),
        form("Action=ListTopics&Version=2010-03-31"),
        target("DynamoDB_20120810.ListTables", "{}"),
    ])
    .await;
    let words =
        ["AWS endpoint", "<Account>123456789012</Account>", "<ListTopicsResult>", r#"{"TableNames":[]}"#];
    for ((status, body), words) in answers.iter().zip(words) {
        assert_eq!(*status, 200, "{body}");
        assert!(body.contains(words), "{body}");
    }
}

#[tokio::test]
async fn what_nobody_serves_is_refused_in_the_protocol_of_the_caller() {
    let answers = asked(vec![
        target("Kinesis_20131202.ListStreams", "{}"),
        target("DynamoDB_20120810.Invent", "{}"),
        target("AWSStepFunctions.ListStateMachines", "{}"),
        form("Action=Invent&Version=2010-03-31"),
        form("Action=AssumeRole&Version=2011-06-15"),
        Sent::get("/bucket/key").body(String::new()).unwrap(),
    ])
    .await;
    let expected = [
        (400, "UnknownOperationException"),
        (400, "UnknownOperationException"),
        // The engine is not there yet.
        (503, "ServiceUnavailable"),
        (400, "<Code>InvalidAction</Code>"),
        (400, "<Code>InvalidAction</Code>"),
        (404, "nothing here"),
    ];
    for ((status, body), (expected, words)) in answers.iter().zip(expected) {
        assert_eq!(*status, expected, "{body}");
        assert!(body.contains(words), "{body}");
    }
}

#[tokio::test]
async fn a_request_beyond_every_limit_is_refused() {
    let port = Port::aws().await;
    let text = format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", MAX_AWS_BODY + 1);
    assert!(rest(port.send(text).await).await.starts_with("HTTP/1.1 413 "));
    port.stop().await;
}
