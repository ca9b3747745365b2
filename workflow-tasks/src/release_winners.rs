//! The compensation before the pivot: deletes the pending winners and releases the lottery.

use lottery::{DrawId, LotteryId};
use lottery_store::ReleaseWinners;
use serde::{Deserialize, Serialize};
use tracing::{Span, info_span};

use crate::position::Positions;
use crate::release::release;
use crate::{TaskContext, TaskError, TaskInput};

/// The draw to release, and the error that makes it necessary.
#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
    /// The name of the error.
    pub error: String,
}

impl TaskInput for Input {
    fn span(&self) -> Span {
        info_span!("task", lottery_id = %self.lottery_id, draw_id = %self.draw_id)
    }
}

/// The result.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Whether nobody has won. Otherwise the winners had become official, and the draw must complete.
    released: bool,
    /// Where each channel begins, if the winners are official.
    notify: Positions,
}

/// Releases the winners, unless they are official already.
pub async fn handle(cx: &TaskContext, input: Input) -> Result<Output, TaskError> {
    Ok(match release(cx, &input.lottery_id, &input.draw_id, &input.error).await? {
        // A draw that does not exist holds nothing.
        ReleaseWinners::Released { .. } | ReleaseWinners::Unknown => {
            Output { released: true, notify: Positions::default() }
        }
        ReleaseWinners::Official(draw) => Output { released: false, notify: Positions::first(&draw) },
    })
}
