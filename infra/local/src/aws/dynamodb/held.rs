//! The database as its thread holds it: what it does for each call, and what it does when the file or the disk fails.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dynoxide::{Database, DynoxideError};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    CONTACTS, DynamoDbReply, PART, TRANSACT_WRITE_ITEMS, Work, internal, is_read, is_write, on_the_wire,
    refusal,
};
use crate::aws::log_sync::LogSync;
use crate::aws::queue::{Queue, Waiting};
use crate::aws::transactions::{Answered, Tokens, Transaction, transact_all};
use crate::data_directory::sibling;
use crate::health::{Fault, Health};
use crate::trouble::{Trouble, has_room};

/// Memory for pages of a database in a file. It holds the inner pages of the index of a million people; the outer ones are
/// random, as labels and the hashes of addresses are, so that they come from the file system's cache, with 32 MB as with 8.
const CACHE_KIB: u32 = 8 * 1024;
/// Pages of 4 KB in the log before they are copied into the file, which syncs both. A large list writes to random pages: the
/// longer the log, the fewer are written twice. A killed process reads it when it starts, 0.7 s for a full one, so that it is
/// emptied as soon as nothing is written.
const PAGES_BETWEEN_CHECKPOINTS: u32 = 128_000;

/// The most that a database in memory holds.
const MAX_MEMORY: u64 = 1024 * 1024 * 1024;

/// After so many writes the size of a database in memory is looked at again.
const WRITES_BETWEEN_LOOKS: u64 = 256;

/// The database as its thread holds it.
pub(super) struct Held {
    /// Syncs the log of a database in a file. It comes first, so that what waits is answered before the database is closed.
    pub(super) log: Option<LogSync>,
    pub(super) database: Database,
    pub(super) tokens: Tokens,
    /// Where it is; without a path it is in memory.
    pub(super) path: Option<PathBuf>,
    pub(super) health: Arc<Health>,
    /// A sync of the log failed: what was committed may not be on disk.
    pub(super) is_unsynced: bool,
    /// A call left it in a state that only opening it anew is sure to mend.
    pub(super) is_stuck: bool,
    /// Contacts were erased, and what they held still lies in pages that nothing uses.
    pub(super) has_remains: bool,
    /// Counts the calls that write.
    pub(super) writes: u64,
    /// `writes` when it was last seen whether the database is at rest.
    pub(super) writes_at_rest: u64,
}

impl Held {
    pub(super) fn answer(
        &mut self,
        operation: &str,
        work: Work,
        erases_contacts: bool,
        answer: oneshot::Sender<DynamoDbReply>,
    ) {
        let refusal = self.reopen_if_stuck().or_else(|| is_write(operation).then(|| self.beyond_memory())?);
        let reply = match refusal {
            Some(refusal) => refusal,
            None => {
                let done = work(&self.database);
                self.reply(operation, done, erases_contacts)
            }
        };
        // A caller that has gone away needs no answer.
        self.when_durable(is_read(operation), move |refusal| drop(answer.send(refusal.unwrap_or(reply))));
    }

    /// Calls `send` once all commits are on disk that an answer may rest on; with what replaces the answer if they cannot be synced.
    fn when_durable(&self, is_read: bool, send: impl FnOnce(Option<DynamoDbReply>) + Send + 'static) {
        let Some(log) = self.log.as_ref().filter(|log| !is_read || log.is_waiting()) else {
            return send(None);
        };
        let (path, health) = (self.path.clone(), self.health.clone());
        log.after_sync(move |synced| {
            send(synced.as_ref().err().map(|error| {
                tracing::error!(%error, "the log of DynamoDB could not be synced");
                let is_full = error.kind() == ErrorKind::StorageFull;
                let trouble = if is_full { Trouble::Full } else { Trouble::Disk };
                internal(500, &report(trouble, path.as_deref(), &health))
            }));
        });
    }

