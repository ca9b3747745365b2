//! How the notifications of a recorded draw stand, and the end that follows from it.

use std::collections::HashSet;

use lottery::{Channel, Draw, DrawStatus, NotificationCounts, NotificationsByChannel, ParticipantId, Reason};
use lottery_store::{Notification, NotificationClaim, NotificationState, Winner};

use crate::due::Due;
use crate::{TaskContext, TaskError};

/// How the notifications of a draw stand.
pub(crate) struct Standing {
    pub(crate) counts: NotificationsByChannel,
    /// Entries whose outcome nobody has entered.
    claimed: Vec<Notification>,
    /// What is due and has no entry.
    missing: Vec<(ParticipantId, Channel)>,
}

impl Standing {
    /// Reads the ledger of `draw` and holds it against what its winners are owed.
    pub(crate) async fn read(cx: &TaskContext, draw: &Draw) -> Result<Self, TaskError> {
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let ledger = cx.store.notifications(lottery_id, draw_id).await?;
        let entered: HashSet<_> = ledger
            .iter()
            .filter(|entry| entry.state != NotificationState::Pending)
            .map(|entry| (entry.participant_id.clone(), entry.channel))
            .collect();
        let mut winners = cx.store.winners(lottery_id, draw_id).await?;
        winners.retain(Winner::has_seat);
        let contacts = cx.store.contacts_of(lottery_id, &winners).await?;
        let ids: Vec<ParticipantId> = winners.into_iter().map(|winner| winner.participant_id).collect();

        let owed = ids.iter().flat_map(|id| draw.channels.iter().map(move |&channel| (id.clone(), channel)));
        let missing = owed
            .filter(|place| !entered.contains(place))
            .filter(|(id, channel)| {
                // Who was told on another channel and has withdrawn since is not unreachable.
                let told = draw.channels.iter().any(|&other| entered.contains(&(id.clone(), other)));
                match Due::on(*channel, &draw.channels, contacts.get(id)) {
                    Due::Unreachable => !told,
                    due => due.is_something(),
                }
            })
            .collect();

        let mut counts = NotificationsByChannel::default();
        for entry in &ledger {
            let counts = counts.on_mut(entry.channel);
            *match entry.state {
                NotificationState::Pending => continue,
                NotificationState::Claimed => &mut counts.claimed,
                NotificationState::Sent => &mut counts.sent,
                NotificationState::Failed => &mut counts.failed,
                NotificationState::Unknown => &mut counts.unknown,
            } += 1;
        }
        let claimed = ledger.into_iter().filter(|entry| entry.state == NotificationState::Claimed).collect();
        Ok(Self { counts, claimed, missing })
    }

    /// Whether every notification has come to an outcome, whichever.
    pub(crate) fn is_settled(&self) -> bool {
        self.claimed.is_empty() && self.missing.is_empty()
    }

    /// Whether every notification was sent.
    pub(crate) fn all_sent(&self) -> bool {
        let NotificationCounts { failed, unknown, .. } = self.counts.total();
        self.is_settled() && failed == 0 && unknown == 0
    }

    /// Ends the draw as its ledger says; `false` if it ends incomplete. The standing must be settled.
    pub(crate) async fn end(&self, cx: &TaskContext, draw: &Draw) -> Result<bool, TaskError> {
        let (status, reason) = match self.all_sent() {
            true => (DrawStatus::Succeeded, None),
            false => (DrawStatus::Incomplete, Some(self.reason())),
        };
        let now = cx.clock.now();
        cx.store.end_draw(draw, status, reason.as_ref(), &self.counts, now).await?;
        Ok(self.all_sent())
    }

    fn reason(&self) -> Reason {
        let NotificationCounts { sent, failed, unknown, .. } = self.counts.total();
        let unsent = failed + unknown;
        Reason {
            name: "NotificationsUnsent".to_owned(),
            sentence: format!(
                "{unsent} of {} notifications are not known to be sent: {failed} failed, {unknown} have an unknown outcome.",
                sent + unsent
            ),
        }
    }
}

/// Gives every notification of `draw` that has none an outcome, so that each unsent one can be seen.
pub(crate) async fn settle(cx: &TaskContext, draw: &Draw) -> Result<Standing, TaskError> {
    let standing = Standing::read(cx, draw).await?;
    if standing.is_settled() {
        return Ok(standing);
    }
    let now = cx.clock.now();
    for entry in &standing.claimed {
        cx.store.give_up_notification(&draw.lottery_id, &draw.draw_id, entry, now).await?;
    }
    for (participant_id, channel) in standing.missing {
        let claim = NotificationClaim {
            lottery_id: draw.lottery_id.clone(),
            draw_id: draw.draw_id.clone(),
            participant_id,
            channel,
            owner: "settled".to_owned(),
            at: now,
        };
        cx.store.refuse_notification(&claim, "NotAttempted").await?;
    }
    Standing::read(cx, draw).await
}
