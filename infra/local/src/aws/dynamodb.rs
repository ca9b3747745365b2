//! DynamoDB: an embedded one, called in process.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::oneshot;

use super::conflicts::Conflicts;
use super::queue::{Queue, Waiting};
use super::transactions::{Answered, Tokens, Transaction, transact_all};
use crate::health::{Fault, Health};
use crate::trouble::{Trouble, has_room};
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

/// The database as its thread holds it.
struct Held {
    database: Database,
    tokens: Tokens,
    /// Where it is; without a path it is in memory.
    path: Option<PathBuf>,
    health: Arc<Health>,
    /// A call left it in a state that only opening it anew is sure to mend.
    is_stuck: bool,
    /// Contacts were erased, and what they held still lies in pages that nothing uses.
    has_remains: bool,
    /// Counts the calls that write.
    writes: u64,
}

/// Memory for pages of a database in a file: labels and the hashes of addresses are random, so that each row of a large list
/// goes to another page, and with SQLite's 2 MB nearly all of them would be read from the file again.
const CACHE_KIB: u32 = 32 * 1024;
/// Pages of 4 KB in the log before they are copied into the file, which syncs both.
const PAGES_BETWEEN_CHECKPOINTS: u32 = 8_000;

/// What the health check calls this part.
pub(crate) const PART: &str = "DynamoDB";

/// The most that a database in memory holds.
const MAX_MEMORY: u64 = 1024 * 1024 * 1024;

/// After so many writes the size of a database in memory is looked at again.
const WRITES_BETWEEN_LOOKS: u64 = 256;

