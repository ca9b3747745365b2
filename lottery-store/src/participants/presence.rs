//! Who is there: marked at the door, or by themselves with the venue's code.

use jiff::Timestamp;
use lottery::{LotteryId, ParticipantId};

use super::StoredContact;
use super::counts::Delta;
use crate::item::{flag, number, text};
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{ParticipantSummary, Store, StoreError, keys};

/// How often a participant whom others change too is read anew.
const ATTEMPTS: u32 = 8;

/// What came of marking somebody as present, or as not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// They are marked so now.
    Marked {
        /// Who they are.
        person: Box<ParticipantSummary>,
        /// Whether they were not before.
        is_new: bool,
    },
    /// There is no such participant.
    Unknown,
}

impl Store {
    /// Marks a participant as present `now`, or as not. Draws among those who are present read the mark when they seal.
    pub async fn mark_presence(
        &self,
        lottery_id: &LotteryId,
        participant_id: &ParticipantId,
        is_present: bool,
        now: Timestamp,
    ) -> Result<Presence, StoreError> {
        let key = keys::contact(lottery_id, participant_id);
        for _ in 0..ATTEMPTS {
            let Some(item) = self.get(&key).await? else { return Ok(Presence::Unknown) };
            let contact = StoredContact::from_item(&item)?;
            let mut person = ParticipantSummary::from_item(&item)?;
            if contact.present_at.is_some() == is_present {
                return Ok(Presence::Marked { person: Box::new(person), is_new: false });
            }
            let in_pool = keys::participant(lottery_id, &contact.label);
            let (set_contact, set_pool) = match is_present {
                true => ("SET revision = :next, present_at = :now", "SET present = :yes"),
                false => ("SET revision = :next REMOVE present_at", "REMOVE present"),
            };
            let mut mark = Write::update(key.clone(), set_contact)
                .only_if("revision = :revision")
                .value(":revision", number(contact.revision))
                .value(":next", number(contact.revision + 1));
            let mut pool = Write::update(in_pool, set_pool).only_if("attribute_exists(pk)");
            if is_present {
                mark = mark.value(":now", text(now));
                pool = pool.value(":yes", flag(true));
            }
            let mut writes = vec![mark, pool];
            writes.extend(Delta::of_presence(is_present).write(lottery_id, rand::random()));
            if let Outcome::Done = self.transact(&writes).await? {
                person.present_at = is_present.then_some(now);
                return Ok(Presence::Marked { person: Box::new(person), is_new: true });
            }
        }
        Err(StoreError::Contended)
    }
}
