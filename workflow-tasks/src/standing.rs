//! How the notifications of a recorded draw stand, and the end that follows from it.

use std::collections::HashSet;

use lottery::{Channel, Draw, DrawStatus, NotificationCounts, NotificationsByChannel, ParticipantId, Reason};
use lottery_store::{NotificationState, Winner};
use serde::Serialize;

use crate::due::Due;
use crate::position::Positions;
use crate::{TaskContext, TaskError};

/// How a draw stands, or has ended.
#[derive(Debug, Serialize)]
pub struct Output {
    outcome: Standpoint,
    /// Where the channels resume, if something is left.
    notify: Positions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Standpoint {
    /// The draw has ended, with every notification sent.
    Complete,
    /// Everything was attempted, and something is not known to be sent.
    Incomplete,
    /// Something was not attempted yet.
    Untouched,
}

impl Output {
    pub(crate) fn complete(notify: Positions) -> Self {
        Self { outcome: Standpoint::Complete, notify }
    }

    pub(crate) fn incomplete(notify: Positions) -> Self {
        Self { outcome: Standpoint::Incomplete, notify }
    }
}

/// How the notifications of a draw stand.
pub(crate) struct Standing {
    counts: NotificationsByChannel,
    /// On which channels something has come to no outcome yet, whether it was begun or not.
    open: HashSet<Channel>,
}

impl Standing {
    /// Reads the ledger of `draw` and holds it against what its winners are owed.
    pub(crate) async fn read(cx: &TaskContext, draw: &Draw) -> Result<Self, TaskError> {
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let ledger = cx.store.notifications(lottery_id, draw_id).await?;
        let (mut counts, mut open) = (NotificationsByChannel::default(), HashSet::new());
        let mut entered = HashSet::new();
        for line in ledger {
            let counts = counts.on_mut(line.channel);
            match line.state {
                NotificationState::Sent => counts.sent += 1,
                NotificationState::Failed => counts.failed += 1,
                NotificationState::Unknown => counts.unknown += 1,
                NotificationState::Claimed => {
                    counts.claimed += 1;
                    open.insert(line.channel);
                }
                NotificationState::Pending => {
                    open.insert(line.channel);
                }
            }
            entered.insert((line.participant_id, line.channel));
        }
        let mut winners = cx.store.winners(lottery_id, draw_id).await?;
        winners.retain(Winner::has_seat);
        // Who has every line is owed nothing further: their contacts need not be read.
        winners.retain(|winner| {
            let has = |channel: &Channel| entered.contains(&(winner.participant_id.clone(), *channel));
            !draw.channels.iter().all(has)
        });
        let contacts = cx.store.contacts_of(lottery_id, &winners).await?;
        for Winner { participant_id: id, .. } in &winners {
            let has = |channel| entered.contains(&(ParticipantId::clone(id), channel));
            for &channel in draw.channels.iter().filter(|&&channel| !has(channel)) {
                // Who was told on another channel and has withdrawn since is not unreachable.
                let told = draw.channels.iter().any(|&other| has(other));
                let is_owed = match Due::on(channel, &draw.channels, contacts.get(id)) {
                    Due::Unreachable => !told,
                    due => due.is_something(),
                };
                if is_owed {
                    open.insert(channel);
                }
            }
        }
        Ok(Self { counts, open })
    }

    /// Whether every notification has come to an outcome, whichever.
    pub(crate) fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether every notification was sent.
    pub(crate) fn all_sent(&self) -> bool {
        let NotificationCounts { failed, unknown, .. } = self.counts.total();
        self.is_settled() && failed == 0 && unknown == 0
    }

    /// Ends the draw as its ledger says, unless something is left.
    pub(crate) async fn end(
        &self,
        cx: &TaskContext,
        draw: &Draw,
        notify: Positions,
    ) -> Result<Output, TaskError> {
        let again = |is_left: &dyn Fn(Channel) -> bool| {
            Ok(Output { outcome: Standpoint::Untouched, notify: notify.again(is_left) })
        };
        if !self.is_settled() {
            return again(&|channel| self.open.contains(&channel));
        }
        let (status, reason) = match self.all_sent() {
            true => (DrawStatus::Succeeded, None),
            false => (DrawStatus::Incomplete, Some(self.reason())),
        };
        let now = cx.clock.now();
        if !cx.store.end_draw(draw, status, reason.as_ref(), &self.counts, now).await? {
            // The organiser has had messages reopened meanwhile.
            return again(&|channel| draw.channels.contains(&channel));
        }
        cx.metrics.draw_ended(status, now);
        Ok(match status {
            DrawStatus::Succeeded => Output::complete(notify),
            _ => Output::incomplete(notify),
        })
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
            groups: Vec::new(),
        }
    }
}
