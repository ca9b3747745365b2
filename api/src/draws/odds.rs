//! The chances of each kind of entry in a sealed draw: computed once for what it has committed to.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use lottery::odds::{ClassOdds, Odds, Pool};
use lottery_store::SealedDraw;
use serde::Serialize;
use utoipa::ToSchema;

use super::proof::Sealed;
use crate::answer::{Answer, Fit};
use crate::error::ApiError;
use crate::extract::{ClassesPage, DrawPath};
use crate::lotteries::PagingQuery;
use crate::state::AppState;

/// Chunks of entries that are read concurrently.
const CHUNKS: u32 = 32;

/// The chances in one draw.
#[derive(Serialize, ToSchema)]
pub(crate) struct OddsView {
    /// How many draws were simulated, where quotas leave no other way; null if the chances were computed.
    #[schema(value_type = Option<u32>)]
    simulated_draws: Option<u32>,
    /// One line for each kind of entry, by group (if a quota names it) and tickets: `{group, tickets, entries, any,
    /// prizes}`, each chance with its error; `without_group: true` beside a `group` that is null if a quota names the
    /// people without one.
    #[schema(value_type = Vec<Object>)]
    classes: Vec<ClassOdds>,
    /// What to pass as `cursor` for the next page.
    next_cursor: Option<String>,
}

/// The chance of each kind of entry to win, before the draw.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/odds", tag = "fair draw", params(PagingQuery),
    responses((status = 200, description = "A page of the chances", body = OddsView)))]
pub(crate) async fn odds(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
    page: ClassesPage,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let sealed = Sealed::read(&state, &lottery_id, &draw_id).await?;
    let key = sealed.key("odds", format_args!("{}/{}", page.first, page.limit));
    let answer = async {
        let (_, seal) = sealed.seal(&state).await?;
        let commitment = seal.manifest.commitment().to_string();
        let odds = state.cache.odds(commitment, compute(&state, seal)).await?;
        let mut fit = Fit::new(page.limit);
        loop {
            let end = page.first.saturating_add(fit.limit).min(odds.classes.len());
            let classes = odds.classes.get(page.first..end).unwrap_or_default().to_vec();
            let next_cursor = (end < odds.classes.len()).then(|| end.to_string());
            let view = OddsView { simulated_draws: odds.simulated_draws, classes, next_cursor };
            let answer = Answer::json(&view, sealed.rule())?;
            if fit.holds(&answer) {
                return Ok(answer);
            }
        }
    };
    sealed.respond(&state, key, answer, &headers).await
}

async fn compute(state: &AppState, seal: SealedDraw) -> Result<Odds, ApiError> {
    let mut pool = Pool::of(&seal.manifest.prizes);
    for first in (0..seal.chunks).step_by(CHUNKS as usize) {
        let chunks = state.store.chunks(&seal, first..(first + CHUNKS).min(seal.chunks)).await?;
        for sealed in chunks.iter().flatten() {
            pool.count(&sealed.entry);
        }
    }
    let odds = tokio::task::spawn_blocking(move || pool.odds());
    odds.await.map_err(ApiError::internal)
}
