//! Imports: many participants at once, each taken or refused by itself.
//!
//! What is new goes in transactions of up to 100 writes, several at a time. A participant whose condition
//! did not hold is taken out and decided alone, and so is one that shares an address or an id with a line
//! before it, so that the outcome is that of one line after the other. Who stays as they are is not written.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use lottery::{EmailAddress, Label, LotteryId, Participant, ParticipantId, Record};

use super::counts::{Delta, Groups};
use super::import::Import;
use super::{StoredContact, address_keys, journal};
use crate::item::{NewItem, number, text};
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
    pub(super) now: Timestamp,
    /// The import that it is part of; none if one person is edited, or enters by themselves.
    pub(super) import: Option<&'a Import>,
}

/// Whom a record may be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Anybody,
    /// Only somebody who is on the list.
    Known,
}

/// What has to be written for one participant.
struct Plan {
    place: usize,
    writes: Vec<Write>,
    delta: Delta,
    /// The field behind each write that takes an address, by the write's place.
    addresses: Vec<(usize, &'static str)>,
    /// Every item that the outcome rests on.
    keys: Vec<Key>,
    answer: Recorded,
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
        self.record(&Author { lottery_id, now, import: None }, records).await
    }

    pub(super) async fn record(
        &self,
        author: &Author<'_>,
        records: &[Record],
    ) -> Result<Vec<Recorded>, StoreError> {
        // Of the list of an empty lottery nobody is known; whoever is nevertheless is refused, and decided anew below.
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
        let mut taken = HashSet::new();
        let mut together = Vec::new();
        let mut alone = Vec::new();
        let mut met: HashSet<&ParticipantId> = HashSet::with_capacity(records.len());
        for (place, participant) in merged.iter().enumerate() {
            if !met.insert(&records[place].participant_id) {
                alone.push(place);
                continue;
            }
            let Some(participant) = participant else {
                // Only who is known for certain to be new.
                alone.push(place);
                continue;
            };
            let found = known.get(&participant.participant_id);
            let plan = Plan::new(author, &groups, place, participant, found);
            let meets_another = plan.keys.iter().any(|key| taken.contains(key));
            taken.extend(plan.keys.iter().cloned());
            if meets_another { alone.push(place) } else { together.push(plan) }
        }
        // Which part of the counts a transaction adds to is by chance, and those under way at once differ.
        let first: u8 = rand::random();
        // Collected first: a stream over a borrowing closure would not be `Send` for callers that need it.
        let batches: Vec<_> = (0..=u8::MAX)
            .cycle()
            .zip(batches(together))
            .map(|(turn, batch)| self.put_batch(author.lottery_id, first.wrapping_add(turn), batch))
            .collect();
        let batches: Vec<_> = stream::iter(batches).buffer_unordered(IN_FLIGHT).try_collect().await?;
        for (place, answer) in batches.into_iter().flatten() {
            match answer {
                Some(answer) => answers[place] = Some(answer),
                None => alone.push(place),
            }
        }
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
        lottery_id: &LotteryId,
        part: u8,
        mut batch: Vec<Plan>,
    ) -> Result<Vec<(usize, Option<Recorded>)>, StoreError> {
        let mut refused = Vec::new();
        loop {
            let mut delta = Delta::default();
            batch.iter().for_each(|plan| delta.add(&plan.delta));
            let count = delta.write(lottery_id, part);
            let writes: Vec<_> = batch.iter().flat_map(|plan| &plan.writes).chain(&count).collect();
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

    /// Changes one participant as the record says; none if there is no such participant, who is never made by it. An erased
    /// name stays.
    pub async fn edit_participant(
        &self,
        lottery_id: &LotteryId,
        record: &Record,
        now: Timestamp,
    ) -> Result<Option<Recorded>, StoreError> {
        let author = Author { lottery_id, now, import: None };
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
            let plan = Plan::new(author, &groups, 0, &participant, found.as_ref());
            if plan.writes.is_empty() {
                return Ok(Some(plan.answer));
            }
            let count = plan.delta.write(lottery_id, rand::random());
            let writes: Vec<_> = plan.writes.iter().chain(&count).collect();
            match self.transact_each(&writes).await? {
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

impl Plan {
    fn new(
        author: &Author<'_>,
        groups: &Groups,
        place: usize,
        participant: &Participant,
        found: Option<&StoredContact>,
    ) -> Self {
        let Author { lottery_id, .. } = *author;
        let wanted = address_keys(lottery_id, participant);
        let held = found.map(|found| address_keys(lottery_id, &found.participant)).unwrap_or_default();
        let contact = keys::contact(lottery_id, &participant.participant_id);
        let keys = wanted.iter().chain(&held).map(|(_, key)| key.clone()).chain([contact]).collect();

        let (writes, answer) = match found {
            None => accept(author, participant),
            Some(found) => update(author, participant, found),
        };
        let mut plan = Self { place, writes, delta: Delta::default(), addresses: Vec::new(), keys, answer };
        if plan.writes.is_empty() {
            return plan;
        }
        plan.delta = Delta::between(found.map(|found| &found.participant), Some(participant), groups);
        for (field, key) in wanted.iter().filter(|address| !held.contains(address)) {
            plan.addresses.push((plan.writes.len(), field));
            plan.writes.push(take_address(key.clone(), &participant.participant_id));
        }
        let freed = held.into_iter().filter(|address| !wanted.contains(address));
        plan.writes.extend(freed.map(|(_, key)| Write::delete(key)));
        plan
    }

    /// The first field whose address is somebody else's. If the contact itself is not as it was read, the address may be the
    /// person's own by now, and nothing is certain.
    fn address_taken(&self, refusals: &Refusals) -> Option<&'static str> {
        if refusals.failed(0) {
            return None;
        }
        self.addresses.iter().find(|(place, _)| refusals.failed(*place)).map(|(_, field)| *field)
    }
}

fn accept(author: &Author<'_>, participant: &Participant) -> (Vec<Write>, Recorded) {
    let import = author.import.map(|import| import.number);
    let contact = StoredContact {
        import,
        is_new: import.is_some(),
        ..StoredContact::new(participant.clone(), author.now)
    };
    let writes = vec![
        Write::create(contact.contact_item(author.lottery_id)),
        Write::put(contact.participant_item(author.lottery_id)),
    ];
    (writes, Recorded::New { label: contact.label, email: participant.email.clone() })
}

/// Nothing is written if nothing changes.
fn update(author: &Author<'_>, participant: &Participant, found: &StoredContact) -> (Vec<Write>, Recorded) {
    let lottery_id = author.lottery_id;
    let email = participant.email.clone();
    let fields = participant.changes(&found.participant);
    if fields.is_empty() {
        let subscription_arn = found.subscription_arn.clone();
        return (Vec::new(), Recorded::Unchanged { label: found.label, email, subscription_arn });
    }
    let keeps_email = found.participant.email == participant.email;
    let (kept, former) = if keeps_email {
        (found.subscription_arn.clone(), None)
    } else {
        (None, found.subscription_arn.clone())
    };
    let revision = found.revision;
    let import = author.import.map(|import| import.number);
    let is_same_import = import.is_some() && import == found.import;
    let contact = StoredContact {
        participant: participant.clone(),
        subscribed_at: found.subscribed_at.filter(|_| kept.is_some()),
        subscription_arn: kept.clone(),
        import,
        is_new: is_same_import && found.is_new,
        revision: revision + 1,
        ..found.clone()
    };
    let answer = Recorded::Changed {
        fields,
        label: contact.label,
        email,
        subscription_arn: kept,
        former_subscription_arn: former,
    };
    let rewrite = Write::put(contact.contact_item(lottery_id))
        .only_if("revision = :revision")
        .value(":revision", number(revision));
    let mut writes = vec![rewrite, Write::put(contact.participant_item(lottery_id))];
    // Who they were before is kept once for an import, however often it changes them.
    if let Some(import) = author.import.filter(|_| !is_same_import) {
        writes.push(Write::put(journal::changed(import, found, author.now)));
    }
    (writes, answer)
}

/// Takes an address for a participant who does not have it yet, unless it is somebody else's.
pub(super) fn take_address(key: Key, participant_id: &ParticipantId) -> Write {
    Write::create(NewItem::at(key).with("participant_id", text(participant_id)))
}

/// Puts plans together until a transaction is full. Plans that write nothing go with any.
fn batches(plans: Vec<Plan>) -> Vec<Vec<Plan>> {
    let mut batches = Vec::new();
    let mut batch: Vec<Plan> = Vec::new();
    let mut writes = 0;
    for plan in plans {
        // One write of each transaction is the counters'.
        if writes + plan.writes.len() >= MOST_WRITES {
            batches.push(std::mem::take(&mut batch));
            writes = 0;
        }
        writes += plan.writes.len();
        batch.push(plan);
    }
    batches.push(batch);
    batches
}
