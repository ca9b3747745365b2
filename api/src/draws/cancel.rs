//! Calling a draw off, as long as nothing is committed.

use axum::Json;
use axum::extract::State;
use lottery::{DrawStatus, Reason};
use lottery_store::CancelDraw;
use serde_json::json;

use super::view::DrawView;
use crate::error::ApiError;
use crate::extract::{DrawPath, unknown_draw};
use crate::state::AppState;
use crate::watch::WatchedDraw;

/// Cancel a draw before its commitment. From then on its result can be computed, and there is no way back.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/draws/{draw_id}/cancel", tag = "draws",
    responses((status = 200, description = "The draw is cancelled", body = DrawView)))]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    DrawPath(lottery_id, draw_id): DrawPath,
) -> Result<Json<DrawView>, ApiError> {
    let reason = Reason {
        name: "DrawCancelled".to_owned(),
        sentence: "The organiser cancelled the draw before anything was committed.".to_owned(),
        groups: Vec::new(),
    };
    // The status first: until it is stopped, the execution finds the draw cancelled.
    match state.store.cancel_draw(&lottery_id, &draw_id, &reason, state.clock.now()).await? {
        CancelDraw::Cancelled | CancelDraw::Final(DrawStatus::Cancelled) => {}
        CancelDraw::AlreadyCommitted(status) => {
            return Err(ApiError::conflict(
                "AlreadyCommitted",
                "the entries of this draw are committed; it can no longer be cancelled",
            )
            .with_member("draw_status", json!(status)));
        }
        CancelDraw::Final(status) => {
            return Err(ApiError::conflict("AlreadyEnded", format!("the draw has ended: {status}"))
                .with_member("draw_status", json!(status)));
        }
        CancelDraw::Unknown => return Err(unknown_draw()),
    }
    let draw = state.store.draw(&lottery_id, &draw_id).await?.ok_or_else(unknown_draw)?;
    state.executions.stop(&draw).await?;
    tracing::info!(%lottery_id, %draw_id, "cancelled a draw");
    Ok(Json(super::view(&state, &WatchedDraw::new(draw, state.clock.now())).await?))
}
