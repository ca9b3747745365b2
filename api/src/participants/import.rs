//! Importing participants: the body is read piece by piece, and stored batch by batch while it arrives.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use futures_util::StreamExt;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, StatusCode};
use lottery::{Lottery, Participant};
use lottery_store::PutParticipant;
use serde_json::json;

use super::reader::{Format, Reader, Record, Unreadable};
use super::refusal::{LineRefusal, Notice};
use super::report::Report;
use super::subscriptions::Subscriptions;
use crate::config::ImportLimits;
use crate::error::ApiError;
use crate::explanation::Explanation;
use crate::extract::{LotteryPath, media_type, unknown_lottery, unsupported, whole};
use crate::state::AppState;

/// Participants stored at once.
const BATCH: usize = 250;
/// A body that stops arriving is given up after this time.
const STALLED: Duration = Duration::from_secs(30);

/// Import participants. One bad line never loses the good ones.
///
/// CSV with a header that names the columns in any order, NDJSON, a JSON array, or one JSON object. The fields are
/// `participant_id`, `name`, and optionally `phone` (E.164), `email`, `group`, `tickets`, `excluded`. A known participant is
/// updated; an address stands once per lottery.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/participants", tag = "participants",
    request_body(description = "The participants", content(
        (String = "text/csv", example = "participant_id,name,phone,email\n001,Rose,+12025550101,rose@example.com\n"),
        (String = "application/x-ndjson"),
        (Vec<NewParticipant> = "application/json"))),
    responses((status = 200, description = "What came of each line", body = Report)))]
pub(crate) async fn import(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    request: Request,
) -> Result<Json<Report>, ApiError> {
    let headers = request.headers();
    let media_type = media_type(headers);
    let format = media_type.as_deref().and_then(Format::of).ok_or_else(|| unsupported(Format::TAKEN))?;
    let limits = state.config.import;
    check_length(headers, limits)?;
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let body = match limits.max_lines {
        Some(max_lines) => counted(request.into_body(), format, limits, max_lines).await?,
        None => request.into_body(),
    };
    let report = Import::new(&state, &lottery, format).run(body, limits.max_bytes).await?;
    tracing::info!(
        %lottery_id,
        accepted = report.accepted,
        updated = report.updated,
        refused = report.refused,
        "imported participants"
    );
    Ok(Json(report))
}

/// A participant as JSON has it.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "describes the body that `Participant` parses")]
pub(crate) struct NewParticipant {
    /// The organiser's own id: letters, digits, dots, underscores and hyphens.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    participant_id: String,
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// E.164; spaces and hyphens are dropped.
    #[schema(example = "+12025550101")]
    phone: Option<String>,
    #[schema(max_length = 254, example = "rose@example.com")]
    email: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    group: Option<String>,
    /// Their chances; 1 if absent.
    #[schema(minimum = 1, maximum = 1000)]
    tickets: Option<u32>,
    /// Keeps them from winning; the list of entries says so. `false` if absent.
    excluded: Option<bool>,
}

fn too_large(limits: ImportLimits) -> ApiError {
    let lines = limits.max_lines.map(|lines| format!(" and {lines} participants")).unwrap_or_default();
    ApiError::too_large(format!(
        "one import may hold at most {} bytes{lines}; send the file in pieces, a CSV with its header on each",
        limits.max_bytes
    ))
}

fn check_length(headers: &HeaderMap, limits: ImportLimits) -> Result<(), ApiError> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limits.max_bytes) {
        return Err(too_large(limits));
    }
    Ok(())
}

/// Where the number of lines is limited the body is small: all of it is counted before any of it is taken.
async fn counted(body: Body, format: Format, limits: ImportLimits, max_lines: u64) -> Result<Body, ApiError> {
    let max_bytes = usize::try_from(limits.max_bytes).unwrap_or(usize::MAX);
    let bytes = whole(body, max_bytes).await.map_err(|error| {
        if error.status() == StatusCode::PAYLOAD_TOO_LARGE { too_large(limits) } else { error }
    })?;
    let (mut reader, mut records, mut lines) = (Reader::new(format), Vec::new(), 0);
    for piece in bytes.chunks(64 * 1024) {
        // What cannot be read is told when it is read to be taken.
        if reader.push(piece, &mut records).is_err() {
            break;
        }
        lines += records.len() as u64;
        records.clear();
    }
    let _ = reader.finish(&mut records);
    if lines + records.len() as u64 > max_lines {
        return Err(too_large(limits));
    }
    Ok(Body::from(bytes))
}

/// Takes a single participant, as an import of one line would.
pub(super) async fn take_one(
    state: &AppState,
    lottery: &Lottery,
    participant: Participant,
) -> Result<Report, ApiError> {
    let mut import = Import::new(state, lottery, Format::Json);
    import.batch.push((1, participant));
    import.store().await?;
    Ok(import.report)
}

