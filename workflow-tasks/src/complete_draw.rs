//! Ends the draw if the ledger says that every notification was sent.

use lottery::DrawStatus;
use serde::Serialize;

use crate::standing::Standing;
use crate::{DrawInput, TaskContext, TaskError};

/// How the draw stands.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Whether the draw has ended with every notification sent.
    complete: bool,
}

/// Ends the draw, or answers that something was not sent. It decides by the ledger, not by what other tasks answered.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let draw = cx.store.draw(&input.lottery_id, &input.draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    let complete = match draw.status {
        DrawStatus::Succeeded => true,
        DrawStatus::Incomplete => false,
        DrawStatus::Recorded => {
            let standing = Standing::read(cx, &draw).await?;
            standing.all_sent() && standing.end(cx, &draw).await?
        }
        status => return Err(TaskError::DrawElsewhere(status)),
    };
    Ok(Output { complete })
}
