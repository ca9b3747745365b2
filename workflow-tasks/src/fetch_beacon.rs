//! Fetches the beacon round that the manifest names, verifies it, and stores it.
//!
//! There is no other source of randomness: as long as no relay has this round, the draw waits.

use std::time::Duration;

use lottery::DrawStatus;
use lottery_store::StoreError;
use serde::Serialize;

use crate::{DrawInput, TaskContext, TaskError};

/// The number of attempts before the task fails and the state machine retries it, and the first pause between them.
/// The round is due when the task is called, and drand's relays have it within a second or two.
const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The result.
#[derive(Debug, Serialize)]
pub struct Output {
    /// The number of the round.
    round: u64,
}

/// Fetches the round; a second run finds the round that the first has stored.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input;
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    let (true, Some(round)) = (is_committed(draw.status), draw.round) else {
        return Err(TaskError::WrongStatus(draw.status));
    };
    if cx.store.round(lottery_id, draw_id).await?.is_some() {
        return Ok(Output { round });
    }
    let seal = cx.store.seal(lottery_id, draw_id).await.map_err(TaskError::of_seal)?;
    let seal = seal.ok_or_else(|| TaskError::of_seal(StoreError::Broken("the seal is gone".to_owned())))?;
    let mut pause = FIRST_PAUSE;
    for attempt in 1..=ATTEMPTS {
        if let Some(answer) = cx.relays().fetch(&seal.chain, round).await {
            cx.store.put_round(lottery_id, draw_id, &answer, cx.clock.now()).await?;
            return Ok(Output { round });
        }
        if attempt < ATTEMPTS {
            cx.clock.sleep(pause).await;
            pause *= 2;
        }
    }
    Err(TaskError::BeaconUnavailable(round))
}

fn is_committed(status: DrawStatus) -> bool {
    matches!(status, DrawStatus::Sealed | DrawStatus::Drawn) || status.has_official_winners()
}
