//! Deleting closed executions: which of them are kept, and for how long.

use std::collections::{HashMap, VecDeque};

use rusqlite::{Transaction, params};

use super::rows::record_keys;
use crate::model::MemoryBounds;

/// Which closed executions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retention {
    /// Everything, for ninety days.
    Disk,
    /// The last ones, within these bounds. How the others ended is known for a few minutes more.
    Memory(MemoryBounds),
}

const DISK_MILLIS: i64 = 90 * 24 * 3600 * 1000;
/// How many executions close between two cleanings of the disk.
const DISK_INTERVAL: u64 = 1_000;

/// How long the outcome of an execution is known after its history was deleted, and of how many executions for each
/// history that may be kept.
const MEMORY_MILLIS: i64 = 5 * 60 * 1000;
const MEMORY_ENDS: usize = 10;

/// The approximate cost of an execution beside its records: its row, its input and its output.
const BYTES_OF_AN_EXECUTION: usize = 1_000;

/// Deletes executions as others close.
pub(super) struct Cleaner {
    retention: Retention,
    closings: u64,
    /// In memory mode: closed executions whose history is kept, and those whose row is, oldest first.
    histories: VecDeque<Closed>,
    executions: VecDeque<Closed>,
    /// The bytes of the histories that are kept.
    bytes: usize,
    /// The bytes of the records of executions that have not closed.
    open: HashMap<i64, usize>,
}

#[derive(Clone, Copy)]
struct Closed {
    execution: i64,
    stop: i64,
    bytes: usize,
}

impl Cleaner {
    pub(super) fn new(retention: Retention) -> Cleaner {
        // The previous process may have left rows to delete.
        Cleaner {
            retention,
            closings: DISK_INTERVAL,
            histories: VecDeque::new(),
            executions: VecDeque::new(),
            bytes: 0,
            open: HashMap::new(),
        }
    }

    /// A record of an execution has been written.
    pub(super) fn wrote(&mut self, execution: u64, bytes: usize) {
        if self.retention != Retention::Disk {
            *self.open.entry(execution as i64).or_default() += bytes;
        }
    }

    /// An execution has closed.
    pub(super) fn closed(&mut self, execution: u64, stop: i64) {
        self.closings += 1;
        if self.retention != Retention::Disk {
            let execution = execution as i64;
            let bytes = BYTES_OF_AN_EXECUTION + self.open.remove(&execution).unwrap_or(0);
            self.bytes += bytes;
            let closed = Closed { execution, stop, bytes };
            self.histories.push_back(closed);
            self.executions.push_back(closed);
        }
    }

    /// Deletes what need not be kept any longer.
    pub(super) fn clean(&mut self, transaction: &Transaction<'_>, now: i64) -> Result<(), rusqlite::Error> {
        match self.retention {
            Retention::Memory(bounds) => self.clean_memory(transaction, now, bounds),
            Retention::Disk if self.closings >= DISK_INTERVAL => {
                self.closings = 0;
                clean_disk(transaction, now - DISK_MILLIS)
            }
            Retention::Disk => Ok(()),
        }
    }

    fn clean_memory(
        &mut self,
        transaction: &Transaction<'_>,
        now: i64,
        bounds: MemoryBounds,
    ) -> Result<(), rusqlite::Error> {
        while self.histories.len() > bounds.executions || self.bytes > bounds.history_bytes {
            let Some(closed) = self.histories.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(closed.bytes);
            delete_history(transaction, closed)?;
        }
        while self.executions.len() > bounds.executions {
            let is_fresh = self.executions.front().is_some_and(|closed| now - closed.stop < MEMORY_MILLIS);
            if is_fresh && self.executions.len() <= bounds.executions.saturating_mul(MEMORY_ENDS) {
                break;
            }
            let Some(closed) = self.executions.pop_front() else { break };
            transaction
                .prepare_cached("DELETE FROM map_runs WHERE execution = ?")?
                .execute([closed.execution])?;
            transaction
                .prepare_cached("DELETE FROM executions WHERE number = ? AND stop = ?")?
                .execute([closed.execution, closed.stop])?;
        }
        Ok(())
    }
}

/// Deletes the records of an execution, unless it was redriven since.
fn delete_history(transaction: &Transaction<'_>, closed: Closed) -> Result<(), rusqlite::Error> {
    let (first, last) = record_keys(closed.execution as u64);
    transaction
        .prepare_cached(
            "DELETE FROM records WHERE place BETWEEN ? AND ?
             AND EXISTS (SELECT 1 FROM executions WHERE number = ? AND stop = ?)",
        )?
        .execute(params![first, last, closed.execution, closed.stop])
        .map(drop)
}

fn clean_disk(transaction: &Transaction<'_>, oldest: i64) -> Result<(), rusqlite::Error> {
    let closed: Vec<Closed> = transaction
        .prepare_cached("SELECT number, stop FROM executions WHERE stop < ? ORDER BY number LIMIT 5000")?
        .query_map([oldest], |row| Ok(Closed { execution: row.get(0)?, stop: row.get(1)?, bytes: 0 }))?
        .collect::<Result<_, _>>()?;
    for closed in closed {
        delete_history(transaction, closed)?;
        transaction
            .prepare_cached("DELETE FROM map_runs WHERE execution = ?")?
            .execute([closed.execution])?;
        transaction.prepare_cached("DELETE FROM executions WHERE number = ?")?.execute([closed.execution])?;
    }
    Ok(())
}
