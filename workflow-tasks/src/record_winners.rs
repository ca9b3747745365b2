//! The pivot: makes the pending winners official.

use lottery_store::RecordWinners;
use serde::Serialize;

use crate::batches::Batches;
use crate::{DrawInput, TaskContext, TaskError};

/// Who is to be told.
#[derive(Debug, Serialize)]
pub struct Output {
    /// The batches of each channel.
    batches: Batches,
}

/// Makes the winners official and frees the lottery, in one transaction. A second run finds its own result.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input;
    match cx.store.record_winners(lottery_id, draw_id).await? {
        RecordWinners::Recorded(draw) => Ok(Output { batches: Batches::of(&draw) }),
        RecordWinners::Elsewhere(status) => Err(TaskError::DrawElsewhere(status)),
        RecordWinners::Unknown => Err(TaskError::DrawUnknown),
    }
}
