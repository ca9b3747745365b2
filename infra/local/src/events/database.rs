//! The tables of the local EventBridge.

use rusqlite::Connection;

/// Creates what is not there yet.
pub(super) fn prepare(database: &Connection) -> rusqlite::Result<()> {
    database.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    database.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         PRAGMA cache_size = -1024;
         BEGIN;
         CREATE TABLE IF NOT EXISTS buses (
             name TEXT PRIMARY KEY,
             description TEXT,
             created INTEGER NOT NULL,
             modified INTEGER NOT NULL
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS rules (
             bus TEXT NOT NULL,
             name TEXT NOT NULL,
             pattern TEXT,
             schedule TEXT,
             state TEXT NOT NULL,
             description TEXT,
             role TEXT,
             created INTEGER NOT NULL,
             next INTEGER,
             PRIMARY KEY (bus, name)
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS targets (
             bus TEXT NOT NULL,
             rule TEXT NOT NULL,
             id TEXT NOT NULL,
             document TEXT NOT NULL,
             PRIMARY KEY (bus, rule, id)
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS tags (
             arn TEXT NOT NULL,
             key TEXT NOT NULL,
             value TEXT NOT NULL,
             PRIMARY KEY (arn, key)
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS parts (
             kind TEXT NOT NULL,
             name TEXT NOT NULL,
             document TEXT NOT NULL,
             PRIMARY KEY (kind, name)
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS groups (
             name TEXT PRIMARY KEY,
             created INTEGER NOT NULL
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS schedules (
             grouped TEXT NOT NULL,
             name TEXT NOT NULL,
             document TEXT NOT NULL,
             next INTEGER,
             PRIMARY KEY (grouped, name)
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS deliveries (
             number INTEGER PRIMARY KEY AUTOINCREMENT,
             origin TEXT NOT NULL,
             target TEXT NOT NULL,
             payload TEXT NOT NULL,
             event TEXT,
             event_id TEXT NOT NULL,
             hops INTEGER NOT NULL,
             created INTEGER NOT NULL,
             attempts INTEGER NOT NULL DEFAULT 0,
             due INTEGER NOT NULL
         );
         CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due, number);
         COMMIT;",
    )?;
    database.set_prepared_statement_cache_capacity(32);
    Ok(())
}
