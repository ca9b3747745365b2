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
    /// The number of each named group; whoever is in none of them counts under 0.
    numbers: HashMap<&'a Group, usize>,
    kept: Vec<Kept>,
}

/// The best-ranked of one group, at most `most`.
#[derive(Clone)]
struct Kept {
    most: usize,
    heap: BinaryHeap<(Score, Label)>,
}

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
        let alternates = alternates as usize;
        let named = prizes.named_groups();
        let most_of = |group: Option<&Group>| -> usize {
            let of_prize = |prize: &crate::Prize| {
                let quota = prize.quota.iter().find(|quota| Some(&quota.group) == group);
                quota.and_then(|quota| quota.at_most).map_or(prize.winners, |most| most.min(prize.winners))
            };
            prizes.as_slice().iter().map(of_prize).map(|most| most as usize).sum::<usize>() + alternates
        };
        let everybody_else = std::iter::once(None);
        let kept = everybody_else
            .chain(named.iter().copied().map(Some))
            .map(|group| Kept { most: most_of(group), heap: BinaryHeap::new() })
            .collect();
        let numbers = named.into_iter().zip(1..).collect();
        Self { prk, prizes, alternates, numbers, kept }
    }

    /// Takes an entry into account; one that is excluded cannot win. Each entry must be offered once.
    pub fn offer(&mut self, entry: &Entry) {
        if entry.excluded.is_some() {
            return;
        }
        let score = self.prk.score(entry.label.as_ref(), entry.tickets);
        let number = entry.group.as_ref().and_then(|group| self.numbers.get(group)).copied().unwrap_or(0);
        self.kept[number].keep((score, entry.label));
    }

    /// Takes into account what another selection of the same draw was offered.
    pub fn merge(&mut self, other: Self) {
        for (mine, theirs) in self.kept.iter_mut().zip(other.kept) {
            theirs.heap.into_iter().for_each(|ranked| mine.keep(ranked));
        }
    }

    /// The ranking: winners and alternates, best first. Fewer entries than seats give fewer winners.
    pub fn into_ranking(self) -> Vec<Ranked> {
        let mut line: Vec<Candidate> = Vec::new();
        for (number, kept) in self.kept.into_iter().enumerate() {
            line.extend(kept.heap.into_iter().map(|(score, label)| Candidate {
                score,
                label,
                number,
                seat: None,
            }));
        }
        line.sort_unstable_by_key(|candidate| (candidate.score, candidate.label));
        for (place, prize) in (0..).zip(self.prizes.as_slice()) {
            for quota in &prize.quota {
                let number = self.numbers[&quota.group];
                let unseated = line.iter_mut().filter(|one| one.number == number && one.seat.is_none());
                for one in unseated.take(quota.reserved() as usize) {
                    one.seat = Some((Some(place), Seat::Reserved));
                }
            }
        }
        for (place, prize) in (0..).zip(self.prizes.as_slice()) {
            let mut room: HashMap<usize, u32> = prize
                .quota
                .iter()
                .filter_map(|quota| Some((self.numbers[&quota.group], quota.at_most? - quota.reserved())))
                .collect();
            let reserved: u32 = prize.quota.iter().map(|quota| quota.reserved()).sum();
            let mut open = prize.winners - reserved;
            for one in line.iter_mut().filter(|one| one.seat.is_none()) {
                if open == 0 {
                    break;
                }
                match room.get_mut(&one.number) {
                    Some(0) => continue,
                    Some(room) => *room -= 1,
                    None => {}
                }
                one.seat = Some((Some(place), Seat::Open));
                open -= 1;
            }
        }
        for one in line.iter_mut().filter(|one| one.seat.is_none()).take(self.alternates) {
            one.seat = Some((None, Seat::Alternate));
        }
        line.into_iter().filter_map(Candidate::into_ranked).collect()
    }
}

impl Kept {
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

/// An entry that could be seated, while seats are given.
struct Candidate {
    score: Score,
    label: Label,
    number: usize,
    seat: Option<(Option<u32>, Seat)>,
}

impl Candidate {
    fn into_ranked(self) -> Option<Ranked> {
        let (prize, seat) = self.seat?;
        Some(Ranked { label: self.label, prize, score: HexBytes::from(*self.score.as_bytes()), seat })
    }
}
