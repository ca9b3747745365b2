//! Waits until every prize is claimed, the draw is changed, or the time to claim is over: stores the task token with the
//! draw, and returns. The last claim completes the task with it; the state's time-out does the rest. There is one
//! wait for all winners of a draw.
//!
//! The token is stored before the draw is read, and a claim is counted before the token is read: so the last claim is seen
//! here, or its caller sees the token.

use crate::{DrawInput, TaskContext, TaskError, WaitInput, Waiting};

/// Stores the token. If there is nothing to wait for any more it fails with [`TaskError::ClaimedMeanwhile`], which ends the
/// wait at once.
pub async fn handle(cx: &TaskContext, input: WaitInput) -> Result<Waiting, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input.draw;
    let (visit, wait) = input.stored();
    cx.store.note_claim_wait(lottery_id, draw_id, visit, &wait).await?;
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match draw.ends_claim_wait(input.seen) {
        false => Ok(Waiting {}),
        true => Err(TaskError::ClaimedMeanwhile),
    }
}