/// Up to here a database is written anew while the stack runs, for the sake of what was erased: the calls that come
/// meanwhile wait for it, some 0.3 s.
const MAX_REWRITTEN_RUNNING: u64 = 64 * 1024 * 1024;

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
        let held = Held {
            database,
            tokens: Tokens::default(),
            path,
            health: health.clone(),
            is_stuck: false,
            has_remains: false,
            writes: 0,
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
        let answer = self.worker.call(move |held| {
            drop(other);
            held.answer(&name, work, erases_contacts)
        });
        let answer = answer.await;
        answer.unwrap_or_else(|error| unanswered(operation, &error))
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
            done = job => match (answered.try_recv(), done) {
                (Ok((reply, _)), _) => reply,
                (Err(_), Err(error)) => unanswered(TRANSACT_WRITE_ITEMS, &error),
                (Err(_), Ok(())) => unanswered(TRANSACT_WRITE_ITEMS, &WorkerError::Panicked),
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

impl Held {
    fn answer(&mut self, operation: &str, work: Work, erases_contacts: bool) -> DynamoDbReply {
        self.reopen_if_stuck();
        if is_write(operation)
            && let Some(refusal) = self.beyond_memory()
        {
            return refusal;
        }
        let answer = work(&self.database);
        self.reply(operation, answer, erases_contacts)
    }

    /// Makes all transactions that wait, and those that come meanwhile.
    fn transact_waiting(&mut self, queue: &Queue) {
        let waiting = queue.take();
        if waiting.is_empty() {
            return;
        }
        self.reopen_if_stuck();
        if let Some(refusal) = self.beyond_memory() {
            for Waiting { transaction, answer } in waiting {
                // A caller that has gone away needs no answer.
                let _ = answer.send((refusal.clone(), Some(transaction)));
            }
            return;
        }
        let mut senders = Vec::new();
        let mut split = |waiting: Vec<Waiting>| -> Vec<Transaction> {
            let (transactions, answers): (Vec<_>, Vec<_>) =
                waiting.into_iter().map(|waiting| (waiting.transaction, waiting.answer)).unzip();
            senders.extend(answers);
            transactions
        };
        let first = split(waiting);
        let is_in_file = self.path.is_some();
        let answered = transact_all(&self.database, &mut self.tokens, first, |begun| {
            // In memory a commit costs nothing that could be shared.
            if is_in_file { split(queue.take_more(begun)) } else { Vec::new() }
        });
        for (sender, Answered { answer, transaction }) in senders.into_iter().zip(answered) {
            let reply = self.reply(TRANSACT_WRITE_ITEMS, answer, transaction.erases_of(CONTACTS));
            let _ = sender.send((reply, Some(transaction)));
        }
    }

    /// Words an answer, and notes what follows from it.
    fn reply(
        &mut self,
        operation: &str,
        answer: Result<Vec<u8>, DynoxideError>,
        erases_contacts: bool,
    ) -> DynamoDbReply {
        let error = match answer {
            Ok(body) => {
                self.has_remains |= erases_contacts;
                return DynamoDbReply { status: 200, body };
            }
            Err(error) => on_the_wire(operation, error),
        };
        let status = error.status_code();
        if status < 500 {
            return refusal(error);
        }
        tracing::error!(operation, %error, "DynamoDB failed");
        match Trouble::of(&error.to_string()) {
            Some(trouble) => internal(status, &self.note(trouble)),
            None => refusal(error),
        }
    }

    fn reopen_if_stuck(&mut self) {
        if self.is_stuck && self.path.is_some() {
            self.reopen();
        }
    }

    /// Tells the health check, and gives its sentence.
    fn note(&mut self, trouble: Trouble) -> String {
        self.is_stuck = true;
        let fault = trouble.fault("the DynamoDB", self.path.as_deref());
        let (Fault::Passing(sentence) | Fault::Lasting(sentence)) = fault.clone();
        self.health.failed(PART, fault);
        sentence
    }

    /// Opens the file anew, which rolls back whatever was under way. What was answered is in it.
    fn reopen(&mut self) {
        let Some(path) = &self.path else { return };
        match open(path) {
            Ok(database) => {
                self.database = database;
                self.is_stuck = false;
            }
            Err(error) => tracing::debug!(%error, "the database could not be opened anew"),
        }
    }

    fn recover(&mut self) {
        let Some(path) = self.path.clone() else { return };
        if has_room(&path).is_err() {
            return;
        }
        self.reopen();
        if !self.is_stuck && self.database.table_count().is_ok() {
            self.health.recovered(PART);
        }
    }

    /// Refuses a write once there is too much in memory.
    fn beyond_memory(&mut self) -> Option<DynamoDbReply> {
        if self.path.is_some() {
            return None;
        }
        self.writes += 1;
        if !self.writes.is_multiple_of(WRITES_BETWEEN_LOOKS) && !self.is_stuck {
            return None;
        }
        let is_full = self.database.db_size_bytes().is_ok_and(|bytes| bytes > MAX_MEMORY);
        is_full.then(|| internal(500, &self.note(Trouble::Full)))
    }

    fn scrub(&mut self, largest: u64) {
        if !self.has_remains || self.path.is_none() {
            return;
        }
        if self.database.db_size_bytes().is_ok_and(|bytes| bytes > largest) {
            return;
        }
        let scrubbed = self.database.vacuum().map_err(|error| error.to_string()).and_then(|()| {
            // Old pages lie in the log too.
            let path = self.path.as_deref().unwrap_or(Path::new(""));
            let truncated = Connection::open(path).and_then(|connection| {
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
            });
            match truncated {
                Ok(0) => Ok(()),
                Ok(_) => Err("the log is in use".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        });
        match scrubbed {
            Ok(()) => self.has_remains = false,
            Err(error) => tracing::warn!(error, "what was erased is not overwritten yet"),
        }
    }
}

/// The database in this file, with more memory than SQLite takes by itself.
fn open(path: &Path) -> Result<Database, DynoxideError> {
    let database = Database::new(&path.to_string_lossy())?;
    database.configure(CACHE_KIB, PAGES_BETWEEN_CHECKPOINTS)?;
    Ok(database)
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

fn is_write(operation: &str) -> bool {
    const READS: [&str; 5] = ["Get", "BatchGet", "TransactGet", "Describe", "List"];
    !matches!(operation, "Query" | "Scan" | "DeleteItem" | "DeleteTable")
        && !READS.iter().any(|read| operation.starts_with(read))
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
