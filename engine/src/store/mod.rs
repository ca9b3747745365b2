//! The store: machines, activities, executions and the records of each.
//!
//! On disk one thread writes. It takes all batches that were submitted meanwhile into one transaction, so that executions
//! that run at the same time share the cost of the disk. In memory mode the same database is in memory, and the thread that
//! submits a batch writes it.

mod cleaning;
mod record;
mod rows;
mod salvage;
mod schema;
mod search;
mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

pub(crate) use record::{Record, StoredRecord, key_of};
pub(crate) use rows::{ActivityRow, ExecutionRow, MachineRow};
pub(crate) use search::RowFilter;
pub(crate) use writer::{Batch, Closing, Write};

use crate::health::Health;
use crate::model::{EngineError, MemoryBounds, Storage};
use writer::Writer;

/// The store of one engine.
pub(crate) struct Store {
    /// For reading. In memory mode the writer's own connection, as there is only one database in memory.
    reader: Arc<Mutex<Connection>>,
    writer: Writer,
    /// Held until the store is closed, so that no other process opens the directory.
    lock: Mutex<Option<File>>,
}

impl Store {
    /// Opens the store, or creates it.
    pub(crate) fn open(storage: &Storage, health: &Health) -> Result<Store, EngineError> {
        match storage {
            Storage::Memory | Storage::BoundedMemory(_) => {
                let bounds = match storage {
                    Storage::BoundedMemory(bounds) => *bounds,
                    _ => MemoryBounds::default(),
                };
                let connection = Connection::open_in_memory()?;
                // Nothing is ever rolled back here: an engine that cannot write stops.
                connection.execute_batch("PRAGMA page_size = 16384; PRAGMA journal_mode = OFF;")?;
                schema::prepare(&connection)?;
                let shared = Arc::new(Mutex::new(connection));
                Ok(Store {
                    reader: Arc::clone(&shared),
                    writer: Writer::to_memory(shared, bounds),
                    lock: Mutex::new(None),
                })
            }
            Storage::Directory(path) => {
                let lock = lock(path)?;
                let file = path.join("executions.sqlite3");
                let (writer, reader) = match open_file(&file) {
                    Err(error) if salvage::is_damage(&error) => {
                        salvage::salvage(&file)?;
                        open_file(&file)?
                    }
                    opened => opened?,
                };
                Ok(Store {
                    reader: Arc::new(Mutex::new(reader)),
                    writer: Writer::to_disk(writer, Box::new(move || open_writer(&file)), health),
                    lock: Mutex::new(Some(lock)),
                })
            }
        }
    }

    /// Submits a batch, whose `done` is called once it is stored. [`Store::flush`] must follow.
    pub(crate) fn submit(&self, batch: Batch) {
        self.writer.submit(batch);
    }

    /// Writes the submitted batches. Must be called without holding a lock that a `done` callback may take.
    pub(crate) fn flush(&self) {
        self.writer.flush();
    }

    /// Whether writing has failed for good.
    pub(crate) fn has_failed(&self) -> bool {
        self.writer.has_failed()
    }

    /// Whether submitted batches have to wait until the store can be written.
    pub(crate) fn is_failing(&self) -> bool {
        self.writer.is_failing()
    }

    /// Waits until all submitted batches are written, stops the writer, and unlocks the directory.
    pub(crate) fn close(&self) {
        self.writer.stop();
        locked(&self.lock).take();
    }

    fn read(&self) -> MutexGuard<'_, Connection> {
        locked(&self.reader)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the database twice: for writing, and for reading beside that.
fn open_file(file: &Path) -> Result<(Connection, Connection), rusqlite::Error> {
    let writer = open_writer(file)?;
    schema::prepare(&writer)?;
    salvage::probe(&writer)?;
    let reader = Connection::open(file)?;
    reader.execute_batch("PRAGMA query_only = ON;")?;
    Ok((writer, reader))
}

fn open_writer(file: &Path) -> Result<Connection, rusqlite::Error> {
    let writer = Connection::open(file)?;
    writer.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;",
    )?;
    writer.set_prepared_statement_cache_capacity(64);
    Ok(writer)
}

fn lock(path: &Path) -> Result<File, EngineError> {
    let unusable =
        |error: std::io::Error| EngineError::Directory { path: path.to_owned(), reason: error.to_string() };
    std::fs::create_dir_all(path).map_err(unusable)?;
    let file =
        File::options().create(true).truncate(false).write(true).open(path.join("lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(EngineError::InUse { path: path.to_owned() }),
        Err(std::fs::TryLockError::Error(error)) => Err(unusable(error)),
    }
}
