//! DynamoDB: an embedded one, called in process.

mod held;

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::oneshot;

use self::held::{Held, open};
use super::conflicts::Conflicts;
use super::log_sync::LogSync;
use super::queue::{Queue, Waiting};
use super::transactions::{Tokens, Transaction};
use crate::data_directory::sibling;
use crate::health::Health;
use crate::worker::{Worker, WorkerError};

/// The database, and the one thread that asks it.
///
/// It has a single lock inside, so that more threads would only wait for each other; and its calls sync a file,
/// which is nothing for the threads that serve requests. What can be done without it, reading a request above all, is done
/// on the threads of those who ask.
pub(crate) struct DynamoDb {
    worker: Worker<Held>,
    /// Transactions that the thread has not begun: those that come together share a commit.
    queue: Arc<Queue>,
    conflicts: Option<Conflicts>,
    health: Arc<Health>,
}

/// What the health check calls this part.
pub(crate) const PART: &str = "DynamoDB";

/// Up to here a database is written anew while the stack runs, for the sake of what was erased: the calls that come
/// meanwhile wait for it, some 0.3 s.
const MAX_REWRITTEN_RUNNING: u64 = 64 * 1024 * 1024;

/// A log of more bytes is emptied once the database is at rest; reading this much takes a killed process 0.1 s.
const MAX_LOG_AT_REST: u64 = 64 * 1024 * 1024;

/// Up to here, when the stack stops.
const MAX_REWRITTEN_STOPPING: u64 = 512 * 1024 * 1024;

/// What an operation answers on the wire.
#[derive(Clone, Debug)]
pub(crate) struct DynamoDbReply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// A JSON object.
    pub(crate) body: Vec<u8>,
}

impl DynamoDb {
    /// Starts the thread with a database in memory.
    pub(crate) fn in_memory(health: Arc<Health>) -> Result<DynamoDb, String> {
        let database = Database::memory().map_err(|error| error.to_string())?;
        DynamoDb::start(database, None, health)
    }

    /// Starts the thread with the database in this file.
    pub(crate) fn open(path: &Path, health: Arc<Health>) -> Result<DynamoDb, String> {
        let database = open(path).map_err(|error| error.to_string())?;
        DynamoDb::start(database, Some(path.to_owned()), health)
    }

    fn start(database: Database, path: Option<PathBuf>, health: Arc<Health>) -> Result<DynamoDb, String> {
        let log = path.as_ref().map(|path| LogSync::start("dynamodb-sync", sibling(path, "-wal")));
        let held = Held {
            log: log.transpose().map_err(|error| error.to_string())?,
            database,
            tokens: Tokens::default(),
            path,
            health: health.clone(),
            is_unsynced: false,
            is_stuck: false,
            has_remains: false,
            writes: 0,
            writes_at_rest: 0,
        };
        let worker = Worker::start("dynamodb", held).map_err(|error| error.to_string())?;
        Ok(DynamoDb { worker, queue: Arc::default(), conflicts: None, health })
    }

    /// The same database, in which every so many-th write meets another transaction.
    pub(crate) fn with_conflict_every(self, every: Option<NonZeroU64>) -> DynamoDb {
        DynamoDb { conflicts: every.map(Conflicts::new), ..self }
    }

    /// Does one operation of the API.
    pub(crate) async fn call(&self, operation: &str, body: Bytes) -> DynamoDbReply {
        if let Some(refusal) =
            self.conflicts.as_ref().and_then(|conflicts| conflicts.strike(operation, &body))
        {
            return refusal;
        }
        let read = match operation {
            TRANSACT_WRITE_ITEMS => match read(&body) {
                Ok(request) => return self.transact(Transaction::new(request)).await,
                Err(error) => Err(error),
            },
            _ => read_request(operation, &body),
        };
        let work = match read {
            Ok(work) => work,
            Err(error) => return refusal(on_the_wire(operation, error)),
        };
        let erases_contacts = erases_contacts(operation, &body);
        drop(body);
        let (name, other) = (operation.to_owned(), self.queue.other());
        let (answer, answered) = oneshot::channel();
        let job = self.worker.call(move |held| {
            drop(other);
            held.answer(&name, work, erases_contacts, answer);
        });
        match (job.await, answered.await) {
            (_, Ok(reply)) => reply,
            (Err(error), _) => unanswered(operation, &error),
            (Ok(()), Err(_)) => unanswered(operation, &WorkerError::Panicked),
        }
    }