    /// Makes all transactions that wait, and those that come meanwhile.
    pub(super) fn transact_waiting(&mut self, queue: &Queue) {
        let waiting = queue.take();
        if waiting.is_empty() {
            return;
        }
        if let Some(refusal) = self.reopen_if_stuck().or_else(|| self.beyond_memory()) {
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
        let mut replies = Vec::with_capacity(senders.len());
        for (sender, Answered { answer, transaction }) in senders.into_iter().zip(answered) {
            let reply = self.reply(TRANSACT_WRITE_ITEMS, answer, transaction.erases_of(CONTACTS));
            replies.push((sender, reply, transaction));
        }
        self.when_durable(false, move |refusal| {
            for (sender, reply, transaction) in replies {
                let _ = sender.send((refusal.clone().unwrap_or(reply), Some(transaction)));
            }
        });
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

    /// Opens a database in a file anew that a call or a sync left stuck; a refusal if what was committed cannot be put on disk.
    fn reopen_if_stuck(&mut self) -> Option<DynamoDbReply> {
        let path = self.path.clone()?;
        self.note_failed_sync();
        if self.is_stuck {
            self.reopen(&path);
        }
        self.is_unsynced.then(|| internal(500, &report(Trouble::Disk, Some(&path), &self.health)))
    }

    fn note_failed_sync(&mut self) {
        if self.log.as_ref().is_some_and(LogSync::take_failure) {
            (self.is_stuck, self.is_unsynced) = (true, true);
        }
    }

    /// Tells the health check, and gives its sentence.
    pub(super) fn note(&mut self, trouble: Trouble) -> String {
        self.is_stuck = true;
        report(trouble, self.path.as_deref(), &self.health)
    }

    /// Opens the file anew, which rolls back whatever was under way. What was answered is in it. After a sync that failed, what
    /// was committed is copied from the log into the database, which syncs both.
    fn reopen(&mut self, path: &Path) {
        let reopened = open(path).map_err(|error| error.to_string()).and_then(|database| {
            self.database = database;
            if self.is_unsynced { truncate_log(path) } else { Ok(()) }
        });
        match reopened {
            Ok(()) => (self.is_stuck, self.is_unsynced) = (false, false),
            Err(error) => tracing::debug!(%error, "the database could not be opened anew"),
        }
    }

    pub(super) fn recover(&mut self) {
        let Some(path) = self.path.clone() else { return };
        if has_room(&path).is_err() {
            return;
        }
        self.note_failed_sync();
        self.reopen(&path);
        if !self.is_stuck && self.database.table_count().is_ok() {
            self.health.recovered(PART);
        }
    }

    /// Counts a write, and refuses it once there is too much in memory.
    fn beyond_memory(&mut self) -> Option<DynamoDbReply> {
        self.writes += 1;
        if self.path.is_some() {
            return None;
        }
        if !self.writes.is_multiple_of(WRITES_BETWEEN_LOOKS) && !self.is_stuck {
            return None;
        }
        let is_full = self.database.db_size_bytes().is_ok_and(|bytes| bytes > MAX_MEMORY);
        is_full.then(|| internal(500, &self.note(Trouble::Full)))
    }

    /// Empties a log of more than `most` bytes if nothing was written since the last such call.
    pub(super) fn empty_log_at_rest(&mut self, most: u64) {
        let is_at_rest = std::mem::replace(&mut self.writes_at_rest, self.writes) == self.writes;
        let Some(path) = self.path.as_deref().filter(|_| is_at_rest) else { return };
        let is_long = std::fs::metadata(sibling(path, "-wal")).is_ok_and(|log| log.len() > most);
        if let Some(error) = is_long.then(|| truncate_log(path).err()).flatten() {
            tracing::warn!(error, "the log of DynamoDB could not be emptied");
        }
    }

    pub(super) fn scrub(&mut self, largest: u64) {
        if !self.has_remains || self.path.is_none() {
            return;
        }
        if self.database.db_size_bytes().is_ok_and(|bytes| bytes > largest) {
            return;
        }
        let scrubbed = self.database.vacuum().map_err(|error| error.to_string()).and_then(|()| {
            // Old pages lie in the log too.
            truncate_log(self.path.as_deref().unwrap_or(Path::new("")))
        });
        match scrubbed {
            Ok(()) => self.has_remains = false,
            Err(error) => tracing::warn!(error, "what was erased is not overwritten yet"),
        }
    }
}

/// The database in this file, with more memory than SQLite takes by itself.
pub(super) fn open(path: &Path) -> Result<Database, DynoxideError> {
    let database = Database::new(&path.to_string_lossy())?;
    database.configure(CACHE_KIB, PAGES_BETWEEN_CHECKPOINTS)?;
    Ok(database)
}

/// Copies the whole log into the database, syncs both, and empties the log.
fn truncate_log(path: &Path) -> Result<(), String> {
    let truncated = Connection::open(path).and_then(|connection| {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
    });
    match truncated {
        Ok(0) => Ok(()),
        Ok(_) => Err("the log is in use".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Reports a failure of the database in this file to the health check, and gives its sentence.
fn report(trouble: Trouble, path: Option<&Path>, health: &Health) -> String {
    let fault = trouble.fault("the DynamoDB", path);
    let (Fault::Passing(sentence) | Fault::Lasting(sentence)) = fault.clone();
    health.failed(PART, fault);
    sentence
}
