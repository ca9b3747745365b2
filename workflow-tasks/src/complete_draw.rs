//! Ends the draw if the ledger says that every notification was sent.

use lottery::DrawStatus;

use crate::standing::{Output, Standing};
use crate::{EndInput, TaskContext, TaskError};

/// Ends the draw, or answers what is the matter. It decides by the ledger, not by what other tasks answered.
pub async fn handle(cx: &TaskContext, input: EndInput) -> Result<Output, TaskError> {
    let draw = cx.store.draw(&input.lottery_id, &input.draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match draw.status {
        DrawStatus::Succeeded => Ok(Output::complete(input.notify)),
        DrawStatus::Incomplete => Ok(Output::incomplete(input.notify)),
        DrawStatus::Recorded => {
            let standing = Standing::read(cx, &draw).await?;
            match standing.is_settled() && !standing.all_sent() {
                // Its end is another state's.
                true => Ok(Output::incomplete(input.notify)),
                false => standing.end(cx, &draw, input.notify).await,
            }
        }
        status => Err(TaskError::DrawElsewhere(status)),
    }
}
