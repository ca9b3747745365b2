//! Has time-stamp authorities stamp the commitment, so that its time does not rest on the organiser's word alone.
//!
//! A draw without stamps continues, unwitnessed.

use std::time::Duration;

use serde::Serialize;

use crate::{DrawInput, TaskContext, TaskError};

/// What was stored.
#[derive(Debug, Serialize)]
pub struct Output {
    /// The number of stamps of the commitment.
    stamps: usize,
}

/// Asks the authorities, at most until the round is published, and stores their stamps; a second run finds those that the
/// first has stored.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input;
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    let Some((commitment, round_at)) = draw.commitment.zip(draw.round_at) else {
        return Err(TaskError::WrongStatus(draw.status));
    };
    let kept = cx.store.witnesses(lottery_id, draw_id, &commitment).await?;
    let left = Duration::try_from(round_at.duration_since(cx.clock.now())).unwrap_or_default();
    if !kept.is_empty() || left.is_zero() {
        return Ok(Output { stamps: kept.len() });
    }
    let stamps = cx.authorities().stamp(&commitment, left).await;
    if !stamps.is_empty() {
        cx.store.keep_witnesses(lottery_id, draw_id, &commitment, &stamps).await?;
    }
    Ok(Output { stamps: stamps.len() })
}
