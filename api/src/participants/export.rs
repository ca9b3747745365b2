//! The list as a file, which can be imported again.
//!
//! A server streams it: CSV page by page, a workbook from a temporary file. On Lambda a response has a limit; there a CSV ends
//! earlier, and the header `Link` names the next part.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LINK};
use http::{HeaderValue, Uri};
use lottery::{LotteryId, ParticipantFields};
use lottery_store::{ListQuery, MAX_SORTED, Page, ParticipantSummary, Sort};

use super::search::page;
use crate::answer::{MAX_ANSWER, carried_as_file};
use crate::error::ApiError;
use crate::extract::{MAX_PAGE, query as pairs};
use crate::refusal::ListRefusal;
use crate::spreadsheet::xlsx::{MAX_ROWS, Sheet};
use crate::spreadsheet::{Cell, XLSX, attachment, csv};
use crate::state::AppState;

/// The columns, which are those of an import.
const COLUMNS: [&str; 7] = ParticipantFields::NAMES;

/// Pages that are read for one response where its size and time are limited.
const MAX_LOOKS: usize = 50;

/// The list, or part of it, as it is read.
struct Export {
    state: AppState,
    lottery_id: LotteryId,
    query: ListQuery,
    /// How many more people are wanted.
    left: usize,
    /// How many more pages are read for them: a search may look at many people and find none.
    looks: usize,
    is_over: bool,
}

impl Export {
    fn new(state: AppState, lottery_id: LotteryId, query: ListQuery, limit: Option<usize>) -> Self {
        let left = match (limit, state.config.export_max_people) {
            (Some(limit), Some(most)) => limit.min(most),
            (limit, most) => limit.or(most).unwrap_or(usize::MAX),
        };
        let looks = state.config.export_max_people.map_or(usize::MAX, |_| MAX_LOOKS);
        Self { state, lottery_id, query, left, looks, is_over: false }
    }

    /// The next people; none at the end.
    async fn next(&mut self) -> Result<Option<Vec<ParticipantSummary>>, ApiError> {
        if self.is_over || self.left == 0 || self.looks == 0 {
            return Ok(None);
        }
        self.looks -= 1;
        // In another order than by id, each page costs the whole list: then there is one page.
        let max_page = if self.query.sort == Sort::Id { MAX_PAGE } else { MAX_SORTED as usize };
        self.query.limit = self.left.min(max_page);
        let Page { items, cursor } = page(&self.state, &self.lottery_id, &self.query).await?;
        self.left -= items.len();
        self.is_over = cursor.is_none();
        self.query.cursor = cursor;
        Ok(Some(items))
    }

    /// The cursor of the people after those read so far, if there are more.
    fn next_cursor(&self) -> Option<String> {
        self.query.cursor.clone().filter(|_| !self.is_over)
    }
}

fn cells(participant: &ParticipantSummary) -> [Cell; COLUMNS.len()] {
    let ParticipantSummary { participant_id, name, phone, email, group, tickets, excluded, .. } = participant;
    [
        Cell::text(participant_id),
        Cell::text(name),
        Cell::optional(phone.as_ref()),
        Cell::optional(email.as_ref()),
        Cell::optional(group.as_ref()),
        Cell::Number(tickets.get()),
        Cell::text(excluded),
    ]
}

fn lines(people: &[ParticipantSummary]) -> String {
    people.iter().map(|participant| csv::line(&cells(participant))).collect()
}

/// The list as CSV.
pub(super) async fn csv(
    state: AppState,
    lottery_id: LotteryId,
    query: ListQuery,
    limit: Option<usize>,
    uri: &Uri,
) -> Result<Response, ApiError> {
    let is_bounded = state.config.export_max_people.is_some();
    let is_whole = limit.is_none() && !is_bounded;
    let mut export = Export::new(state, lottery_id.clone(), query, limit);
    // The first people are read before the response begins: an error of the query is reported by the status.
    let first = export.next().await?.unwrap_or_default();
    let (body, next_cursor) = if is_whole {
        let head = csv::head(&COLUMNS) + &lines(&first);
        (streamed(head, export), None)
    } else {
        let (text, next_cursor) = bounded(first, export, is_bounded).await?;
        (Body::from(text), next_cursor)
    };
    tracing::info!(%lottery_id, "exports participants as CSV");
    respond(body, "text/csv; charset=utf-8", &lottery_id, "csv", next_cursor, uri)
}

