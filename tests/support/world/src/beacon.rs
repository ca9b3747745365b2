//! A beacon whose relays answer as the test says: in time, late, wrongly, or not at all.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use lottery::beacon::local::LocalBeacon;
use lottery::beacon::{Chain, Period};
use lottery::timestamp::ProofTimestamp;
use serde_json::json;
use workflow_tasks::Clock;

use crate::ManualClock;

/// What a relay answers to one request, if not the round that was asked for.
#[derive(Clone, Copy, Debug)]
pub enum Misbehaviour {
    Down,
    ServerError,
    Nonsense,
    AnotherRound,
    /// The right number, with a signature of another key.
    Forged,
    /// The right number, with the signature of another round.
    Exchanged,
}

#[derive(Clone)]
pub struct Beacon {
    local: LocalBeacon,
    clock: Arc<ManualClock>,
    answers: Arc<Mutex<VecDeque<Misbehaviour>>>,
    asked: Arc<Mutex<Vec<String>>>,
    ahead: Arc<Mutex<u64>>,
}

impl Beacon {
    pub fn new(clock: Arc<ManualClock>) -> Self {
        let period = Period::try_from(3).unwrap();
        let local = LocalBeacon::from_seed(&[5; 32], 1_700_000_000, period);
        Self { local, clock, answers: Arc::default(), asked: Arc::default(), ahead: Arc::default() }
    }

    pub fn chain(&self) -> &Chain {
        self.local.chain()
    }

    /// The next requests, to whichever relay, are answered so.
    pub fn misbehave(&self, answers: impl IntoIterator<Item = Misbehaviour>) {
        self.answers.lock().unwrap().extend(answers);
    }

    /// The addresses that were asked.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn latest(&self) -> (u16, String) {
        let now = ProofTimestamp::from_millisecond(self.clock.now().as_millisecond() + 1).unwrap();
        let latest = self.chain().first_round_at(now) - 1 + *self.ahead.lock().unwrap();
        (200, json!({"round": latest, "signature": self.local.round(latest).signature}).to_string())
    }

    /// The beacon's time is so many rounds ahead of the clock of the tasks.
    pub fn be_ahead(&self, rounds: u64) {
        *self.ahead.lock().unwrap() = rounds;
    }

    fn answer(&self, address: &str) -> Result<(u16, String), ConnectorError> {
        if address.ends_with("/public/latest") {
            return Ok(self.latest());
        }
        self.asked.lock().unwrap().push(address.to_owned());
        let path = format!("/{}/public/", self.chain().hash());
        let (_, round) = address.split_once(&path).expect("only rounds of the chain are asked for");
        let round: u64 = round.parse().unwrap();
        let right = self.local.round(round);
        let stranger = LocalBeacon::from_seed(&[6; 32], 1_700_000_000, Period::try_from(3).unwrap());
        let (number, signature) = match self.answers.lock().unwrap().pop_front() {
            None => {
                let due = self.chain().time_of(round).unwrap();
                let now = ProofTimestamp::from_millisecond(self.clock.now().as_millisecond()).unwrap();
                if now < due {
                    return Ok((404, "not yet".to_owned()));
                }
                (round, right.signature)
            }
            Some(Misbehaviour::Down) => return Err(ConnectorError::io("connection refused".into())),
            Some(Misbehaviour::ServerError) => return Ok((500, String::new())),
            Some(Misbehaviour::Nonsense) => return Ok((200, "<html>".to_owned())),
            Some(Misbehaviour::AnotherRound) => (round - 1, self.local.round(round - 1).signature),
            Some(Misbehaviour::Forged) => (round, stranger.round(round).signature),
            Some(Misbehaviour::Exchanged) => (round, self.local.round(round - 1).signature),
        };
        Ok((200, json!({"round": number, "signature": signature, "randomness": "whatever"}).to_string()))
    }
}

impl HttpConnector for Beacon {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(
            self.answer(request.uri())
                .map(|(status, body)| HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))),
        )
    }
}

impl fmt::Debug for Beacon {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Beacon")
    }
}
