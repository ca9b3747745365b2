//! Withdrawing the people who are missing from a list: after an import that replaces, and to empty the list.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use lottery::{DrawId, Lottery, LotteryId};
use lottery_store::{Import, ImportCounts, ImportMode, ImportState, Replacement, WithdrawStep};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::course::{begin, drawing, nobody_on_list, over};
use super::report::ImportView;
use super::subscriptions;
use crate::error::ApiError;
use crate::extract::{LotteryPath, query, unknown_lottery};
use crate::state::AppState;

/// What came of withdrawing.
pub(super) struct Withdrawn {
    pub(super) count: u64,
    pub(super) outcome: Outcome,
}

/// How it ended.
pub(super) enum Outcome {
    /// All were withdrawn.
    Done,
    /// There are more, and a further request is needed.
    TimeIsUp,
    /// This draw holds the lottery.
    Drawing(DrawId),
    /// Another import has begun, or this one was undone.
    Over,
}

/// Withdraws until `budget`, at least one step.
pub(super) async fn withdraw(
    state: &AppState,
    lottery: &Lottery,
    mut replacement: Replacement<'_>,
    budget: Instant,
) -> Result<Withdrawn, ApiError> {
    let mut count = 0;
    loop {
        let (arns, outcome) = match replacement.withdraw_next(state.clock.now()).await? {
            WithdrawStep::Withdrawn { count: step, subscription_arns } => {
                count += step;
                (subscription_arns, None)
            }
            WithdrawStep::Done => (Vec::new(), Some(Outcome::Done)),
            WithdrawStep::Drawing { draw_id, subscription_arns } => {
                (subscription_arns, Some(Outcome::Drawing(draw_id)))
            }
            WithdrawStep::Over { subscription_arns } => (subscription_arns, Some(Outcome::Over)),
        };
        subscriptions::end_all(state, lottery, arns).await?;
        if let Some(outcome) = outcome {
            return Ok(Withdrawn { count, outcome });
        }
        if Instant::now() >= budget {
            return Ok(Withdrawn { count, outcome: Outcome::TimeIsUp });
        }
    }
}

/// Refuses to withdraw everybody because of an empty list.
pub(super) async fn check_not_empty(state: &AppState, import: &Import) -> Result<(), ApiError> {
    let last = state.store.last_import(&import.lottery_id).await?;
    let last = last.filter(|last| last.number == import.number).ok_or_else(|| over(import.number))?;
    let ImportCounts { new, changed, unchanged, .. } = last.counts;
    if new + changed + unchanged == 0 { Err(nobody_on_list()) } else { Ok(()) }
}

/// How many people the caller believes to be on the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query that `Expected` reads")]
pub(crate) struct ExpectedQuery {
    /// The total of the list. If it differs, nobody is withdrawn.
    #[param(minimum = 0)]
    expected: u64,
}

/// The same, read.
pub(crate) struct Expected(u64);

impl Expected {
    /// Refuses the request unless the list of the lottery has so many people.
    pub(crate) async fn check(&self, state: &AppState, lottery_id: &LotteryId) -> Result<(), ApiError> {
        let Self(expected) = self;
        let total = state.store.participant_counts(lottery_id).await?.total;
        if total == *expected {
            return Ok(());
        }
        let detail = format!("the list has {total} people, not {expected}; look at it again");
        Err(ApiError::conflict("CountDiffers", detail).with_member("total", json!(total)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Expected {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let given = query(&parts.uri)?.into_iter().find(|(name, _)| name == "expected");
        let expected = given.and_then(|(_, value)| value.parse().ok());
        expected.map(Self).ok_or_else(|| {
            let detail =
                "say in `expected` how many people are on the list, so that no other list is emptied";
            ApiError::bad_request("BadQuery", detail).at("expected")
        })
    }
}

/// What came of emptying a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Emptied {
    /// The import that it counts as, by which it can be undone.
    import: ImportView,
    /// People who were withdrawn by this request.
    withdrawn: u64,
    /// People who are still there: if there are any, send the same request with this number as `expected`.
    remaining: u64,
}

/// Withdraw everybody, those included who entered by themselves. It counts as an import that replaces, and can be undone.
#[utoipa::path(delete, path = "/lotteries/{lottery_id}/participants", tag = "participants", params(ExpectedQuery),
    responses((status = 200, description = "How many were withdrawn", body = Emptied)))]
pub(crate) async fn empty(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    expected: Expected,
) -> Result<Json<Emptied>, ApiError> {
    let budget = Instant::now() + state.config.import.withdraw_for;
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    expected.check(&state, &lottery_id).await?;
    let (import, count, is_finished) = withdraw_all(&state, &lottery, budget).await?;
    let mut view = ImportView::from(&import);
    if is_finished {
        view.state = "FINISHED";
    }
    let remaining = state.store.participant_counts(&lottery_id).await?.total;
    tracing::info!(%lottery_id, withdrawn = count, remaining, "emptied a list");
    Ok(Json(Emptied { import: view, withdrawn: count, remaining }))
}

/// Withdraws everybody, as far as there is time; how many.
pub(crate) async fn withdraw_everybody(
    state: &AppState,
    lottery: &Lottery,
    budget: Instant,
) -> Result<u64, ApiError> {
    withdraw_all(state, lottery, budget).await.map(|(_, count, _)| count)
}

/// The import as which it counts, how many were withdrawn, and whether those were all.
async fn withdraw_all(
    state: &AppState,
    lottery: &Lottery,
    budget: Instant,
) -> Result<(Import, u64, bool), ApiError> {
    if let Some(draw_id) = &lottery.open_draw {
        return Err(drawing(draw_id));
    }
    let last = state.store.last_import(&lottery.lottery_id).await?;
    let import = match last.filter(is_emptying) {
        Some(import) => import,
        None => begin(state, lottery, ImportMode::Replace).await?,
    };
    let replacement = state.store.replacement(&import).await?.including_joined();
    let Withdrawn { count, outcome } = withdraw(state, lottery, replacement, budget).await?;
    match outcome {
        Outcome::TimeIsUp => Ok((import, count, false)),
        Outcome::Done => {
            state.store.finish_import(&import).await?;
            Ok((import, count, true))
        }
        Outcome::Drawing(draw_id) => Err(drawing(&draw_id)),
        Outcome::Over => Err(over(import.number)),
    }
}

/// Whether an import is an emptying that an earlier request has begun.
fn is_emptying(import: &Import) -> bool {
    let ImportCounts { new, changed, unchanged, refused, .. } = import.counts;
    let is_running = import.mode == ImportMode::Replace && import.state == ImportState::Running;
    is_running && new + changed + unchanged + refused == 0
}
