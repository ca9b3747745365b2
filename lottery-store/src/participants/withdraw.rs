//! Withdrawals: everything personal is erased, and the addresses are free again.

use lottery::{LotteryId, ParticipantId};

use super::{StoredContact, address_keys};
use crate::item::number;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How often a participant whom others change too is read anew.
const ATTEMPTS: u32 = 8;

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

impl Store {
    /// Erases a participant. What draws have sealed stays, under the label alone.
    pub async fn withdraw_participant(
        &self,
        lottery_id: &LotteryId,
        participant_id: &ParticipantId,
    ) -> Result<Withdrawal, StoreError> {
        let key = keys::contact(lottery_id, participant_id);
        for _ in 0..ATTEMPTS {
            let Some(item) = self.get(&key).await? else {
                return Ok(Withdrawal::Unknown);
            };
            let contact = StoredContact::from_item(&item)?;
            let mut writes = vec![
                Write::delete(key.clone())
                    .only_if("revision = :revision")
                    .value(":revision", number(contact.revision)),
                Write::delete(keys::participant(lottery_id, &contact.label)),
            ];
            let addresses = address_keys(lottery_id, &contact.participant);
            writes.extend(addresses.into_iter().map(|(_, key)| Write::delete(key)));
            if let Outcome::Done = self.transact(&writes).await? {
                return Ok(Withdrawal::Gone { subscription_arn: contact.subscription_arn });
            }
        }
        Err(StoreError::Contended)
    }
}
