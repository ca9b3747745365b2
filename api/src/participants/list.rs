//! The organiser's list: searched, sorted, filtered; one person of it; how many are on it.
//!
//! Names and addresses are shown in full to callers with `participants:read`, and masked to those with only
//! `participants:write`.
//! A caller who sees them masked cannot search them either: the results of a search would reveal what is masked.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Uri};
use jiff::Timestamp;
use lottery::receipt::short_code;
use lottery::{Group, mask};
use lottery_store::ParticipantSummary;
use serde::Serialize;
use utoipa::ToSchema;

use super::export;
use super::search::{ListRequest, SearchQuery, page};
use crate::auth::{Caller, Scope, forbidden};
use crate::error::ApiError;
use crate::extract::{LotteryPath, ParticipantPath, accepted, unknown_lottery, unknown_participant};
use crate::spreadsheet::{CSV, XLSX};
use crate::state::AppState;

const JSON: &str = "application/json";

/// How much of a participant is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    InFull,
    Masked,
}

impl Shown {
    pub(super) fn to(caller: &Caller) -> Self {
        if caller.may(Scope::ParticipantsRead) { Self::InFull } else { Self::Masked }
    }

    pub(super) fn is_masked(self) -> bool {
        self == Self::Masked
    }
}

/// A participant; name and addresses are masked unless the caller may read participants.
#[derive(Serialize, ToSchema)]
pub(crate) struct ParticipantView {
    /// The organiser's own id.
    participant_id: String,
    /// Such as `Rose Tyler`; masked, `R*** T***`.
    #[schema(example = "R*** T***")]
    name: String,
    /// Such as `+12025550101`; masked, `***01`.
    #[schema(example = "***01")]
    phone: Option<String>,
    /// Such as `rose@example.com`; masked, `r***@e***.com`.
    #[schema(example = "r***@e***.com")]
    email: Option<String>,
    group: Option<String>,
    /// Their chances.
    tickets: u32,
    /// Whether the organiser keeps them from winning.
    excluded: bool,
    /// When they were first imported.
    #[schema(value_type = String, format = DateTime)]
    registered_at: Timestamp,
    /// When they were marked as present; null if they are not.
    #[schema(value_type = Option<String>, format = DateTime)]
    present_at: Option<Timestamp>,
    /// What they answered when they joined; masked, whether they did is not shown.
    answer: Option<String>,
    /// The short name of their receipt.
    #[schema(example = "A3F9-20C1")]
    code: String,
}

impl ParticipantView {
    pub(super) fn new(participant: ParticipantSummary, shown: Shown) -> Self {
        let ParticipantSummary {
            participant_id,
            name,
            phone,
            email,
            group,
            tickets,
            excluded,
            registered_at,
            present_at,
            answer,
            label,
        } = participant;
        let (name, phone, email) = match shown {
            Shown::InFull => {
                (name.to_string(), phone.map(|it| it.to_string()), email.map(|it| it.to_string()))
            }
            Shown::Masked => {
                (mask::name(&name), phone.as_ref().map(mask::phone), email.as_ref().map(mask::email))
            }
        };
        Self {
            participant_id: participant_id.to_string(),
            name,
            phone,
            email,
            group: group.map(|group| group.to_string()),
            tickets: tickets.get(),
            excluded,
            registered_at,
            present_at,
            answer: answer.filter(|_| !shown.is_masked()).map(|answer| answer.to_string()),
            code: short_code(&label),
        }
    }
}

/// A page of participants.
#[derive(Serialize, ToSchema)]
pub(crate) struct Participants {
    participants: Vec<ParticipantView>,
    /// Whether names and addresses are masked, because the token lacks the scope `participants:read`.
    masked: bool,
    /// What to pass as `cursor` for the next page; a page of a search may be short, even empty, and still have a next.
    next_cursor: Option<String>,
}

/// One participant.
#[derive(Serialize, ToSchema)]
pub(crate) struct Person {
    #[serde(flatten)]
    participant: ParticipantView,
    /// Whether name and addresses are masked, because the token lacks the scope `participants:read`.
    masked: bool,
}

