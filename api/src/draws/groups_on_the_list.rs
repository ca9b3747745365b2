//! Checks that the groups named by the quotas of a new draw exist: a quota for a mistyped group would have no effect.
//!
//! This check runs before anything is written, while the organiser is still at the form. Sealing checks the entries again, so
//! that what cannot be determined here in time is let pass.

use std::time::Duration;

use lottery::feasibility::UnknownGroup;
use lottery::{DrawId, DrawRequest, Group, LotteryId};

use crate::error::ApiError;
use crate::explanation::Explanation;
use crate::state::AppState;

/// A list from before there were counts is counted one by one; the request waits for this at most.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Refuses quotas for groups without members on the list. The list of a draw that closes later may still be imported: for
/// such a draw the unknown groups are returned as notices.
pub(super) async fn check(
    state: &AppState,
    lottery_id: &LotteryId,
    draw_id: &DrawId,
    request: &DrawRequest,
) -> Result<Vec<Explanation>, ApiError> {
    if request.prizes.named_groups().is_empty() {
        return Ok(Vec::new());
    }
    let counted = tokio::time::timeout(TIMEOUT, state.store.participant_counts(lottery_id)).await;
    let Ok(counted) = counted else { return Ok(Vec::new()) };
    let counts = counted?;
    if counts.in_other_groups > 0 {
        return Ok(Vec::new());
    }
    let known: Vec<_> = counts.groups.into_keys().map(Group::respelled).collect();
    let unknown = UnknownGroup::among(&request.prizes, known.iter());
    if request.closes_at.is_some() {
        return Ok(unknown.iter().map(why).collect());
    }
    // The same request, sent again after the list has changed, is answered with the draw that it started.
    if unknown.is_empty() || state.store.draw(lottery_id, draw_id).await?.is_some() {
        return Ok(Vec::new());
    }
    Err(refused(request, &unknown))
}

fn why(unknown: &UnknownGroup) -> Explanation {
    unknown.refusal().into()
}

fn refused(request: &DrawRequest, unknown: &[UnknownGroup]) -> ApiError {
    let detail = unknown.iter().map(|unknown| why(unknown).reason).collect::<Vec<_>>().join("; ");
    let mut error = ApiError::invalid("UnknownGroup", detail);
    if let Some(first) = unknown.first() {
        error = error.explained(why(first));
    }
    for (index, prize) in request.prizes.as_slice().iter().enumerate() {
        for (number, quota) in prize.quota.iter().enumerate() {
            for unknown in unknown.iter().filter(|unknown| quota.groups.contains(&unknown.group)) {
                error = error.at_field(&format!("prizes[{index}].quota[{number}]"), why(unknown));
            }
        }
    }
    error
}
