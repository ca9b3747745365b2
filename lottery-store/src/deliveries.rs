//! Delivery reports: what SES reports of a message after it accepted it. A report can resolve an UNKNOWN line of the ledger, or
//! make a SENT one FAILED. The line and the draw's counters change in one transaction.

use jiff::Timestamp;
use lottery::{Channel, DrawId, LotteryId, NotificationsByChannel, ParticipantId};

use crate::item::text;
use crate::ledger::{Notification, NotificationKind, NotificationState};
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys, notification_counts};

/// How often a line is read anew while other writers change it.
const MAX_ATTEMPTS: u32 = 4;

/// A report on a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The service had accepted the message.
    Accepted,
    /// The message was not delivered, for this reason.
    Failed(&'static str),
    /// The message was perhaps not delivered, for this reason. Only an UNKNOWN line changes.
    FailedIfUnknown(&'static str),
}

impl Store {
    /// Records a report on the message with this id. `false` if the line of the ledger does not change: it has this state
    /// already, is about another message by now, or does not exist.
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
        let key = || keys::notification(lottery_id, draw_id, participant_id, channel, NotificationKind::Won);
        for _ in 0..MAX_ATTEMPTS {
            let Some(item) = self.get(&key()).await? else { return Ok(false) };
            let line = Notification::from_item(&item)?;
            let Some((state, reason)) = next_state(&line, message_id, delivery) else { return Ok(false) };
            let (set, remove) =
                if reason.is_some() { (", #reason = :reason", "") } else { ("", " REMOVE #reason") };
            let mut update = Write::update(
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
                update = update.value(":reason", text(reason));
            }
            let mut change = [NotificationsByChannel::default(); 2];
            for (counts, state) in change.iter_mut().zip([state, line.state]) {
                state.count_in(counts.on_mut(channel));
            }
            let [more, less] = change;
            let count = Write::update(keys::draw(lottery_id, draw_id), notification_counts::ADD)
                .only_if("attribute_exists(pk)");
            let count = notification_counts::differences(count, &more, &less);
            if let Outcome::Done = self.transact(&[update, count]).await? {
                return Ok(true);
            }
        }
        Err(StoreError::Contended)
    }
}

/// The state of the line after the report, with its reason, if it changes.
fn next_state(
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
