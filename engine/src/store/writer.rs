//! [`Writer`]: stores batches in the order in which they are submitted.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Transaction, params};

use super::cleaning::{Cleaner, Retention};
use super::record::key_of;
use super::rows::encode_identity;
use super::schema::SEQUENCE_BITS;
use super::{Record, locked};
use crate::execution::{Identity, Outcome};
use crate::health::{Health, Part, panic_message};
use crate::history::Encoder;
use crate::model::ExecutionStatus;
use crate::model::MemoryBounds;

/// How many batches share one transaction at most.
const MAX_BATCHES: usize = 512;

/// The delay before a failed write is repeated: doubled each time, up to the maximum.
const MIN_DELAY: Duration = Duration::from_millis(50);
const MAX_DELAY: Duration = Duration::from_secs(1);

/// How often a failure that lasts is logged.
const REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// Writes that are stored together or not at all, and a callback that runs once they are.
pub(crate) struct Batch {
    pub(crate) writes: Vec<Write>,
    pub(crate) done: Box<dyn FnOnce() + Send>,
}

/// One write.
pub(crate) enum Write {
    Machine {
        revision: i64,
        arn: String,
        body: String,
    },
    MachineDeleted {
        arn: String,
    },
    /// All versions and aliases of a machine.
    Published {
        arn: String,
        body: String,
    },
    Activity {
        arn: String,
        body: String,
    },
    ActivityDeleted {
        arn: String,
    },
    Started {
        identity: Arc<Identity>,
        owner: i64,
        revision: i64,
    },
    Record(Record),
    Closed(Closing),
    Reopened {
        execution: u64,
        redrives: u32,
        redrive_date: i64,
    },
    MapRun {
        arn: Arc<str>,
        execution: u64,
    },
}

/// The end of an execution.
pub(crate) struct Closing {
    pub(crate) execution: u64,
    pub(crate) stop: i64,
    pub(crate) outcome: Outcome,
}

/// Stores batches in the order in which they are submitted.
pub(super) struct Writer {
    mode: Mode,
    progress: Arc<Progress>,
}

/// The state of writing.
#[derive(Default)]
struct Progress {
    health: Health,
    /// Nothing can be written any more.
    has_failed: AtomicBool,
    /// Writes fail at present, and are repeated.
    is_failing: AtomicBool,
    /// The engine shuts down: a failed write is not repeated.
    is_stopping: Mutex<bool>,
    stopping: Condvar,
}

impl Progress {
    /// Waits before the next attempt; `false` if the engine shuts down.
    fn wait(&self, delay: Duration) -> bool {
        let is_stopping = locked(&self.is_stopping);
        let waited = self.stopping.wait_timeout_while(is_stopping, delay, |is_stopping| !*is_stopping);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// The thread that writes.
enum Mode {
    /// The thread that submits: memory does not block, and no other thread has to be woken.
    Inline { queue: Mutex<VecDeque<Batch>>, connection: Mutex<Option<Connection>> },
    /// A thread of its own: it waits for the disk, and writes all batches that were submitted meanwhile together.
    Thread { queue: Mutex<Option<Sender<Batch>>>, thread: Mutex<Option<JoinHandle<()>>> },
}

impl Writer {
    /// A writer to memory.
    pub(super) fn to_memory(database: Arc<Mutex<rusqlite::Connection>>, bounds: MemoryBounds) -> Writer {
        let connection = Connection { database, cleaner: Cleaner::new(Retention::Memory(bounds)) };
        let mode = Mode::Inline { queue: Mutex::default(), connection: Mutex::new(Some(connection)) };
        Writer { mode, progress: Arc::default() }
    }

    /// A writer to the disk. `reopen` opens the database again after an error of the connection.
    pub(super) fn to_disk(database: rusqlite::Connection, reopen: Reopen, health: &Health) -> Writer {
        let progress = Arc::new(Progress { health: health.clone(), ..Progress::default() });
        let (sender, receiver) = channel();
        let connection =
            Connection { database: Arc::new(Mutex::new(database)), cleaner: Cleaner::new(Retention::Disk) };
        let shared = Arc::clone(&progress);
        let thread = std::thread::Builder::new()
            .name("history-writer".to_owned())
            .spawn(move || write_all(connection, &receiver, &reopen, &shared));
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                tracing::error!(%error, "the thread of the history store could not be started");
                health.is_down(Part::Store, format!("the history store has no thread: {error}"));
                progress.has_failed.store(true, Ordering::Release);
                None
            }
        };
        let mode = Mode::Thread { queue: Mutex::new(Some(sender)), thread: Mutex::new(thread) };
        Writer { mode, progress }
    }