impl Person {
    pub(super) fn new(participant: ParticipantSummary, shown: Shown) -> Self {
        Self { participant: ParticipantView::new(participant, shown), masked: shown.is_masked() }
    }
}

/// List participants: with the scope `participants:read` in full, otherwise masked.
///
/// As CSV or XLSX (by `Accept`) it is the whole list, or as much of it as the query asks for, and needs `participants:read`;
/// the file can be imported again and then changes nothing. A file that would be too large for one response ends earlier; then
/// the header `Link` names the next part.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/participants", tag = "participants", params(SearchQuery),
    responses((status = 200, description = "A page of participants, or a file", content(
        (Participants = "application/json"), (String = "text/csv"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))))]
pub(crate) async fn list(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    caller: Caller,
    ListRequest { mut query, limit }: ListRequest,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, ApiError> {
    let shown = Shown::to(&caller);
    let media_type = accepted(&headers, &[JSON, CSV, XLSX])?;
    if media_type != JSON && shown.is_masked() {
        return Err(forbidden(&state.config.scope_prefix, Scope::ParticipantsRead));
    }
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    match media_type {
        CSV => return export::csv(state, lottery_id, query, limit, &uri).await,
        XLSX => return export::xlsx(state, lottery_id, query, limit, &uri).await,
        _ => {}
    }
    query.is_masked = shown.is_masked();
    let page = page(&state, &lottery_id, &query).await?;
    let view = |participant| ParticipantView::new(participant, shown);
    let participants = page.items.into_iter().map(view).collect();
    let answer = Participants { participants, masked: shown.is_masked(), next_cursor: page.cursor };
    Ok(Json(answer).into_response())
}

/// One participant: with the scope `participants:read` in full, otherwise masked.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/participants/{participant_id}", tag = "participants",
    responses((status = 200, description = "The participant", body = Person)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    ParticipantPath(lottery_id, participant_id): ParticipantPath,
    caller: Caller,
) -> Result<Json<Person>, ApiError> {
    let found = state.store.participant(&lottery_id, &participant_id).await?;
    Ok(Json(Person::new(found.ok_or_else(unknown_participant)?, Shown::to(&caller))))
}

/// How many are in one group.
#[derive(Serialize, ToSchema)]
pub(crate) struct GroupCount {
    group: String,
    people: u64,
}

/// How many are on the list.
#[derive(Serialize, ToSchema)]
pub(crate) struct CountsView {
    /// All of them.
    total: u64,
    /// Those with a phone number.
    with_phone: u64,
    /// Those with an e-mail address.
    with_email: u64,
    /// Those with neither, who cannot be notified.
    unreachable: u64,
    /// Those whom the organiser keeps from winning.
    excluded: u64,
    /// The chances of those who can win.
    tickets: u64,
    /// The groups by name; none that is empty. At most 200: the others are counted together.
    groups: Vec<GroupCount>,
    /// Those in groups that are not listed.
    in_other_groups: u64,
    /// Those without a group.
    without_group: u64,
    /// Those who are marked as present.
    present: u64,
}

/// How many are on the list: in all, with which addresses, of which groups.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/counts", tag = "participants",
    responses((status = 200, description = "The counts, exact", body = CountsView)))]
pub(crate) async fn counts(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
) -> Result<Json<CountsView>, ApiError> {
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let counts = state.store.participant_counts(&lottery_id).await?;
    let group = |(group, people): (Group, u64)| GroupCount { group: group.to_string(), people };
    Ok(Json(CountsView {
        total: counts.total,
        with_phone: counts.with_phone,
        with_email: counts.with_email,
        unreachable: counts.unreachable,
        excluded: counts.excluded,
        tickets: counts.tickets,
        groups: counts.groups.into_iter().map(group).collect(),
        in_other_groups: counts.in_other_groups,
        without_group: counts.without_group,
        present: counts.present,
    }))
}
