//! The winners of a draw: in full for those who may read results, masked for everyone else.

use std::collections::HashMap;
use std::fmt::Write;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use jiff::Timestamp;
use lottery::{Draw, ParticipantId};
use lottery_store::{Contact, Notification, Winner};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{MaskedWinner, SeatView};
use crate::auth::{MaybeCaller, Scope};
use crate::error::ApiError;
use crate::extract::{DrawPath, accepted, unknown_draw};
use crate::state::AppState;

const JSON: &str = "application/json";
const CSV: &str = "text/csv";

/// What became of one notification.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct NotificationView {
    /// `sms` or `email`.
    channel: String,
    /// CLAIMED, SENT, FAILED or UNKNOWN.
    state: String,
    /// Why it was not sent.
    reason: Option<String>,
    /// The id that SNS gave it.
    message_id: Option<String>,
    /// When it came to this state.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// A winner, in full.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FullWinner {
    /// The prize won.
    prize: String,
    /// The winner's rank in the draw, from 1.
    rank: u32,
    /// The organiser's own id of the winner.
    participant_id: String,
    /// The random name under which the winner stands in the list of entries.
    label: String,
    /// The name; absent, like the rest, if the winner has withdrawn.
    name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    /// What the winner was told, by channel.
    notifications: Vec<NotificationView>,
    #[serde(flatten)]
    seat: SeatView,
}

/// One winner: what is shown depends on the caller.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum WinnerView {
    /// For those who may read results.
    Full(FullWinner),
    /// For everyone.
    Masked(MaskedWinner),
}

/// The winners of a draw, by rank; none before they are official.
#[derive(Serialize, ToSchema)]
pub(crate) struct Winners {
    /// The draw's status.
    status: String,
    winners: Vec<WinnerView>,
}

/// The winners of a draw: masked, or in full with the scope `results:read`.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/winners", tag = "draws",
    responses((status = 200, description = "The winners by rank, as JSON or CSV by `Accept`", content(
        (Winners = "application/json"), (String = "text/csv")))))]
pub(crate) async fn winners(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    caller: MaybeCaller,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let media_type = accepted(&headers, &[JSON, CSV])?;
    let draw = state.store.draw(&lottery_id, &draw_id).await?.ok_or_else(unknown_draw)?;
    if caller.may(Scope::ResultsRead) {
        let winners = full(&state, &draw).await?;
        tracing::info!(%lottery_id, %draw_id, winners = winners.len(), "read winners in full");
        return Ok(if media_type == CSV {
            csv(&draw, &FULL_COLUMNS, winners.iter().map(FullWinner::cells))
        } else {
            json(&draw, winners.into_iter().map(WinnerView::Full).collect())
        });
    }
    let outcome = state.results.of(&state.store, &draw).await?;
    Ok(if media_type == CSV {
        csv(&draw, &MASKED_COLUMNS, outcome.winners.iter().map(MaskedWinner::cells))
    } else {
        json(&draw, outcome.winners.iter().cloned().map(WinnerView::Masked).collect())
    })
}

async fn full(state: &AppState, draw: &Draw) -> Result<Vec<FullWinner>, ApiError> {
    let winners = state.store.winners(&draw.lottery_id, &draw.draw_id).await?;
    let mut contacts = state.store.contacts_of(&draw.lottery_id, &winners).await?;
    let mut told: HashMap<ParticipantId, Vec<Notification>> = HashMap::new();
    for notification in state.store.notifications(&draw.lottery_id, &draw.draw_id).await? {
        told.entry(notification.participant_id.clone()).or_default().push(notification);
    }
    let full = |winner: Winner| {
        let id = &winner.participant_id;
        FullWinner::new(&winner, contacts.remove(id), told.remove(id).unwrap_or_default())
    };
    Ok(winners.into_iter().map(full).collect())
}

impl FullWinner {
    fn new(winner: &Winner, contact: Option<Contact>, mut told: Vec<Notification>) -> Self {
        told.sort_by_key(|notification| (notification.channel, notification.at));
        let (name, phone, email) = match contact {
            Some(contact) => (Some(contact.name), contact.phone, contact.email),
            None => (None, None, None),
        };
        Self {
            prize: winner.prize.to_string(),
            rank: winner.rank,
            participant_id: winner.participant_id.to_string(),
            label: winner.label.to_string(),
            name: name.map(|name| name.to_string()),
            phone: phone.map(|phone| phone.to_string()),
            email: email.map(|email| email.to_string()),
            notifications: told
                .into_iter()
                .map(|notification| NotificationView {
                    channel: notification.channel.to_string(),
                    state: notification.state.as_str().to_owned(),
                    reason: notification.reason,
                    message_id: notification.message_id,
                    at: notification.at,
                })
                .collect(),
            seat: SeatView::of(winner),
        }
    }

    fn cells(&self) -> Vec<String> {
        let state = |channel: &str| {
            let last = self.notifications.iter().rfind(|notification| notification.channel == channel);
            last.map(|notification| notification.state.clone()).unwrap_or_default()
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let [forfeited, taken_by, instead_of] = self.seat.cells();
        vec![
            self.rank.to_string(),
            self.prize.clone(),
            self.participant_id.clone(),
            text(&self.name),
            text(&self.phone),
            text(&self.email),
            self.label.clone(),
            state("sms"),
            state("email"),
            forfeited,
            taken_by,
            instead_of,
        ]
    }
}

impl MaskedWinner {
    fn cells(&self) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let [forfeited, taken_by, instead_of] = self.seat.cells();
        vec![
            self.rank.to_string(),
            self.prize.clone(),
            text(&self.name),
            text(&self.phone),
            text(&self.email),
            self.label.clone(),
            forfeited,
            taken_by,
            instead_of,
        ]
    }
}

const FULL_COLUMNS: [&str; 12] = [
    "rank",
    "prize",
    "participant_id",
    "name",
    "phone",
    "email",
    "label",
    "sms_state",
    "email_state",
    "forfeited",
    "taken_by",
    "instead_of",
];
const MASKED_COLUMNS: [&str; 9] =
    ["rank", "prize", "name", "phone", "email", "label", "forfeited", "taken_by", "instead_of"];

fn json(draw: &Draw, winners: Vec<WinnerView>) -> Response {
    let body = Winners { status: draw.status.to_string(), winners };
    ([(VARY, "accept, authorization")], Json(body)).into_response()
}

fn csv(draw: &Draw, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Response {
    let mut text = columns.join(",") + "\r\n";
    for row in rows {
        for (index, cell) in row.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(text, "{comma}{}", quoted(cell));
        }
        text.push_str("\r\n");
    }
    let file = format!("attachment; filename=\"winners-{}.csv\"", draw.draw_id);
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, file),
        (VARY, "accept, authorization".to_owned()),
    ];
    (headers, text).into_response()
}

/// A cell that no spreadsheet takes for a formula, quoted where RFC 4180 asks for it.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(quoted("Rose"), "Rose");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("+12025550101"), "'+12025550101");
        assert_eq!(quoted("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(quoted("-2"), "'-2");
        assert_eq!(quoted("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
        assert_eq!(quoted("Tyler, Rose"), "\"Tyler, Rose\"");
    }
}
