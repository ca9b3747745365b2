//! Forfeited seats: who takes the seat of a winner who does not claim it, or has withdrawn.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{Part, Prize, PrizeList};

/// A seat whose winner forfeited it, and who took it. Written as `[rank, prize, taken_by]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u32, Option<u32>)", into = "(u32, u32, Option<u32>)")]
pub struct Forfeit {
    /// The rank of the winner, from 1.
    pub rank: u32,
    /// The index of the prize in the draw's list, from 0.
    pub prize: u32,
    /// The rank of the alternate who took the seat; none if it stays empty.
    pub taken_by: Option<u32>,
}

impl From<(u32, u32, Option<u32>)> for Forfeit {
    fn from((rank, prize, taken_by): (u32, u32, Option<u32>)) -> Self {
        Self { rank, prize, taken_by }
    }
}

impl From<Forfeit> for (u32, u32, Option<u32>) {
    fn from(Forfeit { rank, prize, taken_by }: Forfeit) -> Self {
        (rank, prize, taken_by)
    }
}

/// A line of a draw's ranking, as far as forfeited seats depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// The rank, from 1.
    pub rank: u32,
    /// The index of the prize in the draw's list, from 0; none for an alternate.
    pub prize: Option<u32>,
    /// The part of the pool.
    pub part: &'a Part,
    /// Whether the participant has withdrawn.
    pub has_withdrawn: bool,
}

