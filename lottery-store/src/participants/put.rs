//! Imports: many participants at once, each taken or refused by itself.
//!
//! What is new goes in transactions of up to 100 writes, several at a time. A participant whose condition
//! did not hold is taken out and decided alone, and so is one that shares an address or an id with a line
//! before it, so that the outcome is that of one line after the other.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use lottery::{Label, LotteryId, Participant, ParticipantId};

use super::{StoredContact, address_keys};
use crate::item::text;
use crate::keys::Key;
use crate::store::Table;
use crate::transaction::{MOST_WRITES, Outcome, Refusals};
use crate::write::Write;
use crate::{Store, StoreError, keys};

/// How many transactions of one import are under way at once.
const IN_FLIGHT: usize = 8;
/// How often a participant whom others change too is decided anew.
const ATTEMPTS: u32 = 8;

/// What came of importing one participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutParticipant {
    /// The participant is new.
    Accepted {
        /// The label given.
        label: Label,
    },
    /// The participant was there and is now as imported.
    Updated {
        /// The label, as before.
        label: Label,
        /// The subscription of the e-mail address, if it has one.
        subscription_arn: Option<String>,
        /// The subscription of the address that was replaced; the caller ends it.
        former_subscription_arn: Option<String>,
    },
    /// The participant was not taken: the address belongs to another participant of the lottery.
    AddressTaken {
        /// The field that holds it.
        field: &'static str,
    },
}

/// What has to be written for one participant.
struct Plan {
    place: usize,
    writes: Vec<Write>,
    /// The field behind each write that takes an address, by the write's place.
    addresses: Vec<(usize, &'static str)>,
    /// Every item that the outcome rests on.
    keys: Vec<Key>,
    answer: PutParticipant,
}

impl Store {
    /// Imports participants: new ones get label and nonce, known ones keep theirs. The answers stand in the
    /// order of the participants. After an error, importing the same again completes it.
    pub async fn put_participants(
        &self,
        lottery_id: &LotteryId,
        participants: Vec<Participant>,
        now: Timestamp,
    ) -> Result<Vec<PutParticipant>, StoreError> {
        let known = self.known_contacts(lottery_id, &participants).await?;
        let mut taken = HashSet::new();
        let mut together = Vec::new();
        let mut alone = Vec::new();
        for (place, participant) in participants.iter().enumerate() {
            let found = known.get(&participant.participant_id).cloned();
            let plan = Plan::new(lottery_id, place, participant, found, now);
            let meets_another = plan.keys.iter().any(|key| taken.contains(key));
            taken.extend(plan.keys.iter().cloned());
            if meets_another { alone.push(place) } else { together.push(plan) }
        }
        let mut answers: Vec<Option<PutParticipant>> = vec![None; participants.len()];
        // Collected first: a stream over a borrowing closure would not be `Send` for callers that need it.
        let batches: Vec<_> = batches(together).into_iter().map(|batch| self.put_batch(batch)).collect();
        let batches: Vec<_> = stream::iter(batches).buffer_unordered(IN_FLIGHT).try_collect().await?;
        for (place, answer) in batches.into_iter().flatten() {
            match answer {
                Some(answer) => answers[place] = Some(answer),
                None => alone.push(place),
            }
        }
        alone.sort_unstable();
        for place in alone {
            answers[place] = Some(self.put_alone(lottery_id, &participants[place], now).await?);
        }
        Ok(answers.into_iter().map(|answer| answer.expect("each place went together or alone")).collect())
    }

    async fn known_contacts(
        &self,
        lottery_id: &LotteryId,
        participants: &[Participant],
    ) -> Result<HashMap<ParticipantId, StoredContact>, StoreError> {
        let distinct: HashSet<_> =
            participants.iter().map(|participant| &participant.participant_id).collect();
        let keys: Vec<_> = distinct.into_iter().map(|id| keys::contact(lottery_id, id)).collect();
        let items = self.get_many(Table::Contacts, &keys).await?;
        let contact = |item| {
            let contact = StoredContact::from_item(item)?;
            Ok((contact.participant.participant_id.clone(), contact))
        };
        items.iter().map(contact).collect()
    }

    /// Writes a batch of participants. Those whose conditions do not hold come back without an answer.
    async fn put_batch(
        &self,
        mut batch: Vec<Plan>,
    ) -> Result<Vec<(usize, Option<PutParticipant>)>, StoreError> {
        let mut refused = Vec::new();
        loop {
            let writes: Vec<_> = batch.iter().flat_map(|plan| &plan.writes).collect();
            let outcome = if writes.is_empty() { Outcome::Done } else { self.transact_each(&writes).await? };
            let Outcome::Refused(refusals) = outcome else {
                let done = batch.into_iter().map(|plan| (plan.place, Some(plan.answer)));
                return Ok(done.chain(refused).collect());
            };
            let mut first = 0;
            let before = batch.len();
            batch.retain(|plan| {
                let failed = (first..first + plan.writes.len()).any(|place| refusals.failed(place));
                first += plan.writes.len();
                if failed {
                    refused.push((plan.place, None));
                }
                !failed
            });
            if batch.len() == before {
                return Err(StoreError::Contended);
            }
        }
    }

