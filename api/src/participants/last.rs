//! The last import of a lottery: what came of it, and taking it back.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use jiff::Timestamp;
use lottery_store::{Import, UndoImport, UndoStep};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use super::report::ImportView;
use super::subscriptions;
use crate::error::ApiError;
use crate::extract::{ImportPath, LotteryPath, query, unknown_lottery};
use crate::state::AppState;

/// The last import.
#[derive(Serialize, ToSchema)]
pub(crate) struct LastImport {
    #[serde(flatten)]
    import: ImportView,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    begun_at: Timestamp,
    /// New participants.
    accepted: u64,
    /// Participants that were changed.
    updated: u64,
    /// Participants that were as the list says.
    unchanged: u64,
    /// Lines that were not taken.
    refused: u64,
    /// Participants that were withdrawn because they are not on the list.
    withdrawn: u64,
    /// Whether it can be taken back: for a week, as long as no draw has been sealed since it began.
    can_undo: bool,
}

/// The last import of a lottery.
#[utoipa::path(get, path = "/lotteries/{lottery_id}/imports/last", tag = "participants",
    responses((status = 200, description = "What came of it so far", body = LastImport)))]
pub(crate) async fn last(
    State(state): State<AppState>,
    LotteryPath(lottery_id): LotteryPath,
) -> Result<Json<LastImport>, ApiError> {
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let import = state.store.last_import(&lottery_id).await?.ok_or_else(no_import)?;
    let Import { begun_at, counts, .. } = import;
    Ok(Json(LastImport {
        can_undo: import.can_be_undone(&lottery, state.clock.now()),
        import: ImportView::from(&import),
        begun_at,
        accepted: counts.new,
        updated: counts.changed,
        unchanged: counts.unchanged,
        refused: counts.refused,
        withdrawn: counts.withdrawn,
    }))
}

fn no_import() -> ApiError {
    ApiError::not_found("nothing has been imported into this lottery")
}

/// Where the undoing continues.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query that `UndoCursor` reads")]
pub(crate) struct UndoQuery {
    /// The `next_cursor` of the request before.
    cursor: Option<String>,
}

/// The same, read.
pub(crate) struct UndoCursor(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for UndoCursor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let given = query(&parts.uri)?.into_iter().find(|(name, _)| name == "cursor");
        Ok(Self(given.map(|(_, cursor)| cursor).filter(|cursor| !cursor.is_empty())))
    }
}

/// What taking an import back did.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct Undone {
    /// People whom the import had added, and who were withdrawn.
    withdrawn: u64,
    /// People whom the import had changed or withdrawn, and who were restored.
    restored: u64,
    /// People who were not restored: they were changed since, or another participant has their address.
    kept: u64,
    /// What to pass as `cursor` to continue; null if the import is taken back.
    next_cursor: Option<String>,
}

/// Take the last import back, as long as no draw was sealed since. Send again with `cursor` while there is one.
#[utoipa::path(post, path = "/lotteries/{lottery_id}/imports/{number}/undo", tag = "participants", params(UndoQuery),
    responses((status = 200, description = "What this request did", body = Undone)))]
pub(crate) async fn undo(
    State(state): State<AppState>,
    ImportPath(lottery_id, number): ImportPath,
    UndoCursor(mut cursor): UndoCursor,
) -> Result<Json<Undone>, ApiError> {
    let budget = Instant::now() + state.config.import.withdraw_for;
    let lottery = state.store.lottery(&lottery_id).await?.ok_or_else(unknown_lottery)?;
    let mut undone = Undone::default();
    loop {
        let now = state.clock.now();
        let step = match state.store.undo_import(&lottery_id, number, cursor.as_deref(), now).await? {
            UndoImport::Step(step) => step,
            UndoImport::Nothing => {
                let detail = format!(
                    "import {number} is not the last one of this lottery, was undone, or is older than a week"
                );
                return Err(ApiError::conflict("NothingToUndo", detail));
            }
            UndoImport::Sealed => {
                let detail =
                    "a draw was sealed since the import began, and its entries hold what was imported";
                return Err(ApiError::conflict("SealedSince", detail));
            }
            UndoImport::Drawing(draw_id) => {
                let detail =
                    format!("draw {draw_id} holds the lottery; try again once it has released the lottery");
                return Err(ApiError::conflict("Drawing", detail).with_member("draw_id", json!(draw_id)));
            }
        };
        let UndoStep { withdrawn, restored, kept, ended, resubscribe, next } = step;
        undone.withdrawn += withdrawn;
        undone.restored += restored;
        undone.kept += kept;
        subscriptions::end_all(&state, &lottery, ended).await?;
        subscriptions::resubscribe(&state, &lottery, resubscribe).await?;
        if next.is_none() || Instant::now() >= budget {
            undone.next_cursor = next;
            tracing::info!(%lottery_id, number, is_done = undone.next_cursor.is_none(), "took an import back");
            return Ok(Json(undone));
        }
        cursor = next;
    }
}
