//! Forfeited seats: who takes the seat of a winner who does not claim it, or has withdrawn.

use std::collections::HashMap;

use crate::{Group, Prize};

/// Who sits in the seats of one prize, by group; the seats without a group's name count by number alone.
#[derive(Debug, Clone, Default)]
pub struct Seated<'a> {
    seated: u32,
    by_group: HashMap<&'a Group, u32>,
}

impl<'a> Seated<'a> {
    /// The seats of a prize whose winners have these groups. A winner who forfeited is left out.
    pub fn of(groups: impl IntoIterator<Item = Option<&'a Group>>) -> Self {
        let mut seated = Self::default();
        groups.into_iter().for_each(|group| seated.sit(group));
        seated
    }

    /// Gives the prize's next empty seat to the best-ranked of the alternates, best first, whose group keeps the
    /// prize's quotas, and answers that alternate's place in line. None: the seat stays empty.
    ///
    /// The quotas are kept if no group exceeds its at-most, and the seats that are still empty afterwards
    /// suffice for what the groups lack of their at-least.
    pub fn promote(
        &mut self,
        prize: &Prize,
        alternates: impl IntoIterator<Item = Option<&'a Group>>,
    ) -> Option<usize> {
        let place = alternates.into_iter().enumerate().find(|(_, group)| self.fits(prize, *group));
        let (place, group) = place?;
        self.sit(group);
        Some(place)
    }

    fn sit(&mut self, group: Option<&'a Group>) {
        self.seated += 1;
        if let Some(group) = group {
            *self.by_group.entry(group).or_default() += 1;
        }
    }

    fn fits(&self, prize: &Prize, group: Option<&Group>) -> bool {
        let Some(empty_afterwards) = prize.winners.checked_sub(self.seated + 1) else { return false };
        let mut lacking = 0;
        for quota in &prize.quota {
            let joins = u32::from(group == Some(&quota.group));
            let seated = self.by_group.get(&quota.group).copied().unwrap_or(0) + joins;
            if joins == 1 && quota.at_most.is_some_and(|most| seated > most) {
                return false;
            }
            lacking += quota.reserved().saturating_sub(seated);
        }
        lacking <= empty_afterwards
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PrizeName, Quota};

    fn group(name: &str) -> Group {
        Group::parse(name).unwrap()
    }

    fn prize(winners: u32, quota: &[(&str, Option<u32>, Option<u32>)]) -> Prize {
        let quota = quota
            .iter()
            .map(|(name, at_least, at_most)| Quota {
                at_least: *at_least,
                at_most: *at_most,
                group: group(name),
            })
            .collect();
        Prize { name: PrizeName::parse("Bicycle").unwrap(), quota, winners }
    }

    #[test]
    fn without_quotas_the_first_in_line_is_promoted() {
        let a = group("a");
        let mut seated = Seated::of([Some(&a)]);
        assert_eq!(seated.promote(&prize(2, &[]), [None, Some(&a)]), Some(0));
        assert_eq!(seated.promote(&prize(2, &[]), [Some(&a)]), None, "no seat is empty any more");
    }

    #[test]
    fn a_reserved_seat_goes_to_its_group_or_stays_empty() {
        let (a, b) = (group("a"), group("b"));
        let prize = prize(2, &[("a", Some(1), None)]);
        assert_eq!(Seated::of([Some(&b)]).promote(&prize, [Some(&b), None, Some(&a)]), Some(2));
        let mut seated = Seated::of([Some(&b)]);
        assert_eq!(seated.promote(&prize, [Some(&b), None]), None);
        // When the other seat is forfeited too, one of two seats is free for anybody.
        let mut seated = Seated::of([]);
        assert_eq!(seated.promote(&prize, [Some(&b), None]), Some(0));
        assert_eq!(seated.promote(&prize, [None]), None);
    }

    #[test]
    fn a_full_group_is_passed_over() {
        let (a, b) = (group("a"), group("b"));
        let prize = prize(3, &[("a", None, Some(1))]);
        assert_eq!(Seated::of([Some(&a), Some(&b)]).promote(&prize, [Some(&a), Some(&b)]), Some(1));
        assert_eq!(Seated::of([Some(&b), Some(&b)]).promote(&prize, [Some(&a), Some(&b)]), Some(0));
    }
}
