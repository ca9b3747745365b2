//! Draws: started by an organiser, watched by everyone.

mod cancel;
mod events;
mod execution;
mod history;
mod odds;
mod proof;
mod results;
mod start;
mod view;
mod winners;

use axum::Json;
use axum::extract::State;
use lottery::Draw;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use cancel::{__path_cancel, cancel};
pub(crate) use events::{__path_events, events};
pub(crate) use execution::Executions;
pub(crate) use odds::{__path_odds, KnownOdds, odds};
pub(crate) use proof::{__path_entries, __path_inclusion, __path_proof, entries, inclusion, proof};
pub(crate) use results::Results;
pub(crate) use start::{__path_start, start};
pub(crate) use view::{DrawSummary, DrawView};
pub(crate) use winners::{__path_winners, winners};

use crate::error::ApiError;
use crate::extract::{DrawPath, LotteryPath, Paging, unknown_draw, unknown_lottery};
use crate::lotteries::PagingQuery;
use crate::state::AppState;

/// A page of draws, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Draws {
    draws: Vec<DrawSummary>,
    /// What to pass as `cursor` for the next page.
    next_cursor: Option<String>,
}

/// List the draws of a lottery, the newest first.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws", tag = "draws", params(PagingQuery),
    responses((status = 200, description = "A page of draws", body = Draws)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
    paging: Paging,
) -> Result<Json<Draws>, ApiError> {
    state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let page = state.store.draws(&lottery_id, paging.cursor.as_deref(), paging.limit).await?;
    Ok(Json(Draws { draws: page.items.iter().map(DrawSummary::from).collect(), next_cursor: page.cursor }))
}

/// One draw: how far it is, its masked winners, and what became of their notifications.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}", tag = "draws",
    responses((status = 200, description = "The draw", body = DrawView)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
) -> Result<Json<DrawView>, ApiError> {
    let draw = state.store.draw(&lottery_id, &draw_id).await?.ok_or_else(unknown_draw)?;
    Ok(Json(view(&state, draw).await?))
}

/// The draw with all that stands elsewhere: the execution's states, the winners, the ledger.
async fn view(state: &AppState, draw: Draw) -> Result<DrawView, ApiError> {
    let states = if draw.status.is_final() {
        Vec::new()
    } else {
        let arn = draw.execution_arn.clone().unwrap_or_else(|| state.executions.arn(&draw.draw_id));
        // Best effort: a draw is worth showing without it.
        state.executions.current_states(&arn).await.unwrap_or_default()
    };
    let outcome = state.results.of(&state.store, &draw).await?;
    Ok(DrawView::new(&draw, states, &outcome))
}
