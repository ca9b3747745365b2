//! One lottery, its tasks, and everything around them under the test's control.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]
#![allow(missing_docs, reason = "the names say what a test does with them")]

pub mod beacon;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use lottery::proof::{Proof, ProofBeacon};
use lottery::signature::OrganiserKey;
use lottery::webhook::Reach;
use lottery::{Draw, DrawId, DrawRequest, DrawStatus, Entry, LotteryId, ParticipantId};
use lottery_store::{Notification, NotificationState, Store, Tables, Winner};
use serde_json::{Value, json};
use tokio::sync::Notify;
use workflow_tasks::{
    BeaconConfig, Clock, Config, DeliveryConfig, Metrics, Services, TaskContext, TaskError, invoke,
};

use crate::beacon::Beacon;
use test_support::dynamodb::{self, DynamoDb};
use test_support::executions::Executions;
use test_support::sns::Sns;

pub const STATE_MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:lottery";
/// The functions up to and with the pivot, in their order.
pub const PATH: [&str; 4] = ["seal-entries", "fetch-beacon", "draw-winners", "record-winners"];
/// Each channel with its function.
pub const CHANNELS: [(&str, &str); 2] = [("sms", "send-sms"), ("email", "send-email")];
pub const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:party";

pub struct World {
    pub cx: TaskContext,
    pub dynamodb: DynamoDb,
    pub sns: Sns,
    pub executions: Executions,
    pub beacon: Beacon,
    pub clock: Arc<ManualClock>,
    pub lottery_id: LotteryId,
    death: Death,
}

/// Clients of the doubles; the end-to-end tests cover what has none here.
fn services(sns: &Sns, executions: &Executions, beacon: &Beacon) -> Services {
    let sns = aws_sdk_sns::Client::from_conf(
        aws_sdk_sns::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials())
            .endpoint_url("http://sns.invalid")
            .http_client(client(sns.clone()))
            .build(),
    );
    let sfn = aws_sdk_sfn::Client::from_conf(
        aws_sdk_sfn::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials())
            .endpoint_url("http://states.invalid")
            .http_client(client(executions.clone()))
            .build(),
    );
    Services::new(SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build())
        .with_sns(sns)
        .with_sfn(sfn)
        .with_http(SharedHttpConnector::new(beacon.clone()))
}

impl World {
    /// The lottery `party` with nobody in it.
    pub async fn new() -> Self {
        let (_, dynamodb, lottery_id) = dynamodb::store_with_party().await;
        dynamodb.set("Lottery", "LOTTERY#party", "LOTTERY", "topic_arn", TOPIC);
        let sns = Sns::default();
        let executions = Executions::default();
        let clock = Arc::new(ManualClock(Mutex::new(dynamodb::now())));
        let beacon = Beacon::new(clock.clone());
        let death = Death::default();
        let cx = TaskContext {
            store: Store::new(
                aws_sdk_dynamodb::Client::from_conf(
                    aws_sdk_dynamodb::Config::builder()
                        .behavior_version(BehaviorVersion::latest())
                        .region(Region::new("us-east-1"))
                        .credentials_provider(credentials())
                        .endpoint_url("http://dynamodb.invalid")
                        .http_client(client(Yielding(dynamodb.clone(), death.clone())))
                        .build(),
                ),
                Tables { lottery: "Lottery".to_owned(), contacts: "Contacts".to_owned() },
            ),
            services: services(&sns, &executions, &beacon),
            config: Config {
                lottery_table: "Lottery".to_owned(),
                contacts_table: "Contacts".to_owned(),
                public_url: "https://lottery.example".to_owned(),
                sms_max_price: "0.25".to_owned(),
                beacon: BeaconConfig {
                    chain: beacon.chain().clone(),
                    margin_seconds: 1,
                    relays: vec!["http://one.invalid".to_owned(), "http://other.invalid".to_owned()],
                },
                authorities: Vec::new(),
                organiser_secret: None,
                email_sender: None,
                delivery: DeliveryConfig::default(),
                metrics_namespace: None,
                state_machine_arn: Some(STATE_MACHINE.to_owned()),
                webhook_queue_url: None,
                channels: lottery::Channel::ALL.to_vec(),
                webhook_reach: Reach::Public,
                lists_bucket: None,
            },
            organiser_key: Some(OrganiserKey::from_seed(&[7; 32])),
            metrics: Metrics::default(),
            clock: clock.clone(),
        };
        Self { cx, dynamodb, sns, executions, beacon, clock, lottery_id, death }
    }

