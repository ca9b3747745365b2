//! SQS on loopback: standard and FIFO queues with delays, visibility timeouts, dead letters and long polling.
//!
//! [`Queues::call`] is the whole API, by the name of the operation. What is accepted is on disk before it is answered. In
//! reading order: `queue` with its `attributes`, `message`, `send`, `receive`, `change`, `moves`; `queues` is how they are
//! called from many tasks at once.

mod attributes;
mod change;
mod database;
mod error;
mod message;
mod moves;
mod queue;
mod queues;
mod receive;
mod request;
mod send;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use asl_engine::Clock;
use rusqlite::Connection;
use serde_json::{Value, json};

use change::{Change, Handle};
pub(crate) use error::SqsError;
pub(crate) use queues::Queues;
use request::Request;

use crate::health::{Fault, Health};
use crate::trouble::{Trouble, has_room};

/// What the health check calls this part.
const PART: &str = "SQS";

/// How the service behaves.
#[derive(Clone)]
pub(crate) struct Settings {
    /// The region of the ARNs.
    pub(crate) region: String,
    /// The account of the ARNs.
    pub(crate) account: String,
    /// What the URLs of queues begin with.
    pub(crate) base_url: String,
    /// By what messages are delayed, hidden and outlived.
    pub(crate) clock: Clock,
    /// Records the failures of the database.
    pub(crate) health: Arc<Health>,
    /// Where the database is; without a path it is in memory.
    pub(crate) path: Option<PathBuf>,
}

/// The service: what it keeps, one operation after another.
struct Sqs {
    database: Connection,
    settings: Settings,
    /// The queues that have got a message, or that show one again, since this was last taken.
    woken: Vec<String>,
}

impl Sqs {
    fn open(settings: Settings) -> rusqlite::Result<Sqs> {
        let database = match &settings.path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        database::prepare(&database)?;
        Ok(Sqs { database, settings, woken: Vec::new() })
    }

    /// Does an operation other than ReceiveMessage.
    fn call(&mut self, operation: &str, request: &Value) -> Result<Value, SqsError> {
        let request = Request(request);
        match operation {
            "CreateQueue" => self.create_queue(request),
            "DeleteQueue" => self.delete_queue(request),
            "GetQueueUrl" => self.get_queue_url(request),
            "ListQueues" => self.list_queues(request),
            "ListDeadLetterSourceQueues" => self.list_dead_letter_source_queues(request),
            "GetQueueAttributes" => self.get_queue_attributes(request),
            "SetQueueAttributes" => self.set_queue_attributes(request),
            "PurgeQueue" => self.purge_queue(request),
            "TagQueue" => self.tag_queue(request),
            "UntagQueue" => self.untag_queue(request),
            "ListQueueTags" => self.list_queue_tags(request),
            "SendMessage" => self.send_message(request),
            "SendMessageBatch" => self.send_message_batch(request),
            "DeleteMessage" => self.change(Change::Delete, request),
            "DeleteMessageBatch" => self.change_batch(Change::Delete, request),
            "ChangeMessageVisibility" => self.change(Change::Visibility, request),
            "ChangeMessageVisibilityBatch" => self.change_batch(Change::Visibility, request),
            "StartMessageMoveTask" => self.start_message_move_task(request),
            "ListMessageMoveTasks" => self.list_message_move_tasks(request),
            "CancelMessageMoveTask" => self.cancel_message_move_task(request),
            _ => Err(SqsError::unknown_operation(operation)),
        }
    }

    /// Milliseconds since 1970.
    fn now(&self) -> i64 {
        self.settings.clock.now().as_millisecond()
    }

    fn arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{name}", self.settings.region, self.settings.account)
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.settings.base_url, self.settings.account)
    }

    /// Reports a database that failed to the health check, and to the caller in its words.
    fn noted<T>(&self, outcome: Result<T, SqsError>) -> Result<T, SqsError> {
        outcome.map_err(|error| {
            let trouble = if error.status == 500 { Trouble::of(&error.message) } else { None };
            trouble.map_or(error, |trouble| self.failed(trouble))
        })
    }

    fn failed(&self, trouble: Trouble) -> SqsError {
        let fault = trouble.fault("the SQS", self.settings.path.as_deref());
        let (Fault::Passing(sentence) | Fault::Lasting(sentence)) = fault.clone();
        self.settings.health.failed(PART, fault);
        SqsError::internal(sentence)
    }

    /// Tries whether a database that failed works again, over a new connection.
    fn recover(&mut self) {
        let Some(path) = &self.settings.path else { return };
        if !self.settings.health.is_passing(PART) || has_room(path).is_err() {
            return;
        }
        match Sqs::open(self.settings.clone()) {
            Ok(sqs) => {
                self.database = sqs.database;
                self.settings.health.recovered(PART);
            }
            Err(error) => tracing::debug!(%error, "the database of the local SQS could not be opened anew"),
        }
    }
}

/// Whether an operation changes nothing that has to be on disk before its answer. A receipt that is lost with the power
/// only shows its message again.
fn is_read(operation: &str) -> bool {
    operation == "ReceiveMessage" || operation.starts_with("Get") || operation.starts_with("List")
}

/// The number of a message in a FIFO queue: it grows.
fn sequence_number(number: i64) -> String {
    format!("{number:020}")
}

fn failed_entry(id: &str, error: &SqsError) -> Value {
    json!({"Id": id, "Code": error.code, "Message": error.message, "SenderFault": error.is_sender_fault()})
}

/// The service on nothing but memory.
#[cfg(test)]
pub(crate) fn in_memory(clock: Clock) -> Queues {
    Queues::start(settings(clock, None)).unwrap()
}

#[cfg(test)]
fn settings(clock: Clock, path: Option<PathBuf>) -> Settings {
    let (region, account) = (crate::config::REGION.to_owned(), crate::config::ACCOUNT.to_owned());
    let health = Arc::new(Health::new(clock.clone()));
    Settings { region, account, base_url: "http://localhost:4566".to_owned(), clock, health, path }
}
