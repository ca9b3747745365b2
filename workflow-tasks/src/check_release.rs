//! Looks at what of a held draw is released, and decides: notify, or wait.
//!
//! It alone decides. Whatever ends a wait, be it a release, the deadline, the reconciler or an error, leads here, so that a
//! wait may end too often and nothing comes of it. What is released while winners are notified is taken together by the
//! next look.

use jiff::Timestamp;
use lottery::Draw;
use lottery_store::{ReleaseRequest, ReleaseWait, Released, Visit};
use serde::Serialize;

use crate::position::{Next, Positions, Release};
use crate::{DrawInput, LookInput, TaskContext, TaskError};

/// What to do next, and from where.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Where the channels stand, with the decision.
    notify: Positions,
}

/// Decides whether winners are to be notified now. When the time of release has come, everything is released first.
pub async fn handle(cx: &TaskContext, input: LookInput) -> Result<Output, TaskError> {
    let DrawInput { lottery_id, draw_id } = &input.draw;
    let mut draw = cx.store.draw(lottery_id, draw_id).await?.ok_or(TaskError::DrawUnknown)?;
    if !draw.status.has_official_winners() {
        return Err(TaskError::WrongStatus(draw.status));
    }
    let now = cx.clock.now();
    let is_due = draw.release_by().is_some_and(|release_by| release_by <= now);
    if draw.is_held() && is_due {
        match cx.store.release_held(lottery_id, draw_id, &ReleaseRequest::All, now).await? {
            Released::Done { draw: released, .. } => draw = *released,
            Released::NotOfficial(status) => return Err(TaskError::WrongStatus(status)),
            Released::NoSeat(_) | Released::Unknown => return Err(TaskError::DrawUnknown),
        }
    }
    let notify = decide(&draw, input.notify, now);
    if notify.release.next == Next::Notify {
        let wait = ReleaseWait { token: None, seen: notify.release.seen };
        let visit = Visit { entered_at: input.entered_at, attempt: 0 };
        cx.store.note_release_wait(lottery_id, draw_id, visit, &wait).await?;
    }
    Ok(Output { notify })
}

fn decide(draw: &Draw, before: Positions, now: Timestamp) -> Positions {
    let revision = draw.hold.as_ref().map_or(0, |hold| hold.revision);
    let looks = before.release.looks + 1;
    // A channel that left its loop, since what waits longer must not keep later releases waiting.
    let left = before.wait();
    let has_waited = before.release.next == Next::Wait && left.is_some();
    if !draw.is_held() || revision > before.release.seen || has_waited {
        let (held, next) = (draw.is_held(), Next::Notify);
        let release = Release {
            held,
            next,
            seen: revision,
            looks,
            wait_seconds: 0,
            reopened: draw.reopened,
            ..before.release
        };
        return before.restarted(draw, release);
    }
    let until = draw.release_by().map_or(1, |release_by| {
        let left = release_by.duration_since(now);
        left.as_secs() + i64::from(left.subsec_nanos() > 0)
    });
    let until = u32::try_from(until.max(1)).unwrap_or(u32::MAX);
    let wait_seconds = left.map_or(until, |left| left.min(until));
    Positions {
        release: Release { held: true, next: Next::Wait, looks, wait_seconds, ..before.release },
        ..before
    }
}