    /// The lottery with `count` people who have phones.
    pub async fn with_phones(count: usize) -> Self {
        let world = Self::new().await;
        let participants = (1..=count)
            .map(|number| dynamodb::with_phone(&format!("{number:03}"), &format!("+1202555{number:04}")));
        let now = dynamodb::now();
        world.cx.store.put_participants(&world.lottery_id, participants.collect(), now).await.unwrap();
        world
    }

    pub async fn import(&self, participant: lottery::Participant) {
        dynamodb::put(&self.cx.store, &self.lottery_id, participant).await;
    }

    /// Someone with an e-mail address whose subscription has the state that its ARN names.
    pub async fn import_subscriber(&self, id: &str, subscription: &str) {
        let fields = json!({"participant_id": id, "name": "Rose", "email": format!("p{id}@example.com")});
        let participant = dynamodb::participant(fields);
        self.import(participant.clone()).await;
        let (id, email) = (&participant.participant_id, participant.email.as_ref().unwrap());
        let arn = format!("{TOPIC}:{subscription}");
        // Long enough ago for SNS to have applied the filter policy.
        let subscribed_at = self.clock.now() - Duration::from_secs(86_400);
        self.cx.store.set_subscription(&self.lottery_id, id, email, &arn, subscribed_at).await.unwrap();
    }

    /// Asks for a draw, as the API does.
    pub async fn ask(&self, draw_id: &str, request: Value) -> DrawId {
        let draw_id = DrawId::parse(draw_id).unwrap();
        let now = self.clock.now();
        let lottery = self.cx.store.lottery(&self.lottery_id).await.unwrap().unwrap();
        let draw = DrawRequest::parse(&request, lottery.locale, now).unwrap().begin(
            self.lottery_id.clone(),
            draw_id.clone(),
            now,
        );
        self.cx.store.create_draw(&draw).await.unwrap();
        draw_id
    }

    pub async fn call(&self, function: &str, draw_id: &DrawId) -> Result<Value, TaskError> {
        self.call_with(function, draw_id, json!({})).await
    }

    pub async fn call_with(&self, function: &str, draw_id: &DrawId, more: Value) -> Result<Value, TaskError> {
        if function == "fetch-beacon" {
            self.wait_for_beacon(draw_id).await;
        }
        let mut input = json!({"lottery_id": self.lottery_id, "draw_id": draw_id});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        invoke(&self.cx, function, input).await
    }

    /// Calls a function whose process is killed at its so many-th call of DynamoDB. `false` if it makes fewer.
    pub async fn kill(&self, function: &str, draw_id: &DrawId, at: Kill, call: usize) -> bool {
        self.kill_with(function, draw_id, json!({}), at, call).await
    }

    /// The same, with more in its input.
    pub async fn kill_with(
        &self,
        function: &str,
        draw_id: &DrawId,
        more: Value,
        at: Kill,
        call: usize,
    ) -> bool {
        self.kill_call(async { self.call_with(function, draw_id, more).await.unwrap() }, at, call).await
    }

    /// Does something in a process that is killed at its so many-th call of DynamoDB. `false` if it makes fewer.
    pub async fn kill_call<T>(&self, work: impl Future<Output = T>, at: Kill, call: usize) -> bool {
        *self.death.plan.lock().unwrap() = Plan::Dies(at, call);
        let is_killed = tokio::select! {
            _ = work => false,
            () = self.death.came.notified() => true,
        };
        *self.death.plan.lock().unwrap() = Plan::Lives;
        is_killed
    }

    /// What the state WaitForBeacon does.
    pub async fn wait_for_beacon(&self, draw_id: &DrawId) {
        let draw = self.cx.store.draw(&self.lottery_id, draw_id).await.unwrap();
        if let Some(round_at) = draw.and_then(|draw| draw.round_at) {
            self.clock.advance_to(round_at);
        }
    }

    /// The tasks up to and with the pivot.
    pub async fn record(&self, draw_id: &DrawId) {
        for function in PATH {
            self.call(function, draw_id).await.unwrap();
        }
    }

    /// One run on each channel that the draw asks for, from the first rank on; what the state machine does after it is
    /// not done.
    pub async fn notify(&self, draw_id: &DrawId) -> Vec<Result<Value, TaskError>> {
        let recorded = self.call("record-winners", draw_id).await.unwrap();
        let mut answers = Vec::new();
        for (channel, function) in CHANNELS {
            let position = &recorded["notify"][channel];
            if position["next"] != json!(0) {
                answers.push(self.call_with(function, draw_id, json!({ "position": position })).await);
            }
        }
        answers
    }

