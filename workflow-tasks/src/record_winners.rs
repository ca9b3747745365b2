//! The pivot: makes the pending winners official.

use std::collections::HashSet;

use lottery::alternates::{self, Forfeit, Placed};
use lottery::{Draw, DrawStatus, Label};
use lottery_store::RecordWinners;
use serde::Serialize;

use crate::position::Positions;
use crate::{DrawInput, TaskContext, TaskError};

/// How winners are told.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Where each channel begins.
    notify: Positions,
}

/// Makes the winners official and frees the lottery, in one transaction. A second run finds its own result.
///
/// Whoever has withdrawn by now forfeits the seat, and the best-ranked alternate who fits takes it. Of runs that
/// see different people gone, the first to commit is right for good.
pub async fn handle(cx: &TaskContext, input: DrawInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input;
    let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    match draw.status {
        DrawStatus::Drawn => {}
        status if status.has_official_winners() => return Ok(Output { notify: Positions::first(&draw) }),
        status => return Err(TaskError::DrawElsewhere(status)),
    }
    let forfeits = forfeits(cx, &draw).await?;
    match cx.store.record_winners(lottery_id, draw_id, &forfeits, cx.clock.now()).await? {
        RecordWinners::Recorded(draw) => Ok(Output { notify: Positions::first(&draw) }),
        RecordWinners::Elsewhere(status) => Err(TaskError::DrawElsewhere(status)),
        RecordWinners::Unknown => Err(TaskError::DrawUnknown),
    }
}

/// Who has withdrawn since the seal is in the pool no more, under the label that was sealed.
async fn forfeits(cx: &TaskContext, draw: &Draw) -> Result<Vec<Forfeit>, TaskError> {
    let ranking = cx.store.ranked_entries(&draw.lottery_id, &draw.draw_id).await?;
    let labels: Vec<Label> = ranking.iter().map(|entry| entry.ranked.label).collect();
    let members = cx.store.pool_members(&draw.lottery_id, &labels).await?;
    let present: HashSet<Label> = members.into_iter().map(|member| member.label).collect();
    let placed = ranking.iter().map(|entry| Placed {
        rank: entry.rank,
        prize: entry.ranked.prize,
        part: &entry.part,
        has_withdrawn: !present.contains(&entry.ranked.label),
    });
    Ok(alternates::forfeits(&draw.prizes, &placed.collect::<Vec<_>>()))
}
