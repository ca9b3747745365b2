//! Cleaning away: what is kept of closed executions, and for how long.

use std::collections::VecDeque;

use rusqlite::{Transaction, params};

use super::rows::places;

/// What is kept of closed executions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retention {
    /// Everything, for ninety days.
    Disk,
    /// The last 10,000. Whoever started very many at once can still ask for a few minutes how the others ended.
    Memory,
}

const DISK_MILLIS: i64 = 90 * 24 * 3600 * 1000;
/// How many closings pass between two cleanings of the disk, and how many executions go at a time.
const DISK_EVERY: u64 = 1_000;

const MEMORY_HISTORIES: usize = 10_000;
const MEMORY_EXECUTIONS: usize = 10_000;
const MEMORY_MILLIS: i64 = 5 * 60 * 1000;
const MEMORY_MOST: usize = 100_000;

/// Cleans away as executions close.
pub(super) struct Cleaner {
    retention: Retention,
    closings: u64,
    /// In memory mode: closed executions whose history is kept, and those of which anything is, oldest first.
    histories: VecDeque<Closed>,
    executions: VecDeque<Closed>,
}

#[derive(Clone, Copy)]
struct Closed {
    execution: i64,
    stop: i64,
}

impl Cleaner {
    pub(super) fn new(retention: Retention) -> Cleaner {
        // A restart may have left something to do.
        Cleaner { retention, closings: DISK_EVERY, histories: VecDeque::new(), executions: VecDeque::new() }
    }

    /// An execution has closed.
    pub(super) fn closed(&mut self, execution: u64, stop: i64) {
        self.closings += 1;
        if self.retention == Retention::Memory {
            let closed = Closed { execution: execution as i64, stop };
            self.histories.push_back(closed);
            self.executions.push_back(closed);
        }
    }

    /// Takes away what need not be kept any longer.
    pub(super) fn clean(&mut self, transaction: &Transaction<'_>, now: i64) -> Result<(), rusqlite::Error> {
        match self.retention {
            Retention::Memory => self.clean_memory(transaction, now),
            Retention::Disk if self.closings >= DISK_EVERY => {
                self.closings = 0;
                clean_disk(transaction, now - DISK_MILLIS)
            }
            Retention::Disk => Ok(()),
        }
    }

    fn clean_memory(&mut self, transaction: &Transaction<'_>, now: i64) -> Result<(), rusqlite::Error> {
        while self.histories.len() > MEMORY_HISTORIES {
            let Some(closed) = self.histories.pop_front() else { break };
            delete_history(transaction, closed)?;
        }
        while self.executions.len() > MEMORY_EXECUTIONS {
            let is_fresh = self.executions.front().is_some_and(|closed| now - closed.stop < MEMORY_MILLIS);
            if is_fresh && self.executions.len() <= MEMORY_MOST {
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
    let (first, last) = places(closed.execution as u64);
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
        .query_map([oldest], |row| Ok(Closed { execution: row.get(0)?, stop: row.get(1)? }))?
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
