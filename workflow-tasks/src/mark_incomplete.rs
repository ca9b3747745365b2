//! Ends the draw with its unsent notifications made visible. Its winners stay winners.

use lottery::DrawStatus;
use serde::Serialize;

use crate::standing::settle;
use crate::{DrawInput, TaskContext, TaskError};

/// How the draw has ended.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Whether, after all, every notification was sent.
    complete: bool,
}

/// Gives every notification without an outcome one, and ends the draw as the ledger then says.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let draw = cx.store.draw(&input.lottery_id, &input.draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    let complete = match draw.status {
        DrawStatus::Succeeded => true,
        DrawStatus::Incomplete => false,
        DrawStatus::Recorded => settle(cx, &draw).await?.end(cx, &draw).await?,
        status => return Err(TaskError::DrawElsewhere(status)),
    };
    Ok(Output { complete })
}
