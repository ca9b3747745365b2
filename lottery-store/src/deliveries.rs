//! What a service reports of a message after it took it: for lines of the ledger of which nobody knew, and for messages
//! that came back. The line and the draw's counters change together.

use jiff::Timestamp;
use lottery::{Channel, DrawId, LotteryId, NotificationCounts, NotificationsByChannel, ParticipantId};

use crate::item::text;
use crate::ledger::KIND;
use crate::results::{Notification, NotificationState};
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, counting, keys};

/// How often a line that others change too is read anew.
const ATTEMPTS: u32 = 4;

/// What a service reports of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It had taken the message.
    Accepted,
    /// Nobody got the message, for this reason.
    Failed(&'static str),
    /// Perhaps nobody got the message, for this reason: a line that says more than that stays.
    FailedIfUnknown(&'static str),
}

impl Store {
    /// Enters what a service reports of the message of this id. `false` if the line of the ledger says it already, is
    /// about another message by now, or is not there.
    #[allow(clippy::too_many_arguments, reason = "a line of the ledger is named by four of them")]
    pub async fn record_delivery(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        participant_id: &ParticipantId,
        channel: Channel,
        message_id: &str,
        delivery: Delivery,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = || keys::notification(lottery_id, draw_id, participant_id, channel, KIND);
        for _ in 0..ATTEMPTS {
            let Some(item) = self.get(&key()).await? else { return Ok(false) };
            let line = Notification::from_item(&item)?;
            let Some((state, reason)) = after(&line, message_id, delivery) else { return Ok(false) };
            let (set, remove) =
                if reason.is_some() { (", #reason = :reason", "") } else { ("", " REMOVE #reason") };
            let mut enter = Write::update(
                key(),
                format!("SET #state = :state, #at = :now, message_id = :message{set}{remove}"),
            )
            .only_if("#state = :seen AND #at = :seen_at")
            .name("#state", "state")
            .name("#at", "at")
            .name("#reason", "reason")
            .value(":state", text(state.as_str()))
            .value(":now", text(now))
            .value(":message", text(message_id))
            .value(":seen", text(line.state.as_str()))
            .value(":seen_at", text(line.at));
            if let Some(reason) = reason {
                enter = enter.value(":reason", text(reason));
            }
            let mut change = [NotificationsByChannel::default(); 2];
            for (counts, state) in change.iter_mut().zip([state, line.state]) {
                *counts.on_mut(channel) = one(state);
            }
            let [more, less] = change;
            let count =
                Write::update(keys::draw(lottery_id, draw_id), counting::ADD).only_if("attribute_exists(pk)");
            let count = counting::differences(count, &more, &less);
            if let Outcome::Done = self.transact(&[enter, count]).await? {
                return Ok(true);
            }
        }
        Err(StoreError::Contended)
    }
}

/// What the line says then, if it changes.
fn after(
    line: &Notification,
    message_id: &str,
    delivery: Delivery,
) -> Option<(NotificationState, Option<&'static str>)> {
    let is_this = line.message_id.as_deref() == Some(message_id);
    match (line.state, delivery) {
        (NotificationState::Unknown, Delivery::Accepted) => Some((NotificationState::Sent, None)),
        (NotificationState::Unknown, Delivery::Failed(reason) | Delivery::FailedIfUnknown(reason)) => {
            Some((NotificationState::Failed, Some(reason)))
        }
        (NotificationState::Sent, Delivery::Failed(reason)) if is_this => {
            Some((NotificationState::Failed, Some(reason)))
        }
        _ => None,
    }
}

fn one(state: NotificationState) -> NotificationCounts {
    let mut counts = NotificationCounts::default();
    match state {
        NotificationState::Sent => counts.sent = 1,
        NotificationState::Failed => counts.failed = 1,
        NotificationState::Unknown => counts.unknown = 1,
        NotificationState::Claimed | NotificationState::Pending => {}
    }
    counts
}
