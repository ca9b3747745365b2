//! Ends the draw with its unsent notifications made visible. Its winners stay winners.

use lottery::DrawStatus;

use crate::notification_summary::{NotificationSummary, Output};
use crate::{EndInput, TaskContext, TaskError};

/// Ends the draw as the ledger says, unless a notification was not attempted yet.
pub async fn handle(cx: &TaskContext, input: EndInput) -> Result<Output, TaskError> {
    let draw = cx.store.draw(&input.lottery_id, &input.draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match draw.status {
        DrawStatus::Succeeded => Ok(Output::complete(input.notify)),
        DrawStatus::Incomplete => Ok(Output::incomplete(input.notify)),
        DrawStatus::Recorded => {
            NotificationSummary::read(cx, &draw).await?.end_draw(cx, &draw, input.notify).await
        }
        status => Err(TaskError::WrongStatus(status)),
    }
}