    /// Decides one participant, on what is stored at this moment.
    async fn put_alone(
        &self,
        lottery_id: &LotteryId,
        participant: &Participant,
        now: Timestamp,
    ) -> Result<PutParticipant, StoreError> {
        let key = keys::contact(lottery_id, &participant.participant_id);
        for _ in 0..ATTEMPTS {
            let item = self.get(&key).await?;
            let found = item.as_ref().map(StoredContact::from_item).transpose()?;
            let plan = Plan::new(lottery_id, 0, participant, found, now);
            if plan.writes.is_empty() {
                return Ok(plan.answer);
            }
            match self.transact(&plan.writes).await? {
                Outcome::Done => return Ok(plan.answer),
                Outcome::Refused(refusals) => {
                    if let Some(field) = plan.address_taken(&refusals) {
                        return Ok(PutParticipant::AddressTaken { field });
                    }
                }
            }
        }
        Err(StoreError::Contended)
    }
}

impl Plan {
    fn new(
        lottery_id: &LotteryId,
        place: usize,
        participant: &Participant,
        found: Option<StoredContact>,
        now: Timestamp,
    ) -> Self {
        let wanted = address_keys(lottery_id, participant);
        let held =
            found.as_ref().map(|found| address_keys(lottery_id, &found.participant)).unwrap_or_default();
        let contact = keys::contact(lottery_id, &participant.participant_id);
        let keys = wanted.iter().chain(&held).map(|(_, key)| key.clone()).chain([contact]).collect();

        let (writes, answer) = match found {
            None => accept(lottery_id, participant, now),
            Some(found) => update(lottery_id, participant, found),
        };
        let mut plan = Self { place, writes, addresses: Vec::new(), keys, answer };
        if plan.writes.is_empty() {
            return plan;
        }
        for (field, key) in wanted.iter().filter(|address| !held.contains(address)) {
            plan.addresses.push((plan.writes.len(), field));
            plan.writes.push(take_address(key.clone(), &participant.participant_id));
        }
        let freed = held.into_iter().filter(|address| !wanted.contains(address));
        plan.writes.extend(freed.map(|(_, key)| Write::delete(key)));
        plan
    }

    /// The first field whose address is somebody else's.
    fn address_taken(&self, refusals: &Refusals) -> Option<&'static str> {
        self.addresses.iter().find(|(place, _)| refusals.failed(*place)).map(|(_, field)| *field)
    }
}

fn accept(lottery_id: &LotteryId, participant: &Participant, now: Timestamp) -> (Vec<Write>, PutParticipant) {
    let contact = StoredContact::new(participant.clone(), now);
    let writes = vec![
        Write::create(contact.contact_item(lottery_id)),
        Write::put(contact.participant_item(lottery_id)),
    ];
    (writes, PutParticipant::Accepted { label: contact.label })
}

/// Nothing is written if nothing changes.
fn update(
    lottery_id: &LotteryId,
    participant: &Participant,
    found: StoredContact,
) -> (Vec<Write>, PutParticipant) {
    let keeps_email = found.participant.email == participant.email;
    let (kept, former) = if keeps_email {
        (found.subscription_arn.clone(), None)
    } else {
        (None, found.subscription_arn.clone())
    };
    let changes = found.participant != *participant;
    let revision = found.revision;
    let contact = StoredContact {
        participant: participant.clone(),
        subscribed_at: found.subscribed_at.filter(|_| kept.is_some()),
        subscription_arn: kept.clone(),
        revision: revision + 1,
        ..found
    };
    let answer = PutParticipant::Updated {
        label: contact.label,
        subscription_arn: kept,
        former_subscription_arn: former,
    };
    if !changes {
        return (Vec::new(), answer);
    }
    let rewrite = Write::put(contact.contact_item(lottery_id))
        .only_if("revision = :revision")
        .value(":revision", crate::item::number(revision));
    (vec![rewrite, Write::put(contact.participant_item(lottery_id))], answer)
}

/// Takes an address for a participant, unless it is somebody else's.
fn take_address(key: Key, participant_id: &ParticipantId) -> Write {
    let item = crate::item::NewItem::at(key).with("participant_id", text(participant_id));
    Write::put(item)
        .only_if("attribute_not_exists(pk) OR participant_id = :participant")
        .value(":participant", text(participant_id))
}

/// Puts plans together until a transaction is full. Plans that write nothing go with any.
fn batches(plans: Vec<Plan>) -> Vec<Vec<Plan>> {
    let mut batches = Vec::new();
    let mut batch: Vec<Plan> = Vec::new();
    let mut writes = 0;
    for plan in plans {
        if writes + plan.writes.len() > MOST_WRITES {
            batches.push(std::mem::take(&mut batch));
            writes = 0;
        }
        writes += plan.writes.len();
        batch.push(plan);
    }
    batches.push(batch);
    batches
}
