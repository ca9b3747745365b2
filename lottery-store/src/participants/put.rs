//! Imports: many participants at once, each taken or refused by itself.
//!
//! What is new goes in transactions of up to 100 writes, several at a time. A participant whose condition
//! did not hold is taken out and decided alone, and so is one that shares an address or an id with a line
//! before it, so that the outcome is that of one line after the other. Who stays as they are is not written.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use lottery::fingerprint::FingerprintKey;
use lottery::{EmailAddress, Label, LotteryId, OwnWords, Participant, ParticipantId, Record};

use super::changes::{Batches, Plan};
use super::counts::{Delta, Groups};
use super::import::Import;
use super::{StoredContact, wanted_keys};
use crate::store::Table;
use crate::transaction::Outcome;
use crate::{Store, StoreError, keys};

/// How many transactions of one import are under way at once: as many as the counts have parts, so that none of them waits for
/// another's.
const IN_FLIGHT: usize = 16;
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

/// What came of one record of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The person is new.
    New {
        /// The label given.
        label: Label,
        /// The e-mail address, which has no subscription yet.
        email: Option<EmailAddress>,
    },
    /// The person was there, and the record changed them.
    Changed {
        /// The names of the fields that changed.
        fields: Vec<&'static str>,
        /// The label, as before.
        label: Label,
        /// The e-mail address as it is now; it may be one that the record does not speak of.
        email: Option<EmailAddress>,
        /// The subscription of that address, if it has one.
        subscription_arn: Option<String>,
        /// The subscription of the address that was replaced or erased; the caller ends it.
        former_subscription_arn: Option<String>,
    },
    /// The person was there, and is as the record says: nothing was written.
    Unchanged {
        /// The label, as before.
        label: Label,
        /// The e-mail address.
        email: Option<EmailAddress>,
        /// The subscription of that address, if it has one.
        subscription_arn: Option<String>,
    },
    /// The person is new and the record has no name: not taken.
    NameMissing,
    /// An address belongs to another participant of the lottery: not taken.
    AddressTaken {
        /// The field that holds it, `phone` or `email`.
        field: &'static str,
    },
}

impl Recorded {
    fn into_put(self) -> PutParticipant {
        match self {
            Self::New { label, .. } => PutParticipant::Accepted { label },
            Self::Changed { label, subscription_arn, former_subscription_arn, .. } => {
                PutParticipant::Updated { label, subscription_arn, former_subscription_arn }
            }
            Self::Unchanged { label, subscription_arn, .. } => {
                PutParticipant::Updated { label, subscription_arn, former_subscription_arn: None }
            }
            Self::AddressTaken { field } => PutParticipant::AddressTaken { field },
            Self::NameMissing => unreachable!("a participant has a name"),
        }
    }
}

/// On whose behalf participants are written, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Author<'a> {
    pub(super) lottery_id: &'a LotteryId,
    /// The key of the lottery's fingerprints.
    pub(super) key: &'a FingerprintKey,
    pub(super) now: Timestamp,
    /// The import that it is part of; none if one person is edited, or enters by themselves.
    pub(super) import: Option<&'a Import>,
    /// What somebody said who enters by themselves.
    pub(super) joined: Option<&'a Joined>,
}

/// What is kept of somebody who enters by themselves, beside who they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Joined {
    /// The answer to the lottery's question.
    pub answer: Option<OwnWords>,
    /// Whether they take their whole mailbox, so that no alias of it enters again.
    pub holds_mailbox: bool,
    /// Whether they are where the draw takes place.
    pub is_present: bool,
}

/// Whom a record may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Anybody,
    /// Only somebody who is on the list.
    Known,
}

impl Store {
    /// Imports participants: new ones get label and nonce, known ones keep theirs and are else as given. The answers stand
    /// in the order of the participants. After an error, importing the same again completes it.
    pub async fn put_participants(
        &self,
        lottery_id: &LotteryId,
        participants: Vec<Participant>,
        now: Timestamp,
    ) -> Result<Vec<PutParticipant>, StoreError> {
        let records: Vec<Record> = participants.into_iter().map(Record::from).collect();
        let recorded = self.put_records(lottery_id, &records, now).await?;
        Ok(recorded.into_iter().map(Recorded::into_put).collect())
    }

