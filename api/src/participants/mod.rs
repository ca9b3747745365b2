//! Participants: imported or joined by themselves, listed, edited, exported, given their receipts, withdrawn.
//!
//! An import, in reading order: `query` parses its parameters, `import` runs it, `course` begins it or says why it cannot go
//! on, `intake` reads the body, `taking` plans or stores the lines, `replace` withdraws missing people, `report` (with
//! `detected` and `remark`) is the response; `last` undoes it. `uploads` are imports of big lists, by S3. The list: `search`, `list`,
//! `export`, `edit`; `opted_out` says whom no SMS reaches. `join` is entering by
//! oneself, `confirm` with a code, `own_entry` what people do with their receipts, `own_link` how they get a lost one back.

mod confirm;
mod course;
mod detected;
mod edit;
mod export;
mod import;
mod intake;
mod join;
mod join_messages;
mod last;
mod list;
mod opted_out;
mod own_entry;
mod own_link;
mod presence;
mod query;
mod remark;
mod replace;
mod report;
mod search;
mod subscriptions;
mod taking;
mod uploads;

use axum::extract::State;
use http::StatusCode;
use lottery::{LotteryId, ParticipantId};
use lottery_store::Withdrawal;

#[cfg(test)]
pub(crate) use confirm::CONFIRM_FIELDS;
pub(crate) use confirm::{__path_confirm, confirm};
pub(crate) use edit::{__path_edit, edit};
pub(crate) use import::{__path_import, import};
#[cfg(test)]
pub(crate) use join::OWN_FIELDS;
pub(crate) use join::{__path_join, __path_receipt, join, receipt};
pub(crate) use last::{__path_last, __path_undo, last, undo};
pub(crate) use list::{__path_counts, __path_get, __path_list, counts, get, list};
pub(crate) use opted_out::{__path_opted_out, OptedOutPhones, opted_out};
#[cfg(test)]
pub(crate) use own_entry::RECEIPT_FIELDS;
pub(crate) use own_entry::{__path_leave, __path_own_entry, leave, own_entry};
#[cfg(test)]
pub(crate) use own_link::LINK_FIELDS;
pub(crate) use own_link::{__path_send_own_link, send_own_link};
#[cfg(test)]
pub(crate) use presence::PRESENCE_FIELDS;
pub(crate) use presence::{__path_check_in, __path_head_count, __path_mark, check_in, head_count, mark};
pub(crate) use query::country_of;
pub(crate) use remark::{RemarkReason, said};
pub(crate) use replace::{__path_empty, Expected, ExpectedQuery, empty, withdraw_everybody};
pub(crate) use uploads::{
    __path_answer_upload, __path_begin_upload, __path_cancel_upload, __path_get_upload, __path_list_uploads,
    answer_upload, begin_upload, cancel_upload, get_upload, list_uploads,
};

use crate::error::ApiError;
use crate::extract::{ParticipantPath, unknown_participant};
use crate::state::AppState;

/// Withdraw a participant: their contact data is erased and their address unsubscribed.
#[utoipa::path(delete, path = "/lotteries/{lottery_id}/participants/{participant_id}", tag = "participants",
    responses((status = 204, description = "Withdrawn")))]
pub(crate) async fn withdraw(
    State(state): State<AppState>,
    ParticipantPath(lottery_id, participant_id): ParticipantPath,
) -> Result<StatusCode, ApiError> {
    withdraw_one(&state, &lottery_id, &participant_id).await?;
    tracing::info!(%lottery_id, "withdrew a participant");
    Ok(StatusCode::NO_CONTENT)
}

async fn withdraw_one(
    state: &AppState,
    lottery_id: &LotteryId,
    participant_id: &ParticipantId,
) -> Result<(), ApiError> {
    // The subscription first: if that fails the participant is still known, and the call can be repeated.
    let contacts = state.store.contacts(lottery_id, std::slice::from_ref(participant_id)).await?;
    let ended = contacts.into_iter().find_map(|contact| contact.subscription_arn);
    if let Some(subscription_arn) = &ended {
        subscriptions::end(state, subscription_arn).await?;
    }
    let Withdrawal::Gone { subscription_arn } =
        state.store.withdraw_participant(lottery_id, participant_id, state.clock.now()).await?
    else {
        return Err(unknown_participant());
    };
    // An import that ran meanwhile may have subscribed anew.
    if let Some(subscription_arn) = subscription_arn.as_ref().filter(|arn| ended.as_ref() != Some(arn)) {
        subscriptions::end(state, subscription_arn).await?;
    }
    if subscription_arn.is_some() {
        state.store.release_email_slots(lottery_id, 1).await?;
    }
    Ok(())
}
