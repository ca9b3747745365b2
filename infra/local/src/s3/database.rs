//! The tables of the local S3.
//!
//! Bytes are rows as well: a content is a run of chunks, and an object names one or more contents (the parts of a multipart
//! upload). So an object appears, changes and disappears in one transaction with its bytes, on disk and in memory alike.

use rusqlite::Connection;

/// The bytes of one chunk.
pub(super) const CHUNK: usize = 1024 * 1024;

/// The pages of 4 KiB that all objects may take where everything is in memory: 1 GiB.
const MEMORY_PAGES: u64 = 262_144;

/// Creates what is not there yet, and drops the bytes of writes that a former process did not finish.
pub(super) fn prepare(database: &Connection, in_memory: bool) -> rusqlite::Result<()> {
    database.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    database.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA cache_size = -2048;
         BEGIN;
         CREATE TABLE IF NOT EXISTS buckets (
             name TEXT PRIMARY KEY,
             created INTEGER NOT NULL
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS configurations (
             bucket TEXT NOT NULL,
             kind TEXT NOT NULL,
             document TEXT NOT NULL,
             PRIMARY KEY (bucket, kind)
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS objects (
             bucket TEXT NOT NULL,
             key TEXT NOT NULL,
             size INTEGER NOT NULL,
             etag TEXT NOT NULL,
             modified INTEGER NOT NULL,
             headers TEXT NOT NULL,
             tags TEXT NOT NULL,
             contents TEXT NOT NULL,
             PRIMARY KEY (bucket, key)
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS uploads (
             id TEXT PRIMARY KEY,
             bucket TEXT NOT NULL,
             key TEXT NOT NULL,
             created INTEGER NOT NULL,
             headers TEXT NOT NULL,
             tags TEXT NOT NULL
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS parts (
             upload TEXT NOT NULL,
             number INTEGER NOT NULL,
             size INTEGER NOT NULL,
             etag TEXT NOT NULL,
             modified INTEGER NOT NULL,
             content INTEGER NOT NULL,
             PRIMARY KEY (upload, number)
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS contents (id INTEGER PRIMARY KEY, uses INTEGER NOT NULL);
         CREATE TABLE IF NOT EXISTS chunks (
             content INTEGER NOT NULL,
             start INTEGER NOT NULL,
             bytes BLOB NOT NULL,
             UNIQUE (content, start)
         );
         DELETE FROM chunks WHERE content IN (SELECT id FROM contents WHERE uses = 0);
         DELETE FROM contents WHERE uses = 0;
         COMMIT;",
    )?;
    if in_memory {
        database.query_row(&format!("PRAGMA max_page_count = {MEMORY_PAGES}"), [], |_| Ok(()))?;
    }
    database.set_prepared_statement_cache_capacity(64);
    Ok(())
}