    /// Takes what a list says of people: who is new gets label and nonce; of who is known, the fields change that the record
    /// speaks of. The answers stand in the order of the records. After an error, doing the same again completes it.
    pub async fn put_records(
        &self,
        lottery_id: &LotteryId,
        records: &[Record],
        now: Timestamp,
    ) -> Result<Vec<Recorded>, StoreError> {
        let key = self.fingerprint_key(lottery_id).await?;
        self.record(&Author { lottery_id, key: &key, now, import: None, joined: None }, records).await
    }

    /// Takes somebody who enters by themselves.
    pub async fn put_joined(
        &self,
        lottery_id: &LotteryId,
        record: &Record,
        joined: &Joined,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let key = self.fingerprint_key(lottery_id).await?;
        let author = Author { lottery_id, key: &key, now, import: None, joined: Some(joined) };
        self.put_alone(&author, record).await
    }

    pub(super) async fn record(
        &self,
        author: &Author<'_>,
        records: &[Record],
    ) -> Result<Vec<Recorded>, StoreError> {
        // The list of an empty lottery holds no participant; a record that was stored meanwhile is refused, and decided again
        // below.
        if author.import.is_some_and(|import| import.was_empty) {
            return self.record_new(author, records).await;
        }
        self.record_known(author, records).await
    }

    /// Takes records of which most are about people who are new.
    async fn record_new(&self, author: &Author<'_>, records: &[Record]) -> Result<Vec<Recorded>, StoreError> {
        let (mut answers, left) = self.record_together(author, records, &HashMap::new()).await?;
        if !left.is_empty() {
            let again: Vec<_> = left.iter().map(|place| records[*place].clone()).collect();
            let decided = Box::pin(self.record_known(author, &again)).await?;
            for (place, answer) in left.into_iter().zip(decided) {
                answers[place] = Some(answer);
            }
        }
        Ok(in_order(answers))
    }

    /// Takes records of people who may be known: they are read first.
    async fn record_known(
        &self,
        author: &Author<'_>,
        records: &[Record],
    ) -> Result<Vec<Recorded>, StoreError> {
        let known = self.known_contacts(author.lottery_id, records).await?;
        let (mut answers, left) = self.record_together(author, records, &known).await?;
        for place in left {
            answers[place] = Some(self.put_alone(author, &records[place]).await?);
        }
        Ok(in_order(answers))
    }

    /// Takes records in transactions of as many as fit. Those that are left have to be decided on what is stored then: they
    /// share an id or an address with a record before them, or their conditions did not hold.
    async fn record_together(
        &self,
        author: &Author<'_>,
        records: &[Record],
        known: &HashMap<ParticipantId, StoredContact>,
    ) -> Result<(Vec<Option<Recorded>>, Vec<usize>), StoreError> {
        let merged: Vec<Option<Participant>> = records
            .iter()
            .map(|record| record.over(known.get(&record.participant_id).map(|found| &found.participant)))
            .collect();
        let groups = self.groups_of(author.lottery_id, &merged, known).await?;
        let mut answers: Vec<Option<Recorded>> = vec![None; records.len()];
        let mut batches = Batches::new(author, &groups, records, merged, known);
        let mut alone = Vec::new();
        // Which part of the counts a transaction adds to is by chance, and those under way at once differ.
        let mut part: u8 = rand::random();
        let mut under_way = FuturesUnordered::new();
        loop {
            // What comes next is made while others are being written.
            while under_way.len() < IN_FLIGHT
                && let Some(batch) = batches.next()
            {
                part = part.wrapping_add(1);
                under_way.push(self.put_batch(author, part, batch));
            }
            let Some(done) = under_way.next().await else { break };
            for (place, answer) in done? {
                match answer {
                    Some(answer) => answers[place] = Some(answer),
                    None => alone.push(place),
                }
            }
        }
        alone.extend(batches.alone);
        alone.sort_unstable();
        Ok((answers, alone))
    }

    pub(super) async fn known_contacts(
        &self,
        lottery_id: &LotteryId,
        records: &[Record],
    ) -> Result<HashMap<ParticipantId, StoredContact>, StoreError> {
        let distinct: HashSet<_> = records.iter().map(|record| &record.participant_id).collect();
        let keys: Vec<_> = distinct.into_iter().map(|id| keys::contact(lottery_id, id)).collect();
        let items = self.get_many(Table::Contacts, &keys).await?;
        let contact = |item| {
            let contact = StoredContact::from_item(item)?;
            Ok((contact.participant.participant_id.clone(), contact))
        };
        items.iter().map(contact).collect()
    }

