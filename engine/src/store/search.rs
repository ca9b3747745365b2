//! Searching the executions of all owners: pages and counts that cost what they show, however many there are.

use rusqlite::params;

use super::Store;
use super::rows::{COLUMNS, ExecutionRow};
use super::writer::status_code;
use crate::model::ExecutionStatus;

/// What the executions of one owner must have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowFilter<'a> {
    pub(crate) status: Option<ExecutionStatus>,
    /// A part of the name.
    pub(crate) name: Option<&'a str>,
    /// From this number on.
    pub(crate) first: u64,
    /// Before this number.
    pub(crate) before: u64,
}

const STATUSES: [ExecutionStatus; 6] = [
    ExecutionStatus::Running,
    ExecutionStatus::Succeeded,
    ExecutionStatus::Failed,
    ExecutionStatus::TimedOut,
    ExecutionStatus::Aborted,
    ExecutionStatus::PendingRedrive,
];

impl Store {
    /// The executions of an owner (a machine or a map run), newest first. An index leads to those of a status; a name is looked
    /// for in the rows.
    pub(crate) fn search_of(
        &self,
        owner: i64,
        filter: RowFilter<'_>,
        limit: usize,
    ) -> Result<Vec<ExecutionRow>, rusqlite::Error> {
        let connection = self.read();
        let (index, status) = match filter.status {
            Some(_) => ("executions_by_status", "AND status = ?4"),
            None => ("executions_by_owner", "AND ?4 IS NULL"),
        };
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM executions INDEXED BY {index} WHERE owner = ?1 AND number >= ?2 AND number < ?3 {status}
             AND (?5 IS NULL OR instr(identity, ?5) > 0) ORDER BY number DESC"
        ))?;
        let before = i64::try_from(filter.before).unwrap_or(i64::MAX);
        let found = params![
            owner,
            filter.first as i64,
            before,
            filter.status.map(status_code),
            filter.name.map(str::as_bytes)
        ];
        let mut rows = Vec::new();
        for row in statement.query_map(found, ExecutionRow::read)? {
            let row = row?;
            // The part may stand in the input or in the ARN as well.
            let has_name =
                |part: &str| row.identity.as_ref().is_ok_and(|identity| identity.name.contains(part));
            if filter.name.is_none_or(has_name) {
                rows.push(row);
            }
            if rows.len() == limit {
                break;
            }
        }
        Ok(rows)
    }

    /// How many executions of an owner are in each status: read from the index alone.
    pub(crate) fn count_of(&self, owner: i64) -> Result<Vec<(ExecutionStatus, u64)>, rusqlite::Error> {
        let connection = self.read();
        let mut statement = connection
            .prepare_cached("SELECT status, count(*) FROM executions WHERE owner = ? GROUP BY status")?;
        let counts = statement
            .query_map([owner], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        let status_of = |code| STATUSES.into_iter().find(|status| status_code(*status) == code);
        Ok(counts.into_iter().filter_map(|(code, count)| Some((status_of(code)?, count as u64))).collect())
    }

    /// The number of the first execution that started at this timestamp or later: numbers and starts grow together.
    pub(crate) fn first_started_from(&self, timestamp: i64) -> Result<u64, rusqlite::Error> {
        let connection = self.read();
        let mut probe = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM executions WHERE number >= ? ORDER BY number LIMIT 1"
        ))?;
        let last: Option<i64> =
            connection.query_row("SELECT max(number) FROM executions", [], |row| row.get(0))?;
        let (mut low, mut high) = (0, last.map_or(0, |last| last as u64 + 1));
        while low < high {
            let middle = low + (high - low) / 2;
            let row = probe.query_map([middle as i64], ExecutionRow::read)?.next().transpose()?;
            let is_late = row
                .as_ref()
                .is_none_or(|row| row.identity.as_ref().is_ok_and(|identity| identity.start >= timestamp));
            if is_late {
                high = middle;
            } else {
                low = row.map_or(high, |row| row.number + 1);
            }
        }
        Ok(low)
    }
}
