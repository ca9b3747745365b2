//! The beginning of an import, and why it cannot begin, continue or end.

use lottery::{DrawId, Lottery};
use lottery_store::{BeginImport, Import, ImportMode, ImportState};
use serde_json::json;

use super::query::ImportRequest;
use crate::error::ApiError;
use crate::extract::unknown_lottery;
use crate::state::AppState;

/// Begins an import of a lottery.
pub(super) async fn begin(state: &AppState, lottery: &Lottery, mode: ImportMode) -> Result<Import, ApiError> {
    match state.store.begin_import(&lottery.lottery_id, mode, state.clock.now()).await? {
        BeginImport::Begun(import) => Ok(import),
        BeginImport::Drawing(draw_id) => Err(drawing(&draw_id)),
        BeginImport::Unknown => Err(unknown_lottery()),
    }
}

/// The import that a request continues.
pub(super) async fn continued(
    state: &AppState,
    lottery: &Lottery,
    asked: &ImportRequest,
    number: u64,
) -> Result<Import, ApiError> {
    let last = state.store.last_import(&lottery.lottery_id).await?;
    let import = last.filter(|last| last.number == number).ok_or_else(|| over(number))?;
    if asked.mode.is_some_and(|mode| mode != import.mode) {
        let detail = "the first request of an import says its mode; leave it out, or say the same";
        return Err(ApiError::bad_request("BadQuery", detail).at("mode"));
    }
    match import.state {
        ImportState::Running | ImportState::Finished => Ok(import),
        ImportState::Undoing | ImportState::Undone => Err(over(number)),
    }
}

/// `ImportOver` (409): the import takes no more lines.
pub(super) fn over(number: u64) -> ApiError {
    let detail = format!(
        "import {number} is over: it was finished or undone, or another one has begun; begin a new one with the rest of the \
         list"
    );
    ApiError::conflict("ImportOver", detail)
}

/// `Drawing` (409): a draw holds the lottery.
pub(super) fn drawing(draw_id: &DrawId) -> ApiError {
    let detail =
        format!("draw {draw_id} holds the lottery: its list can be replaced once the draw has released it");
    ApiError::conflict("Drawing", detail).with_member("draw_id", json!(draw_id))
}

/// `NobodyOnList` (409): an empty list does not replace another by accident.
pub(super) fn nobody_on_list() -> ApiError {
    let detail = "nobody of this list could be taken, so that everybody would be withdrawn; to empty the list, DELETE it";
    ApiError::conflict("NobodyOnList", detail)
}
