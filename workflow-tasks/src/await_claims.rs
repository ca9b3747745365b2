//! Waits until every prize is claimed, the draw is changed, or the time to claim is over: stores the task token with the
//! draw, and returns. The last claim completes the task with it; the state's time-out does the rest. There is one
//! wait for all winners of a draw.
//!
//! The token is stored before the draw is read, and a claim is counted before the token is read: so the last claim is seen
//! here, or its caller sees the token.

use jiff::Timestamp;
use lottery_store::{ReleaseWait, Visit, WaitToken};
use serde::{Deserialize, Serialize};
use tracing::Span;

use crate::{DrawInput, TaskContext, TaskError, TaskInput};

/// Which draw waits, with which token, and for what.
#[derive(Debug, Clone, Deserialize)]
pub struct Input {
    /// The draw.
    #[serde(flatten)]
    pub draw: DrawInput,
    /// The token of this wait.
    #[serde(deserialize_with = "token")]
    pub token: WaitToken,
    /// How often the draw had been reopened when everything was notified.
    pub reopened: u32,
    /// When the state was entered.
    pub entered_at: Timestamp,
    /// How often it was retried.
    pub attempt: u32,
}

fn token<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<WaitToken, D::Error> {
    String::deserialize(deserializer).map(WaitToken::new)
}

impl TaskInput for Input {
    fn span(&self) -> Span {
        self.draw.span()
    }
}

/// What it leaves to the state machine, which waits for the token: nothing.
#[derive(Debug, Serialize)]
pub struct Output {}

/// Stores the token. If there is nothing to wait for any more it fails with [`TaskError::ClaimedMeanwhile`], which ends the
/// wait at once.
pub async fn handle(cx: &TaskContext, input: Input) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input.draw;
    let visit = Visit { entered_at: input.entered_at, attempt: input.attempt };
    let wait = ReleaseWait { token: Some(input.token), seen: input.reopened };
    cx.store.note_claim_wait(lottery_id, draw_id, visit, &wait).await?;
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match draw.ends_claim_wait(input.reopened) {
        false => Ok(Output {}),
        true => Err(TaskError::ClaimedMeanwhile),
    }
}
