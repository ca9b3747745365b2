//! Whether the groups exist that a new draw's quotas name: a mistyped one would limit nobody.
//!
//! What is found here is found before anything is written, for whoever is still at the form. Sealing looks again at the very
//! entries, so that whatever cannot be known here in time is let pass.

use std::time::Duration;

use lottery::feasibility::UnknownGroup;
use lottery::{DrawId, DrawRequest, Group, LotteryId};

use crate::error::ApiError;
use crate::explanation::Explanation;
use crate::state::AppState;

/// A list from before there were counts is counted one by one, which nobody waits for longer than this.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Refuses quotas for groups that nobody on the list is in. Of a draw that closes later the list may still come: it is
/// told what is to be known of them.
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
    for (place, prize) in request.prizes.as_slice().iter().enumerate() {
        for (number, quota) in prize.quota.iter().enumerate() {
            for unknown in unknown.iter().filter(|unknown| quota.groups.contains(&unknown.group)) {
                error = error.at_field(&format!("prizes[{place}].quota[{number}]"), why(unknown));
            }
        }
    }
    error
}
