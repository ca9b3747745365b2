//! One whole draw in the terminal: the ten employees of the talk, two winners, the messages that these two get, and whether
//! the proof of it holds.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, header};
use serde_json::{Value, json};

use crate::http_client::{HttpClient, NoAnswer};
use crate::{Config, Stack, StartError};

/// `examples/employees.csv`: ten employees, as the API imports them.
pub const EMPLOYEES: &str = include_str!("../../../examples/employees.csv");

/// Far more than a draw of two takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why the demo did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The stack does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The API did not answer.
    #[error("the API did not answer: {0}")]
    NoAnswer(String),
    /// The API answered with a problem.
    #[error("the API answered {status} to {call}: {body}")]
    Refused {
        /// What was asked.
        call: String,
        /// The status of the answer.
        status: u16,
        /// Its body.
        body: String,
    },
    /// The draw ended in another way than it should.
    #[error("the draw ended as {0}")]
    Ended(String),
    /// There is nowhere to print to.
    #[error("cannot print: {0}")]
    Print(#[from] io::Error),
}

/// Starts a stack in memory, runs the draw over HTTP, prints what happens, and stops the stack.
pub async fn run(out: &mut impl Write) -> Result<(), DemoError> {
    let config = Config { reconcile_every: Duration::from_secs(60), ..Config::in_memory() };
    let stack = Stack::start(config).await?;
    let outcome = draw(&stack, out).await;
    stack.shutdown().await;
    outcome
}

async fn draw(stack: &Stack, out: &mut impl Write) -> Result<(), DemoError> {
    let api = Client { http: HttpClient::new(), base: stack.api_url.clone(), token: stack.token.clone() };
    writeln!(out, "A stack in memory at {}: ten employees, two prizes.\n", stack.api_url)?;
    let party = json!({"id": "party", "name": "Company party"}).to_string();
    api.call(Method::POST, "/lotteries", JSON, party).await?;
    api.call(Method::POST, "/lotteries/party/participants", "text/csv", EMPLOYEES.to_owned()).await?;
    let body = json!({"winners": 2}).to_string();
    let started = api.call(Method::POST, "/lotteries/party/draws", JSON, body).await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (draw_id, execution) = (text(&started["draw_id"]), text(&started["execution_arn"]));
    writeln!(out, "POST /lotteries/party/draws {{\"winners\": 2}} started draw {draw_id}")?;
    let status = follow(&api, &execution, out).await?;
    if status != "SUCCEEDED" {
        return Err(DemoError::Ended(status));
    }

    let winners = api.get(&format!("/lotteries/party/draws/{draw_id}/winners")).await?;
    writeln!(out, "\nWinners")?;
    for winner in winners["winners"].as_array().into_iter().flatten() {
        writeln!(out, "  {} {}", text(&winner["participant_id"]), text(&winner["name"]))?;
    }
    let messages = api.get(&format!("/local/messages?draw_id={draw_id}")).await?;
    writeln!(out, "\nMessages in the inbox")?;
    for message in messages["messages"].as_array().into_iter().flatten() {
        let first_line = message["text"].as_str().and_then(|text| text.lines().find(|line| !line.is_empty()));
        let gist = message["subject"].as_str().or(first_line).unwrap_or_default();
        writeln!(out, "  {:5} to {}: {gist}", text(&message["channel"]), text(&message["address"]))?;
    }
    check_proof(&api, &draw_id, out).await
}

/// Checks the draw as anybody can: with the published proof, and the code of `verify-draw`.
async fn check_proof(api: &Client, draw_id: &str, out: &mut impl Write) -> Result<(), DemoError> {
    let path = format!("/lotteries/party/draws/{draw_id}/proof");
    let proof = api.call_for_bytes(Method::GET, &path, JSON, String::new()).await?;
    let report = lottery::verify::verify(&proof, &lottery::verify::Options::default());
    writeln!(out, "\nProof of the draw, checked as `verify-draw` does")?;
    for step in &report.steps {
        let mark = match (step.holds, step.open) {
            (true, _) => "ok",
            (false, true) => "open",
            (false, false) => "NO",
        };
        writeln!(out, "  {mark} {}: {}", step.step, step.found)?;
    }
    writeln!(out, "\n{}", report.verdict)?;
    if report.holds { Ok(()) } else { Err(DemoError::Ended("a draw whose proof does not hold".to_owned())) }
}

/// Prints a line for each state that the execution enters, as it does so; gives the status at its end.
async fn follow(api: &Client, execution: &str, out: &mut impl Write) -> Result<String, DemoError> {
    let asked = Instant::now();
    let mut seen = 0;
    let mut printed = BTreeSet::new();
    let mut began = None;
    loop {
        let shown = api.get(&format!("/local/executions/{execution}?after={seen}")).await?;
        let events = shown["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        seen += events.len();
        for event in events {
            let timestamp = event["timestamp"].as_f64().unwrap_or_default();
            let since = timestamp - *began.get_or_insert(timestamp);
            let line = match event["type"].as_str().unwrap_or_default() {
                end @ ("ExecutionSucceeded" | "ExecutionFailed" | "ExecutionAborted") => end,
                _ => event["stateEnteredEventDetails"]["name"].as_str().unwrap_or_default(),
            };
            // Every batch of notifications enters the same states.
            if !line.is_empty() && printed.insert(line.to_owned()) {
                writeln!(out, "  {since:7.3} s  {line}")?;
                out.flush()?;
            }
        }
        let status = shown["status"].as_str().unwrap_or_default();
        if status != "RUNNING" && shown["more_events"] == false {
            return Ok(status.to_owned());
        }
        if asked.elapsed() > TIMEOUT {
            return Err(DemoError::Ended(format!("{status} after {} s", TIMEOUT.as_secs())));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const JSON: &str = "application/json";

/// Speaks to the API as the organiser.
struct Client {
    http: HttpClient,
    base: String,
    token: String,
}

impl Client {
    async fn get(&self, path: &str) -> Result<Value, DemoError> {
        self.call(Method::GET, path, JSON, String::new()).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<Value, DemoError> {
        let answer = self.call_for_bytes(method, path, content_type, body).await?;
        serde_json::from_slice(&answer).map_err(|error| DemoError::NoAnswer(error.to_string()))
    }

    async fn call_for_bytes(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<Bytes, DemoError> {
        let request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, content_type)
            .header(header::ACCEPT, JSON)
            .body(body)
            .map_err(|error| DemoError::NoAnswer(error.to_string()))?;
        let response = self.http.send(request).await.map_err(|NoAnswer(text)| DemoError::NoAnswer(text))?;
        if !response.status().is_success() {
            return Err(DemoError::Refused {
                call: format!("{method} {path}"),
                status: response.status().as_u16(),
                body: String::from_utf8_lossy(response.body()).into_owned(),
            });
        }
        Ok(response.into_body())
    }
}
