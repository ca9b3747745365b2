//! The chances of each kind of entry in a sealed draw: computed once for a draw, since its entries never change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use lottery::odds::{Odds, Pool};
use lottery_store::SealedDraw;
use serde::Serialize;
use tokio::sync::OnceCell;
use utoipa::ToSchema;

use super::proof::sealed;
use crate::error::ApiError;
use crate::extract::DrawPath;
use crate::state::AppState;

/// Draws whose odds are kept; beyond these all are forgotten.
const KEPT: usize = 256;
/// How many chunks of entries are read at once.
const CHUNKS: u32 = 32;

type Slot = Arc<OnceCell<Arc<Odds>>>;

/// The odds computed lately.
#[derive(Default)]
pub(crate) struct KnownOdds(Mutex<HashMap<String, Slot>>);

impl KnownOdds {
    fn slot(&self, seal: &SealedDraw) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = seal.manifest.commitment().to_string();
        if !slots.contains_key(&name) && slots.len() >= KEPT {
            slots.clear();
        }
        slots.entry(name).or_default().clone()
    }
}

/// The chances in one draw.
#[derive(Serialize, ToSchema)]
pub(crate) struct OddsView {
    /// How many draws were simulated, where quotas leave no other way; null if the chances were computed.
    #[schema(value_type = Option<u32>)]
    simulated_draws: Option<u32>,
    /// One line for each kind of entry, by group (if a quota names it) and tickets: `{group, tickets, entries, any,
    /// prizes}`, each chance with its error.
    #[schema(value_type = Vec<Object>)]
    classes: Vec<lottery::odds::ClassOdds>,
}

/// The chance of each kind of entry to win, before the draw.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/draws/{draw_id}/odds", tag = "fair draw",
    responses((status = 200, description = "The chances", body = OddsView)))]
pub(crate) async fn odds(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
) -> Result<Json<OddsView>, ApiError> {
    let (_, seal) = sealed(&state, &lottery_id, &draw_id).await?;
    let slot = state.odds.slot(&seal);
    // However many ask at once, one computes.
    let odds = slot.get_or_try_init(|| compute(&state, seal)).await?;
    Ok(Json(OddsView { simulated_draws: odds.simulated_draws, classes: odds.classes.clone() }))
}

async fn compute(state: &AppState, seal: SealedDraw) -> Result<Arc<Odds>, ApiError> {
    let mut pool = Pool::default();
    for first in (0..seal.chunks).step_by(CHUNKS as usize) {
        let chunks = state.store.chunks(&seal, first..(first + CHUNKS).min(seal.chunks)).await?;
        for sealed in chunks.iter().flatten() {
            pool.count(&sealed.entry, &seal.manifest.prizes);
        }
    }
    let odds = tokio::task::spawn_blocking(move || pool.odds(&seal.manifest.prizes));
    Ok(Arc::new(odds.await.map_err(ApiError::internal)?))
}
