//! Looks at the claims of a draw, and decides: pass seats on, notify, wait, or end.
//!
//! It alone decides. Whatever ends a wait, be it the last claim, the deadline, a replacement, the reconciler or an error, leads
//! here, so that a wait may end too often and nothing comes of it. A round of claims opens only after everybody has been
//! notified who has a seat, so that nobody has less time than the draw promises.

use std::time::Duration;

use lottery::Draw;
use lottery_store::{Forfeited, ReleaseWait, Visit, Winner};
use serde::Serialize;
use tracing::info;

use crate::position::{Next, Positions, Release};
use crate::{DrawInput, LookInput, TaskContext, TaskError};

/// How long one look passes seats on. With the transactions under way at its end it takes less than the function's time-out of
/// 120 s.
const BUDGET: Duration = Duration::from_secs(60);
/// How often a look begins anew because the draw was changed under it.
const ATTEMPTS: u32 = 8;

/// What to do next, and from where.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Where the channels stand, with the decision.
    notify: Positions,
    /// How many seats were passed on.
    passed_on: u32,
}

/// Passes on the seats that were not claimed in time, opens a round for the winners notified since, and decides.
pub async fn handle(cx: &TaskContext, input: LookInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input.draw;
    let looks = input.notify.release.looks + 1;
    let before = Positions { release: Release { looks, ..input.notify.release }, ..input.notify };
    // Before a round is opened: from then on the reconciler takes a draw without this for one whose token is lost.
    let wait = ReleaseWait { token: None, seen: before.release.reopened };
    let visit = Visit { entered_at: input.entered_at, attempt: 0 };
    cx.store.note_claim_wait(lottery_id, draw_id, visit, &wait).await?;
    let (passed_on, is_more) = forfeit(cx, &input.draw).await?;
    if is_more {
        return Ok(Output { notify: decided(before, Next::Again, 0), passed_on });
    }
    for _ in 0..ATTEMPTS {
        let draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
        let winners = cx.store.winners(lottery_id, draw_id).await?;
        let claimed =
            winners.iter().filter(|winner| winner.has_seat() && winner.claimed_at.is_some()).count();
        cx.store.recount_claims(&draw, u32::try_from(claimed).unwrap_or(u32::MAX)).await?;
        if let Some(notify) = decide(cx, &draw, &winners, before).await? {
            return Ok(Output { notify, passed_on });
        }
    }
    Ok(Output { notify: decided(before, Next::Again, 0), passed_on })
}

/// Passes on what is due, for as long as a look may take. Returns how many seats, and whether more are due.
async fn forfeit(cx: &TaskContext, draw: &DrawInput) -> Result<(u32, bool), TaskError> {
    let DrawInput { lottery_id, draw_id } = draw;
    // Retried until the operator puts the key back with which the draw was sealed.
    let no_key = TaskError::NotConfigured("ORGANISER_SECRET_ARN");
    let Some(key) = &cx.organiser_key else { return Err(no_key) };
    let (began, mut passed_on) = (cx.clock.now(), 0);
    loop {
        match cx.store.forfeit_unclaimed(lottery_id, draw_id, key, cx.clock.now()).await? {
            Forfeited::Done { seats, is_more } => {
                passed_on += seats;
                if seats > 0 {
                    info!(seats, "passed on seats that were not claimed");
                }
                let is_over = cx.clock.now().duration_since(began).unsigned_abs() >= BUDGET;
                if !is_more || is_over {
                    return Ok((passed_on, is_more));
                }
            }
            Forfeited::OtherKey => return Err(no_key),
            Forfeited::Unknown => return Err(TaskError::DrawUnknown),
        }
    }
}

/// What follows from the claims as they stand; none if the draw was changed when a round was to be opened.
async fn decide(
    cx: &TaskContext,
    draw: &Draw,
    winners: &[Winner],
    before: Positions,
) -> Result<Option<Positions>, TaskError> {
    if draw.status.is_final() {
        return Ok(Some(decided(before, Next::Done, 0)));
    }
    // Somebody has taken a seat since, or messages are to be sent again.
    if draw.reopened > before.release.reopened {
        let release = Release { reopened: draw.reopened, ..before.release };
        return Ok(Some(decided(before.restarted(draw, release), Next::Notify, 0)));
    }
    if before.wait().is_some() {
        return Ok(Some(decided(before, Next::Notify, 0)));
    }
    let now = cx.clock.now();
    let awaited: Vec<&Winner> = winners
        .iter()
        .filter(|winner| winner.has_seat() && winner.claimed_at.is_none())
        .filter(|winner| draw.awaits_claim(winner.rank, now))
        .collect();
    if awaited.is_empty() {
        return Ok(Some(decided(before, Next::Done, 0)));
    }
    let is_new = |winner: &&Winner| draw.claim_deadline(winner.rank).is_none();
    let opened = match awaited.iter().any(is_new) {
        true => cx.store.open_claim_round(draw, now).await?,
        false => Some(draw.clone()),
    };
    let Some(draw) = opened else { return Ok(None) };
    let deadlines = awaited.iter().filter_map(|winner| draw.claim_deadline(winner.rank));
    let left = deadlines.min().map_or(1, |deadline| {
        let left = deadline.duration_since(now);
        left.as_secs() + i64::from(left.subsec_nanos() > 0)
    });
    let wait_seconds = u32::try_from(left.max(1)).unwrap_or(u32::MAX);
    Ok(Some(decided(before, Next::Wait, wait_seconds)))
}

fn decided(notify: Positions, next: Next, wait_seconds: u32) -> Positions {
    Positions { release: Release { next, wait_seconds, ..notify.release }, ..notify }
}
