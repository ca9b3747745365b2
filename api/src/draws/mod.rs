//! Draws: started by an organiser, watched by everyone.

mod cancel;
mod change;
mod events;
mod notifications;
mod odds;
mod proof;
mod ranking;
mod release;
mod replace;
mod stage;
mod start;
mod view;
mod winner_files;
mod winners;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use cancel::{__path_cancel, cancel};
#[cfg(test)]
pub(crate) use change::CHANGE_FIELDS;
pub(crate) use change::{__path_change, change};
pub(crate) use events::{__path_events, events};
#[cfg(test)]
pub(crate) use notifications::RETRY_FIELDS;
pub(crate) use notifications::{__path_notifications, __path_retry, notifications, retry};
pub(crate) use odds::{__path_odds, odds};
pub(crate) use proof::{__path_entries, __path_inclusion, __path_proof, entries, inclusion, proof};
#[cfg(test)]
pub(crate) use release::RELEASE_FIELDS;
pub(crate) use release::{__path_release, release, wake};
#[cfg(test)]
pub(crate) use replace::REPLACE_FIELDS;
pub(crate) use replace::{__path_close, __path_replace, __path_seat_taker, close, replace, seat_taker};
pub(crate) use stage::{__path_move_stage, __path_stage, move_stage, stage};
pub(crate) use start::{__path_start, NewDrawBody, start};
pub(crate) use view::{DrawSummary, DrawView};
pub(crate) use winners::{__path_winners, winners};

use crate::answer::{Answer, Fit};
use crate::cache_control::CacheRule;
use crate::error::ApiError;
use crate::extract::{DrawPath, LotteryPath, Paging, unknown_lottery};
use crate::lotteries::PagingQuery;
use crate::state::AppState;
use crate::watch::WatchedDraw;

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
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (cursor, limit) = (paging.cursor.as_deref(), paging.limit);
    let key = state.cache.key(format_args!("draws/{lottery_id}/{limit}/{}", cursor.unwrap_or_default()));
    let answer = async {
        state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
        let mut fit = Fit::new(limit);
        loop {
            let page = state.store.draws(&lottery_id, cursor, fit.limit).await?;
            let draws = page.items.iter().map(DrawSummary::from).collect();
            let answer = Answer::json(&Draws { draws, next_cursor: page.cursor }, CacheRule::List)?;
            if fit.holds(&answer) {
                return Ok(answer);
            }
        }
    };
    Ok(state.cache.answer(key, state.cache.freshness(), answer).await?.respond(&headers))
}

/// One draw: how far it is, its masked winners, and what became of their notifications.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}", tag = "draws",
    responses((status = 200, description = "The draw", body = DrawView)))]
pub(crate) async fn get(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let watched = state.watched(&lottery_id, &draw_id).await?;
    let key = state.cache.key(format_args!("draw/{lottery_id}/{draw_id}/{}", watched.tag));
    let lifetime = watched.lifetime(state.cache.freshness());
    let answer = async { Answer::json(&view(&state, &watched).await?, watched.rule()) };
    Ok(state.cache.answer(key, lifetime, answer).await?.respond(&headers))
}

/// The draw with its first winners.
async fn view(state: &AppState, watched: &WatchedDraw) -> Result<DrawView, ApiError> {
    Ok(DrawView::new(watched, winners::first(state, &watched.draw).await?))
}
