//! What an embedded database says when its file, or the disk beneath, fails; and looking a file over before it is used.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::{Connection, OpenFlags};

use crate::StartError;
use crate::data_directory::{make_private, sibling};
use crate::health::Fault;

/// Up to here a file is read through at every start; beyond, only after the stack was killed.
const MAX_ALWAYS_CHECKED: u64 = 64 * 1024 * 1024;

/// What every database file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// A failure that is not the fault of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// There is no room.
    Full,
    /// The disk does not read or write.
    Disk,
    /// What is read is no database any more.
    Damaged,
    /// The connection was left in the middle of something.
    Stuck,
}

impl Trouble {
    /// What SQLite's words mean, if they mean trouble.
    pub(crate) fn of(words: &str) -> Option<Trouble> {
        let words = words.to_ascii_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
        if says(&["disk is full"]) {
            Some(Trouble::Full)
        } else if says(&["malformed", "not a database"]) {
            Some(Trouble::Damaged)
        } else if says(&["disk i/o error", "unable to open database", "readonly database"]) {
            Some(Trouble::Disk)
        } else if says(&["lock poisoned", "within a transaction", "no transaction is active"]) {
            Some(Trouble::Stuck)
        } else {
            None
        }
    }

    /// The message to the operator about a database in this file, or in memory.
    pub(crate) fn fault(self, what: &str, path: Option<&Path>) -> Fault {
        let database = path.map_or_else(|| format!("{what} in memory"), |path| path.display().to_string());
        let kept = "what was accepted is kept, and writing is tried again each second";
        match (self, path) {
            (Trouble::Full, None) => Fault::Lasting(format!(
                "{database} is full: it takes nothing more; start the stack with --data-dir to keep more"
            )),
            (Trouble::Full, Some(_)) => Fault::Passing(format!(
                "the disk that holds {database} is full, so that nothing new is accepted; {kept}: make room"
            )),
            (Trouble::Disk, Some(_)) => Fault::Passing(format!(
                "the disk that holds {database} does not read or write; {kept}: look after the disk"
            )),
            (Trouble::Damaged, Some(path)) => Fault::Lasting(format!(
                "{database} has a damaged page: what lies there can be neither read nor changed, and asking again does not \
                 help; stop the stack and put the file back from a backup, or salvage what can be read with: \
                 {}",
                recovery(path)
            )),
            (Trouble::Stuck, Some(_)) => {
                Fault::Passing(format!("{database} did not finish a request; {kept}"))
            }
            (_, None) => Fault::Lasting(format!("{database} does not work any more: start the stack again")),
        }
    }
}

/// The command line by which SQLite saves what it can.
fn recovery(path: &Path) -> String {
    let path = path.display();
    format!("sqlite3 {path} .recover | sqlite3 {path}.recovered")
}

/// Whether the directory of this file takes new data.
pub(crate) fn has_room(path: &Path) -> io::Result<()> {
    let probe = sibling(path, ".probe");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&probe)?;
        file.write_all(&[0; 256 * 1024])?;
        file.sync_all()
    };
    let written = write();
    // Whatever is left of it goes too.
    let removed = std::fs::remove_file(&probe);
    written.and(removed)
}