    /// Makes a transaction, together with those that wait beside it.
    async fn transact(&self, transaction: Transaction) -> DynamoDbReply {
        let (answer, mut answered) = oneshot::channel();
        self.queue.push(Waiting { transaction, answer });
        let queue = self.queue.clone();
        let job = self.worker.call(move |held| held.transact_waiting(&queue));
        tokio::select! {
            biased;
            // An earlier call may have brought the thread this transaction: the job, which finds nothing then, is not waited for.
            reply = &mut answered => match reply {
                Ok((reply, _)) => reply,
                Err(_) => unanswered(TRANSACT_WRITE_ITEMS, &WorkerError::Panicked),
            },
            done = job => match done {
                // The answer follows the sync of the log, which the job does not wait for.
                Ok(()) => match answered.await {
                    Ok((reply, _)) => reply,
                    Err(_) => unanswered(TRANSACT_WRITE_ITEMS, &WorkerError::Panicked),
                },
                Err(error) => match answered.try_recv() {
                    Ok((reply, _)) => reply,
                    Err(_) => unanswered(TRANSACT_WRITE_ITEMS, &error),
                },
            },
        }
    }

    /// Deletes what has outlived its time to live. Requests are served in between.
    pub(crate) async fn sweep(&self) {
        let Ok(database) = self.worker.call(|held| held.database.clone()).await else { return };
        match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
            Ok(Ok(deleted)) => tracing::debug!(deleted, "expired items are gone"),
            Ok(Err(error)) => tracing::warn!(%error, "expired items could not be deleted"),
            Err(error) => tracing::warn!(%error, "the sweep of expired items broke off"),
        }
    }

    /// Overwrites what was erased, if anything was: SQLite itself leaves it in the file until it needs the room.
    pub(crate) async fn scrub(&self) {
        let _ = self.worker.call(|held| held.scrub(MAX_REWRITTEN_RUNNING)).await;
    }

    /// Empties a long log if nothing was written since the last call.
    pub(crate) async fn empty_log_at_rest(&self) {
        let _ = self.worker.call(|held| held.empty_log_at_rest(MAX_LOG_AT_REST)).await;
    }

    /// Tries whether a database that failed works again.
    pub(crate) async fn recover(&self) {
        if self.health.is_passing(PART) {
            // While the stack stops there is nothing to recover.
            let _ = self.worker.call(Held::recover).await;
        }
    }

    /// Finishes what has been asked, and refuses what comes later.
    pub(crate) async fn stop(&self) {
        let _ = self.worker.call(|held| held.scrub(MAX_REWRITTEN_STOPPING)).await;
        self.worker.stop().await;
    }

    /// Whether there is an operation of this name.
    pub(crate) fn has(operation: &str) -> bool {
        OPERATIONS.contains(&operation)
    }
}

fn refusal(error: DynoxideError) -> DynamoDbReply {
    DynamoDbReply { status: error.status_code(), body: error.to_json().into_bytes() }
}

fn unanswered(operation: &str, error: &WorkerError) -> DynamoDbReply {
    tracing::error!(operation, %error, "DynamoDB did not answer");
    let status = if matches!(error, WorkerError::Stopped) { 503 } else { 500 };
    internal(status, "Internal server error")
}

fn internal(status: u16, sentence: &str) -> DynamoDbReply {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#InternalServerError",
        "message": sentence,
    });
    DynamoDbReply { status, body: body.to_string().into_bytes() }
}

fn is_read(operation: &str) -> bool {
    const READS: [&str; 5] = ["Get", "BatchGet", "TransactGet", "Describe", "List"];
    matches!(operation, "Query" | "Scan") || READS.iter().any(|read| operation.starts_with(read))
}

/// Whether an operation may need more memory.
fn is_write(operation: &str) -> bool {
    !is_read(operation) && !matches!(operation, "DeleteItem" | "DeleteTable")
}

/// In the name of the table that holds what is personal.
const CONTACTS: &str = "Contacts";