    /// Submits a batch. [`Writer::flush`] must follow, without holding a lock that a `done` callback may take.
    pub(super) fn submit(&self, batch: Batch) {
        match &self.mode {
            Mode::Inline { queue, .. } => locked(queue).push_back(batch),
            Mode::Thread { queue, .. } => {
                let is_accepted = locked(queue).as_ref().is_some_and(|queue| queue.send(batch).is_ok());
                if !is_accepted {
                    self.progress.has_failed.store(true, Ordering::Release);
                }
            }
        }
    }

    /// Writes the submitted batches, unless another thread is doing so.
    pub(super) fn flush(&self) {
        let Mode::Inline { queue, connection } = &self.mode else { return };
        // Checked again after the connection was released: batches submitted meanwhile were left to this thread.
        while !locked(queue).is_empty() {
            let mut connection = match connection.try_lock() {
                Ok(connection) => connection,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            self.write_queue(queue, &mut connection);
        }
    }

    fn write_queue(&self, queue: &Mutex<VecDeque<Batch>>, connection: &mut Option<Connection>) {
        let batches = Vec::from(std::mem::take(&mut *locked(queue)));
        match connection.as_mut().map(|connection| connection.write(&batches)) {
            Some(Ok(())) => finish(batches),
            failed => {
                // The callbacks of these batches do not run: their records are not stored.
                if let Some(Err(error)) = failed {
                    tracing::error!(%error, "the histories cannot be kept in memory any more");
                    let sentence = format!("the histories cannot be kept in memory any more ({error})");
                    self.progress.health.is_down(Part::Store, sentence);
                }
                self.progress.has_failed.store(true, Ordering::Release);
                connection.take();
            }
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.progress.has_failed.load(Ordering::Acquire)
    }

    /// Whether submitted batches have to wait until the store can be written.
    pub(super) fn is_failing(&self) -> bool {
        self.progress.is_failing.load(Ordering::Acquire)
    }

    /// Waits until all submitted batches are written, and accepts no more.
    pub(super) fn stop(&self) {
        match &self.mode {
            Mode::Inline { queue, connection } => {
                self.write_queue(queue, &mut locked(connection));
                locked(connection).take();
                // Batches submitted meanwhile are dropped, which wakes those who wait for them with an error.
                self.flush();
            }
            Mode::Thread { queue, thread } => {
                locked(queue).take();
                *locked(&self.progress.is_stopping) = true;
                self.progress.stopping.notify_all();
                if locked(thread).take().is_some_and(|thread| thread.join().is_err()) {
                    tracing::error!("the thread of the history store ended badly");
                }
            }
        }
    }
}

/// Opens the database again.
pub(super) type Reopen = Box<dyn Fn() -> Result<rusqlite::Connection, rusqlite::Error> + Send>;

fn write_all(mut connection: Connection, queue: &Receiver<Batch>, reopen: &Reopen, progress: &Progress) {
    while let Ok(first) = queue.recv() {
        let mut batches = vec![first];
        batches.extend(queue.try_iter().take(MAX_BATCHES - 1));
        if !write_until_stored(&mut connection, &batches, reopen, progress) {
            progress.has_failed.store(true, Ordering::Release);
            return;
        }
        finish(batches);
    }
}

/// Writes, and repeats the write until it succeeds: a full disk has room again some day. Later batches wait, so that none
/// is skipped. `false`: the engine was shut down before the write succeeded.
fn write_until_stored(
    connection: &mut Connection,
    batches: &[Batch],
    reopen: &Reopen,
    progress: &Progress,
) -> bool {
    let Err(mut error) = connection.write(batches) else { return true };
    let began = Instant::now();
    let (mut delay, mut reported) = (MIN_DELAY, None);
    progress.is_failing.store(true, Ordering::Release);
    loop {
        if reported.is_none_or(|reported: Instant| reported.elapsed() >= REPORT_INTERVAL) {
            reported = Some(Instant::now());
            tracing::error!(
                %error,
                seconds = began.elapsed().as_secs(),
                "the history store cannot be written: executions are stopped until it can"
            );
        }
        progress.health.is_down(
            Part::Store,
            format!("the history store cannot be written ({error}); it is tried again each second"),
        );
        if !progress.wait(delay) {
            tracing::error!(%error, "the history store could not be written before the engine was shut down");
            return false;
        }
        delay = (delay * 2).min(MAX_DELAY);
        match connection.write(batches) {
            Ok(()) => break,
            Err(again) => error = again,
        }
        // A connection that had an error of the disk may return that error for ever.
        if let Ok(database) = reopen() {
            *locked(&connection.database) = database;
        }
    }
    tracing::info!(seconds = began.elapsed().as_secs(), "the history store is written again");
    progress.is_failing.store(false, Ordering::Release);
    progress.health.is_up(Part::Store);
    true
}

/// Runs the callbacks of batches that are stored.
fn finish(batches: Vec<Batch>) {
    for batch in batches {
        for write in &batch.writes {
            if let Write::Record(record) = write {
                tracing::trace!(
                    target: "asl_engine::stored",
                    execution = record.execution,
                    sequence = record.sequence,
                    "a record is stored"
                );
            }
        }
        if let Err(panic) = catch_unwind(AssertUnwindSafe(batch.done)) {
            tracing::error!(panic = panic_message(&*panic), "the callback of a stored record panicked");
        }
    }
}

/// The open database, and what is deleted from it over time.
struct Connection {
    database: Arc<Mutex<rusqlite::Connection>>,
    cleaner: Cleaner,
}

impl Connection {
    /// Writes batches in one transaction. Repeating a write does no harm.
    fn write(&mut self, batches: &[Batch]) -> Result<(), rusqlite::Error> {
        let written = catch_unwind(AssertUnwindSafe(|| {
            write_together(&mut locked(&self.database), batches, &mut self.cleaner)
        }));
        written.unwrap_or(Err(rusqlite::Error::UnwindingPanic))
    }
}

fn write_together(
    database: &mut rusqlite::Connection,
    batches: &[Batch],
    cleaner: &mut Cleaner,
) -> Result<(), rusqlite::Error> {
    let transaction = database.transaction()?;
    let mut now = None;
    for batch in batches {
        for write in &batch.writes {
            if let Write::Record(record) = write {
                cleaner.wrote(record.execution, record.body.len());
            }
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
                "INSERT OR REPLACE INTO machines (revision, arn, is_current, body) VALUES (?, ?, 1, ?)",
                params![revision, arn, body],
            )?;
        }
        Write::MachineDeleted { arn } => {
            transaction.execute("UPDATE machines SET is_current = 0 WHERE arn = ?", [arn])?;
            transaction.execute("DELETE FROM published WHERE arn = ?", [arn])?;
        }
        Write::Published { arn, body } => {
            transaction
                .execute("INSERT OR REPLACE INTO published (arn, body) VALUES (?, ?)", params![arn, body])?;
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
                    "INSERT OR REPLACE INTO executions (number, key, owner, revision, status, redrives, identity)
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
            let key = ((record.execution << SEQUENCE_BITS) | record.sequence) as i64;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO records (place, body) VALUES (?, ?)")?
                .execute(params![key, record.body])?;
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
