//! The tables of the local SQS.

use rusqlite::Connection;

/// Creates what is not there yet.
///
/// A commit only writes: answers wait for the sync of the log, which covers every commit before it (`LogSync`).
/// What changes with each receipt is apart from what a message says, so that a receipt does not write the body anew.
pub(super) fn prepare(database: &Connection) -> rusqlite::Result<()> {
    database.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // What is deleted is overwritten, so that nobody reads it in the file.
    database.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    database.execute_batch(
        "PRAGMA synchronous = NORMAL;
         PRAGMA foreign_keys = ON;
         BEGIN;
         CREATE TABLE IF NOT EXISTS queues (
             number INTEGER PRIMARY KEY AUTOINCREMENT,
             name TEXT NOT NULL UNIQUE,
             attributes TEXT NOT NULL,
             tags TEXT NOT NULL,
             created INTEGER NOT NULL,
             modified INTEGER NOT NULL,
             purged INTEGER NOT NULL DEFAULT 0
         );
         CREATE TABLE IF NOT EXISTS messages (
             number INTEGER PRIMARY KEY AUTOINCREMENT,
             queue INTEGER NOT NULL REFERENCES queues ON DELETE CASCADE,
             sent INTEGER NOT NULL,
             visible_at INTEGER NOT NULL,
             receive_count INTEGER NOT NULL DEFAULT 0,
             earlier_receives INTEGER NOT NULL DEFAULT 0,
             first_received INTEGER,
             receipt TEXT,
             group_id TEXT
         );
         CREATE INDEX IF NOT EXISTS messages_visible ON messages (queue, visible_at, number);
         CREATE INDEX IF NOT EXISTS messages_sent ON messages (queue, sent);
         CREATE INDEX IF NOT EXISTS messages_grouped ON messages (queue, group_id, visible_at)
             WHERE group_id IS NOT NULL;
         CREATE TABLE IF NOT EXISTS contents (
             number INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
             message_id TEXT NOT NULL,
             body TEXT NOT NULL,
             attributes TEXT NOT NULL,
             trace_header TEXT,
             deduplication_id TEXT,
             source TEXT
         );
         CREATE TABLE IF NOT EXISTS deduplications (
             queue INTEGER NOT NULL REFERENCES queues ON DELETE CASCADE,
             scope TEXT NOT NULL,
             id TEXT NOT NULL,
             message_id TEXT NOT NULL,
             number INTEGER NOT NULL,
             sent INTEGER NOT NULL,
             PRIMARY KEY (queue, scope, id)
         ) WITHOUT ROWID;
         CREATE INDEX IF NOT EXISTS deduplications_sent ON deduplications (sent);
         CREATE TABLE IF NOT EXISTS moves (
             number INTEGER PRIMARY KEY AUTOINCREMENT,
             handle TEXT NOT NULL,
             source TEXT NOT NULL,
             destination TEXT,
             moved INTEGER NOT NULL,
             started INTEGER NOT NULL
         );
         COMMIT;",
    )
}
