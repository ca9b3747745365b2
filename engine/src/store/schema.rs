//! The tables.

use rusqlite::Connection;

/// A record's row number is its execution's number, shifted by this, and its own sequence: the records of an
/// execution lie together.
pub(super) const SEQUENCE_BITS: u32 = 28;

pub(super) fn prepare(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(64);
    // In one transaction: each statement alone would wait for the disk.
    connection.execute_batch(
        "BEGIN;
         CREATE TABLE IF NOT EXISTS machines (
             revision INTEGER PRIMARY KEY,
             arn TEXT NOT NULL,
             is_current INTEGER NOT NULL,
             body TEXT NOT NULL
         );
         CREATE TABLE IF NOT EXISTS activities (arn TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS published (arn TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS executions (
             number INTEGER PRIMARY KEY,
             key INTEGER NOT NULL,
             owner INTEGER NOT NULL,
             revision INTEGER NOT NULL,
             status INTEGER NOT NULL,
             stop INTEGER,
             redrives INTEGER NOT NULL,
             redrive_date INTEGER,
             identity BLOB NOT NULL,
             outcome BLOB
         );
         CREATE INDEX IF NOT EXISTS executions_by_key ON executions (key);
         CREATE INDEX IF NOT EXISTS executions_by_owner ON executions (owner);
         CREATE INDEX IF NOT EXISTS executions_by_status ON executions (owner, status);
         CREATE INDEX IF NOT EXISTS executions_open ON executions (number) WHERE stop IS NULL;
         CREATE TABLE IF NOT EXISTS records (place INTEGER PRIMARY KEY, body BLOB NOT NULL);
         CREATE TABLE IF NOT EXISTS map_runs (arn TEXT PRIMARY KEY, execution INTEGER NOT NULL) WITHOUT ROWID;
         COMMIT;",
    )
}
