//! Waits until something is released: stores the task token with the draw, and returns. A release completes the task
//! with it.
//!
//! The token is stored before the draw is read, and a release is written before the token is read: so a release is seen
//! here, or its caller sees the token.

use crate::{DrawInput, TaskContext, TaskError, WaitInput, Waiting};

/// Stores the token. If something was released meanwhile it fails with [`TaskError::ReleasedMeanwhile`], which ends the
/// wait at once.
pub async fn handle(cx: &TaskContext, input: WaitInput) -> Result<Waiting, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input.draw;
    let (visit, wait) = input.stored();
    cx.store.note_release_wait(lottery_id, draw_id, visit, &wait).await?;
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match &draw.hold {
        Some(hold) if !hold.is_over && hold.revision <= input.seen => Ok(Waiting {}),
        _ => Err(TaskError::ReleasedMeanwhile),
    }
}
