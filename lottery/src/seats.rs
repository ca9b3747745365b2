//! Seats that change hands: who takes the seat of a winner who has withdrawn, or is replaced.
//!
//! Nobody chooses: the seat goes to the first in line who keeps the prize's quotas. The line is the ranking's alternates,
//! and behind them everybody else of the sealed list who has no seat, in the order of the scores. Who has left is not in
//! line again, and nobody sits twice.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Part, Prize, PrizeList};

/// Why a winner is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplaceReason {
    /// Had to be there and was not.
    Absent,
    /// Did not want the prize.
    Declined,
    /// Could not be reached.
    Unreachable,
    /// May not have the prize, by rules that the list does not know.
    Ineligible,
    /// Did not claim the prize in the time that the draw gave for it. No organiser gives this reason.
    Unclaimed,
}

impl ReplaceReason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::Absent, Self::Declined, Self::Unreachable, Self::Ineligible, Self::Unclaimed];
    /// The reasons for which an organiser replaces a winner.
    pub const OF_ORGANISER: [Self; 4] = [Self::Absent, Self::Declined, Self::Unreachable, Self::Ineligible];

    /// The reason as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Declined => "declined",
            Self::Unreachable => "unreachable",
            Self::Ineligible => "ineligible",
            Self::Unclaimed => "unclaimed",
        }
    }

    /// The reason of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

impl fmt::Display for ReplaceReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A seat that was passed on. Written as `[rank, prize, taken_by]`, with the reason behind if its winner was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct PassedOn {
    /// The rank of the entry that had the seat, from 1.
    pub rank: u32,
    /// The index of the prize in the draw's list, from 0.
    pub prize: u32,
    /// The rank of the entry that took the seat; none if it stays empty.
    pub taken_by: Option<u32>,
    /// Why the winner was replaced; none for a withdrawal before the round.
    pub reason: Option<ReplaceReason>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Replaced(u32, u32, Option<u32>, ReplaceReason),
    Withdrawn(u32, u32, Option<u32>),
}

impl From<Written> for PassedOn {
    fn from(written: Written) -> Self {
        match written {
            Written::Replaced(rank, prize, taken_by, reason) => {
                Self { rank, prize, taken_by, reason: Some(reason) }
            }
            Written::Withdrawn(rank, prize, taken_by) => Self { rank, prize, taken_by, reason: None },
        }
    }
}

impl From<PassedOn> for Written {
    fn from(PassedOn { rank, prize, taken_by, reason }: PassedOn) -> Self {
        match reason {
            Some(reason) => Self::Replaced(rank, prize, taken_by, reason),
            None => Self::Withdrawn(rank, prize, taken_by),
        }
    }
}

/// Why nobody can leave a seat by this rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoSeat {
    /// There is no such rank in the line.
    #[error("nobody has the rank {0}")]
    Unknown(u32),
    /// The entry with this rank has left already.
    #[error("rank {0} has left already")]
    Gone(u32),
    /// The entry with this rank has no seat.
    #[error("rank {0} has no seat")]
    Waiting(u32),
}

/// Who sits where, and who is in line: changed by one departure after the other.
#[derive(Debug, Clone)]
pub struct Seating<'a> {
    prizes: &'a PrizeList,
    /// By rank.
    line: Vec<Place>,
    /// The ranks of those who are in line, best first.
    waiting: Vec<u32>,
    /// By the prize's index.
    seated: Vec<Seated>,
}

#[derive(Debug, Clone)]
struct Place {
    part: Part,
    prize: Option<u32>,
    has_left: bool,
}

/// How many have seats of one prize, and how many of them each of its quotas names.
#[derive(Debug, Clone)]
struct Seated {
    seats: u32,
    by_quota: Vec<u32>,
}

impl<'a> Seating<'a> {
    /// The seats as a ranking gives them, by rank: the index of the prize, or none for an alternate, and the part of the
    /// pool.
    pub fn new(prizes: &'a PrizeList, ranking: impl IntoIterator<Item = (Option<u32>, Part)>) -> Self {
        let none =
            prizes.as_slice().iter().map(|prize| Seated { seats: 0, by_quota: vec![0; prize.quota.len()] });
        let mut seating = Self { prizes, line: Vec::new(), waiting: Vec::new(), seated: none.collect() };
        for (prize, part) in ranking {
            seating.push(part);
            if let Some(prize) = prize {
                let rank = seating.waiting.pop().unwrap_or_default();
                seating.sit(rank, prize);
            }
        }
        seating
    }