/// Whether a call erases an item of the table that holds what is personal. (A transaction says so itself.)
fn erases_contacts(operation: &str, body: &[u8]) -> bool {
    let holds = |word: &[u8]| body.windows(word.len()).any(|window| window == word);
    match operation {
        "DeleteItem" | "DeleteTable" => holds(CONTACTS.as_bytes()),
        "BatchWriteItem" => holds(b"\"Delete") && holds(CONTACTS.as_bytes()),
        _ => false,
    }
}

const TRANSACT_WRITE_ITEMS: &str = "TransactWriteItems";

/// A request that was read: does it, and gives the JSON of its answer.
type Work = Box<dyn FnOnce(&Database) -> Result<Vec<u8>, DynoxideError> + Send>;

macro_rules! operations {
    ($($operation:literal => $method:ident,)*) => {
        /// Every operation that the database has.
        const OPERATIONS: &[&str] = &[TRANSACT_WRITE_ITEMS, $($operation),*];

        fn read_request(operation: &str, body: &[u8]) -> Result<Work, DynoxideError> {
            match operation {
                $($operation => {
                    let request = read(body)?;
                    Ok(Box::new(move |database| write(&database.$method(request)?)))
                })*
                _ => Err(DynoxideError::SerializationException("UnknownOperationException".to_owned())),
            }
        }
    };
}

operations! {
    "BatchExecuteStatement" => batch_execute_statement,
    "BatchGetItem" => batch_get_item,
    "BatchWriteItem" => batch_write_item,
    "CreateTable" => create_table,
    "DeleteItem" => delete_item,
    "DeleteTable" => delete_table,
    "DescribeStream" => describe_stream,
    "DescribeTable" => describe_table,
    "DescribeTimeToLive" => describe_time_to_live,
    "ExecuteStatement" => execute_statement,
    "ExecuteTransaction" => execute_transaction,
    "GetItem" => get_item,
    "GetRecords" => get_records,
    "GetShardIterator" => get_shard_iterator,
    "ListStreams" => list_streams,
    "ListTables" => list_tables,
    "ListTagsOfResource" => list_tags_of_resource,
    "PutItem" => put_item,
    "Query" => query,
    "Scan" => scan,
    "TagResource" => tag_resource,
    "TransactGetItems" => transact_get_items,
    "UntagResource" => untag_resource,
    "UpdateItem" => update_item,
    "UpdateTable" => update_table,
    "UpdateTimeToLive" => update_time_to_live,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
        // The library marks its refusals with the kind of exception that they are.
        for mark in ["VALIDATION_AS_READ:", "VALIDATION:"] {
            if let Some(reason) = reason.strip_prefix(mark) {
                return DynoxideError::ValidationException(reason.to_owned());
            }
        }
        if let Some(reason) = reason.strip_prefix("VALIDATION_REQUEST:") {
            return DynoxideError::EnvelopedValidation(reason.to_owned());
        }
        for mark in ["SERIALIZATION_AS_READ:", "SERIALIZATION:"] {
            if let Some(reason) = reason.strip_prefix(mark) {
                return DynoxideError::SerializationException(reason.to_owned());
            }
        }
        if ["missing field", "unknown variant", "invalid type: null", "AttributeValue"]
            .iter()
            .any(|word| reason.contains(word))
        {
            DynoxideError::ValidationException(reason.to_owned())
        } else {
            DynoxideError::SerializationException(reason.to_owned())
        }
    })
}

fn write<T: Serialize>(response: &T) -> Result<Vec<u8>, DynoxideError> {
    serde_json::to_vec(response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The error as this operation words it.
fn on_the_wire(operation: &str, error: DynoxideError) -> DynoxideError {
    const ENVELOPE: &str = "1 validation error detected: ";
    match error {
        DynoxideError::EnvelopedValidation(message)
            if matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem")
                && !message.starts_with(ENVELOPE) =>
        {
            DynoxideError::ValidationException(format!("{ENVELOPE}{message}"))
        }
        DynoxideError::EnvelopedValidation(message) => DynoxideError::ValidationException(message),
        DynoxideError::ConditionalCheckFailedException(message, Some(item))
            if operation == "ExecuteStatement" =>
        {
            DynoxideError::StatementConditionalCheckFailed(message, item)
        }
        error => error,
    }
}

#[cfg(test)]
mod tests;
