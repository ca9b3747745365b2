//! What has to be written so that participants are as a list says, in transactions of as many as fit.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::iter::{Enumerate, Zip};
use std::{slice, vec};

use lottery::{Participant, ParticipantId, Record};

use super::counts::{Delta, Groups};
use super::put::{Author, Recorded};
use super::{StoredContact, journal, wanted_keys};
use crate::item::{NewItem, number, text};
use crate::keys::Key;
use crate::transaction::{MAX_WRITES, Refusals};
use crate::write::Write;

/// What has to be written for one participant.
pub(super) struct Plan {
    pub(super) place: usize,
    /// Who they will be; none if they stay as they are.
    contact: Option<StoredContact>,
    /// The revision of who they were; none if they are new.
    revision: Option<u64>,
    /// Who they were, where that is to be kept.
    journal: Option<NewItem>,
    /// The addresses that they take, each with its field's name.
    taken: Vec<(&'static str, Key)>,
    /// The addresses that they had.
    freed: Vec<Key>,
    pub(super) delta: Delta,
    pub(super) answer: Recorded,
}

/// The items by which addresses stand once per lottery, each with its field's name.
type Addresses = Vec<(&'static str, Key)>;

impl Plan {
    /// What makes a participant as they shall be, from who they are and have been until now: the addresses that they shall have,
    /// and those that they have.
    pub(super) fn new(
        author: &Author<'_>,
        groups: &Groups,
        place: usize,
        participant: Participant,
        found: Option<&StoredContact>,
        (wanted, held): (Addresses, Addresses),
    ) -> Self {
        let import = author.import.map(|import| import.number);
        let Some(found) = found else {
            let email = participant.email.clone();
            let contact = StoredContact {
                import,
                is_new: import.is_some(),
                answer: author.joined.and_then(|joined| joined.answer.clone()),
                holds_mailbox: author.joined.is_some_and(|joined| joined.holds_mailbox),
                present_at: author.joined.filter(|joined| joined.is_present).map(|_| author.now),
                ..StoredContact::new(participant, author.now)
            };
            let delta = Delta::of_contacts(None, Some(&contact), groups);
            let answer = Recorded::New { label: contact.label, email };
            return Self {
                place,
                contact: Some(contact),
                revision: None,
                journal: None,
                taken: wanted,
                freed: Vec::new(),
                delta,
                answer,
            };
        };
        let email = participant.email.clone();
        let fields = participant.changes(&found.participant);
        if fields.is_empty() {
            let subscription_arn = found.subscription_arn.clone();
            let answer = Recorded::Unchanged { label: found.label, email, subscription_arn };
            return Self::nothing(place, answer);
        }
        let delta = Delta::between(Some(&found.participant), Some(&participant), groups);
        let keeps_email = found.participant.email == participant.email;
        let (kept, former) = if keeps_email {
            (found.subscription_arn.clone(), None)
        } else {
            (None, found.subscription_arn.clone())
        };
        let is_same_import = import.is_some() && import == found.import;
        let contact = StoredContact {
            participant,
            subscribed_at: found.subscribed_at.filter(|_| kept.is_some()),
            subscription_arn: kept.clone(),
            import,
            is_new: is_same_import && found.is_new,
            revision: found.revision + 1,
            ..found.clone()
        };
        let answer = Recorded::Changed {
            fields,
            label: contact.label,
            email,
            subscription_arn: kept,
            former_subscription_arn: former,
        };
        // Who they were before is kept once for an import, however often it changes them.
        let journaled = author.import.filter(|_| !is_same_import);
        let (stay, freed): (Addresses, Addresses) =
            held.into_iter().partition(|address| wanted.contains(address));
        Self {
            place,
            contact: Some(contact),
            revision: Some(found.revision),
            journal: journaled.map(|import| journal::changed(import, found, author.now)),
            taken: wanted.into_iter().filter(|address| !stay.contains(address)).collect(),
            freed: freed.into_iter().map(|(_, key)| key).collect(),
            delta,
            answer,
        }
    }

    /// Nothing is written if nothing changes.
    fn nothing(place: usize, answer: Recorded) -> Self {
        Self {
            place,
            contact: None,
            revision: None,
            journal: None,
            taken: Vec::new(),
            freed: Vec::new(),
            delta: Delta::default(),
            answer,
        }
    }

    /// How many writes it takes.
    pub(super) fn writes(&self) -> usize {
        let contact = if self.contact.is_some() { 2 } else { 0 };
        contact + usize::from(self.journal.is_some()) + self.taken.len() + self.freed.len()
    }

    /// The writes: the contact first, and the addresses that are taken behind the journal.
    pub(super) fn make<'a>(&'a self, author: &'a Author<'a>) -> impl Iterator<Item = Write> + 'a {
        let lottery_id = author.lottery_id;
        self.contact.iter().flat_map(move |contact| {
            let item = contact.contact_item(lottery_id);
            let rewrite = match self.revision {
                None => Write::create(item),
                Some(revision) => {
                    Write::put(item).only_if("revision = :revision").value(":revision", number(revision))
                }
            };
            let pool = Write::put(contact.participant_item(lottery_id, author.key));
            let participant_id = &contact.participant.participant_id;
            let taken = self.taken.iter().map(move |(_, key)| take_address(key.clone(), participant_id));
            let freed = self.freed.iter().cloned().map(Write::delete);
            // Nobody asks for what stood in the way: it is read again.
            let writes = [rewrite, pool].into_iter().chain(self.journal.clone().map(Write::put));
            writes.chain(taken).chain(freed).map(Write::silently)
        })
    }