    /// Adds people of the sealed list who stand behind the ranking, in their order.
    pub fn extend(&mut self, parts: impl IntoIterator<Item = Part>) {
        parts.into_iter().for_each(|part| self.push(part));
    }

    /// The last rank that is known.
    pub fn last_rank(&self) -> u32 {
        u32::try_from(self.line.len()).unwrap_or(u32::MAX)
    }

    /// The index of the prize of which this rank has a seat.
    pub fn prize_of(&self, rank: u32) -> Option<u32> {
        self.place(rank).filter(|place| !place.has_left)?.prize
    }

    /// Vacates the seat of the entry with this rank.
    ///
    /// # Errors
    /// If the rank has no seat.
    pub fn vacate(&mut self, rank: u32) -> Result<u32, NoSeat> {
        match self.remove(rank, false)? {
            Some(prize) => Ok(prize),
            None => Err(NoSeat::Waiting(rank)),
        }
    }

    /// Takes somebody out of the seat, whose prize is returned, or out of the line.
    ///
    /// # Errors
    /// If nobody has the rank, or has left already.
    pub fn leave(&mut self, rank: u32) -> Result<Option<u32>, NoSeat> {
        self.remove(rank, true)
    }

    fn remove(&mut self, rank: u32, or_from_line: bool) -> Result<Option<u32>, NoSeat> {
        let place = self.place(rank).ok_or(NoSeat::Unknown(rank))?;
        if place.has_left {
            return Err(NoSeat::Gone(rank));
        }
        let prize = place.prize;
        if prize.is_none() && !or_from_line {
            return Ok(None);
        }
        let place = &mut self.line[rank as usize - 1];
        place.has_left = true;
        let part = place.part.clone();
        match prize {
            Some(index) => {
                if let Some(prize) = self.prizes.as_slice().get(index as usize) {
                    self.seated[index as usize].change(prize, &part, |count| *count -= 1);
                }
            }
            None => self.waiting.retain(|waiting| *waiting != rank),
        }
        Ok(prize)
    }

    /// Gives an empty seat of this prize to the first in line who keeps its quotas, and returns that rank. None: nobody in
    /// this line does.
    ///
    /// The quotas are kept if none exceeds its at-most, and the seats that are still empty afterwards suffice for what they
    /// lack of their at-least.
    pub fn pass_on(&mut self, prize: u32) -> Option<u32> {
        let index = prize as usize;
        let (wanted, seated) = (self.prizes.as_slice().get(index)?, &self.seated[index]);
        let fits = |rank: &u32| seated.fits(wanted, &self.line[*rank as usize - 1].part);
        let position = self.waiting.iter().position(fits)?;
        let rank = self.waiting.remove(position);
        self.sit(rank, prize);
        Some(rank)
    }

    fn place(&self, rank: u32) -> Option<&Place> {
        self.line.get((rank as usize).checked_sub(1)?)
    }

    fn push(&mut self, part: Part) {
        self.line.push(Place { part, prize: None, has_left: false });
        self.waiting.push(self.last_rank());
    }

    fn sit(&mut self, rank: u32, prize: u32) {
        let place = &mut self.line[rank as usize - 1];
        place.prize = Some(prize);
        if let Some(wanted) = self.prizes.as_slice().get(prize as usize) {
            self.seated[prize as usize].change(wanted, &place.part, |count| *count += 1);
        }
    }
}

impl Seated {
    fn change(&mut self, prize: &Prize, part: &Part, change: impl Fn(&mut u32)) {
        change(&mut self.seats);
        for (count, quota) in self.by_quota.iter_mut().zip(&prize.quota) {
            if quota.names(part) {
                change(count);
            }
        }
    }

