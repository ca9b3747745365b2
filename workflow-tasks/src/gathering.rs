//! The entries of a draw in the order of their labels, which are new in each draw: the pool is in another order.
//!
//! An entry takes some 110 bytes, and ids as long as they are: a million of them some 130 MB, while a draw is sealed.

use std::collections::HashMap;

use lottery::manifest::Version;
use lottery::{Draw, Entry, Exclusion, Group, Holder, Label, ParticipantId, Tickets};
use lottery_store::{PoolMember, SealedEntry, StoreError};

use crate::past_winners::PastWinners;

/// Entries gathered from a pool.
pub(crate) struct Gathering {
    draw: Draw,
    version: Version,
    past_winners: PastWinners,
    entries: Vec<Gathered>,
    groups: Vec<Group>,
    numbers: HashMap<Group, u32>,
}

/// An entry that takes little memory.
struct Gathered {
    label: [u8; 16],
    member: [u8; 16],
    holder: [u8; 32],
    tickets: Tickets,
    /// The number of the group, from 1; 0 is none.
    group: u32,
    is_excluded: bool,
    is_absent: bool,
    participant_id: Box<str>,
}

impl Gathering {
    pub(crate) fn new(draw: &Draw, version: Version, past_winners: PastWinners) -> Self {
        Self {
            draw: draw.clone(),
            version,
            past_winners,
            entries: Vec::new(),
            groups: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    /// Takes the next member of the pool.
    pub(crate) fn take(&mut self, member: PoolMember) -> Result<(), StoreError> {
        self.past_winners.look_at(self.entries.len(), &member);
        let (label, holder) = match (self.version, member.binding) {
            (Version::One, _) => (member.label, member.holder),
            (Version::Two, Some((link, identity))) => {
                let Draw { lottery_id, draw_id, .. } = &self.draw;
                (link.label(lottery_id, draw_id), link.holder(lottery_id, draw_id, &identity))
            }
            (Version::Two, None) => {
                let unbound = format!("participant {} has no link", member.participant_id);
                return Err(StoreError::Broken(unbound));
            }
        };
        let group = match member.group.map(Group::respelled) {
            None => 0,
            Some(group) => self.number(group)?,
        };
        self.entries.push(Gathered {
            label: label.to_bytes(),
            member: member.label.to_bytes(),
            holder: *holder.as_bytes(),
            tickets: member.tickets,
            group,
            is_excluded: member.excluded,
            is_absent: self.draw.present_only && !member.present,
            participant_id: member.participant_id.as_str().into(),
        });
        Ok(())
    }

    fn number(&mut self, group: Group) -> Result<u32, StoreError> {
        if let Some(number) = self.numbers.get(&group) {
            return Ok(*number);
        }
        self.groups.push(group.clone());
        let number = u32::try_from(self.groups.len()).map_err(|_| StoreError::TooLarge)?;
        self.numbers.insert(group, number);
        Ok(number)
    }

    /// The entries in the order of their labels.
    pub(crate) fn into_sorted(self) -> impl Iterator<Item = Result<SealedEntry, StoreError>> {
        let Self { past_winners, entries, groups, .. } = self;
        let places = past_winners.into_places();
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_unstable_by_key(|place| entries[*place].label);
        order.into_iter().map(move |place| {
            let gathered = &entries[place];
            let excluded = match (gathered.is_excluded, places.get(&place)) {
                (true, _) => Some(Exclusion::Organiser),
                (false, Some(won)) => Some(Exclusion::PastWinner(won.clone())),
                (false, None) => gathered.is_absent.then_some(Exclusion::Absent),
            };
            let group = (gathered.group as usize).checked_sub(1).and_then(|index| groups.get(index)).cloned();
            let entry = Entry {
                excluded,
                group,
                holder: Holder::from_bytes(gathered.holder),
                label: Label::from_random(gathered.label),
                tickets: gathered.tickets,
            };
            let id = ParticipantId::parse(&gathered.participant_id);
            let participant_id = id.map_err(|_| StoreError::Broken("a participant's id".to_owned()))?;
            Ok(SealedEntry { entry, participant_id, member: Label::from_random(gathered.member) })
        })
    }
}
