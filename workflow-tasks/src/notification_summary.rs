//! What the ledger of a recorded draw says as a whole, and how the draw ends accordingly.

use std::collections::HashSet;

use lottery::{Channel, Draw, DrawStatus, NotificationCounts, NotificationsByChannel, ParticipantId, Reason};
use lottery_store::{NotificationState, Winner};
use serde::Serialize;

use crate::due_message::DueMessage;
use crate::position::Positions;
use crate::{TaskContext, TaskError};

/// The result of a task that ends a draw.
#[derive(Debug, Serialize)]
pub struct Output {
    outcome: Completion,
    /// Where the channels resume, if a notification is left.
    notify: Positions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Completion {
    /// The draw has ended, with every notification sent.
    Complete,
    /// Every notification was attempted, and some are not known to be sent.
    Incomplete,
    /// Some notifications were not attempted yet.
    Untouched,
}

impl Output {
    pub(crate) fn complete(notify: Positions) -> Self {
        Self { outcome: Completion::Complete, notify }
    }

    pub(crate) fn incomplete(notify: Positions) -> Self {
        Self { outcome: Completion::Incomplete, notify }
    }
}

/// The notifications of a draw.
pub(crate) struct NotificationSummary {
    counts: NotificationsByChannel,
    /// How many messages to those who have left their seats were not sent: nothing is due to them any more.
    obsolete: u64,
    /// The channels with notifications that have no outcome yet, attempted or not.
    open: HashSet<Channel>,
    /// Whether winners may still be held back, who are notified once they are released.
    is_held: bool,
    /// Whether winners have time to claim their prizes, whose seats may be passed on.
    awaits_claims: bool,
}

impl NotificationSummary {
    /// Reads the ledger of `draw` and compares it with the messages that are due to its winners.
    pub(crate) async fn read(cx: &TaskContext, draw: &Draw) -> Result<Self, TaskError> {
        let (lottery_id, draw_id) = (&draw.lottery_id, &draw.draw_id);
        let ledger = cx.store.notifications(lottery_id, draw_id).await?;
        let (mut counts, mut open) = (NotificationsByChannel::default(), HashSet::new());
        let (mut entered, mut obsolete) = (HashSet::new(), 0);
        let mut winners = cx.store.winners(lottery_id, draw_id).await?;
        let left = winners.iter().filter(|winner| !winner.has_seat());
        let left: HashSet<_> = left.map(|winner| winner.participant_id.clone()).collect();
        for line in ledger {
            line.state.count_in(counts.on_mut(line.channel));
            if left.contains(&line.participant_id) {
                obsolete += u64::from(line.state != NotificationState::Sent);
            } else if !line.state.has_outcome() {
                open.insert(line.channel);
            }
            entered.insert((line.participant_id, line.channel));
        }
        winners.retain(|winner| winner.has_seat() && draw.is_released(winner.rank));
        let now = cx.clock.now();
        let is_awaited = |winner: &Winner| winner.claimed_at.is_none() && draw.awaits_claim(winner.rank, now);
        let awaits_claims = winners.iter().any(is_awaited);
        // Nothing further is due to winners with a line on every channel: their contacts need not be read.
        winners.retain(|winner| {
            let has = |channel: &Channel| entered.contains(&(winner.participant_id.clone(), *channel));
            !draw.channels.iter().all(has)
        });
        let contacts = cx.store.contacts_of(lottery_id, &winners).await?;
        for Winner { participant_id: id, .. } in &winners {
            let has = |channel| entered.contains(&(ParticipantId::clone(id), channel));
            for &channel in draw.channels.iter().filter(|&&channel| !has(channel)) {
                // A winner who was notified on another channel and has withdrawn since is not unreachable.
                let is_notified = draw.channels.iter().any(|&other| has(other));
                let is_due = match DueMessage::on(channel, &draw.channels, contacts.get(id)) {
                    DueMessage::Unreachable => !is_notified,
                    due => due.needs_line(),
                };
                if is_due {
                    open.insert(channel);
                }
            }
        }
        Ok(Self { counts, obsolete, open, is_held: draw.is_held(), awaits_claims })
    }

    /// Whether every notification has an outcome, no winner is held back, and no claim is waited for.
    pub(crate) fn is_complete(&self) -> bool {
        self.open.is_empty() && !self.is_held && !self.awaits_claims
    }

    /// Whether every notification to an entry with a seat was sent.
    pub(crate) fn all_sent(&self) -> bool {
        let NotificationCounts { claimed, failed, unknown, .. } = self.counts.total();
        self.is_complete() && failed + unknown + claimed <= self.obsolete
    }

    /// Ends the draw as its ledger says, unless a notification is left.
    pub(crate) async fn end_draw(
        &self,
        cx: &TaskContext,
        draw: &Draw,
        notify: Positions,
    ) -> Result<Output, TaskError> {
        let again = |is_left: &dyn Fn(Channel) -> bool| {
            Ok(Output { outcome: Completion::Untouched, notify: notify.again(is_left) })
        };
        if !self.is_complete() {
            return again(&|channel| self.open.contains(&channel));
        }
        let (status, reason) = match self.all_sent() {
            true => (DrawStatus::Succeeded, None),
            false => (DrawStatus::Incomplete, Some(self.reason())),
        };
        let now = cx.clock.now();
        if !cx.store.end_draw(draw, status, reason.as_ref(), &self.counts, now).await? {
            // The organiser has reopened notifications meanwhile.
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