    /// The groups by which these people were and will be counted.
    async fn groups_of(
        &self,
        lottery_id: &LotteryId,
        merged: &[Option<Participant>],
        known: &HashMap<ParticipantId, StoredContact>,
    ) -> Result<Groups, StoreError> {
        let before = known.values().map(|found| &found.participant);
        let people = merged.iter().flatten().chain(before);
        let wanted: BTreeSet<_> = people.filter_map(|participant| participant.group.as_ref()).collect();
        self.counted_groups(lottery_id, &wanted).await
    }

    /// Writes a batch of participants. Those whose conditions do not hold come back without an answer.
    async fn put_batch(
        &self,
        author: &Author<'_>,
        part: u8,
        mut batch: Vec<Plan>,
    ) -> Result<Vec<(usize, Option<Recorded>)>, StoreError> {
        let mut refused = Vec::new();
        loop {
            let mut delta = Delta::default();
            batch.iter().for_each(|plan| delta.add(&plan.delta));
            let count = delta.write(author.lottery_id, part);
            let outcome = if batch.iter().all(|plan| plan.writes() == 0) {
                Outcome::Done
            } else {
                self.transact_made(|| {
                    let writes = batch.iter().flat_map(|plan| plan.make(author));
                    writes.chain(count.clone()).collect()
                })
                .await?
            };
            let Outcome::Refused(refusals) = outcome else {
                let done = batch.into_iter().map(|plan| (plan.place, Some(plan.answer)));
                return Ok(done.chain(refused).collect());
            };
            let mut first = 0;
            let before = batch.len();
            batch.retain(|plan| {
                let failed = (first..first + plan.writes()).any(|place| refusals.failed(place));
                first += plan.writes();
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

    /// Changes one participant as the record says; none if there is no such participant, who is never made by it. An erased
    /// name stays.
    pub async fn edit_participant(
        &self,
        lottery_id: &LotteryId,
        record: &Record,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        let key = self.fingerprint_key(lottery_id).await?;
        let author = Author { lottery_id, key: &key, now, import: None, joined: None };
        self.decide(&author, record, About::Known).await
    }

    /// Decides one participant, on what is stored at this moment.
    async fn put_alone(&self, author: &Author<'_>, record: &Record) -> Result<Recorded, StoreError> {
        let decided = self.decide(author, record, About::Anybody).await?;
        decided.ok_or(StoreError::Contended)
    }

    /// Decides one participant; none if it has to be known and is not.
    async fn decide(
        &self,
        author: &Author<'_>,
        record: &Record,
        about: About,
    ) -> Result<Option<Recorded>, StoreError> {
        let Author { lottery_id, .. } = *author;
        let key = keys::contact(lottery_id, &record.participant_id);
        for _ in 0..ATTEMPTS {
            let item = self.get(&key).await?;
            let found = item.as_ref().map(StoredContact::from_item).transpose()?;
            if about == About::Known && found.is_none() {
                return Ok(None);
            }
            let Some(participant) = record.over(found.as_ref().map(|found| &found.participant)) else {
                return Ok(Some(Recorded::NameMissing));
            };
            let people = [Some(&participant), found.as_ref().map(|found| &found.participant)];
            let wanted = people.into_iter().flatten().filter_map(|participant| participant.group.as_ref());
            let groups = self.counted_groups(lottery_id, &wanted.collect()).await?;
            let holds_mailbox = match &found {
                Some(found) => found.holds_mailbox,
                None => author.joined.is_some_and(|joined| joined.holds_mailbox),
            };
            let wanted = wanted_keys(lottery_id, &participant, holds_mailbox);
            let held = found.as_ref().map(|found| found.address_keys(lottery_id));
            let addresses = (wanted, held.unwrap_or_default());
            let plan = Plan::new(author, &groups, 0, participant, found.as_ref(), addresses);
            if plan.writes() == 0 {
                return Ok(Some(plan.answer));
            }
            let count = plan.delta.write(lottery_id, rand::random());
            let make = || plan.make(author).chain(count.clone()).collect();
            match self.transact_made(make).await? {
                Outcome::Done => return Ok(Some(plan.answer)),
                Outcome::Refused(refusals) => {
                    if let Some(field) = plan.address_taken(&refusals) {
                        return Ok(Some(Recorded::AddressTaken { field }));
                    }
                }
            }
        }
        Err(StoreError::Contended)
    }
}

fn in_order(answers: Vec<Option<Recorded>>) -> Vec<Recorded> {
    answers.into_iter().map(|answer| answer.expect("each record went together or alone")).collect()
}
