//! What the log holds, and what it must not.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::Request;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::Service;

/// A log that is kept in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_tells_requests_and_draws_and_nothing_personal() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(log.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    // With a single subscriber `tracing` asks that of the thread which comes to a log line first: another test's, none.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    tracing::callsite::rebuild_interest_cache();

    let service = Service::with_party().await;
    service.aws.fail_next("Subscribe", 400, "InvalidParameter");
    for body in [
        "participant_id,name,phone,email\n007,Rosalind Tyler,+12025550147,rosalind@example.com\n",
        "participant_id,name,phone,email\n007,Rosalind Tyler,+12025550147,rosalind@example.com\n",
        "participant_id,name,phone\n008,Rosalind Twin,+12025550147\n",
        "participant_id,name,phone\n009,\"Rosalind Open,+12025550148\n",
    ] {
        service.import_csv(body).await;
    }
    service.get_as_organiser("/lotteries/party/participants?search=Rosalind").await.expect(200);
    service.get_as_organiser("/lotteries/party/participants?search=%2B12025550147").await.expect(200);
    service.delete("/lotteries/party/participants/007").await.expect(204);
    service.delete("/lotteries/party/participants/Rosalind").await.expect(404);
    let draw = service.post("/lotteries/party/draws", json!({ "winners": 2 })).await.expect(202).json();
    let request = Request::get("/Rosalind?phone=12025550147").header("x-request-id", "request-7");
    service.call(request.body(Body::empty()).unwrap()).await.expect(404);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for expected in
        ["lottery_id=party", draw["draw_id"].as_str().unwrap(), "request-7", "/lotteries/{lottery_id}/draws"]
    {
        assert!(text.contains(expected), "{expected} is not in the log:\n{text}");
    }
    for personal in ["Rosalind", "rosalind", "12025550147", "12025550148", "Bearer", "eyJ"] {
        if let Some(line) = text.lines().find(|line| line.contains(personal)) {
            panic!("the log holds {personal}: {line}");
        }
    }
}
