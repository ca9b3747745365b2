//! The thread that writes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, params};

use super::Record;
use super::cleaning::{Cleaner, Retention};
use super::record::key_of;
use super::rows::encode_identity;
use super::schema::SEQUENCE_BITS;
use crate::engine::ExecutionStatus;
use crate::execution::{Identity, Outcome};
use crate::history::Encoder;

/// How many batches share one transaction at most.
const MOST_TOGETHER: usize = 512;

/// Things that are written together or not at all, and what is done when they are safe.
pub(crate) struct Batch {
    pub(crate) writes: Vec<Write>,
    pub(crate) done: Box<dyn FnOnce() + Send>,
}

/// One thing to write.
pub(crate) enum Write {
    Machine { revision: i64, arn: String, body: String },
    MachineDeleted { arn: String },
    Activity { arn: String, body: String },
    ActivityDeleted { arn: String },
    Started { identity: Arc<Identity>, owner: i64, revision: i64 },
    Record(Record),
    Closed(Closing),
    Reopened { execution: u64, redrives: u32, redrive_date: i64 },
    MapRun { arn: Arc<str>, execution: u64 },
}

/// The end of an execution.
pub(crate) struct Closing {
    pub(crate) execution: u64,
    pub(crate) stop: i64,
    pub(crate) outcome: Outcome,
}

pub(super) struct Writer {
    queue: Mutex<Option<Sender<Batch>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    failed: Arc<AtomicBool>,
}

impl Writer {
    pub(super) fn start(connection: Arc<Mutex<Connection>>, retention: Retention) -> Writer {
        let (sender, receiver) = channel();
        let failed = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&failed);
        let thread = std::thread::Builder::new()
            .name("history-writer".to_owned())
            .spawn(move || write_all(&connection, &receiver, retention, &flag));
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                tracing::error!(%error, "the thread of the history store could not be started");
                failed.store(true, Ordering::Release);
                None
            }
        };
        Writer { queue: Mutex::new(Some(sender)), thread: Mutex::new(thread), failed }
    }

    pub(super) fn submit(&self, batch: Batch) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let is_taken = queue.as_ref().is_some_and(|queue| queue.send(batch).is_ok());
        if !is_taken {
            self.failed.store(true, Ordering::Release);
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    pub(super) fn stop(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the history store ended badly");
        }
    }
}

fn write_all(
    connection: &Mutex<Connection>,
    queue: &Receiver<Batch>,
    retention: Retention,
    failed: &AtomicBool,
) {
    let mut cleaner = Cleaner::new(retention);
    while let Ok(first) = queue.recv() {
        let mut batches = vec![first];
        while batches.len() < MOST_TOGETHER {
            match queue.try_recv() {
                Ok(batch) => batches.push(batch),
                Err(_) => break,
            }
        }
        let written = {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            write_together(&mut connection, &batches, &mut cleaner)
        };
        if let Err(error) = written {
            // What was handed in stays undone: nobody is told that it happened. Going on could only lose more.
            tracing::error!(%error, "the history store cannot be written any more; the engine stands still");
            failed.store(true, Ordering::Release);
            return;
        }
        for batch in batches {
            for write in &batch.writes {
                if let Write::Record(record) = write {
                    tracing::trace!(
                        target: "statemachine::stored",
                        execution = record.execution,
                        sequence = record.sequence,
                        "a record is stored"
                    );
                }
            }
            (batch.done)();
        }
    }
}

fn write_together(
    connection: &mut Connection,
    batches: &[Batch],
    cleaner: &mut Cleaner,
) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction()?;
    let mut now = None;
    for batch in batches {
        for write in &batch.writes {
            if let Write::Closed(closing) = write {
                cleaner.closed(closing.execution, closing.stop);
                now = Some(closing.stop);
            }
            perform(&transaction, write)?;
        }
    }
    if let Some(now) = now {
        cleaner.clean(&transaction, now)?;
    }
    transaction.commit()
}

fn perform(transaction: &Transaction<'_>, write: &Write) -> Result<(), rusqlite::Error> {
    match write {
        Write::Machine { revision, arn, body } => {
            transaction.execute("UPDATE machines SET is_current = 0 WHERE arn = ?", [arn])?;
            transaction.execute(
                "INSERT INTO machines (revision, arn, is_current, body) VALUES (?, ?, 1, ?)",
                params![revision, arn, body],
            )?;
        }
        Write::MachineDeleted { arn } => {
            transaction.execute("UPDATE machines SET is_current = 0 WHERE arn = ?", [arn])?;
        }
        Write::Activity { arn, body } => {
            transaction
                .execute("INSERT OR REPLACE INTO activities (arn, body) VALUES (?, ?)", params![arn, body])?;
        }
        Write::ActivityDeleted { arn } => {
            transaction.execute("DELETE FROM activities WHERE arn = ?", [arn])?;
        }
        Write::Started { identity, owner, revision } => {
            transaction
                .prepare_cached(
                    "INSERT INTO executions (number, key, owner, revision, status, redrives, identity)
                     VALUES (?, ?, ?, ?, ?, 0, ?)",
                )?
                .execute(params![
                    identity.number as i64,
                    key_of(identity.arn.as_bytes()),
                    owner,
                    revision,
                    status_code(ExecutionStatus::Running),
                    encode_identity(identity)
                ])?;
        }
        Write::Record(record) => {
            let place = ((record.execution << SEQUENCE_BITS) | record.sequence) as i64;
            transaction
                .prepare_cached("INSERT INTO records (place, body) VALUES (?, ?)")?
                .execute(params![place, record.encode()])?;
        }
        Write::Closed(closing) => {
            let mut encoder = Encoder::default();
            closing.outcome.encode(&mut encoder);
            transaction
                .prepare_cached("UPDATE executions SET status = ?, stop = ?, outcome = ? WHERE number = ?")?
                .execute(params![
                    status_code(closing.outcome.status),
                    closing.stop,
                    encoder.into_bytes(),
                    closing.execution as i64
                ])?;
        }
        Write::Reopened { execution, redrives, redrive_date } => {
            transaction
                .prepare_cached(
                    "UPDATE executions SET status = ?, stop = NULL, outcome = NULL, redrives = ?, redrive_date = ?
                     WHERE number = ?",
                )?
                .execute(params![
                    status_code(ExecutionStatus::Running),
                    redrives,
                    redrive_date,
                    *execution as i64
                ])?;
        }
        Write::MapRun { arn, execution } => {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO map_runs (arn, execution) VALUES (?, ?)")?
                .execute(params![&**arn, *execution as i64])?;
        }
    }
    Ok(())
}

pub(super) fn status_code(status: ExecutionStatus) -> i64 {
    match status {
        ExecutionStatus::Running => 0,
        ExecutionStatus::Succeeded => 1,
        ExecutionStatus::Failed => 2,
        ExecutionStatus::TimedOut => 3,
        ExecutionStatus::Aborted => 4,
        ExecutionStatus::PendingRedrive => 5,
    }
}
