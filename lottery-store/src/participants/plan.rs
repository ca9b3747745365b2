//! What an import would do, without doing any of it: for dry runs.
//!
//! A list may be far larger than memory, so that it is planned batch by batch as it is read. What must be remembered of
//! the lines before are hashes of 8 bytes: of the ids, to know who would be missing from the list, and of the addresses,
//! to know which are taken or freed by it. Two of two million such hashes are the same with a chance of one in ten million.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};

use lottery::{LotteryId, ParticipantId, Record};

use super::replace::has_joined;
use super::{StoredContact, address_keys};
use crate::item::Attributes;
use crate::keys::Key;
use crate::store::Table;
use crate::{Store, StoreError, keys};

/// What would come of one record of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// The person would be new.
    New,
    /// The person is there, and these fields would change.
    Changed {
        /// The names of the fields.
        fields: Vec<&'static str>,
    },
    /// The person is there, and is as the record says.
    Unchanged,
    /// The person is new and the record has no name: they would not be taken.
    NameMissing,
    /// An address belongs to somebody else of the lottery, or of the list before this record: the record would not be taken.
    AddressTaken {
        /// The field that holds it, `phone` or `email`.
        field: &'static str,
    },
    /// A record before this one is about the same person.
    Twice,
}

/// How many records of each kind were planned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanCounts {
    /// People who would be new.
    pub new: u64,
    /// People who would be changed.
    pub changed: u64,
    /// People who are as the list says.
    pub unchanged: u64,
    /// Records that would not be taken.
    pub refused: u64,
}

/// An import that is planned batch by batch.
#[derive(Debug)]
pub struct ImportPlan<'a> {
    store: &'a Store,
    lottery_id: LotteryId,
    hasher: RandomState,
    ids: HashSet<u64>,
    /// People who stand on the list although their records are not planned.
    kept: HashSet<u64>,
    /// Addresses that the list takes, or leaves with those who have them.
    taken: HashSet<u64>,
    /// Addresses that the list takes from those who have them.
    freed: HashSet<u64>,
    counts: PlanCounts,
}

impl Store {
    /// Begins to plan an import. Nothing is written, now or later.
    pub fn plan_import(&self, lottery_id: &LotteryId) -> ImportPlan<'_> {
        ImportPlan {
            store: self,
            lottery_id: lottery_id.clone(),
            hasher: RandomState::new(),
            ids: HashSet::new(),
            kept: HashSet::new(),
            taken: HashSet::new(),
            freed: HashSet::new(),
            counts: PlanCounts::default(),
        }
    }
}

/// A record with what is stored about it.
struct Met<'a> {
    record: &'a Record,
    found: Option<&'a StoredContact>,
    /// The addresses that the record would take anew.
    new_addresses: Vec<(&'static str, Key)>,
}

impl ImportPlan<'_> {
    /// What would come of the next records of the list, in their order. The answers are those that an import gives if nobody
    /// else changes the lottery meanwhile.
    pub async fn add(&mut self, records: &[Record]) -> Result<Vec<Planned>, StoreError> {
        let known = self.store.known_contacts(&self.lottery_id, records).await?;
        let met: Vec<Met<'_>> = records
            .iter()
            .map(|record| {
                let found = known.get(&record.participant_id);
                let participant = record.over(found.map(|found| &found.participant));
                let held =
                    found.map(|found| address_keys(&self.lottery_id, &found.participant)).unwrap_or_default();
                let wanted = participant.map(|participant| address_keys(&self.lottery_id, &participant));
                let new_addresses =
                    wanted.into_iter().flatten().filter(|address| !held.contains(address)).collect();
                Met { record, found, new_addresses }
            })
            .collect();
        let holders = self.holders(&met).await?;
        Ok(met.iter().map(|met| self.plan(met, &holders)).collect())
    }

    /// Notes that these people stand on the list although their records cannot be read: a list that replaces does not
    /// withdraw them.
    pub fn keep(&mut self, participant_ids: &[ParticipantId]) {
        for participant_id in participant_ids {
            self.kept.insert(self.hasher.hash_one(participant_id));
        }
    }

    /// How many people a list that replaces would withdraw, once all of it was planned. The whole list that is stored is read.
    pub async fn missing(&self) -> Result<u64, StoreError> {
        let is_missing = |contact: &StoredContact| {
            let participant_id = &contact.participant.participant_id;
            let hash = self.hasher.hash_one(participant_id);
            !self.ids.contains(&hash) && !self.kept.contains(&hash) && !has_joined(participant_id)
        };
        self.store.count_contacts(&self.lottery_id, is_missing).await
    }

    /// How many records of each kind there were so far.
    pub fn counts(&self) -> PlanCounts {
        self.counts
    }

    /// Who has the addresses that are wanted.
    async fn holders(&self, met: &[Met<'_>]) -> Result<HashMap<Key, ParticipantId>, StoreError> {
        let wanted: HashSet<&Key> =
            met.iter().flat_map(|met| &met.new_addresses).map(|(_, key)| key).collect();
        let wanted: Vec<Key> = wanted.into_iter().cloned().collect();
        let holder = |item| {
            let attributes = Attributes(item);
            let key = Key {
                table: Table::Contacts,
                pk: attributes.text(keys::PK)?.to_owned(),
                sk: attributes.sort_key()?.to_owned(),
            };
            Ok((key, attributes.parse("participant_id")?))
        };
        self.store.get_many(Table::Contacts, &wanted).await?.iter().map(holder).collect()
    }

    fn plan(&mut self, met: &Met<'_>, holders: &HashMap<Key, ParticipantId>) -> Planned {
        let planned = self.decide(met, holders);
        let counter = match &planned {
            Planned::New => &mut self.counts.new,
            Planned::Changed { .. } => &mut self.counts.changed,
            Planned::Unchanged => &mut self.counts.unchanged,
            Planned::NameMissing | Planned::AddressTaken { .. } | Planned::Twice => &mut self.counts.refused,
        };
        *counter += 1;
        planned
    }

    fn decide(&mut self, met: &Met<'_>, holders: &HashMap<Key, ParticipantId>) -> Planned {
        let participant_id = &met.record.participant_id;
        if !self.ids.insert(self.hasher.hash_one(participant_id)) {
            return Planned::Twice;
        }
        let before = met.found.map(|found| &found.participant);
        let Some(participant) = met.record.over(before) else { return Planned::NameMissing };
        for (field, key) in &met.new_addresses {
            let hash = self.hash(key);
            let is_anothers = holders.get(key).is_some_and(|holder| holder != participant_id);
            if self.taken.contains(&hash) || (is_anothers && !self.freed.contains(&hash)) {
                // Without the address the same record may come again.
                self.ids.remove(&self.hasher.hash_one(participant_id));
                return Planned::AddressTaken { field };
            }
        }
        let held = before.map(|before| address_keys(&self.lottery_id, before)).unwrap_or_default();
        let wanted = address_keys(&self.lottery_id, &participant);
        for (_, key) in held.iter().filter(|address| !wanted.contains(address)) {
            let hash = self.hash(key);
            self.taken.remove(&hash);
            self.freed.insert(hash);
        }
        for (_, key) in &met.new_addresses {
            let hash = self.hash(key);
            self.taken.insert(hash);
        }
        match before.map(|before| participant.changes(before)) {
            None => Planned::New,
            Some(fields) if fields.is_empty() => Planned::Unchanged,
            Some(fields) => Planned::Changed { fields },
        }
    }

    fn hash(&self, value: &impl Hash) -> u64 {
        self.hasher.hash_one(value)
    }
}
