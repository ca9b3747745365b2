//! A thread that owns a thing whose calls block, such as a SQLite database, and does one request after another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::lock::locked;

/// The way to the thread. Dropping it ends the thread once the work handed over is done.
pub(crate) struct Worker<T> {
    jobs: Mutex<Option<mpsc::Sender<Job<T>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    /// The stack is shutting down.
    #[error("the worker has stopped")]
    Stopped,
    /// The request made the code that serves it panic; the thread continues with the next one.
    #[error("the request could not be served")]
    Panicked,
}

impl<T: Send + 'static> Worker<T> {
    /// Gives `thing` to a thread of this name.
    pub(crate) fn start(name: &str, mut thing: T) -> std::io::Result<Worker<T>> {
        let (jobs, queue) = mpsc::channel::<Job<T>>();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            for job in queue {
                // The job holds the sender of its answer: when it unwinds, the caller sees it dropped.
                let _ = catch_unwind(AssertUnwindSafe(|| job(&mut thing)));
            }
        })?;
        Ok(Worker { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// Does `work` on the thread and waits for its answer without blocking.
    pub(crate) async fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, WorkerError> {
        self.hand_over(work)?.await.map_err(|_| WorkerError::Panicked)
    }

    /// The same from a thread that may block, such as another worker's.
    pub(crate) fn call_blocking<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, WorkerError> {
        self.hand_over(work)?.blocking_recv().map_err(|_| WorkerError::Panicked)
    }

    fn hand_over<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<oneshot::Receiver<R>, WorkerError> {
        let (answer, answered) = oneshot::channel();
        locked(&self.jobs)
            .as_ref()
            .ok_or(WorkerError::Stopped)?
            .send(Box::new(move |thing| {
                // A caller that has gone away needs no answer.
                let _ = answer.send(work(thing));
            }))
            .map_err(|_| WorkerError::Stopped)?;
        Ok(answered)
    }

    /// Does `work` on the thread some time, without an answer. Where the thread has stopped it is not done.
    pub(crate) fn post(&self, work: impl FnOnce(&mut T) + Send + 'static) {
        if let Some(jobs) = locked(&self.jobs).as_ref() {
            let _ = jobs.send(Box::new(work));
        }
    }

    /// Finishes the work handed over and lets go of the thing; later calls are refused.
    pub(crate) async fn stop(&self) {
        drop(locked(&self.jobs).take());
        let thread = locked(&self.thread).take();
        if let Some(thread) = thread {
            // Joining blocks; the result is empty because the thread catches what panics in it.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_that_panics_fails_alone() {
        let worker = Worker::start("counter", 0u32).unwrap();
        let failed = worker.call(|_| -> u32 { panic!("on purpose") }).await;
        assert!(matches!(failed, Err(WorkerError::Panicked)));
        assert_eq!(
            worker
                .call(|count| {
                    *count += 1;
                    *count
                })
                .await
                .unwrap(),
            1
        );
    }

    #[tokio::test]
    async fn a_stopped_worker_refuses_further_calls() {
        let worker = Worker::start("counter", 0u32).unwrap();
        worker.stop().await;
        assert!(matches!(worker.call(|count| *count).await, Err(WorkerError::Stopped)));
    }
}
