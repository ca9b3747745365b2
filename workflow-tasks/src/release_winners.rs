//! The compensation before the pivot: nothing stays drawn, and the lottery is free again.

use lottery::{DrawId, LotteryId, Reason};
use lottery_store::ReleaseWinners;
use serde::{Deserialize, Serialize};
use tracing::{Span, info_span};

use crate::position::Positions;
use crate::{TaskContext, TaskError, TaskInput};

/// Which draw to undo, and the error that makes it necessary.
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

/// What became of the draw.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Whether nobody has won. Otherwise the winners had become official, and the draw must go forward.
    released: bool,
    /// Where each channel then begins.
    notify: Positions,
}

/// Releases the winners, unless they are official already.
pub async fn handle(cx: &TaskContext, input: Input) -> Result<Output, TaskError> {
    let reason = reason(&input.error);
    let Input { lottery_id, draw_id, .. } = &input;
    let released = cx.store.release_winners(lottery_id, draw_id, &reason, cx.clock.now()).await?;
    Ok(match released {
        ReleaseWinners::Released { by_this_call } => {
            if let Some(status) = by_this_call {
                cx.metrics.draw_ended(status, cx.clock.now());
            }
            Output { released: true, notify: Positions::default() }
        }
        // A draw that is not there holds nothing.
        ReleaseWinners::Unknown => Output { released: true, notify: Positions::default() },
        ReleaseWinners::Official(draw) => Output { released: false, notify: Positions::first(&draw) },
    })
}

/// The reason that the draw shows: the error's name, and what that means.
pub(crate) fn reason(error: &str) -> Reason {
    Reason {
        name: error.to_owned(),
        sentence: format!(
            "The draw failed with {error} before its winners were official, so nobody has won."
        ),
        groups: Vec::new(),
    }
}
