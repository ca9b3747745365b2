//! From ranked entries to winners: reserved seats of all prizes in order, then their open seats, then alternates.
//!
//! Entries are offered in any order, in any number of [`Selection`]s that are merged at the end. What is kept
//! is bounded by the seats: of each group that a quota names, and of everybody else, no more of the best-ranked
//! than could ever be seated. That suffices, because within one group seats are always given in rank order.

use std::collections::{BinaryHeap, HashMap};

use serde::{Deserialize, Serialize};

use crate::ranking::{Prk, Score};
use crate::{Entry, Group, HexBytes, Label, PrizeList};

/// The best-ranked of the entries offered so far, as far as they can matter.
#[derive(Clone)]
pub struct Selection<'a> {
    prk: Prk,
    prizes: &'a PrizeList,
    alternates: usize,
    groups: NamedGroups<'a>,
    /// By the number of the group.
    kept: Vec<Kept>,
    /// Above this score nobody is kept, of whatever group; none as long as a group is short of entries.
    bar: Option<Bar>,
}

/// The best-ranked of one group, at most `most`.
#[derive(Clone)]
struct Kept {
    most: usize,
    heap: BinaryHeap<(Score, Label)>,
}

/// The worst score that a full group keeps; of a group without seats, none.
type Bar = Option<Score>;

/// One line of a draw's published ranking: a winner or an alternate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranked {
    /// The entry's label.
    pub label: Label,
    /// The prize's place in the draw's list, from 0; none for an alternate.
    pub prize: Option<u32>,
    /// What it is ranked by, the lowest first.
    pub score: HexBytes<32>,
    /// The kind of seat.
    pub seat: Seat,
}

/// The kind of seat that a ranked entry has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seat {
    /// Reserved for the entry's group.
    Reserved,
    /// Open to all whose group is not full.
    Open,
    /// None yet: the first in line for a seat that is forfeited.
    Alternate,
}

impl<'a> Selection<'a> {
    /// A selection that nothing was offered to. The key comes from the commitment and the beacon's randomness.
    pub fn new(prk: Prk, prizes: &'a PrizeList, alternates: u32) -> Self {
        let (alternates, groups) = (alternates as usize, NamedGroups::of(prizes));
        let kept = groups.most_seats(prizes).into_iter();
        let kept = kept.map(|most| Kept { most: most + alternates, heap: BinaryHeap::new() }).collect();
        Self { prk, prizes, alternates, groups, kept, bar: None }
    }

    /// Takes an entry into account; one that is excluded cannot win. Each entry must be offered once.
    pub fn offer(&mut self, entry: &Entry) {
        if entry.excluded.is_some() {
            return;
        }
        let score = self.prk.score(entry.label.as_ref(), entry.tickets);
        // Most entries end here, without their group being looked at.
        if self.bar.is_some_and(|bar| Some(score) > bar) {
            return;
        }
        self.keep(self.groups.number(entry.group.as_ref()), (score, entry.label));
    }

    /// Takes into account what another selection of the same draw was offered.
    pub fn merge(&mut self, other: Self) {
        for (number, theirs) in other.kept.into_iter().enumerate() {
            theirs.heap.into_iter().for_each(|ranked| self.keep(number, ranked));
        }
    }

    fn keep(&mut self, number: usize, ranked: (Score, Label)) {
        let before = self.kept[number].bar();
        self.kept[number].keep(ranked);
        // Only the group that set the bar can lower it.
        if before.is_none() || before == self.bar {
            let bars = self.kept.iter().map(Kept::bar);
            self.bar = bars.reduce(|one, other| Some(one?.max(other?))).flatten();
        }
    }

    /// The ranking: winners and alternates, best first. Fewer entries than seats give fewer winners.
    pub fn into_ranking(self) -> Vec<Ranked> {
        self.into_ranking_with_groups().into_iter().map(|(ranked, _)| ranked).collect()
    }

