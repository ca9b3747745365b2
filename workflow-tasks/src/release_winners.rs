//! The compensation before the pivot: nothing stays drawn, and the lottery is free again.

use lottery::{DrawId, LotteryId, Reason};
use lottery_store::ReleaseWinners;
use serde::{Deserialize, Serialize};
use tracing::{Span, info_span};

use crate::batches::Batches;
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
    /// Who is then to be told.
    batches: Batches,
}

/// Releases the winners, unless they are official already.
pub async fn handle(cx: &TaskContext, input: Input) -> Result<Output, TaskError> {
    let reason = reason(&input.error);
    let released =
        cx.store.release_winners(&input.lottery_id, &input.draw_id, &reason, cx.clock.now()).await?;
    Ok(match released {
        ReleaseWinners::Released => Output { released: true, batches: Batches::default() },
        // A draw that is not there holds nothing.
        ReleaseWinners::Unknown => Output { released: true, batches: Batches::default() },
        ReleaseWinners::Official(draw) => Output { released: false, batches: Batches::of(&draw) },
    })
}

/// The reason that the draw shows: the error's name, and what that means.
pub(crate) fn reason(error: &str) -> Reason {
    Reason {
        name: error.to_owned(),
        sentence: format!(
            "The draw failed with {error} before its winners were official, so nobody has won."
        ),
    }
}
