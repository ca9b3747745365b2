//! Ends a draw without winners, before the pivot: for the task that the state machine calls then, and for the tasks that find
//! that a draw cannot continue.

use lottery::{DrawId, LotteryId, Reason};
use lottery_store::ReleaseWinners;

use crate::{TaskContext, TaskError};

/// Ends the draw because of the error with this name, unless its winners are official already.
pub(crate) async fn release(
    cx: &TaskContext,
    lottery_id: &LotteryId,
    draw_id: &DrawId,
    error: &str,
) -> Result<ReleaseWinners, TaskError> {
    let reason = Reason {
        name: error.to_owned(),
        sentence: format!(
            "The draw failed with {error} before its winners were official, so nobody has won."
        ),
        groups: Vec::new(),
    };
    let released = cx.store.release_winners(lottery_id, draw_id, &reason, cx.clock.now()).await?;
    if let ReleaseWinners::Released { by_this_call: Some(status) } = released {
        cx.metrics.draw_ended(status, cx.clock.now());
    }
    Ok(released)
}
