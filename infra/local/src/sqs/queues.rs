//! SQS for many callers at once: one thread owns the database, another syncs its log for all who wait, and who polls sleeps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::{Notify, oneshot};

use super::receive::Received;
use super::request::Request;
use super::{Settings, Sqs, SqsError, is_read};
use crate::aws::LogSync;
use crate::data_directory::sibling;
use crate::lock::locked;
use crate::trouble::Trouble;
use crate::worker::{Worker, WorkerError};

/// The service, as its callers see it.
pub(crate) struct Queues {
    worker: Worker<Sqs>,
    /// Syncs the log; there is none in memory.
    log: Option<Arc<LogSync>>,
    /// Who polls, by the name of the queue.
    pollers: Mutex<HashMap<String, Arc<Notify>>>,
    settings: Settings,
}

impl Queues {
    /// Opens the database and starts its threads.
    pub(crate) fn start(settings: Settings) -> Result<Queues, String> {
        let log = settings.path.as_ref().map(|path| LogSync::start("sqs-sync", sibling(path, "-wal")));
        let log = log.transpose().map_err(|error| error.to_string())?.map(Arc::new);
        let sqs = Sqs::open(settings.clone()).map_err(|error| error.to_string())?;
        let worker = Worker::start("sqs", sqs).map_err(|error| error.to_string())?;
        Ok(Queues { worker, log, pollers: Mutex::default(), settings })
    }

    /// Whether [`Queues::call`] knows this operation.
    pub(crate) fn has(operation: &str) -> bool {
        OPERATIONS.contains(&operation)
    }

    /// What the URLs of queues begin with.
    pub(crate) fn base_url(&self) -> &str {
        &self.settings.base_url
    }

    /// Does one operation of the API. ReceiveMessage waits as long as it is asked to.
    pub(crate) async fn call(&self, operation: &str, request: Value) -> Result<Value, SqsError> {
        if operation == "ReceiveMessage" {
            return self.receive(request).await;
        }
        let (called, is_read) = (operation.to_owned(), is_read(operation));
        self.work(is_read, move |sqs| sqs.call(&called, &request)).await
    }

    /// Sends a message from a thread that may block.
    pub(crate) fn send_blocking(&self, request: Value) -> Result<Value, SqsError> {
        let log = self.log.clone();
        let job = move |sqs: &mut Sqs| {
            Done::of(sqs, log.as_deref(), false, |sqs| sqs.call("SendMessage", &request))
        };
        let done = self.worker.call_blocking(job).map_err(|error| unanswered(&error))?;
        if done.synced.is_some_and(|synced| synced.blocking_recv() != Ok(true)) {
            return Err(SqsError::internal(NOT_SYNCED));
        }
        self.wake(&done.woken);
        done.outcome
    }

    async fn receive(&self, request: Value) -> Result<Value, SqsError> {
        let request = Arc::new(request);
        let asked = request.clone();
        let wait = self.work(true, move |sqs| sqs.wait_of(Request(&asked))).await?;
        let deadline = self.now().saturating_add(wait);
        let url = request["QueueUrl"].as_str().unwrap_or_default();
        let arrival = self.poller(url.rsplit('/').next().unwrap_or_default());
        loop {
            let arrived = arrival.notified();
            tokio::pin!(arrived);
            // Before looking: what arrives after the look wakes this poller.
            arrived.as_mut().enable();
            let asked = request.clone();
            let job = move |sqs: &mut Sqs| sqs.receive_message(Request(&asked));
            let Received { answer, next } = self.work(true, job).await?;
            if answer.get("Messages").is_some() || self.now() >= deadline {
                return Ok(answer);
            }
            let due = next.map_or(deadline, |next| next.min(deadline));
            let due = jiff::Timestamp::from_millisecond(due).unwrap_or(jiff::Timestamp::MAX);
            tokio::select! {
                () = arrived => {}
                () = self.settings.clock.sleep_until(due) => {}
            }
        }
    }

    /// Does work on the thread of the database. Before the answer what was committed is on disk, and pollers are woken.
    async fn work<T: Send + 'static>(
        &self,
        is_read: bool,
        job: impl FnOnce(&mut Sqs) -> Result<T, SqsError> + Send + 'static,
    ) -> Result<T, SqsError> {
        let log = self.log.clone();
        let done = self.worker.call(move |sqs| Done::of(sqs, log.as_deref(), is_read, job));
        let done = done.await.map_err(|error| unanswered(&error))?;
        if let Some(synced) = done.synced
            && synced.await != Ok(true)
        {
            let failed = self.worker.call(|sqs| sqs.failed(Trouble::Disk)).await;
            return Err(failed.unwrap_or_else(|error| unanswered(&error)));
        }
        self.wake(&done.woken);
        done.outcome
    }

    fn poller(&self, queue: &str) -> Arc<Notify> {
        locked(&self.pollers).entry(queue.to_owned()).or_default().clone()
    }

    fn wake(&self, queues: &[String]) {
        if queues.is_empty() {
            return;
        }
        let mut pollers = locked(&self.pollers);
        for queue in queues {
            if let Some(poller) = pollers.get(queue) {
                poller.notify_waiters();
                // Nobody but this map holds it: nobody polls.
                if Arc::strong_count(poller) == 1 {
                    pollers.remove(queue);
                }
            }
        }
    }

    fn now(&self) -> i64 {
        self.settings.clock.now().as_millisecond()
    }

    /// Tries whether a database that failed works again.
    pub(crate) async fn recover(&self) {
        // Refused only while the stack stops.
        let _ = self.worker.call(Sqs::recover).await;
    }

    /// Finishes what has been asked, and refuses what comes later.
    pub(crate) async fn stop(&self) {
        self.worker.stop().await;
    }
}

/// What a job came to.
struct Done<T> {
    outcome: Result<T, SqsError>,
    /// The queues whose pollers have something to look at.
    woken: Vec<String>,
    /// Brings whether everything that the outcome rests on is on disk.
    synced: Option<oneshot::Receiver<bool>>,
}

impl<T> Done<T> {
    /// Does the job, on the thread of the database. The sync is asked for before the next job begins, so that a read that
    /// follows knows of it.
    fn of(
        sqs: &mut Sqs,
        log: Option<&LogSync>,
        is_read: bool,
        job: impl FnOnce(&mut Sqs) -> Result<T, SqsError>,
    ) -> Done<T> {
        let outcome = job(sqs);
        let outcome = sqs.noted(outcome);
        let synced = log.filter(|log| outcome.is_ok() && (!is_read || log.is_waiting())).map(|log| {
            let (done, synced) = oneshot::channel();
            log.after_sync(move |outcome| {
                // A caller that has gone away needs no answer.
                let _ = done.send(outcome.is_ok());
            });
            synced
        });
        Done { outcome, woken: std::mem::take(&mut sqs.woken), synced }
    }
}

const NOT_SYNCED: &str = "the log of the queues could not be written to disk";

fn unanswered(error: &WorkerError) -> SqsError {
    tracing::error!(%error, "SQS did not answer");
    let status = if matches!(error, WorkerError::Stopped) { 503 } else { 500 };
    SqsError { status, ..SqsError::internal(error.to_string()) }
}

/// Every operation of the API that there is here.
const OPERATIONS: [&str; 21] = [
    "CancelMessageMoveTask",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "CreateQueue",
    "DeleteMessage",
    "DeleteMessageBatch",
    "DeleteQueue",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
    "SendMessageBatch",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
];