/// All that is left, page by page. If it cannot be read to its end the connection is, and the caller knows that it is not all.
fn streamed(head: String, export: Export) -> Body {
    let rest = stream::try_unfold(export, |mut export| async move {
        match export.next().await {
            Ok(people) => Ok(people.map(|people| (Bytes::from(lines(&people)), export))),
            Err(error) => {
                tracing::error!(?error, "an export was not sent to its end");
                Err(std::io::Error::other("the list cannot be read to its end"))
            }
        }
    });
    Body::from_stream(stream::once(std::future::ready(Ok(Bytes::from(head)))).chain(rest))
}

/// As many people as one response may hold, and the cursor of the next ones.
async fn bounded(
    first: Vec<ParticipantSummary>,
    mut export: Export,
    is_bounded: bool,
) -> Result<(String, Option<String>), ApiError> {
    let most = if is_bounded { MAX_ANSWER } else { usize::MAX };
    let mut text = csv::head(&COLUMNS);
    let (mut size, mut last) = (text.len(), None);
    let mut people = Some(first);
    while let Some(read) = people {
        for participant in read {
            let line = csv::line(&cells(&participant));
            size += line.len();
            if carried_as_file(size) > most {
                return Ok((text, last));
            }
            text.push_str(&line);
            last = Some(participant.participant_id.to_string());
        }
        people = export.next().await?;
    }
    Ok((text, export.next_cursor()))
}

/// The list as a workbook.
pub(super) async fn xlsx(
    state: AppState,
    lottery_id: LotteryId,
    query: ListQuery,
    limit: Option<usize>,
    uri: &Uri,
) -> Result<Response, ApiError> {
    let bound = state.config.export_max_people;
    let mut export = Export::new(state, lottery_id.clone(), query, limit);
    let mut sheet = Sheet::new(&COLUMNS)?;
    while let Some(people) = export.next().await? {
        for participant in &people {
            if !sheet.push(&cells(participant))? {
                return Err(full(u64::from(MAX_ROWS)));
            }
        }
    }
    let next_cursor = export.next_cursor();
    if let (Some(most), None, Some(_)) = (bound, limit, &next_cursor) {
        // A file that silently holds the first part of a list would be taken for the whole of it.
        return Err(full(most as u64));
    }
    let body = match bound {
        None => sheet.into_body(),
        Some(most) => {
            let file = sheet.into_bytes().await?;
            if carried_as_file(file.len()) > MAX_ANSWER {
                return Err(full(most as u64));
            }
            Body::from(file)
        }
    };
    tracing::info!(%lottery_id, "exports participants as a workbook");
    respond(body, XLSX, &lottery_id, "xlsx", next_cursor, uri)
}

fn full(most: u64) -> ApiError {
    let why = ListRefusal::WorkbookFull { most };
    ApiError::too_large(why.to_string()).explained(why.into())
}

fn respond(
    body: Body,
    content_type: &'static str,
    lottery_id: &LotteryId,
    ending: &str,
    next_cursor: Option<String>,
    uri: &Uri,
) -> Result<Response, ApiError> {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_DISPOSITION, attachment(&format!("participants-{lottery_id}.{ending}"))?);
    if let Some(cursor) = next_cursor {
        let link = format!("<{}>; rel=\"next\"", next(uri, &cursor)?);
        headers.insert(LINK, HeaderValue::try_from(link).map_err(ApiError::internal)?);
    }
    Ok(response)
}

/// The same address with another cursor.
fn next(uri: &Uri, cursor: &str) -> Result<String, ApiError> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs(uri)?.iter().filter(|(name, _)| name != "cursor") {
        query.append_pair(name, value);
    }
    query.append_pair("cursor", cursor);
    Ok(format!("{}?{}", uri.path(), query.finish()))
}