/// One import on its way.
struct Import<'a> {
    state: &'a AppState,
    lottery: &'a Lottery,
    reader: Reader,
    /// Read, not stored yet, each with its line.
    batch: Vec<(u64, Participant)>,
    report: Report,
}

impl<'a> Import<'a> {
    fn new(state: &'a AppState, lottery: &'a Lottery, format: Format) -> Self {
        Self { state, lottery, reader: Reader::new(format), batch: Vec::new(), report: Report::default() }
    }

    async fn run(mut self, body: Body, max_bytes: u64) -> Result<Report, ApiError> {
        match self.read(body, max_bytes).await {
            Ok(()) => {
                self.report.settle();
                if self.report.subscribed > 0 {
                    let notice = Notice::of_email(self.lottery, self.state.config.filter_policy_wait);
                    self.report.notices.extend(notice.map(Explanation::from));
                }
                Ok(self.report)
            }
            // What is stored stays stored: the sender should know how far it went.
            Err(error) if self.report.lines() == 0 => Err(error),
            Err(error) => Err(error
                .with_member("accepted", json!(self.report.accepted))
                .with_member("updated", json!(self.report.updated))
                .with_member("refused", json!(self.report.refused))),
        }
    }

    async fn read(&mut self, body: Body, max_bytes: u64) -> Result<(), ApiError> {
        let mut pieces = body.into_data_stream();
        let (mut records, mut received) = (Vec::new(), 0);
        while let Some(piece) = next(&mut pieces).await? {
            received += piece.len() as u64;
            if received > max_bytes {
                return Err(too_large(self.state.config.import));
            }
            // A piece may be as large as the whole body; its records should not all be held at once.
            for part in piece.chunks(64 * 1024) {
                let read = self.reader.push(part, &mut records);
                self.take(&mut records).await?;
                read.map_err(unreadable)?;
                // Lines that are all refused wait for nothing, and other requests want their turn.
                tokio::task::yield_now().await;
            }
        }
        let read = self.reader.finish(&mut records);
        self.take(&mut records).await?;
        read.map_err(unreadable)?;
        self.store().await
    }

    /// Parses records, and stores them whenever there are enough.
    async fn take(&mut self, records: &mut Vec<Record>) -> Result<(), ApiError> {
        for Record { line, fields } in records.drain(..) {
            match fields {
                Err(unfit) => self.report.refuse(line, unfit.column, unfit.why),
                Ok(fields) => match Participant::parse(&fields) {
                    Err(error) => self.report.refuse(line, Some(error.field), error.reason),
                    Ok(participant) => self.batch.push((line, participant)),
                },
            }
            if self.batch.len() >= BATCH {
                self.store().await?;
            }
        }
        Ok(())
    }

    async fn store(&mut self) -> Result<(), ApiError> {
        let batch = std::mem::take(&mut self.batch);
        let mut subscriptions = Subscriptions::new(self.state, self.lottery);
        let batch = subscriptions.reserve(batch, &mut self.report).await?;
        let participants: Vec<Participant> =
            batch.iter().map(|(_, participant)| participant.clone()).collect();
        let now = self.state.clock.now();
        let answers =
            match self.state.store.put_participants(&self.lottery.lottery_id, participants, now).await {
                Ok(answers) => answers,
                Err(error) => {
                    subscriptions.give_back_all().await?;
                    return Err(error.into());
                }
            };
        for ((line, participant), answer) in batch.into_iter().zip(answers) {
            match &answer {
                PutParticipant::Accepted { .. } => self.report.accepted += 1,
                PutParticipant::Updated { .. } => self.report.updated += 1,
                PutParticipant::AddressTaken { field } => {
                    self.report.refuse(line, Some((*field).to_owned()), LineRefusal::AddressTaken);
                }
            }
            subscriptions.note(line, participant, answer);
        }
        subscriptions.settle(&mut self.report).await
    }
}

async fn next(pieces: &mut axum::body::BodyDataStream) -> Result<Option<bytes::Bytes>, ApiError> {
    match tokio::time::timeout(STALLED, pieces.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(error))) => {
            Err(ApiError::bad_request("Incomplete", "the body ended early").because(error))
        }
        Err(_) => {
            let detail =
                "the body stopped arriving; send the file again, lines that were taken become updates";
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "Timeout", detail))
        }
    }
}

fn unreadable(unreadable: Unreadable) -> ApiError {
    let Unreadable { line, column, why } = unreadable;
    let error = ApiError::bad_request("UnreadableImport", format!("line {line}: {why}"));
    let error = error.with_member("line", json!(line)).explained(why.into());
    match column {
        Some(column) => error.with_member("column", json!(column)),
        None => error,
    }
}
