//! Who writes, and how.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, params};

use super::cleaning::{Cleaner, Retention};
use super::record::key_of;
use super::rows::encode_identity;
use super::schema::SEQUENCE_BITS;
use super::{Record, locked};
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

/// Writes what is handed in, in that order.
pub(super) struct Writer {
    hand: Hand,
    failed: Arc<AtomicBool>,
}

/// Who writes.
enum Hand {
    /// Whoever handed something in: memory keeps nobody waiting, and no other thread need be woken.
    Caller { queue: Mutex<VecDeque<Batch>>, pen: Mutex<Option<Pen>> },
    /// A thread: it waits for the disk, and writes together what has come meanwhile.
    Thread { queue: Mutex<Option<Sender<Batch>>>, thread: Mutex<Option<JoinHandle<()>>> },
}

impl Writer {
    /// A writer to memory.
    pub(super) fn to_memory(connection: Arc<Mutex<Connection>>) -> Writer {
        let pen = Pen { connection, cleaner: Cleaner::new(Retention::Memory) };
        let hand = Hand::Caller { queue: Mutex::default(), pen: Mutex::new(Some(pen)) };
        Writer { hand, failed: Arc::default() }
    }

    /// A writer to the disk.
    pub(super) fn to_disk(connection: Connection) -> Writer {
        let failed = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = channel();
        let pen =
            Pen { connection: Arc::new(Mutex::new(connection)), cleaner: Cleaner::new(Retention::Disk) };
        let flag = Arc::clone(&failed);
        let thread = std::thread::Builder::new()
            .name("history-writer".to_owned())
            .spawn(move || write_all(pen, &receiver, &flag));
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                tracing::error!(%error, "the thread of the history store could not be started");
                failed.store(true, Ordering::Release);
                None
            }
        };
        let hand = Hand::Thread { queue: Mutex::new(Some(sender)), thread: Mutex::new(thread) };
        Writer { hand, failed }
    }

    /// Takes something in. [`Writer::settle`] must follow, without locks that `done` might want.
    pub(super) fn submit(&self, batch: Batch) {
        match &self.hand {
            Hand::Caller { queue, .. } => locked(queue).push_back(batch),
            Hand::Thread { queue, .. } => {
                let is_taken = locked(queue).as_ref().is_some_and(|queue| queue.send(batch).is_ok());
                if !is_taken {
                    self.failed.store(true, Ordering::Release);
                }
            }
        }
    }

    /// Writes what was taken in, unless somebody else does.
    pub(super) fn settle(&self) {
        let Hand::Caller { queue, pen } = &self.hand else { return };
        // Looked at again after the pen was let go: what came in meanwhile was left to us.
        while !locked(queue).is_empty() {
            let mut pen = match pen.try_lock() {
                Ok(pen) => pen,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            self.write_queue(queue, &mut pen);
        }
    }

    fn write_queue(&self, queue: &Mutex<VecDeque<Batch>>, pen: &mut Option<Pen>) {
        let batches = Vec::from(std::mem::take(&mut *locked(queue)));
        let is_written = pen.as_mut().is_some_and(|pen| pen.write(batches));
        if !is_written {
            self.failed.store(true, Ordering::Release);
            pen.take();
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Waits until everything taken in is written; nothing can be any more.
    pub(super) fn stop(&self) {
        match &self.hand {
            Hand::Caller { queue, pen } => {
                self.write_queue(queue, &mut locked(pen));
                locked(pen).take();
                // What came in meanwhile is dropped, and who waits for it hears of that.
                self.settle();
            }
            Hand::Thread { queue, thread } => {
                locked(queue).take();
                if locked(thread).take().is_some_and(|thread| thread.join().is_err()) {
                    tracing::error!("the thread of the history store ended badly");
                }
            }
        }
    }
}

fn write_all(mut pen: Pen, queue: &Receiver<Batch>, failed: &AtomicBool) {
    while let Ok(first) = queue.recv() {
        let mut batches = vec![first];
        batches.extend(queue.try_iter().take(MOST_TOGETHER - 1));
        if !pen.write(batches) {
            failed.store(true, Ordering::Release);
            return;
        }
    }
}

/// What writing needs.
struct Pen {
    connection: Arc<Mutex<Connection>>,
    cleaner: Cleaner,
}

impl Pen {
    /// Writes together, and does then what was to be done. `false`: nothing can be written any more.
    fn write(&mut self, batches: Vec<Batch>) -> bool {
        let written = write_together(&mut locked(&self.connection), &batches, &mut self.cleaner);
        if let Err(error) = written {
            // What was handed in stays undone: nobody is told that it happened. Going on could only lose more.
            tracing::error!(%error, "the history store cannot be written any more; the engine stands still");
            return false;
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
        true
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
                .execute(params![place, record.body])?;
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
