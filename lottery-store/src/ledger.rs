//! The notification ledger: who was told on which channel, entered before telling and settled after it.
//!
//! Nothing, or PENDING → CLAIMED by one run → SENT, FAILED or UNKNOWN by the same run. An entry whose run ended without settling
//! it becomes UNKNOWN: nobody else may send what perhaps was sent. Should that run turn out to be alive, it
//! may still settle its entry, for it alone knows. The organiser may have FAILED and UNKNOWN ones sent again, see
//! `reopen`: they are PENDING then, and keep what they were.

use std::collections::HashMap;

use jiff::Timestamp;
use lottery::{Channel, DrawId, LotteryId, ParticipantId};

use crate::item::{Attributes, Item, text};
use crate::results::{Notification, NotificationState};
use crate::store::Table;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// The one kind of notification so far: that one has won.
pub(crate) const KIND: &str = "won";

/// Which notification is claimed, and by whom.
#[derive(Debug, Clone)]
pub struct NotificationClaim {
    /// The lottery.
    pub lottery_id: LotteryId,
    /// Its draw.
    pub draw_id: DrawId,
    /// The winner.
    pub participant_id: ParticipantId,
    /// How the winner is told.
    pub channel: Channel,
    /// Names the run that claims: what it has not claimed it does not settle.
    pub owner: String,
    /// When.
    pub at: Timestamp,
}

/// What became of a claimed notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Accepted for delivery.
    Sent {
        /// By this id.
        message_id: String,
    },
    /// Refused, so nobody was told.
    Failed {
        /// An error code, without anything personal.
        reason: String,
    },
    /// Handed over without an answer: perhaps sent, and never sent again.
    Unknown {
        /// What happened, without anything personal.
        reason: String,
    },
}

impl Store {
    /// Enters that the winner is about to be told; answers the entry that is there already, if there is one that is
    /// not pending.
    pub async fn claim_notification(
        &self,
        claim: &NotificationClaim,
    ) -> Result<Option<Notification>, StoreError> {
        match self.write(&claim.enter(NotificationState::Claimed, None)).await? {
            Outcome::Done => Ok(None),
            Outcome::Refused(refusals) => match refusals.item(0) {
                // The answer to our own write was lost, and the SDK repeated it.
                Some(item) if is_claimed_by(item, &claim.owner) => Ok(None),
                Some(item) => Notification::from_item(item).map(Some),
                None => Err(StoreError::Contended),
            },
        }
    }

    /// Takes a claim back, because it is known that nobody was told. `false` if the entry is ours no more.
    pub async fn release_notification(&self, claim: &NotificationClaim) -> Result<bool, StoreError> {
        let ours = "#owner = :owner AND #state = :claimed";
        let on_condition = |write: Write, condition: String| {
            let write = write.only_if(condition).name("#state", "state").name("#owner", "owner");
            write
                .value(":owner", text(&claim.owner))
                .value(":claimed", text(NotificationState::Claimed.as_str()))
        };
        let condition = format!("attribute_not_exists(#state) OR ({ours} AND attribute_not_exists(earlier))");
        if let Outcome::Done = self.write(&on_condition(Write::delete(claim.key()), condition)).await? {
            return Ok(true);
        }
        // What an entry was before it was reopened is kept.
        let pend = Write::update(claim.key(), "SET #state = :pending REMOVE #owner")
            .value(":pending", text(NotificationState::Pending.as_str()));
        Ok(matches!(self.write(&on_condition(pend, ours.to_owned())).await?, Outcome::Done))
    }

