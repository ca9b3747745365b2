//! Ends the draw if the ledger says that every notification was sent.

use lottery::DrawStatus;

use crate::notification_summary::{NotificationSummary, Output};
use crate::{EndInput, TaskContext, TaskError};

/// Ends the draw, or returns why it cannot end. The ledger decides, not what other tasks returned.
pub async fn handle(cx: &TaskContext, input: EndInput) -> Result<Output, TaskError> {
    let draw = cx.store.draw(&input.lottery_id, &input.draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match draw.status {
        DrawStatus::Succeeded => Ok(Output::complete(input.notify)),
        DrawStatus::Incomplete => Ok(Output::incomplete(input.notify)),
        DrawStatus::Recorded => {
            let summary = NotificationSummary::read(cx, &draw).await?;
            match summary.is_complete() && !summary.all_sent() {
                // The state MarkIncomplete ends the draw.
                true => Ok(Output::incomplete(input.notify)),
                false => summary.end_draw(cx, &draw, input.notify).await,
            }
        }
        status => Err(TaskError::WrongStatus(status)),
    }
}
