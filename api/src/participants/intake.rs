//! The body of an import, read while it arrives: bytes go in, rows come out, and no more of either is held than two batches.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use http::StatusCode;
use lottery::Record;
use lottery::list::{Batch, Detected, Options, Reader, Remark};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tracing::Instrument;

use super::remark::said;
use crate::error::ApiError;

/// A line whose person was read.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) line: u64,
    pub(super) record: Record,
    /// Its index in the report's sample.
    pub(super) sample: Option<usize>,
}

/// A body that stops arriving is given up after this time.
const STALLED: Duration = Duration::from_secs(30);
/// Bytes of a body that are read at once: some 1,500 rows.
const PIECE: usize = 64 * 1024;
/// Batches that are read before those before them are taken.
const READ_AHEAD: usize = 2;

/// A list that is being read.
pub(super) struct Intake {
    batches: mpsc::Receiver<Batch>,
    /// Ends with the intake, so that nothing is read in vain.
    reading: JoinSet<Result<Read, ApiError>>,
}

/// What is known of a list that was read to its end.
pub(super) struct Read {
    pub(super) detected: Detected,
    /// The bytes of the body.
    pub(super) received: u64,
}

impl Intake {
    /// Begins to read a body of up to `max_bytes`; `too_large` is the error if it has more. An empty body is no list, which is
    /// an error unless `may_be_empty`.
    pub(super) fn begin(
        body: Body,
        options: Options,
        max_bytes: u64,
        too_large: ApiError,
        may_be_empty: bool,
    ) -> Self {
        let (sender, batches) = mpsc::channel(READ_AHEAD);
        let source = Source { body, max_bytes, too_large, may_be_empty };
        let mut reading = JoinSet::new();
        reading.spawn(source.read(Reader::new(options), sender).in_current_span());
        Self { batches, reading }
    }

    /// The next rows; none when the list has ended, or cannot be read any further.
    pub(super) async fn next(&mut self) -> Option<Batch> {
        self.batches.recv().await
    }

    /// How the list ended.
    pub(super) async fn end(mut self) -> Result<Read, ApiError> {
        match self.reading.join_next().await {
            Some(Ok(read)) => read,
            Some(Err(error)) => Err(ApiError::internal(error)),
            None => Err(ApiError::internal("nothing reads the list")),
        }
    }
}

struct Source {
    body: Body,
    max_bytes: u64,
    too_large: ApiError,
    may_be_empty: bool,
}

impl Source {
    async fn read(self, mut reader: Reader, sender: mpsc::Sender<Batch>) -> Result<Read, ApiError> {
        let Self { body, max_bytes, too_large, may_be_empty } = self;
        let mut pieces = body.into_data_stream();
        let mut received = 0;
        while let Some(mut piece) = next(&mut pieces).await? {
            received += piece.len() as u64;
            if received > max_bytes {
                return Err(too_large);
            }
            while !piece.is_empty() {
                let part = piece.split_to(piece.len().min(PIECE));
                reader = step(reader, &sender, move |reader, batch| reader.push(&part, batch)).await?;
            }
        }
        if received > 0 || !may_be_empty {
            reader = step(reader, &sender, Reader::finish).await?;
        }
        Ok(Read { detected: reader.detected(), received })
    }
}

/// Reads on, on a thread where it keeps nobody waiting: a workbook takes seconds, and checking the phone numbers of a piece
/// some milliseconds. What was read before an error is sent before the error.
async fn step(
    mut reader: Reader,
    sender: &mpsc::Sender<Batch>,
    read: impl FnOnce(&mut Reader, &mut Batch) -> Result<(), Remark> + Send + 'static,
) -> Result<Reader, ApiError> {
    let work = spawn_blocking(move || {
        let mut batch = Batch::default();
        let outcome = read(&mut reader, &mut batch);
        (reader, batch, outcome)
    });
    let (reader, batch, outcome) = work.await.map_err(ApiError::internal)?;
    if !batch.rows.is_empty() || !batch.remarks.is_empty() {
        // The receiver of the rows may have failed, and then reports its own error.
        let _ = sender.send(batch).await;
    }
    outcome.map(|()| reader).map_err(unreadable)
}

async fn next(pieces: &mut axum::body::BodyDataStream) -> Result<Option<Bytes>, ApiError> {
    match tokio::time::timeout(STALLED, pieces.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(error))) => {
            Err(ApiError::bad_request("Incomplete", "the body ended early").because(error))
        }
        Err(_) => {
            let detail =
                "the body stopped arriving; send the file again, lines that were taken change nothing";
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "Timeout", detail))
        }
    }
}

/// That nothing of a list can be read, or nothing more.
fn unreadable(remark: Remark) -> ApiError {
    let error = ApiError::bad_request("UnreadableImport", remark.to_string());
    let error = error.with_member("line", json!(remark.line)).explained(said(&remark.why));
    match remark.column {
        Some(column) => error.with_member("column", json!(column)),
        None => error,
    }
}
