//! Participants: imported or joined by themselves, listed (masked), given their receipts, withdrawn.

mod import;
mod join;
mod reader;
mod refusal;
mod report;
mod subscriptions;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use lottery::mask;
use lottery_store::{ParticipantSummary, Withdrawal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(crate) use import::{__path_import, import};
pub(crate) use join::{__path_join, __path_receipt, join, receipt};
pub(crate) use refusal::{LineRefusal, Notice};
pub(crate) use report::RemarkReason;

use crate::error::ApiError;
use crate::extract::{LotteryPath, Paging, ParticipantPath, unknown_lottery, unknown_participant};
use crate::state::AppState;

/// A participant, addresses and name masked.
#[derive(Serialize, ToSchema)]
pub(crate) struct ParticipantView {
    /// The organiser's own id.
    participant_id: String,
    #[schema(example = "R*** T***")]
    name: String,
    #[schema(example = "***01")]
    phone: Option<String>,
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
}

impl From<ParticipantSummary> for ParticipantView {
    fn from(participant: ParticipantSummary) -> Self {
        Self {
            participant_id: participant.participant_id.to_string(),
            name: mask::name(&participant.name),
            phone: participant.phone.as_ref().map(mask::phone),
            email: participant.email.as_ref().map(mask::email),
            group: participant.group.map(|group| group.to_string()),
            tickets: participant.tickets.get(),
            excluded: participant.excluded,
            registered_at: participant.registered_at,
        }
    }
}

/// A page of participants, by id.
#[derive(Serialize, ToSchema)]
pub(crate) struct Participants {
    participants: Vec<ParticipantView>,
    /// What to pass as `cursor` for the next page; a page of a search may be short and still have a next.
    next_cursor: Option<String>,
}

/// Where the list begins, how long it is, what it holds.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query that `Paging` reads")]
pub(crate) struct SearchQuery {
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many, at most: 1 to 1000, 100 if absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// A part of an id, a name, an address or a group.
    search: Option<String>,
}

/// List participants, addresses and names masked.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/participants", tag = "participants", params(SearchQuery),
    responses((status = 200, description = "A page of participants", body = Participants)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    paging: Paging,
) -> Result<Json<Participants>, ApiError> {
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let (cursor, search) = (paging.cursor.as_deref(), paging.search.as_deref());
    let page = state.store.participants(&lottery_id, cursor, paging.limit, search).await?;
    let participants = page.items.into_iter().map(ParticipantView::from).collect();
    Ok(Json(Participants { participants, next_cursor: page.cursor }))
}

/// Withdraw a participant: their contact data is erased and their address unsubscribed.
#[utoipa::path(delete, path = "/lotteries/{lottery_id}/participants/{participant_id}", tag = "participants",
    responses((status = 204, description = "Withdrawn")))]
pub(crate) async fn withdraw(
    State(state): State<AppState>,
    ParticipantPath(lottery_id, participant_id): ParticipantPath,
) -> Result<StatusCode, ApiError> {
    // The subscription first: if that fails the participant is still known, and the call can be repeated.
    let contacts = state.store.contacts(&lottery_id, std::slice::from_ref(&participant_id)).await?;
    let ended = contacts.into_iter().find_map(|contact| contact.subscription_arn);
    if let Some(subscription_arn) = &ended {
        subscriptions::end(&state, subscription_arn).await?;
    }
    let Withdrawal::Gone { subscription_arn } =
        state.store.withdraw_participant(&lottery_id, &participant_id).await?
    else {
        return Err(unknown_participant());
    };
    // An import that ran meanwhile may have subscribed anew.
    if let Some(subscription_arn) = subscription_arn.as_ref().filter(|arn| ended.as_ref() != Some(arn)) {
        subscriptions::end(&state, subscription_arn).await?;
    }
    if subscription_arn.is_some() {
        state.store.release_email_slots(&lottery_id, 1).await?;
    }
    tracing::info!(%lottery_id, "withdrew a participant");
    Ok(StatusCode::NO_CONTENT)
}
