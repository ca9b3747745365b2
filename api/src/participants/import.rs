//! Importing participants: a list in any supported form is read while it arrives, and stored batch by batch.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use lottery::list::{Batch, Form, Options, Row};
use lottery::{Lottery, ParticipantId, Record};
use lottery_store::{Import, ImportMode, ImportState};
use serde_json::json;
use tokio::time::Instant;

use super::course::{continued, nobody_on_list, over};
use super::intake::{self, Intake, Line};
use super::query::{ImportQuery, ImportRequest};
use super::remark::Remark;
use super::replace::{self, Withdrawn};
use super::report::{ImportView, Report};
use super::taking::Taker;
use crate::config::ImportLimits;
use crate::error::ApiError;
use crate::explanation::Explanation;
use crate::extract::{LotteryPath, unknown_lottery};
use crate::refusal::Notice;
use crate::settings::check_not_closed;
use crate::state::AppState;

/// Participants in one batch of writes: enough that reading and writing overlap, and that the fixed cost of a batch is small.
pub(super) const BATCH: usize = 2_500;

/// Import participants from any list. One bad line never loses the good ones.
///
/// CSV with any separator, tab-separated text, names alone, JSON, NDJSON, .xlsx, .xls and .ods; the form and the encoding are
/// found out from the bytes, the columns from their names. What a list does not speak of stays as it is stored. See
/// docs/lists.md.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/participants", tag = "participants", params(ImportQuery),
    request_body(description = "The file as it is, or one person as a JSON object", content(
        (String = "text/csv", example = "participant_id,name,phone,email\n001,Rose,+12025550101,rose@example.com\n"),
        (String = "text/plain"),
        (String = "text/tab-separated-values"),
        (String = "application/x-ndjson"),
        (Vec<NewParticipant> = "application/json"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (String = "application/vnd.ms-excel"),
        (String = "application/vnd.oasis.opendocument.spreadsheet"),
        (String = "application/octet-stream"))),
    responses((status = 200, description = "What came of each line", body = Report)))]
pub(crate) async fn import(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    asked: ImportRequest,
    request: Request,
) -> Result<Json<Report>, ApiError> {
    check_length(request.headers(), state.config.import)?;
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    check_not_closed(&lottery)?;
    let importing = Importing::begin(&state, &lottery, &asked).await?;
    let report = importing.run(request.into_body(), asked.options(&lottery)).await?;
    tracing::info!(
        %lottery_id,
        import = report.import.as_ref().map(|import| import.number),
        accepted = report.accepted,
        updated = report.updated,
        refused = report.refused,
        "imported participants"
    );
    Ok(Json(report))
}

/// A participant as JSON has it.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[allow(dead_code, reason = "describes the body that `lottery::list` reads")]
pub(crate) struct NewParticipant {
    /// The organiser's own id: letters, digits, dots, underscores and hyphens. Made from the name if no person has one.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    participant_id: Option<String>,
    /// Required of a new participant.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// In any national or international spelling.
    #[schema(example = "+12025550101")]
    phone: Option<String>,
    #[schema(max_length = 254, example = "rose@example.com")]
    email: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    group: Option<String>,
    /// Their chances; 1 for a new participant, if absent.
    #[schema(minimum = 1, maximum = 1000)]
    tickets: Option<u32>,
    /// Keeps them from winning; the list of entries says so. `false` for a new participant, if absent.
    excluded: Option<bool>,
}

fn too_large(limits: ImportLimits) -> ApiError {
    let bytes = limits.max_bytes;
    let detail = match limits.max_lines {
        Some(rows) => format!(
            "one import request may hold at most {bytes} bytes and take at most {rows} rows; with `limit` of up to {rows} and \
             `offset` a file is taken in slices, and one with more bytes is sent in pieces, a CSV with its header on each"
        ),
        None => format!(
            "one import request may hold at most {bytes} bytes; send the file in pieces, a CSV with its header on each"
        ),
    };
    ApiError::too_large(detail)
}

fn check_length(headers: &HeaderMap, limits: ImportLimits) -> Result<(), ApiError> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limits.max_bytes) {
        return Err(too_large(limits));
    }
    Ok(())
}

