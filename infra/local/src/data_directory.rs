//! The directory that holds everything a stack remembers, locked while the stack runs.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::StartError;

/// The directory, held until this is dropped.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    /// The lock goes with the file, also when the process is killed.
    _lock: File,
}

/// What the names of the stack's own files begin with.
const OWN_FILES: [&str; 13] = [
    "lock",
    "issuer.key",
    "beacon.key",
    "organiser.key",
    "time-stamp.key",
    "organiser.token",
    "dynamodb.sqlite",
    "events.sqlite",
    "s3.sqlite",
    "sns.sqlite",
    "sqs.sqlite",
    "executions",
    // A file system's own.
    "lost+found",
];

impl DataDirectory {
    /// Creates the directory if it is not there, takes it for this stack alone, and closes it to other users.
    pub(crate) fn open(path: &Path) -> Result<DataDirectory, StartError> {
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            move |source| StartError::Unwritable { path, source }
        };
        // It will hold phone numbers and a signing key: nobody else's business.
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unwritable(path))?;
        close_to_others(path)?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(unwritable(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StartError::DirectoryInUse { path: path.to_owned() });
            }
            Err(TryLockError::Error(source)) => {
                return Err(StartError::Unwritable { path: lock_path, source });
            }
        }
        let directory = DataDirectory { path: path.to_owned(), _lock: lock };
        directory.close_files()?;
        Ok(directory)
    }

    /// The path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A file that is there once a stack has run here to the end of its start.
    pub(crate) fn evidence(&self) -> PathBuf {
        self.path.join("executions").join("executions.sqlite3")
    }

    /// Whether a stack has run here before.
    pub(crate) fn is_used(&self) -> bool {
        std::fs::metadata(self.evidence()).is_ok_and(|file| file.len() > 0)
    }

    /// Closes the stack's own files to other users, so that code that makes new ones need not.
    pub(crate) fn close_files(&self) -> Result<(), StartError> {
        for name in OWN_FILES {
            close_tree(&self.path.join(name))?;
        }
        for database in ["dynamodb.sqlite", "events.sqlite", "s3.sqlite", "sns.sqlite", "sqs.sqlite"] {
            for end in ["-wal", "-shm"] {
                close_tree(&self.path.join(format!("{database}{end}")))?;
            }
        }
        Ok(())
    }
}

/// A directory that others can read is closed to them if it holds nothing else.
fn close_to_others(path: &Path) -> Result<(), StartError> {
    let unreadable = |source| StartError::Unwritable { path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let exposed = |reason: &str| StartError::Exposed { path: path.to_owned(), reason: reason.to_owned() };
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if !OWN_FILES.iter().any(|own| name.to_string_lossy().starts_with(own)) {
            return Err(exposed(
                "it holds other things than the stack's, so that its permissions are left to you; name a directory of its \
                 own with --data-dir, or run chmod 700 on it",
            ));
        }
    }
    std::fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(|error| {
        exposed(&format!("its permissions cannot be changed ({error}); name one of your own with --data-dir"))
    })
}

fn close_tree(path: &Path) -> Result<(), StartError> {
    let unwritable = |source| StartError::Unwritable { path: path.to_owned(), source };
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            make_private(path, 0o700).map_err(unwritable)?;
            for entry in std::fs::read_dir(path).map_err(unwritable)? {
                close_tree(&entry.map_err(unwritable)?.path())?;
            }
            Ok(())
        }
        Ok(metadata) if metadata.is_file() => make_private(path, 0o600).map_err(unwritable),
        // Where a link leads is not the stack's.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unwritable(error)),
    }
}

/// Takes what others may do with a file away; a file that is not there is private.
pub(crate) fn make_private(path: &Path, mode: u32) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 == 0 => Ok(()),
        Ok(_) => match std::fs::set_permissions(path, Permissions::from_mode(mode)) {
            // Files of a database come and go.
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The file whose name is continued by `end`.
pub(crate) fn sibling(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(end);
    path.with_file_name(name)
}

/// Writes a file that only its owner may read; a reader sees the old content or the new, never a part.
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    let next = sibling(path, ".new");
    // A file that a killed process left may have other permissions: begin anew.
    match std::fs::remove_file(&next) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&next, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_taken_by_one_stack_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let first = DataDirectory::open(&path).unwrap();
        let error = DataDirectory::open(&path).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the data directory {} is in use by another process", path.display())
        );
        drop(first);
        DataDirectory::open(&path).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn an_open_directory_and_the_files_in_it_are_closed_to_others() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let executions = path.join("executions");
        std::fs::create_dir_all(&executions).unwrap();
        let files = [
            "beacon.key",
            "dynamodb.sqlite",
            "dynamodb.sqlite-wal",
            "sns.sqlite-shm",
            "executions/a.sqlite3",
        ];
        for file in files {
            std::fs::write(path.join(file), "x").unwrap();
            std::fs::set_permissions(path.join(file), Permissions::from_mode(0o644)).unwrap();
        }
        for directory in [&path, &executions] {
            std::fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
        }
        DataDirectory::open(&path).unwrap();
        assert_eq!((mode(&path), mode(&executions)), (0o700, 0o700));
        for file in files {
            assert_eq!(mode(&path.join(file)), 0o600, "{file}");
        }
    }

    #[test]
    fn an_open_directory_with_other_things_in_it_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::set_permissions(parent.path(), Permissions::from_mode(0o755)).unwrap();
        std::fs::write(parent.path().join("thesis.txt"), "").unwrap();
        let error = DataDirectory::open(parent.path()).unwrap_err().to_string();
        assert!(
            error.contains("other users of this machine can read") && error.contains("chmod 700"),
            "{error}"
        );
        assert_eq!(mode(parent.path()), 0o755);
        std::fs::set_permissions(parent.path(), Permissions::from_mode(0o700)).unwrap();
        DataDirectory::open(parent.path()).unwrap();
    }

    #[test]
    fn a_path_that_cannot_be_a_directory_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        std::fs::write(&path, "").unwrap();
        let error = DataDirectory::open(&path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot write to {}: ", path.display())), "{error}");
    }

    #[test]
    fn a_secret_is_readable_by_its_owner_alone_and_can_be_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("secret");
        write_secret(&path, b"one").unwrap();
        write_secret(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