    /// The ranking, and beside each line the entry's group if a quota names it.
    pub fn into_ranking_with_groups(self) -> Vec<(Ranked, Option<Group>)> {
        let mut line: Vec<(Score, Label, usize)> = Vec::new();
        for (number, kept) in self.kept.into_iter().enumerate() {
            line.extend(kept.heap.into_iter().map(|(score, label)| (score, label, number)));
        }
        line.sort_unstable();
        let numbers: Vec<_> = line.iter().map(|(_, _, number)| *number).collect();
        let mut alternates = self.alternates;
        let mut ranking = Vec::new();
        let seats = self.groups.give_seats(&numbers, self.prizes);
        for ((score, label, number), given) in line.into_iter().zip(seats) {
            let (prize, seat) = match given {
                Some((prize, seat)) => (Some(prize), seat),
                None if alternates > 0 => {
                    alternates -= 1;
                    (None, Seat::Alternate)
                }
                None => continue,
            };
            let ranked = Ranked { label, prize, score: HexBytes::from(*score.as_bytes()), seat };
            ranking.push((ranked, self.groups.named(number).cloned()));
        }
        ranking
    }
}

/// The groups that quotas name, by number; whoever is in none of them counts under 0.
#[derive(Clone)]
pub(crate) struct NamedGroups<'a>(HashMap<&'a Group, usize>);

impl<'a> NamedGroups<'a> {
    pub(crate) fn of(prizes: &'a PrizeList) -> Self {
        Self(prizes.named_groups().into_iter().zip(1..).collect())
    }

    /// How many numbers there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len() + 1
    }

    /// The number of an entry's group.
    pub(crate) fn number(&self, group: Option<&Group>) -> usize {
        group.and_then(|group| self.0.get(group)).copied().unwrap_or(0)
    }

    /// The group with this number; none for those that no quota names.
    fn named(&self, number: usize) -> Option<&'a Group> {
        self.0.iter().find(|(_, named)| **named == number).map(|(group, _)| *group)
    }

    /// The most seats that the group with each number can take.
    pub(crate) fn most_seats(&self, prizes: &PrizeList) -> Vec<usize> {
        let mut most = vec![prizes.winners(); self.count()];
        for prize in prizes.as_slice() {
            for quota in &prize.quota {
                let at_most = quota.at_most.unwrap_or(prize.winners).min(prize.winners);
                most[self.number(Some(&quota.group))] -= (prize.winners - at_most) as usize;
            }
        }
        most
    }

    /// Gives the seats to a line of people, best-ranked first, of each of whom the group's number is known.
    pub(crate) fn give_seats(&self, line: &[usize], prizes: &PrizeList) -> Vec<Option<(u32, Seat)>> {
        let mut seats = vec![None; line.len()];
        for (place, prize) in (0..).zip(prizes.as_slice()) {
            for quota in prize.quota.iter().filter(|quota| quota.reserved() > 0) {
                let number = self.number(Some(&quota.group));
                let of_group = |(seat, one): &(&mut Option<_>, &usize)| **one == number && seat.is_none();
                let unseated = seats.iter_mut().zip(line).filter(of_group);
                for (seat, _) in unseated.take(quota.reserved() as usize) {
                    *seat = Some((place, Seat::Reserved));
                }
            }
        }
        for (place, prize) in (0..).zip(prizes.as_slice()) {
            let mut room = vec![u32::MAX; self.count()];
            let mut open = prize.winners;
            for quota in &prize.quota {
                open -= quota.reserved();
                if let Some(at_most) = quota.at_most {
                    room[self.number(Some(&quota.group))] = at_most - quota.reserved();
                }
            }
            for (seat, number) in seats.iter_mut().zip(line).filter(|(seat, _)| seat.is_none()) {
                if open == 0 {
                    break;
                }
                if room[*number] > 0 {
                    room[*number] -= 1;
                    open -= 1;
                    *seat = Some((place, Seat::Open));
                }
            }
        }
        seats
    }
}

impl Kept {
    /// The score to beat, once there are enough.
    fn bar(&self) -> Option<Bar> {
        (self.heap.len() >= self.most).then(|| self.heap.peek().map(|(worst, _)| *worst))
    }

    fn keep(&mut self, ranked: (Score, Label)) {
        if self.heap.len() < self.most {
            self.heap.push(ranked);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && ranked < *worst
        {
            *worst = ranked;
        }
    }
}
