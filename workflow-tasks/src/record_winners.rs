//! The pivot: makes the pending winners official.

use lottery::DrawStatus;
use lottery_store::RecordWinners;
use serde::Serialize;

use crate::position::Positions;
use crate::{DrawInput, TaskContext, TaskError};

/// The result.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Where each channel begins.
    notify: Positions,
}

/// Makes the winners official and releases the lottery, in one transaction. A second run finds the result of the first.
///
/// A winner who withdrew between the seal and the time of the round forfeits the seat, and the first in line who fits takes
/// it; each is an entry of the draw's log, which the organiser's key signs. Who withdrew later, when the result could be
/// known, stays a winner without a name. If several runs see different withdrawals, the first commit decides.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input;
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match draw.status {
        DrawStatus::Drawn => {}
        status if status.has_official_winners() => return Ok(Output { notify: Positions::first(&draw) }),
        status => return Err(TaskError::WrongStatus(status)),
    }
    if draw.asks_to_claim().is_some() {
        cx.store.publish_claim_links(&draw).await?;
    }
    let now = cx.clock.now();
    let withdrawals = cx.store.decide_withdrawals(&draw, cx.organiser_key.as_ref(), now).await?;
    // Retried until the operator puts the key back with which the draw was sealed.
    let withdrawals = withdrawals.ok_or(TaskError::NotConfigured("ORGANISER_SECRET_ARN"))?;
    let recorded = match draw.rehearsal {
        true => cx.store.record_rehearsed(lottery_id, draw_id, &withdrawals, now).await?,
        false => cx.store.record_winners(lottery_id, draw_id, &withdrawals, now).await?,
    };
    match recorded {
        RecordWinners::Recorded(draw) => Ok(Output { notify: Positions::first(&draw) }),
        RecordWinners::WrongStatus(status) => Err(TaskError::WrongStatus(status)),
        RecordWinners::Unknown => Err(TaskError::DrawUnknown),
    }
}