/// Looks a database file over and makes it private; creates it, private from the start, if it is not there.
///
/// `evidence` are files that come to be after this one: if one is there, this one must be.
pub(crate) fn look_over(path: &Path, evidence: &[PathBuf]) -> Result<(), StartError> {
    let unusable = |source| StartError::Unwritable { path: path.to_owned(), source };
    let damaged = |reason: String| StartError::Damaged {
        path: path.to_owned(),
        reason: format!(
            "{reason}; put it back from a backup, or salvage what can be read with: {}; the stack changes nothing in it",
            recovery(path)
        ),
    };
    let size = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(unusable(error)),
    };
    if size == 0 {
        if let Some(evidence) = evidence.iter().find(|file| holds_something(file)) {
            return Err(StartError::Lost { path: path.to_owned(), evidence: evidence.clone() });
        }
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(unusable)?;
        return make_private(path, 0o600).map_err(unusable);
    }
    let mut beginning = Vec::new();
    File::open(path).and_then(|file| file.take(16).read_to_end(&mut beginning)).map_err(unusable)?;
    if beginning != MAGIC {
        return Err(damaged("it is no database any more".to_owned()));
    }
    let log = sibling(path, "-wal");
    for file in [path, &log, &sibling(path, "-shm")] {
        make_private(file, 0o600).map_err(unusable)?;
    }
    let was_killed = holds_something(&log);
    if was_killed || size <= MAX_ALWAYS_CHECKED {
        let began = Instant::now();
        read_through(path).map_err(damaged)?;
        tracing::debug!(path = %path.display(), size, was_killed, took = ?began.elapsed(), "looked a database over");
    }
    Ok(())
}

/// Reads every page once.
fn read_through(path: &Path) -> Result<(), String> {
    let check = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    };
    match check() {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(verdict) => Err(format!("it is damaged ({})", verdict.replace('\n', " "))),
        Err(error) => match Trouble::of(&error.to_string()) {
            Some(Trouble::Damaged) => Err(format!("it is damaged ({error})")),
            // Other faults are reported where the database is used.
            _ => Ok(()),
        },
    }
}

fn holds_something(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_words_of_sqlite_are_understood() {
        for (words, trouble) in [
            ("Internal error: database or disk is full", Some(Trouble::Full)),
            ("database disk image is malformed", Some(Trouble::Damaged)),
            ("file is not a database", Some(Trouble::Damaged)),
            ("disk I/O error", Some(Trouble::Disk)),
            ("Lock poisoned: poisoned lock: another task failed inside", Some(Trouble::Stuck)),
            ("cannot start a transaction within a transaction", Some(Trouble::Stuck)),
            ("database is locked", None),
            ("Requested resource not found", None),
        ] {
            assert_eq!(Trouble::of(words), trouble, "{words}");
        }
    }

    fn database(path: &Path) {
        let connection = Connection::open(path).unwrap();
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
        let rows = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) SELECT x, hex(x) FROM n";
        connection
            .execute_batch(&format!("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t {rows};"))
            .unwrap();
    }

    #[test]
    fn a_new_file_is_private_whatever_the_umask_and_an_old_one_becomes_so() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.sqlite");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        look_over(&path, &[]).unwrap();
        assert_eq!(mode(), 0o600);
        database(&path);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        look_over(&path, &[]).unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn a_file_that_is_missing_beside_later_ones_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let (path, later) = (directory.path().join("a.sqlite"), directory.path().join("b.sqlite"));
        look_over(&path, std::slice::from_ref(&later)).unwrap();
        std::fs::write(&later, "something").unwrap();
        // It is there, and empty.
        let error = look_over(&path, std::slice::from_ref(&later)).unwrap_err().to_string();
        assert!(error.contains("a.sqlite is missing or empty") && error.contains("b.sqlite"), "{error}");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(look_over(&path, &[later]), Err(StartError::Lost { .. })));
    }

    #[test]
    fn a_zeroed_file_and_a_damaged_page_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.sqlite");
        database(&path);
        look_over(&path, &[]).unwrap();
        let good = std::fs::read(&path).unwrap();
        for damage in [0..good.len(), 4096 * 3..4096 * 4, good.len() / 2..good.len()] {
            let mut bytes = good.clone();
            bytes[damage.clone()].fill(0);
            std::fs::write(&path, &bytes).unwrap();
            let error = look_over(&path, &[]).unwrap_err().to_string();
            assert!(
                error.contains("a.sqlite cannot be used: it is") && error.contains(".recover"),
                "{damage:?}: {error}"
            );
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "nothing is changed");
        }
        std::fs::write(&path, &good[..good.len() / 2]).unwrap();
        assert!(look_over(&path, &[]).is_err(), "cut");
    }
}
