//! How many are on a lottery's list, and of which groups: counters that are kept in the very transactions that write
//! participants, so that they are exact at any time and reading them costs one query, whatever the size of the list.
//!
//! The counters are spread over sixteen items, because transactions that write one item at the same time are in each
//! other's way. A group is counted by name if it is among the first [`MAX_GROUPS`] of its lottery; those behind them are
//! counted together, so that a column of names taken for groups does not make items grow without bound. Which groups have
//! names is written before the first of its people is, and never changes, so that a participant who leaves is
//! subtracted from the group in which they were counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use aws_sdk_dynamodb::types::AttributeValue;
use lottery::{Group, LotteryId, Participant};

use super::StoredContact;
use crate::item::{Attributes, Item, NewItem, flag, number};
use crate::keys::{self, COUNTS, SHARDS};
use crate::read::Order;
use crate::transaction::Outcome;
use crate::write::Write;
use crate::{Store, StoreError};

/// So many groups of a lottery are counted by name.
pub const MAX_GROUPS: usize = 200;
/// How often the groups that others add to are read anew.
const ATTEMPTS: u32 = 20;
/// Before the name of a group in the name of its counter.
const GROUP: &str = "group#";
/// That everything of the lottery has been counted since it began.
const COMPLETE: &str = "complete";
const NAMED: &str = "named";

/// How many are on a lottery's list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParticipantCounts {
    /// All of them.
    pub total: u64,
    /// Those with a phone number.
    pub with_phone: u64,
    /// Those with an e-mail address.
    pub with_email: u64,
    /// Those with neither: nobody can tell them that they have won.
    pub unreachable: u64,
    /// Those whom the organiser keeps from winning.
    pub excluded: u64,
    /// The chances of those who can win.
    pub tickets: u64,
    /// The groups, each with how many are in it; none that is empty. At most [`MAX_GROUPS`].
    pub groups: BTreeMap<Group, u64>,
    /// Those in groups behind the first [`MAX_GROUPS`].
    pub in_other_groups: u64,
    /// Those without a group.
    pub without_group: u64,
    /// Those who are marked as present.
    pub present: u64,
}

/// What a change adds to the counts, and takes off.
#[derive(Debug, Clone, Default)]
pub(super) struct Delta {
    plain: [i64; PLAIN.len()],
    groups: BTreeMap<Group, i64>,
}

/// The counters that every list has, in the order of [`Delta::plain`].
const PLAIN: [&str; 9] = [
    "total",
    "with_phone",
    "with_email",
    "unreachable",
    "excluded",
    "tickets",
    "in_other_groups",
    "without_group",
    PRESENT,
];

const PRESENT: &str = "present";

impl Delta {
    /// From who a person was to who they are; nobody before or after whom there is none.
    pub(super) fn between(
        before: Option<&Participant>,
        after: Option<&Participant>,
        groups: &Groups,
    ) -> Self {
        let mut delta = Self::default();
        for (participant, sign) in [(before, -1), (after, 1)] {
            if let Some(participant) = participant {
                delta.count(participant, sign, groups);
            }
        }
        delta
    }

    /// The same, with whether they are marked as present.
    pub(super) fn of_contacts(
        before: Option<&StoredContact>,
        after: Option<&StoredContact>,
        groups: &Groups,
    ) -> Self {
        let [was, is] = [before, after].map(|contact| contact.map(|contact| &contact.participant));
        let mut delta = Self::between(was, is, groups);
        for (contact, sign) in [(before, -1), (after, 1)] {
            if contact.is_some_and(|contact| contact.present_at.is_some()) {
                delta.add_present(sign);
            }
        }
        delta
    }

    /// Of somebody who was marked as present, or no longer is.
    pub(super) fn of_presence(is_present: bool) -> Self {
        let mut delta = Self::default();
        delta.add_present(if is_present { 1 } else { -1 });
        delta
    }

    fn add_present(&mut self, sign: i64) {
        for (counter, name) in self.plain.iter_mut().zip(PLAIN) {
            if name == PRESENT {
                *counter += sign;
            }
        }
    }

