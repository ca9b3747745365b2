//! The wait of a held draw, or of one whose prizes have to be claimed, as the reconciler sees it: whether a release or a claim
//! can still end it.

use lottery::{Draw, DrawStatus};
use lottery_store::ReleaseWait;
use tracing::info;

use crate::TaskError;
use crate::executions::Executions;
use crate::reconcile_draws::GRACE_PERIOD;

/// The state of a running execution's wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It ends by itself, or was ended here.
    Sound,
    /// Nobody can end it: its execution was stopped, and the draw needs another one.
    Lost,
}

/// Whether the execution of a draw may be waiting for people.
pub(crate) fn may_wait(draw: &Draw) -> bool {
    draw.status == DrawStatus::Recorded && (draw.hold.is_some() || was_asked(draw))
}

/// Whether winners were asked to claim.
fn was_asked(draw: &Draw) -> bool {
    draw.asks_to_claim().is_some_and(|claims| !claims.rounds.is_empty())
}

/// Looks at the wait of a draw whose execution `name` runs. A release or a last claim whose caller did not come to complete
/// the task is completed here; ending a wait too often does no harm.
pub(crate) async fn look_at(executions: &Executions<'_>, draw: &Draw, name: &str) -> Result<Wait, TaskError> {
    let cx = executions.cx;
    let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
    let mut is_lost = false;
    if let Some(hold) = &draw.hold {
        let wait = cx.store.release_wait(lottery_id, draw_id).await?;
        // It may not have come so far yet.
        let is_young =
            draw.recorded_at.is_none_or(|at| cx.clock.now().duration_since(at).unsigned_abs() < GRACE_PERIOD);
        is_lost |= wait.is_none() && draw.is_held() && !is_young;
        complete(executions, wait, |seen| hold.revision > seen).await?;
    }
    if was_asked(draw) {
        let wait = cx.store.claim_wait(lottery_id, draw_id).await?;
        is_lost |= wait.is_none();
        complete(executions, wait, |seen| draw.ends_claim_wait(seen)).await?;
    }
    if !is_lost {
        return Ok(Wait::Sound);
    }
    executions.stop(name).await?;
    info!("stopped an execution whose task token is lost");
    Ok(Wait::Lost)
}

/// Completes the task that waits so, if its wait is over.
async fn complete(
    executions: &Executions<'_>,
    wait: Option<ReleaseWait>,
    is_over: impl Fn(u32) -> bool,
) -> Result<(), TaskError> {
    if let Some(ReleaseWait { token: Some(token), seen }) = wait
        && is_over(seen)
    {
        executions.complete(&token).await?;
        info!("completed the wait of a draw");
    }
    Ok(())
}
