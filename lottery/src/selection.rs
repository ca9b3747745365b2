//! From ranked entries to winners: reserved seats of all prizes in order, then their open seats, then alternates.
//!
//! Entries are offered in any order, in any number of [`Selection`]s that are merged at the end. What is kept
//! is bounded by the seats: of each group that a quota names, of the people without one, and of everybody else, no more of
//! the best-ranked than could ever be seated. That suffices, because within one such part seats are always given in rank order.

use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::parts::Parts;
use crate::ranking::{Prk, Score};
use crate::{Entry, HexBytes, Label, Part, PrizeList};

/// Lines of a ranking, each with the part of the pool to which the entry belongs.
pub type RankedParts = Vec<(Ranked, Part)>;

/// The best-ranked of the entries offered so far, as far as they can matter.
#[derive(Clone)]
pub struct Selection<'a> {
    prk: Prk,
    prizes: &'a PrizeList,
    alternates: usize,
    parts: Parts,
    /// By the number of the part.
    kept: Vec<Kept>,
    /// Above this score nobody is kept, of whatever part; none as long as a part is short of entries.
    bar: Option<Bar>,
}

/// The best-ranked of one part, at most `capacity`.
#[derive(Clone)]
struct Kept {
    capacity: usize,
    heap: BinaryHeap<(Score, Label)>,
}

/// The worst score that a full part keeps; of a part without seats, none.
type Bar = Option<Score>;

/// One line of a draw's published ranking: a winner or an alternate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranked {
    /// The entry's label.
    pub label: Label,
    /// The index of the prize in the draw's list, from 0; none for an alternate.
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
    /// Reserved by a quota that names the entry's group.
    Reserved,
    /// Open to all whose quota is not full.
    Open,
    /// None yet: the first in line for a seat that is forfeited.
    Alternate,
}

impl<'a> Selection<'a> {
    /// A selection that nothing was offered to. The key comes from the commitment and the beacon's randomness.
    pub fn new(prk: Prk, prizes: &'a PrizeList, alternates: u32) -> Self {
        let (alternates, parts) = (alternates as usize, Parts::of(prizes));
        let kept = parts.most_seats(prizes).into_iter();
        let kept =
            kept.map(|winners| Kept { capacity: winners + alternates, heap: BinaryHeap::new() }).collect();
        Self { prk, prizes, alternates, parts, kept, bar: None }
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
        self.keep(self.parts.number(entry.group.as_ref()), (score, entry.label));
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
        // Only the part that set the bar can lower it.
        if before.is_none() || before == self.bar {
            let bars = self.kept.iter().map(Kept::bar);
            self.bar = bars.reduce(|one, other| Some(one?.max(other?))).flatten();
        }
    }

    /// The ranking: winners and alternates, best first. Fewer entries than seats give fewer winners.
    pub fn into_ranking(self) -> Vec<Ranked> {
        self.into_ranking_with_parts().into_iter().map(|(ranked, _)| ranked).collect()
    }

    /// The ranking with so many alternates, and behind it those who follow in line, as far as more were kept.
    pub fn into_ranking_and_rest(self, alternates: u32) -> (RankedParts, RankedParts) {
        let mut left = alternates;
        self.into_ranking_with_parts().into_iter().partition(|(ranked, _)| {
            if ranked.seat != Seat::Alternate {
                return true;
            }
            let is_ranked = left > 0;
            left = left.saturating_sub(1);
            is_ranked
        })
    }

    /// The ranking, and beside each line the part of the pool to which the entry belongs.
    pub fn into_ranking_with_parts(self) -> RankedParts {
        let mut line: Vec<(Score, Label, usize)> = Vec::new();
        for (number, kept) in self.kept.into_iter().enumerate() {
            line.extend(kept.heap.into_iter().map(|(score, label)| (score, label, number)));
        }
        line.sort_unstable();
        let numbers: Vec<_> = line.iter().map(|(_, _, number)| *number).collect();
        let mut alternates = self.alternates;
        let mut ranking = Vec::new();
        let seats = self.parts.give_seats(&numbers, self.prizes);
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
            ranking.push((ranked, self.parts.part(number)));
        }
        ranking
    }
}

impl Kept {
    /// The score to beat, once there are enough.
    fn bar(&self) -> Option<Bar> {
        (self.heap.len() >= self.capacity).then(|| self.heap.peek().map(|(worst, _)| *worst))
    }

    fn keep(&mut self, ranked: (Score, Label)) {
        if self.heap.len() < self.capacity {
            self.heap.push(ranked);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && ranked < *worst
        {
            *worst = ranked;
        }
    }
}
