//! Waits until something is released: stores the task token with the draw, and returns. A release completes the task
//! with it.
//!
//! The token is stored before the draw is read, and a release is written before the token is read: so a release is seen
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
    /// The revision of the release up to which everything has been notified.
    pub seen: u32,
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

/// Stores the token. If something was released meanwhile it fails with [`TaskError::ReleasedMeanwhile`], which ends the
/// wait at once.
pub async fn handle(cx: &TaskContext, input: Input) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input.draw;
    let visit = Visit { entered_at: input.entered_at, attempt: input.attempt };
    let wait = ReleaseWait { token: Some(input.token), seen: input.seen };
    cx.store.note_release_wait(lottery_id, draw_id, visit, &wait).await?;
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match &draw.hold {
        Some(hold) if !hold.is_over && hold.revision <= input.seen => Ok(Output {}),
        _ => Err(TaskError::ReleasedMeanwhile),
    }
}
