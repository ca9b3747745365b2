//! A store on a DynamoDB of its own, in memory and without a socket: the SDK's requests go straight to it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{
    AsyncSleep, BehaviorVersion, Credentials, Region, Sleep, StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError};
use jiff::Timestamp;
use lottery::{LotteryId, NewLottery, Participant, ParticipantFields};
use lottery_store::{PutParticipant, Store, Tables};
use serde_json::{Value, json};

/// The time at which a test begins.
pub fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A DynamoDB in memory that remembers what it was asked, and whose answers a test can replace.
#[derive(Clone)]
pub struct DynamoDb {
    database: Arc<Database>,
    script: Arc<Mutex<Script>>,
}

/// What a test does in between.
type Act = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Script {
    /// Answers to give instead of acting, each for the next call of an operation.
    answers: VecDeque<(&'static str, u16, Value)>,
    calls: Vec<String>,
    /// What happens right after so many further calls of an operation have acted.
    after: Vec<(&'static str, usize, Act)>,
    /// The read and the write units that calls took, if they are asked for.
    units: Option<(f64, f64)>,
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DynamoDb")
    }
}

/// A scripted answer that is none: the call goes through.
const PASS: u16 = 0;
/// The call goes through, and a server's error is answered.
const LOSE: u16 = 1;

impl DynamoDb {
    /// An empty one.
    pub fn in_memory() -> Self {
        Self { database: Arc::new(Database::memory().unwrap()), script: Arc::default() }
    }

    /// Answers the next call of `operation` with this error, and does nothing.
    pub fn fail_next(&self, operation: &'static str, status: u16, error: Value) {
        self.script.lock().unwrap().answers.push_back((operation, status, error));
    }

    /// Lets the next call of `operation` pass; what is scripted after it comes next.
    pub fn pass_next(&self, operation: &'static str) {
        self.fail_next(operation, PASS, Value::Null);
    }

    /// Lets the next call of `operation` have its effect, and answers it with a server's error all the same.
    pub fn lose_next(&self, operation: &'static str) {
        self.fail_next(operation, LOSE, Value::Null);
    }

    /// Does this as soon as the so many-th call of `operation` from now on has had its effect.
    pub fn after(&self, operation: &'static str, calls: usize, act: impl FnOnce() + Send + 'static) {
        self.script.lock().unwrap().after.push((operation, calls, Box::new(act)));
    }

    /// How often an operation was called.
    pub fn calls(&self, operation: &str) -> usize {
        self.script.lock().unwrap().calls.iter().filter(|call| *call == operation).count()
    }

    /// From now on, asks what each call costs.
    pub fn meter(&self) {
        self.script.lock().unwrap().units = Some((0.0, 0.0));
    }

    /// How many read and write units the calls took since it was asked what they cost.
    pub fn units(&self) -> (f64, f64) {
        self.script.lock().unwrap().units.unwrap_or_default()
    }

    /// Every item of a table.
    pub fn items(&self, table: &str) -> Vec<Value> {
        let scan = serde_json::from_value(json!({"TableName": table})).unwrap();
        let answer = serde_json::to_value(self.database.scan(scan).unwrap()).unwrap();
        answer["Items"].as_array().unwrap().clone()
    }

    /// Every item of a table, as text to search in.
    pub fn dump(&self, table: &str) -> String {
        Value::from(self.items(table)).to_string()
    }

    /// Writes an item without the store.
    pub fn put(&self, table: &str, pk: &str, sk: &str, attributes: Value) {
        let mut item = attributes;
        item["pk"] = json!({"S": pk});
        item["sk"] = json!({"S": sk});
        self.act("PutItem", &json!({"TableName": table, "Item": item}).to_string()).unwrap();
    }

    /// Erases an item without the store.
    pub fn delete(&self, table: &str, pk: &str, sk: &str) {
        let delete = json!({"TableName": table, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}});
        self.act("DeleteItem", &delete.to_string()).unwrap();
    }

    /// Sets a text attribute without the store.
    pub fn set(&self, table: &str, pk: &str, sk: &str, name: &str, value: &str) {
        let update = json!({
            "TableName": table, "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
            "UpdateExpression": "SET #name = :value",
            "ExpressionAttributeNames": {"#name": name},
            "ExpressionAttributeValues": {":value": {"S": value}}
        });
        self.act("UpdateItem", &update.to_string()).unwrap();
    }

    fn answer(&self, operation: &str, body: &str) -> (u16, String) {
        let mut is_lost = false;
        {
            let mut script = self.script.lock().unwrap();
            script.calls.push(operation.to_owned());
            if let Some(index) = script.answers.iter().position(|(scripted, ..)| *scripted == operation) {
                let (_, status, error) = script.answers.remove(index).unwrap();
                match status {
                    PASS => {}
                    LOSE => is_lost = true,
                    status => return (status, error.to_string()),
                }
            }
        }
        let is_metered = self.script.lock().unwrap().units.is_some();
        let asking = is_metered.then(|| body.replacen('{', "{\"ReturnConsumedCapacity\":\"TOTAL\",", 1));
        let acted = self.act(operation, asking.as_deref().unwrap_or(body));
        self.happen_after(operation);
        match acted {
            Ok(_) if is_lost => {
                (500, json!({"__type": "InternalServerError", "message": "lost"}).to_string())
            }
            Ok(answer) => {
                if let Some((read, written)) = &mut self.script.lock().unwrap().units {
                    let is_read = matches!(operation, "GetItem" | "BatchGetItem" | "Query");
                    *(if is_read { read } else { written }) += units_in(&answer);
                }
                (200, answer)
            }
            Err(error) => (error.status_code(), error.to_json()),
        }
    }

    fn happen_after(&self, operation: &str) {
        let mut due = Vec::new();
        {
            let after = &mut self.script.lock().unwrap().after;
            for (_, calls, _) in after.iter_mut().filter(|(of, ..)| *of == operation) {
                *calls -= 1;
            }
            while let Some(index) = after.iter().position(|(_, calls, _)| *calls == 0) {
                due.push(after.remove(index).2);
            }
        }
        due.into_iter().for_each(|act| act());
    }

    /// Does what the SDK asks for.
    pub fn act(&self, operation: &str, body: &str) -> Result<String, DynoxideError> {
        macro_rules! act {
            ($method:ident) => {{
                let request = serde_json::from_str(body).expect("the SDK sends what DynamoDB takes");
                Ok(serde_json::to_string(&self.database.$method(request)?).unwrap())
            }};
        }
        match operation {
            "CreateTable" => act!(create_table),
            "DescribeTimeToLive" => act!(describe_time_to_live),
            "UpdateTimeToLive" => act!(update_time_to_live),
            "GetItem" => act!(get_item),
            "PutItem" => act!(put_item),
            "UpdateItem" => act!(update_item),
            "DeleteItem" => act!(delete_item),
            "Query" => act!(query),
            "BatchGetItem" => act!(batch_get_item),
            "BatchWriteItem" => act!(batch_write_item),
            "TransactWriteItems" => act!(transact_write_items),
            other => panic!("the store is not meant to call {other}"),
        }
    }
}

