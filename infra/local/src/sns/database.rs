//! The tables of the local SNS.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::{Sns, SnsError};

/// Creates what is not there yet.
pub(super) fn prepare(database: &Connection) -> rusqlite::Result<()> {
    // In memory SQLite answers `memory`; on disk the log is synced with every commit.
    database.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // What is deleted is overwritten, so that nobody reads it in the file.
    database.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    // The tables in one transaction: each statement alone would wait for the disk.
    database.execute_batch(
        "PRAGMA synchronous = FULL;
         BEGIN;
         CREATE TABLE IF NOT EXISTS topics (
             number INTEGER PRIMARY KEY,
             arn TEXT NOT NULL UNIQUE,
             attributes TEXT NOT NULL,
             tags TEXT NOT NULL,
             deleted_subscriptions INTEGER NOT NULL DEFAULT 0
         );
         CREATE TABLE IF NOT EXISTS subscriptions (
             number INTEGER PRIMARY KEY,
             arn TEXT NOT NULL UNIQUE,
             topic_arn TEXT NOT NULL,
             protocol TEXT NOT NULL,
             endpoint TEXT NOT NULL,
             token TEXT NOT NULL UNIQUE,
             confirmed INTEGER NOT NULL,
             attributes TEXT NOT NULL,
             UNIQUE (topic_arn, protocol, endpoint)
         );
         CREATE TABLE IF NOT EXISTS messages (
             number INTEGER PRIMARY KEY,
             message_id TEXT NOT NULL,
             channel TEXT NOT NULL,
             address TEXT NOT NULL,
             subject TEXT,
             text TEXT NOT NULL,
             attributes TEXT NOT NULL,
             topic_arn TEXT,
             time TEXT NOT NULL
         );
         CREATE TABLE IF NOT EXISTS opted_out (
             number INTEGER PRIMARY KEY,
             phone TEXT NOT NULL UNIQUE
         );
         CREATE TABLE IF NOT EXISTS opted_in (
             phone TEXT PRIMARY KEY,
             time TEXT NOT NULL
         );
         COMMIT;",
    )
}

/// How many items a page of a list has.
const PAGE: i64 = 100;

impl Sns {
    /// One page of a table in the order of its rows, and the token of the next page.
    ///
    /// `query` selects `number` first, and takes `:after` and `:limit`, and `:of` as it likes.
    pub(super) fn page<T>(
        &self,
        query: &str,
        of: &str,
        token: Option<&str>,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<(Vec<T>, Option<String>), SnsError> {
        let after: i64 = match token {
            Some(token) => token.parse().map_err(|_| SnsError::invalid_parameter("NextToken"))?,
            None => 0,
        };
        let mut statement = self.database.prepare_cached(query)?;
        let rows = statement
            .query_map(named_params! {":after": after, ":limit": PAGE + 1, ":of": of}, |row| {
                Ok((row.get::<_, i64>(0)?, read(row)?))
            })?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let more = rows.len() > PAGE as usize;
        let kept: Vec<(i64, T)> = rows.into_iter().take(PAGE as usize).collect();
        let next = if more { kept.last().map(|(number, _)| number.to_string()) } else { None };
        Ok((kept.into_iter().map(|(_, item)| item).collect(), next))
    }

    /// The first row of a query with one parameter.
    pub(super) fn row<T>(
        &self,
        query: &str,
        parameter: &str,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, SnsError> {
        Ok(self.database.prepare_cached(query)?.query_row([parameter], read).optional()?)
    }
}
