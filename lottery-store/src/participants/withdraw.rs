//! Withdrawals: everything personal is erased, and the addresses are free again.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use lottery::{Label, LotteryId, ParticipantId};

use super::StoredContact;
use super::counts::{Delta, Groups};
use crate::item::{Attributes, NewItem, number, text};
use crate::store::Table;
use crate::table::EXPIRES_AT;
use crate::transaction::{MAX_WRITES, Outcome};
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How often a participant whom others change too is read anew.
const ATTEMPTS: u32 = 8;
/// The most writes of one withdrawal: contact, participant, both addresses, the mailbox, and what is kept to undo it.
const WRITES_EACH: usize = 6;

/// How long the time of a withdrawal is kept, in seconds: far longer than any draw takes from its seal to its winners.
const WITHDRAWN_KEPT: i64 = 400 * 24 * 60 * 60;

/// What came of withdrawing a participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawal {
    /// The participant has gone.
    Gone {
        /// The subscription of the e-mail address; the caller ends it.
        subscription_arn: Option<String>,
    },
    /// There is no such participant.
    Unknown,
}

/// Somebody who is about to leave.
pub(super) struct Leaving {
    pub(super) contact: StoredContact,
    /// What is kept to undo it.
    pub(super) journal: Option<NewItem>,
}

/// What came of several withdrawals that are held to the same conditions.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) withdrawn: u64,
    /// The subscriptions of those who have gone.
    pub(super) subscription_arns: Vec<String>,
    /// The condition that does not hold any more, by its index: those behind are still there.
    pub(super) stopped_by: Option<usize>,
}

impl Store {
    /// Erases a participant, and what is kept of them to undo an import. What draws have sealed stays, under the label
    /// alone, and so does when that label withdrew: a draw under way must know whether that was before its round.
    pub async fn withdraw_participant(
        &self,
        lottery_id: &LotteryId,
        participant_id: &ParticipantId,
        now: Timestamp,
    ) -> Result<Withdrawal, StoreError> {
        let key = keys::contact(lottery_id, participant_id);
        for _ in 0..ATTEMPTS {
            let Some(item) = self.get(&key).await? else {
                self.write(&Write::delete(keys::journal(lottery_id, participant_id))).await?;
                return Ok(Withdrawal::Unknown);
            };
            let contact = StoredContact::from_item(&item)?;
            let groups = self.counted_groups(lottery_id, &contact.participant.group.iter().collect()).await?;
            let mut writes = leave(lottery_id, &contact);
            writes.push(Write::delete(keys::journal(lottery_id, participant_id)));
            writes.push(Write::put(withdrawn(lottery_id, &contact.label, now)));
            let delta = Delta::of_contacts(Some(&contact), None, &groups);
            writes.extend(delta.write(lottery_id, rand::random()));
            if let Outcome::Done = self.transact(&writes).await? {
                return Ok(Withdrawal::Gone { subscription_arn: contact.subscription_arn });
            }
        }
        Err(StoreError::Contended)
    }

    /// Those of these labels who withdrew, with the time.
    pub async fn withdrawn(
        &self,
        lottery_id: &LotteryId,
        labels: impl IntoIterator<Item = &Label>,
    ) -> Result<HashMap<Label, Timestamp>, StoreError> {
        let keys: Vec<_> = labels.into_iter().map(|label| keys::withdrawn(lottery_id, label)).collect();
        let items = self.get_many(Table::Lottery, &keys).await?;
        let withdrawn = items.iter().map(Attributes);
        withdrawn.map(|item| Ok((item.parse("label")?, item.timestamp("at")?))).collect()
    }

    /// Withdraws people in transactions of as many as fit, one after the other, for each is held to the same conditions.
    /// Who was changed meanwhile stays; the caller meets them again.
    pub(super) async fn withdraw_together(
        &self,
        lottery_id: &LotteryId,
        conditions: &[Write],
        leaving: Vec<Leaving>,
    ) -> Result<Left, StoreError> {
        let people = leaving.iter().map(|leaving| &leaving.contact.participant);
        let wanted: BTreeSet<_> = people.filter_map(|participant| participant.group.as_ref()).collect();
        let groups = self.counted_groups(lottery_id, &wanted).await?;
        let mut left = Left::default();
        // One more write is the counters'.
        for batch in leaving.chunks((MAX_WRITES - conditions.len() - 1) / WRITES_EACH) {
            self.withdraw_batch(lottery_id, conditions, &groups, batch.iter().collect(), &mut left).await?;
            if left.stopped_by.is_some() {
                break;
            }
        }
        Ok(left)
    }

    async fn withdraw_batch(
        &self,
        lottery_id: &LotteryId,
        conditions: &[Write],
        groups: &Groups,
        mut batch: Vec<&Leaving>,
        left: &mut Left,
    ) -> Result<(), StoreError> {
        while !batch.is_empty() {
            let mut delta = Delta::default();
            let mut writes = conditions.to_vec();
            for Leaving { contact, journal } in &batch {
                delta.add(&Delta::of_contacts(Some(contact), None, groups));
                writes.extend(leave(lottery_id, contact));
                writes.extend(journal.clone().map(Write::put));
            }
            writes.extend(delta.write(lottery_id, rand::random()));
            let Outcome::Refused(refusals) = self.transact(&writes).await? else {
                left.withdrawn += batch.len() as u64;
                let arns = batch.iter().filter_map(|leaving| leaving.contact.subscription_arn.clone());
                left.subscription_arns.extend(arns);
                return Ok(());
            };
            left.stopped_by = (0..conditions.len()).find(|place| refusals.failed(*place));
            if left.stopped_by.is_some() {
                return Ok(());
            }
            let (mut first, before) = (conditions.len(), batch.len());
            batch.retain(|Leaving { contact, journal }| {
                let count = leave(lottery_id, contact).len() + usize::from(journal.is_some());
                let failed = (first..first + count).any(|place| refusals.failed(place));
                first += count;
                !failed
            });
            if batch.len() == before {
                return Err(StoreError::Contended);
            }
        }
        Ok(())
    }
}

/// When a label withdrew.
fn withdrawn(lottery_id: &LotteryId, label: &Label, now: Timestamp) -> NewItem {
    NewItem::at(keys::withdrawn(lottery_id, label))
        .with("label", text(label))
        .with("at", text(now))
        .with(EXPIRES_AT, number(now.as_second() + WITHDRAWN_KEPT))
}

/// Erases a participant who is still as they were read.
fn leave(lottery_id: &LotteryId, contact: &StoredContact) -> Vec<Write> {
    let mut writes = vec![
        Write::delete(keys::contact(lottery_id, &contact.participant.participant_id))
            .only_if("revision = :revision")
            .value(":revision", number(contact.revision)),
        Write::delete(keys::participant(lottery_id, &contact.label)),
    ];
    let addresses = contact.address_keys(lottery_id);
    writes.extend(addresses.into_iter().map(|(_, key)| Write::delete(key)));
    writes
}
