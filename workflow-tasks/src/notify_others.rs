//! Notifies those who took part and did not win that the draw is over, for ten minutes. Winners are notified first, and a
//! draw holds nobody back any more.

use lottery::DrawStatus;

use crate::notify::Output;
use crate::tell_entries::{Notice, over, tell_entries};
use crate::{SendInput, TaskContext, TaskError};

/// Notifies those on the sealed list from a position on. A person who had a seat and left it gets no message: somebody has spoken to them.
pub async fn handle(cx: &TaskContext, input: SendInput) -> Result<Output, TaskError> {
    let SendInput { lottery_id, draw_id, position } = input;
    let draw = cx.store.draw(&lottery_id, &draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    if !draw.status.has_official_winners() {
        return Err(TaskError::WrongStatus(draw.status));
    }
    if !draw.notify_others || draw.is_held() || draw.status != DrawStatus::Recorded || position.next == 0 {
        return Ok(over(position));
    }
    let winners = cx.store.winners(&lottery_id, &draw_id).await?;
    let drawn = winners.into_iter().map(|winner| winner.participant_id).collect();
    tell_entries(cx, &draw, &Notice::NotWon { drawn }, position).await
}