/// What an answer says that the call cost, over all tables.
fn units_in(answer: &str) -> f64 {
    let tables = answer.split("\"CapacityUnits\":").skip(1);
    tables.filter_map(|rest| rest.split([',', '}']).next()?.parse::<f64>().ok()).sum()
}

impl HttpConnector for DynamoDb {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body = std::str::from_utf8(request.body().bytes().unwrap_or_default()).unwrap();
        let (status, answer) = self.answer(operation, body);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(answer))))
    }
}

/// A clock on which every wait is over at once.
#[derive(Debug)]
struct NoWaiting;

impl AsyncSleep for NoWaiting {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::ready(()))
    }
}

/// A store on empty tables, and its DynamoDB.
pub async fn store() -> (Store, DynamoDb) {
    let (store, database) = empty();
    store.create_missing_tables().await.unwrap();
    (store, database)
}

/// A store without its tables, and its DynamoDB.
pub fn empty() -> (Store, DynamoDb) {
    let database = DynamoDb::in_memory();
    let connector = SharedHttpConnector::new(database.clone());
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url("http://dynamodb.invalid")
        .sleep_impl(NoWaiting)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let tables = Tables { lottery: "Lottery".to_owned(), contacts: "Contacts".to_owned() };
    (Store::new(Client::from_conf(config), tables), database)
}

/// A store with one lottery, `party`.
pub async fn store_with_party() -> (Store, DynamoDb, LotteryId) {
    let (store, database) = store().await;
    let party = NewLottery::parse(&json!({"id": "party", "name": "Party"})).unwrap().begin([0; 16], now());
    store.create_lottery(&party).await.unwrap();
    (store, database, party.lottery_id)
}

/// A participant from the fields of JSON.
pub fn participant(fields: Value) -> Participant {
    Participant::parse(&ParticipantFields::from_json(fields).unwrap()).unwrap()
}

/// A participant with a phone.
pub fn with_phone(id: &str, phone: &str) -> Participant {
    participant(json!({"participant_id": id, "name": format!("Name {id}"), "phone": phone}))
}

/// Imports one participant.
pub async fn put(store: &Store, lottery_id: &LotteryId, participant: Participant) -> PutParticipant {
    store.put_participants(lottery_id, vec![participant], now()).await.unwrap().remove(0)
}