    /// The first field whose address is somebody else's. If the contact itself is not as it was read, the address may be the
    /// person's own by now, and nothing is certain.
    pub(super) fn address_taken(&self, refusals: &Refusals) -> Option<&'static str> {
        if refusals.failed(0) {
            return None;
        }
        let first = 2 + usize::from(self.journal.is_some());
        let fields = self.taken.iter().zip(first..);
        fields.into_iter().find(|(_, place)| refusals.failed(*place)).map(|((field, _), _)| *field)
    }
}

/// Takes an address for a participant who does not have it yet, unless it is somebody else's.
pub(super) fn take_address(key: Key, participant_id: &ParticipantId) -> Write {
    Write::create(NewItem::sized(key, 1).with("participant_id", text(participant_id)))
}

/// Each record with who the participant will be, and its place.
type Merged<'a> = Enumerate<Zip<slice::Iter<'a, Record>, vec::IntoIter<Option<Participant>>>>;

/// Plans of records, put together until a transaction is full. Plans that write nothing go with any.
pub(super) struct Batches<'a> {
    author: &'a Author<'a>,
    groups: &'a Groups,
    known: &'a HashMap<ParticipantId, StoredContact>,
    left: Merged<'a>,
    met: HashSet<&'a ParticipantId>,
    hasher: RandomState,
    /// Hashes of the addresses of the records so far.
    addresses: HashSet<u64>,
    /// Did not fit into the last batch.
    next: Option<Plan>,
    /// The records that have to be decided on what is stored then, by their places: all of them once there are no more batches.
    pub(super) alone: Vec<usize>,
}

impl<'a> Batches<'a> {
    /// `merged` are the participants that the records make of those who are known.
    pub(super) fn new(
        author: &'a Author<'a>,
        groups: &'a Groups,
        records: &'a [Record],
        merged: Vec<Option<Participant>>,
        known: &'a HashMap<ParticipantId, StoredContact>,
    ) -> Self {
        Self {
            author,
            groups,
            known,
            left: records.iter().zip(merged).enumerate(),
            met: HashSet::with_capacity(records.len()),
            hasher: RandomState::new(),
            addresses: HashSet::with_capacity(2 * records.len()),
            next: None,
            alone: Vec::new(),
        }
    }

    /// The plan of the next record that can go together with others.
    fn plan(&mut self) -> Option<Plan> {
        if let Some(plan) = self.next.take() {
            return Some(plan);
        }
        loop {
            let (place, (record, participant)) = self.left.next()?;
            let is_met = !self.met.insert(&record.participant_id);
            // Without a name, only who is known for certain to be new.
            let Some(participant) = participant.filter(|_| !is_met) else {
                self.alone.push(place);
                continue;
            };
            let lottery_id = self.author.lottery_id;
            let found = self.known.get(&participant.participant_id);
            let holds_mailbox = found.is_some_and(|found| found.holds_mailbox);
            let wanted = wanted_keys(lottery_id, &participant, holds_mailbox);
            let held = found.map(|found| found.address_keys(lottery_id)).unwrap_or_default();
            // Two addresses of one hash are decided one after the other, as one address would be.
            let hashes: Vec<u64> =
                wanted.iter().chain(&held).map(|(_, key)| self.hasher.hash_one(key)).collect();
            let meets_another = hashes.iter().any(|hash| self.addresses.contains(hash));
            self.addresses.extend(hashes);
            if meets_another {
                self.alone.push(place);
                continue;
            }
            return Some(Plan::new(self.author, self.groups, place, participant, found, (wanted, held)));
        }
    }
}

impl Iterator for Batches<'_> {
    type Item = Vec<Plan>;

    fn next(&mut self) -> Option<Vec<Plan>> {
        let (mut batch, mut writes) = (Vec::new(), 0);
        while let Some(plan) = self.plan() {
            // One write of each transaction is the counters'.
            if writes + plan.writes() >= MAX_WRITES {
                self.next = Some(plan);
                break;
            }
            writes += plan.writes();
            batch.push(plan);
        }
        (!batch.is_empty()).then_some(batch)
    }
}