/// The seats that the withdrawn winners of a ranking forfeit, and who takes each: prize after prize, and within
/// one the best-ranked winner's seat first. Alternates who have withdrawn take none.
pub fn forfeits(prizes: &PrizeList, ranking: &[Placed<'_>]) -> Vec<Forfeit> {
    let alternates = ranking.iter().filter(|placed| placed.prize.is_none() && !placed.has_withdrawn);
    let mut alternates: Vec<_> = alternates.collect();
    let mut forfeits = Vec::new();
    for (index, prize) in (0..).zip(prizes.as_slice()) {
        let winners = ranking.iter().filter(|placed| placed.prize == Some(index));
        let (gone, seated): (Vec<&Placed<'_>>, Vec<_>) = winners.partition(|winner| winner.has_withdrawn);
        let mut seated = Seated::of(seated.iter().map(|winner| winner.part));
        for winner in gone {
            let taker = seated.promote(prize, alternates.iter().map(|alternate| alternate.part));
            let taken_by = taker.map(|taker| alternates.remove(taker).rank);
            forfeits.push(Forfeit { rank: winner.rank, prize: index, taken_by });
        }
    }
    forfeits
}

/// Who sits in the seats of one prize, by the part of the pool.
#[derive(Debug, Clone, Default)]
pub struct Seated<'a> {
    seated: u32,
    by_part: HashMap<&'a Part, u32>,
}

impl<'a> Seated<'a> {
    /// The seats of a prize whose winners are of these parts. A winner who forfeited is left out.
    pub fn of(parts: impl IntoIterator<Item = &'a Part>) -> Self {
        let mut seated = Self::default();
        parts.into_iter().for_each(|part| seated.sit(part));
        seated
    }

    /// Gives the prize's next empty seat to the best-ranked of the alternates, best first, who keeps the
    /// prize's quotas, and returns that alternate's position in `alternates`. None: the seat stays empty.
    ///
    /// The quotas are kept if none exceeds its at-most, and the seats that are still empty afterwards
    /// suffice for what they lack of their at-least.
    pub fn promote(
        &mut self,
        prize: &Prize,
        alternates: impl IntoIterator<Item = &'a Part>,
    ) -> Option<usize> {
        let found = alternates.into_iter().enumerate().find(|(_, part)| self.fits(prize, part));
        let (position, part) = found?;
        self.sit(part);
        Some(position)
    }

    fn sit(&mut self, part: &'a Part) {
        self.seated += 1;
        *self.by_part.entry(part).or_default() += 1;
    }

    fn fits(&self, prize: &Prize, part: &Part) -> bool {
        let Some(empty_afterwards) = prize.winners.checked_sub(self.seated + 1) else { return false };
        let mut lacking = 0;
        for quota in &prize.quota {
            let joins = quota.names(part);
            let seated = |part: Part| self.by_part.get(&part).copied().unwrap_or(0);
            let seated = quota.parts().map(seated).sum::<u32>() + u32::from(joins);
            if joins && quota.at_most.is_some_and(|most| seated > most) {
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
    use crate::{Group, PrizeName, Quota};

    /// Not of any part that a quota names.
    const NONE: &Part = &Part::Other;

    fn part(name: &str) -> Part {
        Part::Group(Group::parse(name).unwrap())
    }

    fn prize(winners: u32, quota: &[(&str, Option<u32>, Option<u32>)]) -> Prize {
        let quota = quota
            .iter()
            .map(|(name, at_least, at_most)| Quota {
                at_least: *at_least,
                at_most: *at_most,
                groups: [Group::parse(name).unwrap()].into(),
                without_group: false,
            })
            .collect();
        Prize { name: PrizeName::parse("Bicycle").unwrap(), quota, winners }
    }

    /// A ranking from the prize, the part and whether the participant has withdrawn, of each line.
    fn ranking<'a>(lines: &[(Option<u32>, &'a Part, bool)]) -> Vec<Placed<'a>> {
        (1..)
            .zip(lines)
            .map(|(rank, &(prize, part, has_withdrawn))| Placed { rank, prize, part, has_withdrawn })
            .collect()
    }

    fn written(forfeits: &[Forfeit]) -> String {
        serde_json::to_string(forfeits).unwrap()
    }

    #[test]
    fn each_forfeited_seat_goes_to_the_next_alternate_who_is_still_there() {
        let prizes = PrizeList::try_from(vec![prize(1, &[]), prize(2, &[])]).unwrap();
        let all_there = [(Some(1), NONE, false), (Some(0), NONE, false), (Some(1), NONE, false)];
        assert_eq!(forfeits(&prizes, &ranking(&all_there)), []);
        // The second prize's best-ranked winner is ranked before the first prize's, and both have withdrawn.
        let line = ranking(&[
            (Some(1), NONE, true),
            (Some(0), NONE, true),
            (Some(1), NONE, true),
            (None, NONE, true),
            (None, NONE, false),
            (None, NONE, false),
        ]);
        let forfeits = forfeits(&prizes, &line);
        assert_eq!(written(&forfeits), "[[2,0,5],[1,1,6],[3,1,null]]");
        assert_eq!(serde_json::from_str::<Vec<Forfeit>>(&written(&forfeits)).unwrap(), forfeits);
    }

    #[test]
    fn a_forfeited_seat_keeps_the_quotas_of_its_prize() {
        let (a, b) = (part("a"), part("b"));
        let prizes = PrizeList::try_from(vec![prize(2, &[("a", Some(1), Some(1))])]).unwrap();
        let alternates = [(None, &b, false), (None, &a, false)];
        let with = |winners: [(Option<u32>, &'_ Part, bool); 2]| {
            written(&forfeits(&prizes, &ranking(&[&winners[..], &alternates].concat())))
        };
        assert_eq!(with([(Some(0), &a, true), (Some(0), &b, false)]), "[[1,0,4]]");
        assert_eq!(with([(Some(0), &a, false), (Some(0), &b, true)]), "[[2,0,3]]");
        assert_eq!(with([(Some(0), &a, true), (Some(0), &b, true)]), "[[1,0,3],[2,0,4]]");
    }

    #[test]
    fn without_quotas_the_first_in_line_is_promoted() {
        let a = part("a");
        let mut seated = Seated::of([&a]);
        assert_eq!(seated.promote(&prize(2, &[]), [NONE, &a]), Some(0));
        assert_eq!(seated.promote(&prize(2, &[]), [&a]), None, "no seat is empty any more");
    }

    #[test]
    fn a_reserved_seat_goes_to_its_group_or_stays_empty() {
        let (a, b) = (part("a"), part("b"));
        let prize = prize(2, &[("a", Some(1), None)]);
        assert_eq!(Seated::of([&b]).promote(&prize, [&b, NONE, &a]), Some(2));
        let mut seated = Seated::of([&b]);
        assert_eq!(seated.promote(&prize, [&b, NONE]), None);
        // When the other seat is forfeited too, one of two seats is free for anybody.
        let mut seated = Seated::of([]);
        assert_eq!(seated.promote(&prize, [&b, NONE]), Some(0));
        assert_eq!(seated.promote(&prize, [NONE]), None);
    }

    #[test]
    fn groups_of_one_quota_count_together_and_those_without_a_group_are_a_part() {
        let (a, b, none) = (part("a"), part("b"), &Part::WithoutGroup);
        let mut prize = prize(3, &[("a", Some(1), Some(2)), ("c", None, Some(0))]);
        prize.quota[0].groups.insert(Group::parse("b").unwrap());
        prize.quota[1].without_group = true;
        assert_eq!(
            Seated::of([&a, &b]).promote(&prize, [&a, &b, none, NONE]),
            Some(3),
            "two of a and b are enough"
        );
        assert_eq!(
            Seated::of([NONE, NONE]).promote(&prize, [NONE, none, &b]),
            Some(2),
            "one of them is needed"
        );
        assert_eq!(Seated::of([&b, NONE]).promote(&prize, [none, &a]), Some(1));
    }

    #[test]
    fn a_full_group_is_passed_over() {
        let (a, b) = (part("a"), part("b"));
        let prize = prize(3, &[("a", None, Some(1))]);
        assert_eq!(Seated::of([&a, &b]).promote(&prize, [&a, &b]), Some(1));
        assert_eq!(Seated::of([&b, &b]).promote(&prize, [&a, &b]), Some(0));
    }
}