    /// Enters what became of a claimed notification. Only the run that claimed it can.
    pub async fn settle_notification(
        &self,
        claim: &NotificationClaim,
        settlement: &Settlement,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (state, name, value) = match settlement {
            Settlement::Sent { message_id } => (NotificationState::Sent, "message_id", message_id),
            Settlement::Failed { reason } => (NotificationState::Failed, "reason", reason),
            Settlement::Unknown { reason } => (NotificationState::Unknown, "reason", reason),
        };
        let unused = if name == "reason" { "message_id" } else { "reason" };
        let settle =
            Write::update(claim.key(), "SET #state = :state, #at = :at, #detail = :detail REMOVE #unused")
                .only_if("#owner = :owner")
                .name("#state", "state")
                .name("#at", "at")
                .name("#owner", "owner")
                .name("#detail", name)
                .name("#unused", unused)
                .value(":state", text(state.as_str()))
                .value(":at", text(now))
                .value(":detail", text(value))
                .value(":owner", text(&claim.owner));
        self.write(&settle).await?;
        Ok(())
    }

    /// Enters that the winner cannot be told, without trying; answers the entry that is there already, if there is one.
    pub async fn refuse_notification(
        &self,
        claim: &NotificationClaim,
        reason: &str,
    ) -> Result<Option<Notification>, StoreError> {
        match self.write(&claim.enter(NotificationState::Failed, Some(reason))).await? {
            Outcome::Done => Ok(None),
            Outcome::Refused(refusals) => refusals.item(0).map(Notification::from_item).transpose(),
        }
    }

    /// Enters that nobody knows what became of a claimed notification, since its run is gone. `false` if it has come
    /// to an outcome meanwhile.
    pub async fn give_up_notification(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (participant_id, channel) = (&notification.participant_id, notification.channel);
        let key = keys::notification(lottery_id, draw_id, participant_id, channel, KIND);
        let give_up = Write::update(key, "SET #state = :unknown, #at = :at, #reason = :reason")
            .only_if("#state = :claimed")
            .name("#state", "state")
            .name("#at", "at")
            .name("#reason", "reason")
            .value(":claimed", text(NotificationState::Claimed.as_str()))
            .value(":unknown", text(NotificationState::Unknown.as_str()))
            .value(":at", text(now))
            .value(":reason", text("Interrupted"));
        Ok(matches!(self.write(&give_up).await?, Outcome::Done))
    }

    /// The entries of these winners on one channel, by winner.
    pub async fn ledger_entries(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
        channel: Channel,
        winners: &[ParticipantId],
    ) -> Result<HashMap<ParticipantId, Notification>, StoreError> {
        let keys: Vec<_> = winners
            .iter()
            .map(|winner| keys::notification(lottery_id, draw_id, winner, channel, KIND))
            .collect();
        let items = self.get_many(Table::Lottery, &keys).await?;
        let entries = items.iter().map(Notification::from_item);
        entries.map(|entry| entry.map(|entry| (entry.participant_id.clone(), entry))).collect()
    }
}

impl NotificationClaim {
    fn key(&self) -> keys::Key {
        keys::notification(&self.lottery_id, &self.draw_id, &self.participant_id, self.channel, KIND)
    }

    /// Makes the entry, or a pending one into this.
    fn enter(&self, state: NotificationState, reason: Option<&str>) -> Write {
        let (set, remove) = if reason.is_some() { (", #reason = :reason", "") } else { ("", ", #reason") };
        let mut enter = Write::update(
            self.key(),
            format!(
                "SET participant_id = :participant, channel = :channel, kind = :kind, #state = :state, \
                 #owner = :owner, #at = :at{set} REMOVE message_id{remove}"
            ),
        )
        .only_if("attribute_not_exists(pk) OR #state = :pending")
        .name("#state", "state")
        .name("#owner", "owner")
        .name("#at", "at")
        .name("#reason", "reason")
        .value(":participant", text(&self.participant_id))
        .value(":channel", text(self.channel))
        .value(":kind", text(KIND))
        .value(":state", text(state.as_str()))
        .value(":pending", text(NotificationState::Pending.as_str()))
        .value(":owner", text(&self.owner))
        .value(":at", text(self.at));
        if let Some(reason) = reason {
            enter = enter.value(":reason", text(reason));
        }
        enter
    }
}

fn is_claimed_by(item: &Item, owner: &str) -> bool {
    let is = |name, value| matches!(Attributes(item).optional_text(name), Ok(Some(found)) if found == value);
    is("owner", owner) && is("state", NotificationState::Claimed.as_str())
}