/// One request on its way.
struct Importing<'a> {
    state: &'a AppState,
    lottery: &'a Lottery,
    asked: &'a ImportRequest,
    taker: Taker<'a>,
    /// Read, not taken yet.
    batch: Vec<Line>,
    /// People whose lines were refused, and who are on the list nevertheless.
    kept: Vec<ParticipantId>,
    /// Refused lines that may be about anybody.
    without_id: u64,
    report: Report,
    /// When the request came.
    began: Instant,
}

impl<'a> Importing<'a> {
    /// Finds the import that an earlier request began, if the request continues one.
    async fn begin(
        state: &'a AppState,
        lottery: &'a Lottery,
        asked: &'a ImportRequest,
    ) -> Result<Self, ApiError> {
        let began = Instant::now();
        let taker = match asked.import {
            _ if asked.dry_run => Taker::plan(state, lottery),
            None => Taker::begin_later(state, lottery, asked.mode.unwrap_or(ImportMode::Merge)),
            Some(number) => Taker::of_import(state, lottery, continued(state, lottery, asked, number).await?),
        };
        let taker = taker.strict(asked.strict);
        let (batch, kept) = (Vec::with_capacity(BATCH), Vec::new());
        let report = Report::of(asked.dry_run);
        Ok(Self { state, lottery, asked, taker, batch, kept, without_id: 0, report, began })
    }

    async fn run(mut self, body: Body, options: Options) -> Result<Report, ApiError> {
        match self.take_all(body, options).await {
            Ok(()) => {
                self.report.finish();
                if self.report.subscribed > 0 {
                    self.notice(Notice::of_email(self.lottery, self.state.config.filter_policy_wait));
                }
                Ok(self.report)
            }
            // What is stored stays stored: the sender should know how far it went.
            Err(error) if self.report.lines() == 0 || self.asked.dry_run => Err(error),
            Err(error) => {
                let number = self.taker.import().map(|import| import.number);
                // Later reports on the import may lack the refused lines of a request that failed.
                let _ = self.taker.count_refused(&self.report).await;
                Err(error
                    .with_member("import", json!(number))
                    .with_member("accepted", json!(self.report.accepted))
                    .with_member("updated", json!(self.report.updated))
                    .with_member("unchanged", json!(self.report.unchanged))
                    .with_member("refused", json!(self.report.refused)))
            }
        }
    }

    fn notice(&mut self, notice: Option<Notice>) {
        self.report.notices.extend(notice.map(Explanation::from));
    }

    async fn take_all(&mut self, body: Body, options: Options) -> Result<(), ApiError> {
        let limits = self.state.config.import;
        // An empty body continues an import without adding to it.
        let may_be_empty = self.asked.import.is_some();
        let mut intake = Intake::begin(body, options, limits.max_bytes, too_large(limits), may_be_empty);
        while let Some(batch) = intake.next().await {
            self.take(batch).await?;
        }
        let read = intake.end().await;
        if read.as_ref().is_ok_and(|read| self.is_one_person(read)) {
            self.taker.become_single();
        }
        if read.is_ok() || limits.max_lines.is_none() {
            self.store().await?;
        }
        let intake::Read { detected, received } = read?;
        self.report.detected = detected.into();
        self.close(received == 0).await
    }

    /// Whether the body is one person as JSON, added by a program or by hand.
    fn is_one_person(&self, read: &intake::Read) -> bool {
        let is_json = matches!(read.detected.form, Some(Form::Json | Form::Ndjson));
        is_json && self.report.rows == 1 && !self.asked.more
    }

    /// Takes rows, and stores whenever there are enough. Where the number of rows is limited, nothing is stored before it is
    /// known that there are no more.
    async fn take(&mut self, batch: Batch) -> Result<(), ApiError> {
        if self.asked.offset == 0 {
            batch.remarks.into_iter().for_each(|remark| self.report.warn(remark));
        }
        let max_lines = self.state.config.import.max_lines;
        for row in batch.rows {
            let number = self.report.rows;
            self.report.rows += 1;
            if !self.asked.takes(number) {
                continue;
            }
            if max_lines.is_some_and(|max_lines| number - self.asked.offset >= max_lines) {
                return Err(too_large(self.state.config.import));
            }
            self.take_row(row);
            if self.batch.len() + self.kept.len() >= BATCH && max_lines.is_none() {
                self.store().await?;
            }
        }
        Ok(())
    }

