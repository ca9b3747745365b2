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
    draw.status == DrawStatus::Recorded && (draw.is_held() || was_asked(draw))
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
    let wait = match draw.is_held() {
        true => cx.store.release_wait(lottery_id, draw_id).await?,
        false => cx.store.claim_wait(lottery_id, draw_id).await?,
    };
    let is_over = |seen: u32| match draw.is_held() {
        true => draw.hold.as_ref().map_or(0, |hold| hold.revision) > seen,
        false => draw.ends_claim_wait(seen),
    };
    match wait {
        Some(ReleaseWait { token: Some(token), seen }) if is_over(seen) => {
            executions.complete(&token).await?;
            info!("completed the wait of a draw");
            Ok(Wait::Sound)
        }
        Some(_) => Ok(Wait::Sound),
        // It has not come so far yet.
        None if draw
            .recorded_at
            .is_none_or(|at| cx.clock.now().duration_since(at).unsigned_abs() < GRACE_PERIOD) =>
        {
            Ok(Wait::Sound)
        }
        None => {
            executions.stop(name).await?;
            info!("stopped an execution whose task token is lost");
            Ok(Wait::Lost)
        }
    }
}
