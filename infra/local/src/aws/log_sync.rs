//! Answers that wait until the database's log is on disk.
//!
//! SQLite's own sync of its log blocks the one thread of the database, and the disk takes as long as many writes. Here a commit
//! only writes, and a second thread syncs: the database makes the next transactions meanwhile, and one sync covers every commit
//! before it. No answer is sent before the commits that it may rest on are synced. That holds for reads too.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

/// Sends an answer; the argument is the outcome of the sync.
type Answer = Box<dyn FnOnce(&io::Result<()>) + Send>;

/// The thread that syncs the log of a database. Dropping it sends the answers that wait, and ends the thread.
pub(crate) struct LogSync {
    answers: Option<mpsc::Sender<Answer>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// How many answers wait for a sync.
    waiting: AtomicUsize,
    /// A sync failed: what was committed before it may not be on disk.
    has_failed: AtomicBool,
}

impl LogSync {
    /// Starts a thread of this name for the log at this path.
    pub(crate) fn start(thread: &str, log: PathBuf) -> io::Result<Self> {
        Self::start_with(thread, move || match File::open(&log) {
            Ok(log) => log.sync_data(),
            // Without a log everything is in the database itself, which SQLite syncs before it removes the log.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        })
    }

    /// Starts the thread with another way to sync.
    pub(crate) fn start_with(
        thread: &str,
        mut sync: impl FnMut() -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let (answers, waiting) = mpsc::channel::<Answer>();
        let shared = Arc::new(Shared::default());
        let state = shared.clone();
        let thread = std::thread::Builder::new().name(thread.to_owned()).spawn(move || {
            while let Ok(first) = waiting.recv() {
                let answers: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
                let synced = sync();
                if synced.is_err() {
                    state.has_failed.store(true, Ordering::SeqCst);
                }
                state.waiting.fetch_sub(answers.len(), Ordering::SeqCst);
                answers.into_iter().for_each(|answer| answer(&synced));
            }
        })?;
        Ok(Self { answers: Some(answers), thread: Some(thread), shared })
    }

    /// Whether a commit may not be on disk yet, so that the answer to a read has to wait.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting() > 0
    }

    /// How many answers wait for a sync.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::SeqCst)
    }

    /// Calls `answer` with the outcome of a sync that begins after this call.
    pub(crate) fn after_sync(&self, answer: impl FnOnce(&io::Result<()>) + Send + 'static) {
        self.shared.waiting.fetch_add(1, Ordering::SeqCst);
        if let Some(answers) = &self.answers {
            // The thread ends only when this value is dropped.
            let _ = answers.send(Box::new(answer));
        }
    }

    /// Whether a sync has failed since the last time that this was asked.
    pub(crate) fn take_failure(&self) -> bool {
        self.shared.has_failed.swap(false, Ordering::SeqCst)
    }
}

impl Drop for LogSync {
    fn drop(&mut self) {
        drop(self.answers.take());
        if let Some(thread) = self.thread.take() {
            // An answer that panicked has ended the thread; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_answered_before_the_sync_and_one_sync_serves_all_that_wait() {
        let (begun, syncs) = mpsc::channel();
        let (go, may_end) = mpsc::channel::<()>();
        let log = LogSync::start_with("sync", move || {
            begun.send(()).unwrap();
            may_end.recv().map_err(io::Error::other)
        })
        .unwrap();
        let (sender, answered) = mpsc::channel();
        for number in 0..5 {
            let sender = sender.clone();
            log.after_sync(move |synced| sender.send((number, synced.is_ok())).unwrap());
            if number == 0 {
                syncs.recv().unwrap();
            }
        }
        assert!(log.is_waiting());
        assert!(answered.try_recv().is_err());
        go.send(()).unwrap();
        assert_eq!(answered.recv(), Ok((0, true)));
        // The others came after the first sync had begun: it does not cover them.
        syncs.recv().unwrap();
        assert!(answered.try_recv().is_err());
        go.send(()).unwrap();
        assert_eq!(answered.iter().take(4).collect::<Vec<_>>(), [(1, true), (2, true), (3, true), (4, true)]);
        assert!(!log.is_waiting() && !log.take_failure());
        assert!(syncs.try_recv().is_err());
    }

    #[test]
    fn a_sync_that_fails_is_told_to_those_who_wait_and_noted() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let log = LogSync::start("sync", file.path().join("below-a-file")).unwrap();
        let (sender, answered) = mpsc::channel();
        log.after_sync(move |synced| sender.send(synced.is_err()).unwrap());
        assert_eq!(answered.recv(), Ok(true));
        assert!(log.take_failure());
        assert!(!log.take_failure());
    }

    #[test]
    fn a_log_that_is_gone_needs_no_sync_and_what_waits_is_answered_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let log = LogSync::start("sync", directory.path().join("no-log")).unwrap();
        let (sender, answered) = mpsc::channel();
        log.after_sync(move |synced| sender.send(synced.is_ok()).unwrap());
        drop(log);
        assert_eq!(answered.recv(), Ok(true));
    }
}