    /// What a branch of the state machine does: runs with waits between them, until nothing is left. Returns
    /// the position of the channel then, and how long it waited each time.
    pub async fn send_all(&self, function: &str, draw_id: &DrawId, mut position: Value) -> (Value, Vec<u64>) {
        let mut waits = Vec::new();
        while position["next"] != json!(0) {
            assert!(position["passes"].as_u64().unwrap() < 250, "{position}");
            match position["wait_seconds"].as_u64().unwrap() {
                0 => {}
                seconds => {
                    waits.push(seconds);
                    self.clock.advance(Duration::from_secs(seconds));
                }
            }
            match self.call_with(function, draw_id, json!({ "position": position })).await {
                Ok(answer) => position = answer["position"].clone(),
                Err(_) => {
                    position["wait_seconds"] = json!(60);
                    position["passes"] = json!(position["passes"].as_u64().unwrap() + 1);
                }
            }
        }
        (position, waits)
    }

    /// The whole draw as the state machine runs it.
    pub async fn run(&self, draw_id: &DrawId) {
        self.record(draw_id).await;
        self.run_resumed(draw_id).await;
    }

    /// The draw from the pivot on, as a resumed execution runs it.
    pub async fn run_resumed(&self, draw_id: &DrawId) {
        let mut notify = self.call("record-winners", draw_id).await.unwrap()["notify"].clone();
        for _ in 0..20 {
            for (channel, function) in CHANNELS {
                notify[channel] = self.send_all(function, draw_id, notify[channel].clone()).await.0;
            }
            let ended = self.end("complete-draw", draw_id, &notify).await;
            match ended["outcome"].as_str().unwrap() {
                "COMPLETE" => return,
                "INCOMPLETE" => {
                    assert_eq!(self.end("mark-incomplete", draw_id, &notify).await["outcome"], "INCOMPLETE");
                    return;
                }
                _ => notify = ended["notify"].clone(),
            }
        }
        panic!("draw {draw_id} does not end");
    }

    /// One pass over both channels of a held draw, as after a look at what is released.
    pub async fn run_resumed_held(&self, draw_id: &DrawId) {
        let notify = self.call("record-winners", draw_id).await.unwrap()["notify"].clone();
        for (channel, function) in CHANNELS {
            self.send_all(function, draw_id, notify[channel].clone()).await;
        }
    }

    /// One of the two ends of a draw.
    pub async fn end(&self, function: &str, draw_id: &DrawId, notify: &Value) -> Value {
        self.call_with(function, draw_id, json!({ "notify": notify })).await.unwrap()
    }

    pub async fn draw(&self, draw_id: &DrawId) -> Draw {
        self.cx.store.draw(&self.lottery_id, draw_id).await.unwrap().unwrap()
    }

    pub async fn status(&self, draw_id: &DrawId) -> DrawStatus {
        self.draw(draw_id).await.status
    }

    /// The participants who have won and did not forfeit their seats, by rank.
    pub async fn winners(&self, draw_id: &DrawId) -> Vec<String> {
        let winners = self.cx.store.winners(&self.lottery_id, draw_id).await.unwrap();
        let seated = winners.into_iter().filter(Winner::has_seat);
        seated.map(|winner| winner.participant_id.to_string()).collect()
    }

    /// The participants of the ranking, by rank, as it is written: winners and alternates.
    pub async fn ranked(&self, draw_id: &DrawId) -> Vec<ParticipantId> {
        let ranking = self.cx.store.ranked_entries(&self.lottery_id, draw_id).await.unwrap();
        ranking.into_iter().map(|entry| entry.participant_id).collect()
    }

    pub async fn withdraw(&self, participant_id: &ParticipantId) {
        self.withdraw_at(participant_id, self.clock.now()).await;
    }

    /// Withdraws somebody right after the seal of a draw, so before its round: the test knows who wins, they do not.
    pub async fn withdraw_before_round(&self, draw_id: &DrawId, participant_id: &ParticipantId) {
        self.withdraw_at(participant_id, self.draw(draw_id).await.sealed_at.unwrap()).await;
    }

    async fn withdraw_at(&self, participant_id: &ParticipantId, at: Timestamp) {
        self.cx.store.withdraw_participant(&self.lottery_id, participant_id, at).await.unwrap();
    }