    fn count(&mut self, participant: &Participant, sign: i64, groups: &Groups) {
        let Participant { phone, email, group, tickets, excluded, .. } = participant;
        let is_named = group.as_ref().is_some_and(|group| groups.named.contains(group));
        let tickets = if *excluded { 0 } else { i64::from(tickets.get()) };
        let counted = [
            1,
            i64::from(phone.is_some()),
            i64::from(email.is_some()),
            i64::from(phone.is_none() && email.is_none()),
            i64::from(*excluded),
            tickets,
            i64::from(group.is_some() && !is_named),
            i64::from(group.is_none()),
            0,
        ];
        for (counter, count) in self.plain.iter_mut().zip(counted) {
            *counter += sign * count;
        }
        if let Some(group) = group.as_ref().filter(|_| is_named) {
            match self.groups.get_mut(group) {
                Some(counter) => *counter += sign,
                None => {
                    self.groups.insert(group.clone(), sign);
                }
            }
        }
    }

    /// Adds another change.
    pub(super) fn add(&mut self, other: &Self) {
        for (counter, count) in self.plain.iter_mut().zip(other.plain) {
            *counter += count;
        }
        for (group, count) in &other.groups {
            match self.groups.get_mut(group) {
                Some(counter) => *counter += count,
                None => {
                    self.groups.insert(group.clone(), *count);
                }
            }
        }
    }

    /// The write that counts the change in one part of the counts; none if nothing changes.
    pub(super) fn write(&self, lottery_id: &LotteryId, part: u8) -> Option<Write> {
        let plain = PLAIN.iter().zip(self.plain).map(|(name, count)| ((*name).to_owned(), count));
        let groups = self.groups.iter().map(|(group, count)| (format!("{GROUP}{group}"), *count));
        let counters: Vec<_> = plain.chain(groups).filter(|(_, count)| *count != 0).collect();
        if counters.is_empty() {
            return None;
        }
        let mut expression = "ADD ".to_owned();
        for place in 0..counters.len() {
            let comma = if place == 0 { "" } else { ", " };
            let _ = write!(expression, "{comma}#c{place} :c{place}");
        }
        let write = Write::update(keys::counts(lottery_id, part % SHARDS), expression);
        Some(counters.into_iter().enumerate().fold(write, |write, (place, (name, count))| {
            write.name(&format!("#c{place}"), &name).value(&format!(":c{place}"), number(count))
        }))
    }
}

/// The groups of a lottery that are counted by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    named: BTreeSet<Group>,
}

impl Groups {
    fn from_item(item: Option<&Item>) -> Result<Self, StoreError> {
        let named = match item.and_then(|item| item.get(NAMED)) {
            None => BTreeSet::new(),
            Some(AttributeValue::Ss(names)) => names
                .iter()
                .map(|name| name.parse().map_err(|_| StoreError::Broken("a group's name".to_owned())))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(StoreError::Broken("the groups of a lottery".to_owned())),
        };
        Ok(Self { named })
    }

    fn is_full(&self) -> bool {
        self.named.len() >= MAX_GROUPS
    }
}

/// The item by which a lottery is known to be counted from its beginning.
pub(crate) fn counted_from_the_beginning(lottery_id: &LotteryId) -> NewItem {
    NewItem::at(keys::groups(lottery_id)).with(COMPLETE, flag(true))
}

impl Store {
    /// How many are on the list of a lottery, in all and of each group. Sixteen items are read, whatever the size of the
    /// list; of a lottery from before the counters, the whole list.
    pub async fn participant_counts(&self, lottery_id: &LotteryId) -> Result<ParticipantCounts, StoreError> {
        let items = self.all(&keys::summary(lottery_id)).await?;
        let is_complete = items.iter().any(|item| item.contains_key(COMPLETE));
        if !is_complete {
            return self.counted_one_by_one(lottery_id).await;
        }
        let mut sums = [0_i64; PLAIN.len()];
        let mut groups: BTreeMap<Group, i64> = BTreeMap::new();
        for item in &items {
            let item_attributes = Attributes(item);
            if !item_attributes.sort_key()?.starts_with(COUNTS) {
                continue;
            }
            for (sum, name) in sums.iter_mut().zip(PLAIN) {
                *sum += item_attributes.optional_number::<i64>(name)?.unwrap_or(0);
            }
            for name in item.keys().filter_map(|name| name.strip_prefix(GROUP)) {
                let group = name.parse().map_err(|_| StoreError::Broken("a group's name".to_owned()))?;
                *groups.entry(group).or_default() +=
                    item_attributes.number::<i64>(&format!("{GROUP}{name}"))?;
            }
        }
        Ok(ParticipantCounts::of(sums, groups))
    }