    fn fits(&self, prize: &Prize, part: &Part) -> bool {
        let Some(empty_afterwards) = prize.winners.checked_sub(self.seats + 1) else { return false };
        let mut lacking = 0;
        for (count, quota) in self.by_quota.iter().zip(&prize.quota) {
            let joins = quota.names(part);
            let seated = count + u32::from(joins);
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
    const NONE: Part = Part::Other;

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

    fn list(prizes: Vec<Prize>) -> PrizeList {
        PrizeList::try_from(prizes).unwrap()
    }

    /// Who takes the seat that a rank leaves.
    fn after(seating: &mut Seating<'_>, rank: u32) -> Option<u32> {
        let prize = seating.vacate(rank).unwrap();
        seating.pass_on(prize)
    }

    #[test]
    fn each_seat_goes_to_the_next_in_line_who_is_still_there() {
        let prizes = list(vec![prize(1, &[]), prize(2, &[])]);
        let line = [Some(1), Some(0), Some(1), None, None, None].map(|prize| (prize, NONE));
        let mut seating = Seating::new(&prizes, line);
        assert_eq!(seating.leave(4), Ok(None));
        assert_eq!([2, 1, 3].map(|rank| after(&mut seating, rank)), [Some(5), Some(6), None]);
        assert_eq!((seating.prize_of(5), seating.prize_of(2)), (Some(0), None));
        assert_eq!(after(&mut seating, 5), None, "who takes a seat can leave it too");
        for (rank, refused) in
            [(0, NoSeat::Unknown(0)), (7, NoSeat::Unknown(7)), (2, NoSeat::Gone(2)), (4, NoSeat::Gone(4))]
        {
            assert_eq!(seating.vacate(rank), Err(refused));
        }
        // The rest of the list.
        seating.extend([NONE, NONE]);
        assert_eq!((seating.last_rank(), after(&mut seating, 6)), (8, Some(7)));
        assert_eq!(seating.vacate(8), Err(NoSeat::Waiting(8)));
        assert_eq!(seating.pass_on(1), Some(8), "who has not taken a seat stays in line");
    }

    #[test]
    fn a_seat_keeps_the_quotas_of_its_prize() {
        let (a, b) = (part("a"), part("b"));
        let prizes = list(vec![prize(2, &[("a", Some(1), Some(1))])]);
        let with = |gone: &[u32]| {
            let line = [(Some(0), a.clone()), (Some(0), b.clone()), (None, b.clone()), (None, a.clone())];
            let mut seating = Seating::new(&prizes, line);
            gone.iter().map(|rank| after(&mut seating, *rank)).collect::<Vec<_>>()
        };
        assert_eq!(with(&[1]), [Some(4)]);
        assert_eq!(with(&[2]), [Some(3)]);
        assert_eq!(with(&[1, 2]), [Some(4), Some(3)]);
    }

    #[test]
    fn a_reserved_seat_goes_to_its_group_or_stays_empty_until_another_is_left() {
        let (a, b) = (part("a"), part("b"));
        let prizes = list(vec![prize(2, &[("a", Some(1), None)])]);
        let mut seating =
            Seating::new(&prizes, [(Some(0), a.clone()), (Some(0), b.clone()), (None, b), (None, NONE)]);
        assert_eq!(after(&mut seating, 1), None);
        assert_eq!(after(&mut seating, 2), Some(3), "one of two empty seats is for anybody");
        seating.extend([a]);
        assert_eq!(seating.pass_on(0), Some(5));
        assert_eq!(seating.pass_on(0), None, "no seat is empty any more");
    }

    #[test]
    fn groups_of_one_quota_count_together_and_those_without_a_group_are_a_part() {
        let (a, b, none) = (part("a"), part("b"), Part::WithoutGroup);
        let mut wanted = prize(3, &[("a", Some(1), Some(2)), ("c", None, Some(0))]);
        wanted.quota[0].groups.insert(Group::parse("b").unwrap());
        wanted.quota[1].without_group = true;
        let prizes = list(vec![wanted]);
        let next = |seated: [&Part; 2], line: &[&Part]| {
            let seated = seated.map(|part| (Some(0), part.clone()));
            let line = line.iter().map(|part| (None, Part::clone(part)));
            Seating::new(&prizes, seated.into_iter().chain(line)).pass_on(0).map(|rank| rank - 3)
        };
        assert_eq!(next([&a, &b], &[&a, &b, &none, &NONE]), Some(3), "two of a and b are enough");
        assert_eq!(next([&NONE, &NONE], &[&NONE, &none, &b]), Some(2), "one of them is needed");
        assert_eq!(next([&b, &NONE], &[&none, &a]), Some(1));
    }

    #[test]
    fn a_seat_that_was_passed_on_reads_as_it_is_written() {
        let withdrawn = PassedOn { rank: 2, prize: 0, taken_by: Some(5), reason: None };
        let replaced = PassedOn { taken_by: None, reason: Some(ReplaceReason::Absent), ..withdrawn };
        for (passed_on, text) in [(withdrawn, "[2,0,5]"), (replaced, "[2,0,null,\"absent\"]")] {
            assert_eq!(serde_json::to_string(&passed_on).unwrap(), text);
            assert_eq!(serde_json::from_str::<PassedOn>(text).unwrap(), passed_on);
        }
        for reason in ReplaceReason::ALL {
            assert_eq!(ReplaceReason::parse(reason.as_str()), Some(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