    /// The proof and the entries as the API publishes them.
    pub async fn proof(&self, draw_id: &DrawId) -> (Proof, Vec<Entry>) {
        let store = &self.cx.store;
        let seal = store.seal(&self.lottery_id, draw_id).await.unwrap().unwrap();
        let ranking = store.ranking(&self.draw(draw_id).await).await.unwrap();
        let ranking = ranking.map(|ranking| ranking.into_iter().map(|entry| entry.ranked).collect());
        let entries = store.chunks(&seal, 0..seal.chunks).await.unwrap();
        let round = store.round(&self.lottery_id, draw_id).await.unwrap();
        let beacon = ProofBeacon { chain: seal.chain, round };
        let witnesses =
            store.witnesses(&self.lottery_id, draw_id, &seal.manifest.commitment()).await.unwrap();
        let changes = store.seat_changes(&self.draw(draw_id).await).await.unwrap();
        let proof = Proof::new(beacon, seal.manifest, ranking, seal.signature, witnesses, changes);
        (proof, entries.into_iter().flatten().map(|sealed| sealed.entry).collect())
    }

    /// The position of both channels before anything was sent.
    pub fn first(&self) -> Value {
        let first = json!({
            "next": 1, "postponed": 0, "wait_seconds": 0, "per_minute": 0, "passes": 0, "round": 0
        });
        let release = json!({"held": false, "claims": false, "next": "NOTIFY", "seen": 0, "reopened": 0, "looks": 0,
            "wait_seconds": 0, "others": false});
        json!({"sms": first, "email": first, "release": release})
    }

    pub async fn open_draw(&self) -> Option<DrawId> {
        self.cx.store.lottery(&self.lottery_id).await.unwrap().unwrap().open_draw
    }

    pub async fn ledger(&self, draw_id: &DrawId) -> Vec<Notification> {
        self.cx.store.notifications(&self.lottery_id, draw_id).await.unwrap()
    }

    /// The ledger of a draw of one winner on one channel: state and reason.
    pub async fn only_entry(&self, draw_id: &DrawId) -> Option<(NotificationState, Option<String>)> {
        let mut ledger = self.ledger(draw_id).await;
        assert!(ledger.len() <= 1, "{ledger:?}");
        ledger.pop().map(|entry| (entry.state, entry.reason))
    }
}

fn credentials() -> Credentials {
    Credentials::new("test", "test", None, None, "test")
}

fn client(connector: impl HttpConnector + 'static) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(connector);
    http_client_fn(move |_, _| connector.clone())
}

/// When, around a call of DynamoDB, a process is killed.
#[derive(Clone, Copy, Debug)]
pub enum Kill {
    /// Nothing has reached DynamoDB.
    BeforeCall,
    /// It has had its effect, and nobody hears of it.
    AfterCall,
}

/// The death of a process: from the call on at which it comes, no call is answered any more.
#[derive(Clone, Debug, Default)]
struct Death {
    plan: Arc<Mutex<Plan>>,
    came: Arc<Notify>,
}

#[derive(Debug, Default)]
enum Plan {
    #[default]
    Lives,
    Dies(Kill, usize),
    IsDead,
}

impl Death {
    /// Whether the call that is made now is answered, and if not, whether it still has its effect.
    fn at_this_call(&self) -> Option<Kill> {
        let mut plan = self.plan.lock().unwrap();
        match &mut *plan {
            Plan::Lives => None,
            Plan::Dies(at, 1) => {
                let at = *at;
                *plan = Plan::IsDead;
                self.came.notify_one();
                Some(at)
            }
            Plan::Dies(_, calls) => {
                *calls -= 1;
                None
            }
            Plan::IsDead => Some(Kill::BeforeCall),
        }
    }
}

/// Lets other tasks run before each call, so that tasks called at the same time really interleave.
#[derive(Debug)]
struct Yielding(DynamoDb, Death);

impl HttpConnector for Yielding {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self(database, death) = self;
        let (database, death) = (database.clone(), death.clone());
        HttpConnectorFuture::new(async move {
            tokio::task::yield_now().await;
            match death.at_this_call() {
                None => return database.call(request).await,
                Some(Kill::BeforeCall) => {}
                Some(Kill::AfterCall) => drop(database.call(request).await),
            }
            std::future::pending().await
        })
    }
}

/// A clock that only the test, and waiting, moves.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub fn advance(&self, duration: Duration) {
        *self.0.lock().unwrap() += duration;
    }

    /// Shows this time, even an earlier one.
    pub fn set(&self, timestamp: Timestamp) {
        *self.0.lock().unwrap() = timestamp;
    }

    /// Moves to this time, unless it is past.
    pub fn advance_to(&self, timestamp: Timestamp) {
        let mut now = self.0.lock().unwrap();
        *now = timestamp.max(*now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.advance(duration);
        Box::pin(tokio::task::yield_now())
    }
}
