//! How the status of a draw changes, and the four ways in which a draw ends.
//!
//! A draw ends CANCELLED by the organiser or REJECTED because its request cannot be met, both before it is committed to;
//! FAILED or ABANDONED if it cannot continue; or, with official winners, SUCCEEDED or INCOMPLETE. Every ending removes
//! the draw from the list of unfinished draws, and every ending without winners releases the lottery.

use jiff::Timestamp;
use lottery::{Draw, DrawId, DrawStatus, LotteryId, NotificationsByChannel, Reason};

use crate::item::{json, number, text};
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys, notification_counts};

/// How often an ending is decided anew while other writers change the draw.
const MAX_ATTEMPTS: u32 = 8;

/// The condition of [`Transition::write`], for callers that add to it.
pub(crate) const STATUS_IS_FROM: &str = "#status = :from";

/// A change of a draw's status, on the condition that the status is still `from`.
pub(crate) struct Transition<'a> {
    pub(crate) lottery_id: &'a LotteryId,
    pub(crate) draw_id: &'a DrawId,
    pub(crate) from: DrawStatus,
    pub(crate) to: DrawStatus,
}

impl Transition<'_> {
    /// The change, with further assignments such as `, drawn_at = :now`. The caller adds the values that they name.
    pub(crate) fn write(&self, set: &str) -> Write {
        Write::update(keys::draw(self.lottery_id, self.draw_id), format!("SET #status = :to{set}"))
            .only_if(STATUS_IS_FROM)
            .name("#status", "status")
            .value(":from", text(self.from))
            .value(":to", text(self.to))
    }

    /// The change to a final status, and the removal from the list of unfinished draws.
    fn end(&self, reason: Option<&Reason>, now: Timestamp, set: &str) -> [Write; 2] {
        let set_reason = if reason.is_some() { ", reason = :reason" } else { "" };
        let mut end = self.write(&format!(", completed_at = :now{set_reason}{set}")).value(":now", text(now));
        if let Some(reason) = reason {
            end = end.value(":reason", json(reason));
        }
        [end, Write::delete(keys::unfinished_draw(self.lottery_id, self.draw_id))]
    }
}

/// The result of [`Store::cancel_draw`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelDraw {
    /// The draw is cancelled, and its lottery is released.
    Cancelled,
    /// The draw is committed to: it can no longer be cancelled.
    AlreadyCommitted(DrawStatus),
    /// The draw has ended.
    Final(DrawStatus),
    /// There is no such draw.
    Unknown,
}

/// The result of [`Store::release_winners`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseWinners {
    /// Nobody has won, and the draw does not hold its lottery.
    Released {
        /// The status with which this call ended the draw; none if it had ended before.
        by_this_call: Option<DrawStatus>,
    },
    /// The winners are official already.
    Official(Box<Draw>),
    /// There is no such draw.
    Unknown,
}

impl Store {
    /// Cancels a draw that is not committed to, and releases its lottery.
    pub async fn cancel_draw(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<CancelDraw, StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            match self.draw(lottery_id, draw_id).await?.map(|draw| draw.status) {
                None => return Ok(CancelDraw::Unknown),
                Some(DrawStatus::Waiting) => {}
                Some(status) if status.is_final() && !status.has_official_winners() => {
                    return Ok(CancelDraw::Final(status));
                }
                Some(status) => return Ok(CancelDraw::AlreadyCommitted(status)),
            }
            let (from, to) = (DrawStatus::Waiting, DrawStatus::Cancelled);
            let [cancel, remove] = Transition { lottery_id, draw_id, from, to }.end(Some(reason), now, "");
            let release = self.release_if_held(lottery_id, draw_id).await?;
            if let Outcome::Done = self.transact(&[cancel, release, remove]).await? {
                return Ok(CancelDraw::Cancelled);
            }
        }
        Err(StoreError::Contended)
    }

    /// Ends a draw whose request cannot be met, and releases its lottery. Returns the draw as it is afterwards: another
    /// run may have ended it before, or the organiser may have cancelled it.
    pub async fn reject_draw(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Draw, StoreError> {
        let (from, to) = (DrawStatus::Waiting, DrawStatus::Rejected);
        let [reject, remove] = Transition { lottery_id, draw_id, from, to }.end(Some(reason), now, "");
        // A rehearsal holds no lottery.
        let release = self.release_if_held(lottery_id, draw_id).await?;
        self.transact(&[reject, release, remove]).await?;
        self.known_draw(lottery_id, draw_id).await
    }

    /// Ends a draw whose winners are not official, and releases its lottery. Before the commitment the draw has failed;
    /// after it the draw is abandoned: once its round is out anybody can compute who would have won, so the draw keeps
    /// its number and its commitment for everybody to see.
    pub async fn release_winners(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<ReleaseWinners, StoreError> {
        let mut by_this_call = None;
        for _ in 0..MAX_ATTEMPTS {
            let Some(draw) = self.draw(lottery_id, draw_id).await? else {
                return Ok(ReleaseWinners::Unknown);
            };
            if draw.status.has_official_winners() {
                return Ok(ReleaseWinners::Official(Box::new(draw)));
            }
            if draw.status.is_final() {
                self.delete_pending_winners(&draw).await?;
                return Ok(ReleaseWinners::Released { by_this_call });
            }
            let to = match draw.status {
                DrawStatus::Waiting => DrawStatus::Failed,
                _ => DrawStatus::Abandoned,
            };
            let [end, remove] =
                Transition { lottery_id, draw_id, from: draw.status, to }.end(Some(reason), now, "");
            let release = self.release_if_held(lottery_id, draw_id).await?;
            // The next pass reads the draw, whether this transaction was written or not.
            if let Outcome::Done = self.transact(&[end, release, remove]).await? {
                by_this_call = Some(to);
            }
        }
        Err(StoreError::Contended)
    }

    /// Ends a draw whose winners are official, with the counts of its ledger. `false` if the organiser has reopened
    /// notifications since the draw was read: then it has not ended. A draw that has ended already stays unchanged.
    pub async fn end_draw(
        &self,
        draw: &Draw,
        status: DrawStatus,
        reason: Option<&Reason>,
        counts: &NotificationsByChannel,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let not_reopened = match draw.reopened {
            0 => "attribute_not_exists(reopened)",
            _ => "reopened = :seen",
        };
        let set = format!(", notifications = :counts, {}", notification_counts::SET);
        let [end, remove] =
            Transition { lottery_id, draw_id, from: DrawStatus::Recorded, to: status }.end(reason, now, &set);
        let mut end = notification_counts::values(end, counts)
            .only_if(format!("{STATUS_IS_FROM} AND {not_reopened}"))
            .value(":counts", json(&counts.total()));
        if draw.reopened > 0 {
            end = end.value(":seen", number(draw.reopened));
        }
        match self.transact(&[end, remove]).await? {
            Outcome::Done => Ok(true),
            Outcome::Refused(_) => Ok(self.known_draw(lottery_id, draw_id).await?.status.is_final()),
        }
    }
}