    /// Whether nobody is on the list of a lottery, as far as that is known without reading it.
    pub(super) async fn is_known_to_be_empty(&self, lottery_id: &LotteryId) -> Result<bool, StoreError> {
        let items = self.all(&keys::summary(lottery_id)).await?;
        let total = |item: &Item| Attributes(item).optional_number::<i64>(PLAIN[0]);
        let totals = items.iter().map(total).collect::<Result<Vec<_>, _>>()?;
        let is_complete = items.iter().any(|item| item.contains_key(COMPLETE));
        Ok(is_complete && totals.into_iter().flatten().sum::<i64>() == 0)
    }

    /// Counts a list that was begun before there were counters.
    async fn counted_one_by_one(&self, lottery_id: &LotteryId) -> Result<ParticipantCounts, StoreError> {
        let mut counted = Delta::default();
        let mut groups = Groups::default();
        for shard in 0..SHARDS {
            let range = keys::contacts(lottery_id, shard);
            let mut behind = None;
            loop {
                let slice = self.slice(&range, Order::Ascending, behind.as_deref(), super::PAGE).await?;
                for item in &slice.items {
                    let StoredContact { participant, present_at, .. } = StoredContact::from_item(item)?;
                    if present_at.is_some() {
                        counted.add_present(1);
                    }
                    if let Some(group) = participant.group.as_ref().filter(|_| !groups.is_full()) {
                        groups.named.insert(group.clone());
                    }
                    counted.count(&participant, 1, &groups);
                }
                match slice.last {
                    Some(last) => behind = Some(last),
                    None => break,
                }
            }
        }
        Ok(ParticipantCounts::of(counted.plain, counted.groups))
    }

    /// The groups that are counted by name, once those of `wanted` that have room are among them.
    pub(super) async fn counted_groups(
        &self,
        lottery_id: &LotteryId,
        wanted: &BTreeSet<&Group>,
    ) -> Result<Groups, StoreError> {
        if wanted.is_empty() {
            return Ok(Groups::default());
        }
        let key = keys::groups(lottery_id);
        for _ in 0..ATTEMPTS {
            let groups = Groups::from_item(self.get(&key).await?.as_ref())?;
            let room = MAX_GROUPS.saturating_sub(groups.named.len());
            let new: Vec<_> =
                wanted.iter().filter(|group| !groups.named.contains(**group)).take(room).collect();
            if new.is_empty() {
                return Ok(groups);
            }
            let at_most = MAX_GROUPS - new.len();
            let names = new.iter().map(ToString::to_string).collect();
            let name = Write::update(key.clone(), "ADD #named :new")
                .only_if("attribute_not_exists(#named) OR size(#named) <= :most")
                .name("#named", NAMED)
                .value(":new", AttributeValue::Ss(names))
                .value(":most", number(at_most));
            if let Outcome::Done = self.write(&name).await? {
                let named = groups.named.into_iter().chain(new.into_iter().map(|group| (**group).clone()));
                return Ok(Groups { named: named.collect() });
            }
        }
        Err(StoreError::Contended)
    }
}

impl ParticipantCounts {
    fn of(sums: [i64; PLAIN.len()], groups: BTreeMap<Group, i64>) -> Self {
        let [
            total,
            with_phone,
            with_email,
            unreachable,
            excluded,
            tickets,
            in_other_groups,
            without_group,
            present,
        ] = sums.map(|sum| sum.max(0).unsigned_abs());
        let groups = groups.into_iter().filter(|(_, count)| *count > 0);
        Self {
            total,
            with_phone,
            with_email,
            unreachable,
            excluded,
            tickets,
            groups: groups.map(|(group, count)| (group, count.unsigned_abs())).collect(),
            in_other_groups,
            without_group,
            present,
        }
    }
}
