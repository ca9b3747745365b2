//! Who writes, and how.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, params};

use super::cleaning::{Cleaner, Retention};
use super::record::key_of;
use super::rows::encode_identity;
use super::schema::SEQUENCE_BITS;
use super::{Record, locked};
use crate::engine::MemoryBounds;
use crate::engine::{ExecutionStatus, Health, Part, words_of};
use crate::execution::{Identity, Outcome};
use crate::history::Encoder;

/// How many batches share one transaction at most.
const MOST_TOGETHER: usize = 512;

/// How long after a failure the same is written again: twice as long each time, up to the second.
const FIRST_DELAY: Duration = Duration::from_millis(50);
const MAX_DELAY: Duration = Duration::from_secs(1);

/// How often a failure that lasts is told of.
const TOLD_EVERY: Duration = Duration::from_secs(60);

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
    progress: Arc<Progress>,
}

/// How writing goes.
#[derive(Default)]
struct Progress {
    health: Health,
    /// Nothing can be written any more.
    has_failed: AtomicBool,
    /// What is to be written cannot be written at present.
    is_failing: AtomicBool,
    /// Nobody waits for what cannot be written any longer.
    is_stopping: Mutex<bool>,
    stopping: Condvar,
}

impl Progress {
    /// Waits before the next try; `false` if there is to be none.
    fn wait(&self, delay: Duration) -> bool {
        let is_stopping = locked(&self.is_stopping);
        let waited = self.stopping.wait_timeout_while(is_stopping, delay, |is_stopping| !*is_stopping);
        !*waited.unwrap_or_else(PoisonError::into_inner).0
    }
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
    pub(super) fn to_memory(connection: Arc<Mutex<Connection>>, bounds: MemoryBounds) -> Writer {
        let pen = Pen { connection, cleaner: Cleaner::new(Retention::Memory(bounds)) };
        let hand = Hand::Caller { queue: Mutex::default(), pen: Mutex::new(Some(pen)) };
        Writer { hand, progress: Arc::default() }
    }

    /// A writer to the disk. `reopen` opens the database anew, should the connection be of no use any more.
    pub(super) fn to_disk(connection: Connection, reopen: Reopen, health: &Health) -> Writer {
        let progress = Arc::new(Progress { health: health.clone(), ..Progress::default() });
        let (sender, receiver) = channel();
        let pen =
            Pen { connection: Arc::new(Mutex::new(connection)), cleaner: Cleaner::new(Retention::Disk) };
        let told = Arc::clone(&progress);
        let thread = std::thread::Builder::new()
            .name("history-writer".to_owned())
            .spawn(move || write_all(pen, &receiver, &reopen, &told));
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                tracing::error!(%error, "the thread of the history store could not be started");
                health.is_down(Part::Store, format!("the history store has no thread: {error}"));
                progress.has_failed.store(true, Ordering::Release);
                None
            }
        };
        let hand = Hand::Thread { queue: Mutex::new(Some(sender)), thread: Mutex::new(thread) };
        Writer { hand, progress }
    }

    /// Takes something in. [`Writer::settle`] must follow, without locks that `done` might want.
    pub(super) fn submit(&self, batch: Batch) {
        match &self.hand {
            Hand::Caller { queue, .. } => locked(queue).push_back(batch),
            Hand::Thread { queue, .. } => {
                let is_taken = locked(queue).as_ref().is_some_and(|queue| queue.send(batch).is_ok());
                if !is_taken {
                    self.progress.has_failed.store(true, Ordering::Release);
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
        match pen.as_mut().map(|pen| pen.write(&batches)) {
            Some(Ok(())) => finish(batches),
            failed => {
                // What was handed in stays undone: nobody is told that it happened.
                if let Some(Err(error)) = failed {
                    tracing::error!(%error, "the histories cannot be kept in memory any more");
                    let sentence = format!("the histories cannot be kept in memory any more ({error})");
                    self.progress.health.is_down(Part::Store, sentence);
                }
                self.progress.has_failed.store(true, Ordering::Release);
                pen.take();
            }
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.progress.has_failed.load(Ordering::Acquire)
    }

    /// Whether what is handed in has to wait until it can be written.
    pub(super) fn is_failing(&self) -> bool {
        self.progress.is_failing.load(Ordering::Acquire)
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
                *locked(&self.progress.is_stopping) = true;
                self.progress.stopping.notify_all();
                if locked(thread).take().is_some_and(|thread| thread.join().is_err()) {
                    tracing::error!("the thread of the history store ended badly");
                }
            }
        }
    }
}

/// Opens the database anew.
pub(super) type Reopen = Box<dyn Fn() -> Result<Connection, rusqlite::Error> + Send>;

fn write_all(mut pen: Pen, queue: &Receiver<Batch>, reopen: &Reopen, progress: &Progress) {
    while let Ok(first) = queue.recv() {
        let mut batches = vec![first];
        batches.extend(queue.try_iter().take(MOST_TOGETHER - 1));
        if !write_in_the_end(&mut pen, &batches, reopen, progress) {
            progress.has_failed.store(true, Ordering::Release);
            return;
        }
        finish(batches);
    }
}

/// Writes, as often as it takes: a disk that is full has room again some day. Nothing is passed over meanwhile, as what
/// comes later waits behind it. `false`: the engine is shut down before it could be written.
fn write_in_the_end(pen: &mut Pen, batches: &[Batch], reopen: &Reopen, progress: &Progress) -> bool {
    let Err(mut error) = pen.write(batches) else { return true };
    let began = Instant::now();
    let (mut delay, mut told) = (FIRST_DELAY, None);
    progress.is_failing.store(true, Ordering::Release);
    loop {
        if told.is_none_or(|told: Instant| told.elapsed() >= TOLD_EVERY) {
            told = Some(Instant::now());
            tracing::error!(
                %error,
                seconds = began.elapsed().as_secs(),
                "the history store cannot be written: executions stand still until it can"
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
        match pen.write(batches) {
            Ok(()) => break,
            Err(again) => error = again,
        }
        // A connection that has met an error of the disk may see that error for ever.
        if let Ok(connection) = reopen() {
            *locked(&pen.connection) = connection;
        }
    }
    tracing::info!(seconds = began.elapsed().as_secs(), "the history store is written again");
    progress.is_failing.store(false, Ordering::Release);
    progress.health.is_up(Part::Store);
    true
}

/// Does what was to be done once the batches are safe.
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
            tracing::error!(panic = words_of(&*panic), "what follows from a stored record panicked");
        }
    }
}

/// What writing needs.
struct Pen {
    connection: Arc<Mutex<Connection>>,
    cleaner: Cleaner,
}

impl Pen {
    /// Writes together. What was written before is written again without harm.
    fn write(&mut self, batches: &[Batch]) -> Result<(), rusqlite::Error> {
        let written = catch_unwind(AssertUnwindSafe(|| {
            write_together(&mut locked(&self.connection), batches, &mut self.cleaner)
        }));
        written.unwrap_or(Err(rusqlite::Error::UnwindingPanic))
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
            let place = ((record.execution << SEQUENCE_BITS) | record.sequence) as i64;
            transaction
                .prepare_cached("INSERT OR REPLACE INTO records (place, body) VALUES (?, ?)")?
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
