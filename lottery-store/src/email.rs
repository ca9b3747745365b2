//! E-mail subscriptions: the ARN under which each address is subscribed, and the number of slots of the topic that are taken.

use jiff::Timestamp;
use lottery::{EmailAddress, LotteryId, ParticipantId};

use crate::item::{Attributes, number, text};
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How often a counter is read anew while other writers change it.
const MAX_ATTEMPTS: u32 = 50;

impl Store {
    /// Stores the subscription of a participant's address, and when it was made. `false` if the participant has withdrawn or has
    /// another address by now; then the caller ends the subscription.
    pub async fn set_subscription(
        &self,
        lottery_id: &LotteryId,
        participant_id: &ParticipantId,
        email: &EmailAddress,
        subscription_arn: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let write = Write::update(
            keys::contact(lottery_id, participant_id),
            "SET subscription_arn = :arn, subscribed_at = :now ADD revision :one",
        )
        .only_if("email = :email")
        .value(":arn", text(subscription_arn))
        .value(":now", text(now))
        .value(":email", text(email))
        .value(":one", number(1));
        Ok(matches!(self.write(&write).await?, Outcome::Done))
    }

    /// Removes the subscription of a participant's address, which no longer exists in SNS, and releases its slot, in one
    /// transaction. `false` if the participant has withdrawn or has another subscription by now.
    pub async fn forget_subscription(
        &self,
        lottery_id: &LotteryId,
        participant_id: &ParticipantId,
        subscription_arn: &str,
    ) -> Result<bool, StoreError> {
        let forget = Write::update(
            keys::contact(lottery_id, participant_id),
            "REMOVE subscription_arn, subscribed_at ADD revision :one",
        )
        .only_if("subscription_arn = :arn")
        .value(":arn", text(subscription_arn))
        .value(":one", number(1));
        for _ in 0..MAX_ATTEMPTS {
            let taken = self.email_slots_taken(lottery_id).await?;
            let free = Write::update(keys::email_slots(lottery_id), "SET taken = :to")
                .only_if(if taken == 0 {
                    "attribute_not_exists(taken) OR taken = :from"
                } else {
                    "taken = :from"
                })
                .value(":from", number(taken))
                .value(":to", number(taken.saturating_sub(1)));
            match self.transact(&[forget.clone(), free]).await? {
                Outcome::Done => return Ok(true),
                Outcome::Refused(refusals) if refusals.failed(0) => return Ok(false),
                Outcome::Refused(_) => {}
            }
        }
        Err(StoreError::Contended)
    }

    /// Takes up to `wanted` of the `limit` addresses that a lottery's topic can hold. Returns the number taken.
    pub async fn reserve_email_slots(
        &self,
        lottery_id: &LotteryId,
        wanted: u64,
        limit: u64,
    ) -> Result<u64, StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            let taken = self.email_slots_taken(lottery_id).await?;
            let granted = wanted.min(limit.saturating_sub(taken));
            if granted == 0 || self.change_email_slots(lottery_id, taken, taken + granted).await? {
                return Ok(granted);
            }
        }
        Err(StoreError::Contended)
    }

    /// Releases slots.
    pub async fn release_email_slots(&self, lottery_id: &LotteryId, count: u64) -> Result<(), StoreError> {
        for _ in 0..MAX_ATTEMPTS {
            let taken = self.email_slots_taken(lottery_id).await?;
            if self.change_email_slots(lottery_id, taken, taken.saturating_sub(count)).await? {
                return Ok(());
            }
        }
        Err(StoreError::Contended)
    }

    async fn email_slots_taken(&self, lottery_id: &LotteryId) -> Result<u64, StoreError> {
        let item = self.get(&keys::email_slots(lottery_id)).await?;
        item.map_or(Ok(0), |item| Attributes(&item).number("taken"))
    }

    async fn change_email_slots(
        &self,
        lottery_id: &LotteryId,
        from: u64,
        to: u64,
    ) -> Result<bool, StoreError> {
        let write = Write::update(keys::email_slots(lottery_id), "SET taken = :to")
            .only_if(if from == 0 { "attribute_not_exists(taken) OR taken = :from" } else { "taken = :from" })
            .value(":from", number(from))
            .value(":to", number(to));
        Ok(matches!(self.write(&write).await?, Outcome::Done))
    }
}
