//! A list that replaces: participants who are not on it are withdrawn, once all of it has been stored.
//!
//! Until then nobody is: an interrupted import withdraws nobody, and can be continued by the next request or abandoned. The
//! withdrawals can be interrupted too, and are resumed; a participant on the list is never among them.

use jiff::Timestamp;
use lottery::{DrawId, ParticipantId};

use super::import::{Import, ImportCounts, hash};
use super::withdraw::Leaving;
use super::{PAGE, StoredContact, journal};
use crate::keys::{self, SHARDS};
use crate::read::Order;
use crate::write::Write;
use crate::{Store, StoreError};

/// The list of an import that replaces, about to withdraw who is not on it. It holds 8 bytes for each who is.
#[derive(Debug)]
pub struct Replacement<'a> {
    store: &'a Store,
    import: Import,
    seen: Vec<u64>,
    /// Participants who joined by themselves are withdrawn too.
    includes_joined: bool,
    /// The position from which the next withdrawals continue.
    shard: u8,
    behind: Option<String>,
}

/// What came of withdrawing the next people who are not on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WithdrawStep {
    /// These have gone; there may be more.
    Withdrawn {
        /// How many.
        count: u64,
        /// The subscriptions of their e-mail addresses; the caller ends them.
        subscription_arns: Vec<String>,
    },
    /// Nobody is left who is not on the list.
    Done,
    /// This draw holds the lottery: the rest can be withdrawn once it has let go of it.
    Drawing {
        /// The draw.
        draw_id: DrawId,
        /// The subscriptions of those who have gone in this step before that; the caller ends them.
        subscription_arns: Vec<String>,
    },
    /// Another import has begun, or this one was undone: nobody else is withdrawn.
    Over {
        /// The subscriptions of those who have gone in this step before that; the caller ends them.
        subscription_arns: Vec<String>,
    },
}

impl Store {
    /// Prepares to withdraw who is not on the list of an import that replaces. To be called when all of its records were
    /// taken. An import without any record empties the list.
    pub async fn replacement(&self, import: &Import) -> Result<Replacement<'_>, StoreError> {
        let seen = self.seen(import).await?;
        Ok(Replacement {
            store: self,
            import: import.clone(),
            seen,
            includes_joined: false,
            shard: 0,
            behind: None,
        })
    }

    /// How many would be withdrawn if the list that is planned replaced the one that is there. The whole list is read.
    pub(super) async fn count_contacts(
        &self,
        lottery_id: &lottery::LotteryId,
        is_counted: impl Fn(&StoredContact) -> bool,
    ) -> Result<u64, StoreError> {
        let mut count = 0;
        for shard in 0..SHARDS {
            let range = keys::contacts(lottery_id, shard);
            let mut behind = None;
            loop {
                let slice = self.slice(&range, Order::Ascending, behind.as_deref(), PAGE).await?;
                for item in &slice.items {
                    count += u64::from(is_counted(&StoredContact::from_item(item)?));
                }
                match slice.last {
                    Some(last) => behind = Some(last),
                    None => break,
                }
            }
        }
        Ok(count)
    }
}

impl Replacement<'_> {
    /// The same, which withdraws those too who entered by themselves: for emptying a list.
    #[must_use]
    pub fn including_joined(self) -> Self {
        Self { includes_joined: true, ..self }
    }

    /// How many are to be withdrawn, as things stand. The whole list is read.
    pub async fn missing(&self) -> Result<u64, StoreError> {
        let is_missing = |contact: &StoredContact| self.is_missing(contact);
        self.store.count_contacts(&self.import.lottery_id, is_missing).await
    }

    /// Withdraws the next of them: those of up to a thousand people that are looked at. After an error, a new
    /// [`Replacement`] completes it.
    pub async fn withdraw_next(&mut self, now: Timestamp) -> Result<WithdrawStep, StoreError> {
        let lottery_id = self.import.lottery_id.clone();
        while self.shard < SHARDS {
            let range = keys::contacts(&lottery_id, self.shard);
            let slice = self.store.slice(&range, Order::Ascending, self.behind.as_deref(), PAGE).await?;
            let contacts = slice.items.iter().map(StoredContact::from_item);
            let contacts = contacts.collect::<Result<Vec<_>, _>>()?;
            let missing = contacts.into_iter().filter(|contact| self.is_missing(contact));
            let leaving: Vec<_> = missing
                .map(|contact| {
                    let journal = Some(journal::withdrawn(&self.import, &contact, now));
                    Leaving { contact, journal }
                })
                .collect();
            if !leaving.is_empty() {
                let wanted = leaving.len() as u64;
                let conditions = [is_free(&lottery_id), self.import.is_last()];
                let left = self.store.withdraw_together(&lottery_id, &conditions, leaving).await?;
                let counts = ImportCounts { withdrawn: left.withdrawn, ..ImportCounts::default() };
                self.store.count_imported(&self.import, counts).await?;
                let subscription_arns = left.subscription_arns;
                match left.stopped_by {
                    None => {}
                    Some(0) => {
                        let lottery = self.store.lottery(&lottery_id).await?;
                        return match lottery.and_then(|lottery| lottery.open_draw) {
                            Some(draw_id) => Ok(WithdrawStep::Drawing { draw_id, subscription_arns }),
                            // The draw has let go meanwhile: the same people come again.
                            None => Ok(WithdrawStep::Withdrawn { count: left.withdrawn, subscription_arns }),
                        };
                    }
                    Some(_) => return Ok(WithdrawStep::Over { subscription_arns }),
                }
                // Somebody who was changed meanwhile is looked at again.
                if left.withdrawn == wanted {
                    self.go_on_behind(slice.last);
                }
                return Ok(WithdrawStep::Withdrawn { count: left.withdrawn, subscription_arns });
            }
            self.go_on_behind(slice.last);
        }
        Ok(WithdrawStep::Done)
    }

    fn go_on_behind(&mut self, last: Option<String>) {
        if last.is_none() {
            self.shard += 1;
        }
        self.behind = last;
    }

    /// Not on the list, there before it was sent, and put there by the organiser.
    fn is_missing(&self, contact: &StoredContact) -> bool {
        let participant_id = &contact.participant.participant_id;
        self.seen.binary_search(&hash(participant_id)).is_err()
            && contact.registered_at < self.import.begun_at
            && (self.includes_joined || !has_joined(participant_id))
    }
}

/// Holds a transaction to the lottery's being held by no draw.
pub(super) fn is_free(lottery_id: &lottery::LotteryId) -> Write {
    Write::check(keys::lottery(lottery_id), "attribute_exists(pk) AND attribute_not_exists(open_draw)")
}

/// Whether a person entered by themselves, by the id that they were given then: they never stood on a list of the
/// organiser's, and are not missing from it.
pub(super) fn has_joined(participant_id: &ParticipantId) -> bool {
    participant_id.as_str().strip_prefix("j-").is_some_and(|random| {
        random.len() == 32 && random.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}