    fn take_row(&mut self, row: Row) {
        let sample = if self.asked.dry_run { self.report.show(&row) } else { None };
        match row.person {
            Ok(person) => {
                row.warnings.into_iter().for_each(|warning| self.report.warn(warning));
                self.batch.push(Line { line: row.line, record: Record::from(person), sample });
            }
            Err(remark) => {
                match row.participant_id {
                    Some(participant_id) if self.taker.is_replacing() => self.kept.push(participant_id),
                    Some(_) => {}
                    None => self.without_id += 1,
                }
                self.report.keep_cells(row.line, row.cells);
                self.report.refuse(Remark::from(remark));
            }
        }
    }

    async fn store(&mut self) -> Result<(), ApiError> {
        let kept = std::mem::take(&mut self.kept);
        let lines = std::mem::take(&mut self.batch);
        // Doubles within one body are known already; those of two pieces are not.
        let is_piece = self.asked.import.is_some() && self.asked.offset == 0;
        if !kept.is_empty() {
            self.taker.keep(&kept).await?;
        }
        let mut lines = lines.into_iter();
        loop {
            let batch: Vec<Line> = lines.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(());
            }
            self.taker.take(batch, is_piece, &mut self.report).await?;
        }
    }

    /// All rows of the request were taken.
    async fn close(&mut self, is_empty: bool) -> Result<(), ApiError> {
        let end = self.asked.offset.saturating_add(self.asked.limit.unwrap_or(u64::MAX));
        self.report.next_offset = (end < self.report.rows).then_some(end);
        let is_replacing = match self.asked.dry_run {
            true => self.asked.mode == Some(ImportMode::Replace),
            false => self.taker.is_replacing(),
        };
        if is_replacing && self.without_id > 0 {
            self.notice(Some(Notice::LinesWithoutId { lines: self.without_id }));
        }
        if self.asked.dry_run {
            let is_whole = self.asked.offset == 0 && self.report.next_offset.is_none();
            self.report.withdrawn = match (is_replacing, is_whole) {
                (false, _) => Some(0),
                (true, true) => Some(self.taker.missing().await?),
                (true, false) => None,
            };
            return Ok(());
        }
        self.report.withdrawn = Some(0);
        if self.asked.more {
            self.taker.begin().await?;
        }
        self.taker.count_refused(&self.report).await?;
        let Some(import) = self.taker.import().cloned() else {
            // Nothing was taken, and the import before can still be undone.
            return if is_replacing { Err(nobody_on_list()) } else { Ok(()) };
        };
        let mut view = ImportView::from(&import);
        if self.taker.is_superseded() {
            view.state = "FINISHED";
            self.notice(Some(Notice::AnotherImport));
        } else if !self.asked.more && import.state == ImportState::Running {
            self.finish(&import, &mut view).await?;
        } else if import.state != ImportState::Running && !is_empty {
            return Err(over(import.number));
        }
        self.report.import = Some(view);
        Ok(())
    }

    /// Withdraws the people who are missing from a list that replaces, and ends the import.
    async fn finish(&mut self, import: &Import, view: &mut ImportView) -> Result<(), ApiError> {
        if import.mode == ImportMode::Replace {
            replace::check_not_empty(self.state, import).await?;
            let budget = self.began + self.state.config.import.withdraw_for;
            let replacement = self.state.store.replacement(import).await?;
            let Withdrawn { count, outcome } =
                replace::withdraw(self.state, self.lottery, replacement, budget).await?;
            self.report.withdrawn = Some(count);
            match outcome {
                replace::Outcome::Done => {}
                replace::Outcome::TimeIsUp => return Ok(()),
                replace::Outcome::Drawing(draw_id) => {
                    self.notice(Some(Notice::WithdrawalWaits { draw: draw_id.to_string() }));
                    return Ok(());
                }
                replace::Outcome::Over => return Err(over(import.number)),
            }
        }
        view.state = "FINISHED";
        if !self.state.store.finish_import(import).await? {
            self.notice(Some(Notice::AnotherImport));
        }
        Ok(())
    }
}
