//! The parts of the pool that the quotas of a draw tell apart, by number.

use std::collections::HashMap;

use crate::selection::Seat;
use crate::{Group, Part, PrizeList, Quota};

/// The parts that quotas name, by number; entries in none of them count under 0.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    groups: HashMap<Group, usize>,
    /// The number of the people without a group, if a quota names them.
    without_group: Option<usize>,
    /// By the prize's index, then by number: the index of the quota that names the part.
    quotas: Vec<Vec<Option<u8>>>,
}

impl Parts {
    pub(crate) fn of(prizes: &PrizeList) -> Self {
        let groups: HashMap<_, _> = prizes.named_groups().into_iter().cloned().zip(1..).collect();
        let without_group = prizes.names_without_group().then_some(groups.len() + 1);
        let mut parts = Self { groups, without_group, quotas: Vec::new() };
        let count = parts.count();
        for prize in prizes.as_slice() {
            let mut of_prize = vec![None; count];
            for (index, quota) in (0..).zip(&prize.quota) {
                parts.numbers(quota).for_each(|number| of_prize[number] = Some(index));
            }
            parts.quotas.push(of_prize);
        }
        parts
    }

    /// How many numbers there are.
    pub(crate) fn count(&self) -> usize {
        self.groups.len() + 1 + usize::from(self.without_group.is_some())
    }

    /// The number of the entries with this group, or without one.
    pub(crate) fn number(&self, group: Option<&Group>) -> usize {
        match group {
            Some(group) => self.groups.get(group).copied().unwrap_or(0),
            None => self.without_group.unwrap_or(0),
        }
    }

    /// The part with this number.
    pub(crate) fn part(&self, number: usize) -> Part {
        if self.without_group == Some(number) {
            return Part::WithoutGroup;
        }
        let named = self.groups.iter().find(|(_, named)| **named == number);
        named.map_or(Part::Other, |(group, _)| Part::Group(group.clone()))
    }

    /// The groups with their numbers.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&Group, usize)> {
        self.groups.iter().map(|(group, number)| (group, *number))
    }

    /// The numbers of the parts that a quota names.
    pub(crate) fn numbers(&self, quota: &Quota) -> impl Iterator<Item = usize> {
        let without_group = self.without_group.filter(|_| quota.without_group);
        quota.groups.iter().map(|group| self.number(Some(group))).chain(without_group)
    }

    /// The index of the quota by which a prize names a part.
    pub(crate) fn quota(&self, prize: usize, number: usize) -> Option<usize> {
        self.quotas[prize][number].map(usize::from)
    }

    /// The maximum number of seats that the part with each number can take.
    pub(crate) fn most_seats(&self, prizes: &PrizeList) -> Vec<usize> {
        let mut max = vec![prizes.winners(); self.count()];
        for prize in prizes.as_slice() {
            for quota in &prize.quota {
                let at_most = quota.at_most.unwrap_or(prize.winners).min(prize.winners);
                self.numbers(quota).for_each(|number| max[number] -= (prize.winners - at_most) as usize);
            }
        }
        max
    }

    /// Gives the seats to a line of people, best-ranked first, of each of whom the part's number is known.
    pub(crate) fn give_seats(&self, line: &[usize], prizes: &PrizeList) -> Vec<Option<(u32, Seat)>> {
        let mut seats = vec![None; line.len()];
        for ((index, prize), quotas) in (0..).zip(prizes.as_slice()).zip(&self.quotas) {
            for (quota, quota_index) in prize.quota.iter().zip(0..).filter(|(quota, _)| quota.reserved() > 0)
            {
                let is_named = |(seat, one): &(&mut Option<_>, &usize)| {
                    seat.is_none() && quotas[**one] == Some(quota_index)
                };
                let unseated = seats.iter_mut().zip(line).filter(is_named);
                for (seat, _) in unseated.take(quota.reserved() as usize) {
                    *seat = Some((index, Seat::Reserved));
                }
            }
        }
        for ((index, prize), quotas) in (0..).zip(prizes.as_slice()).zip(&self.quotas) {
            let room = |quota: &Quota| quota.at_most.map_or(u32::MAX, |at_most| at_most - quota.reserved());
            let mut room: Vec<_> = prize.quota.iter().map(room).collect();
            let mut open = prize.winners - prize.quota.iter().map(Quota::reserved).sum::<u32>();
            for (seat, number) in seats.iter_mut().zip(line).filter(|(seat, _)| seat.is_none()) {
                if open == 0 {
                    break;
                }
                if let Some(quota) = quotas[*number] {
                    let room = &mut room[usize::from(quota)];
                    if *room == 0 {
                        continue;
                    }
                    *room -= 1;
                }
                open -= 1;
                *seat = Some((index, Seat::Open));
            }
        }
        seats
    }
}
