//! The directory that holds everything a stack remembers, locked while the stack runs.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::StartError;

/// The directory, held until this is dropped.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    /// The lock goes with the file, also when the process is killed.
    _lock: File,
}

impl DataDirectory {
    /// Creates the directory if it is not there, and takes it for this stack alone.
    pub(crate) fn open(path: &Path) -> Result<DataDirectory, StartError> {
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            move |source| StartError::Unwritable { path, source }
        };
        // It will hold phone numbers and a signing key: nobody else's business.
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unwritable(path))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(unwritable(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(DataDirectory { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StartError::DirectoryInUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(StartError::Unwritable { path: lock_path, source }),
        }
    }

    /// The path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Writes a file that only its owner may read; a reader sees the old content or the new, never a part.
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let next = path.with_file_name(name);
    // What a killed process left behind may have other permissions: begin anew.
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
    use std::os::unix::fs::PermissionsExt;

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
