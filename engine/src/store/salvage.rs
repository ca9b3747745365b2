//! Saving what can be read of a damaged database into a new one.
//!
//! A killed process leaves no damage, as the database has a journal. This is for files that were truncated or overwritten
//! by something else.

use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, params_from_iter};

use super::schema;
use crate::model::EngineError;

/// The tables, with their keys and columns.
const TABLES: [(&str, &str, &str); 6] = [
    ("machines", "revision", "revision, arn, is_current, body"),
    ("activities", "arn", "arn, body"),
    ("published", "arn", "arn, body"),
    ("map_runs", "arn", "arn, execution"),
    (
        "executions",
        "number",
        "number, key, owner, revision, status, stop, redrives, redrive_date, identity, outcome",
    ),
    ("records", "place", "place, body"),
];

/// Whether an error says that the file is not what was written.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Reads the ends of the tables, where rows are added, and everything that a start reads.
pub(super) fn probe(connection: &Connection) -> Result<(), rusqlite::Error> {
    for select in ["SELECT body FROM machines", "SELECT identity FROM executions WHERE stop IS NULL"] {
        let mut statement = connection.prepare(select)?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
    }
    for (table, key, columns) in TABLES {
        for order in ["ASC", "DESC"] {
            let mut statement = connection
                .prepare(&format!("SELECT {columns} FROM {table} ORDER BY {key} {order} LIMIT 1"))?;
            let mut rows = statement.query([])?;
            rows.next()?;
        }
    }
    Ok(())
}

/// Puts a damaged database aside, and copies what can be read of it into a new one.
pub(super) fn salvage(file: &Path) -> Result<(), EngineError> {
    let aside = put_aside(file)?;
    let (saved, lost_ends) = copy(&aside, file)?;
    tracing::error!(
        damaged = %aside.display(),
        saved,
        lost_ends = lost_ends.join(", "),
        "the history store was damaged; what could be read of it is kept, the damaged file is put aside"
    );
    Ok(())
}

/// Renames the database and the journals beside it.
fn put_aside(file: &Path) -> Result<PathBuf, EngineError> {
    let unusable = |error: std::io::Error| EngineError::Directory {
        path: file.to_owned(),
        reason: format!("the damaged file cannot be put aside: {error}"),
    };
    let aside = (1..)
        .map(|number| file.with_file_name(format!("damaged-{number}.sqlite3")))
        .find(|path| !path.exists())
        .unwrap_or_else(|| file.with_file_name("damaged.sqlite3"));
    std::fs::rename(file, &aside).map_err(unusable)?;
    for suffix in ["-wal", "-shm"] {
        let (from, to) = (beside(file, suffix), beside(&aside, suffix));
        if from.exists() {
            std::fs::rename(from, to).map_err(unusable)?;
        }
    }
    Ok(aside)
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Copies row by row, from both ends up to where reading fails. Returns how many rows, and the incomplete tables.
fn copy(from: &Path, to: &Path) -> Result<(usize, Vec<&'static str>), EngineError> {
    let old = Connection::open(from)?;
    let mut new = Connection::open(to)?;
    schema::prepare(&new)?;
    let transaction = new.transaction()?;
    let (mut saved, mut incomplete) = (0, Vec::new());
    for (table, key, columns) in TABLES {
        let record_keys = vec!["?"; columns.split(',').count()].join(", ");
        let mut insert = transaction
            .prepare(&format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({record_keys})"))?;
        for order in ["ASC", "DESC"] {
            let select = format!("SELECT {columns} FROM {table} ORDER BY {key} {order}");
            let is_whole = each_row(&old, &select, |row| {
                saved += insert.execute(params_from_iter(row))?;
                Ok(())
            })?;
            if is_whole {
                break;
            }
            if order == "ASC" {
                incomplete.push(table);
            }
        }
    }
    transaction.commit()?;
    Ok((saved, incomplete))
}

/// Calls `each` for every row that can be read; returns whether that was all of them.
fn each_row(
    connection: &Connection,
    select: &str,
    mut each: impl FnMut(Vec<Value>) -> Result<(), rusqlite::Error>,
) -> Result<bool, EngineError> {
    let Ok(mut statement) = connection.prepare(select) else { return Ok(false) };
    let columns = statement.column_count();
    let Ok(mut rows) = statement.query([]) else { return Ok(false) };
    loop {
        match rows.next() {
            Ok(None) => return Ok(true),
            Ok(Some(row)) => match (0..columns).map(|column| row.get(column)).collect() {
                Ok(values) => each(values)?,
                Err(_) => return Ok(false),
            },
            Err(_) => return Ok(false),
        }
    }
}
