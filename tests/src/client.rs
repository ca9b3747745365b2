//! A client with the API's verbs, so that a test reads as a story.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{TIMEOUT, eventually_within};

/// Speaks to one stack as its organiser, or as nobody.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// What came back: the status, the headers and the body, JSON where it is JSON.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error} in {}: {}", self.status, self.text))
    }

    /// The body as JSON of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Client {
    /// Speaks to the API at `base` (such as `http://127.0.0.1:8080`) with the organiser's token.
    pub fn organiser(base: &str, token: &str) -> Self {
        Self { http: crate::http(), base: base.to_owned(), token: Some(token.to_owned()) }
    }

    /// The same API, asked without a token.
    pub fn anonymous(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        self.try_send(method, path, headers, body).await.unwrap()
    }

    /// Like [`send`](Self::send) where the other side may be killed while it answers.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], body.to_string().into()).await
    }

    /// Creates a lottery of that id in English.
    pub async fn create_lottery(&self, lottery: &str) {
        let body = json!({"id": lottery, "name": "Company party", "email_through": "sns"});
        self.post("/lotteries", &body).await.expect(201);
    }

    /// Imports CSV text, and answers the report.
    pub async fn import(&self, lottery: &str, csv: &str) -> Value {
        let path = format!("/lotteries/{lottery}/participants");
        self.send(Method::POST, &path, &[("content-type", "text/csv")], csv.into()).await.expect(200)
    }

    /// A lottery with the ten employees in it.
    pub async fn lottery_of_employees(&self, lottery: &str) {
        self.create_lottery(lottery).await;
        let report = self.import(lottery, crate::EMPLOYEES).await;
        assert_eq!(report["accepted"], 10, "{report}");
    }

    /// POSTs a draw, and answers its id.
    pub async fn start_draw(&self, lottery: &str, request: Value) -> String {
        let answer = self.post(&format!("/lotteries/{lottery}/draws"), &request).await;
        answer.expect(202)["draw_id"].as_str().unwrap().to_owned()
    }

    pub async fn draw(&self, lottery: &str, draw: &str) -> Value {
        self.get(&format!("/lotteries/{lottery}/draws/{draw}")).await.expect(200)
    }

    /// Waits for the draw's end, and answers it.
    pub async fn wait_for_end(&self, lottery: &str, draw: &str) -> Value {
        self.wait_for_end_within(TIMEOUT, lottery, draw).await
    }

    /// Waits until the draw has ended, for so long at most, and answers it.
    pub async fn wait_for_end_within(&self, limit: Duration, lottery: &str, draw: &str) -> Value {
        eventually_within(limit, "the end of a draw", async || {
            let draw = self.draw(lottery, draw).await;
            let status = draw["status"].as_str().unwrap();
            ["SUCCEEDED", "INCOMPLETE", "REJECTED", "FAILED", "CANCELLED", "ABANDONED"]
                .contains(&status)
                .then_some(draw)
        })
        .await
    }

    /// Starts a draw, waits for its end, and answers it.
    pub async fn run_draw(&self, lottery: &str, request: Value) -> Value {
        let draw = self.start_draw(lottery, request).await;
        self.wait_for_end(lottery, &draw).await
    }

    /// The ids of the people who won that draw, by rank.
    pub async fn winners(&self, lottery: &str, draw: &str) -> Vec<String> {
        let (mut ids, mut query) = (Vec::new(), String::new());
        loop {
            let page =
                self.get(&format!("/lotteries/{lottery}/draws/{draw}/winners{query}")).await.expect(200);
            let winners = page["winners"].as_array().unwrap().iter();
            ids.extend(winners.map(|winner| winner["participant_id"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { return ids };
            query = format!("?cursor={cursor}");
        }
    }

    /// The inbox: every message of that draw that SNS delivered.
    pub async fn messages(&self, draw: &str) -> Vec<Value> {
        let answer = self.get(&format!("/local/messages?draw_id={draw}")).await.expect(200);
        answer["messages"].as_array().unwrap().clone()
    }

    /// The addresses that got a message of that draw on that channel. Panics if one got two.
    pub async fn addressed(&self, draw: &str, channel: &str) -> BTreeSet<String> {
        let messages = self.messages(draw).await;
        let addresses: Vec<_> = messages
            .iter()
            .filter(|message| message["channel"] == channel)
            .map(|message| message["address"].as_str().unwrap().to_owned())
            .collect();
        let distinct: BTreeSet<_> = addresses.iter().cloned().collect();
        assert_eq!(distinct.len(), addresses.len(), "an address got two messages: {addresses:?}");
        distinct
    }
}

/// The phone of an employee, as `examples/employees.csv` has it.
pub fn phone_of(participant: &str) -> String {
    column_of(participant, 2)
}

/// The e-mail address of an employee, as `examples/employees.csv` has it.
pub fn email_of(participant: &str) -> String {
    column_of(participant, 3)
}

fn column_of(participant: &str, column: usize) -> String {
    let line = crate::EMPLOYEES.lines().find(|line| line.starts_with(participant)).unwrap();
    line.split(',').nth(column).unwrap().to_owned()
}
