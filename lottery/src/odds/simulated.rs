//! Chances with quotas, by many draws of the same law.
//!
//! One entry after the other takes a seat, each in proportion to its tickets; a part of the pool for which no seat is left is
//! left out from then on, which changes nothing for the others. So a simulated draw takes as many steps as there are seats,
//! however long the list. The numbers come from a fixed sequence, so that the same question has the same answer.

use super::seat_giver::SeatGiver;
use super::{Chance, Class, ClassOdds, Odds};
use crate::PrizeList;
use crate::parts::Parts;

/// How many seats to give in all, which takes about a second.
const BUDGET: usize = 8_000_000;
/// Preparing a draw takes as long as giving a seat for each so many kinds of entries.
const KINDS_PER_SEAT: usize = 16;
/// The bounds of the number of draws.
const DRAWS: std::ops::RangeInclusive<usize> = 200..=100_000;

/// 99 of 100 values of a normal distribution lie within so many standard deviations.
const DEVIATIONS: f64 = 2.576;

pub(super) fn odds(kinds: &[Class], parts: &Parts, prizes: &PrizeList) -> Odds {
    let steps = prizes.winners() + kinds.len() / KINDS_PER_SEAT;
    let draws = (BUDGET / steps.max(1)).clamp(*DRAWS.start(), *DRAWS.end());
    let columns = prizes.as_slice().len() + 1;
    let mut tallies = vec![Tally::default(); kinds.len() * columns];
    let mut won = vec![0u32; kinds.len() * columns];
    let mut touched = Vec::with_capacity(2 * prizes.winners());
    let mut sequence = Sequence(0x6661_6972_2064_7261);
    let whole = Line::of(kinds, parts.count());
    let (mut line, mut seats) = (whole.clone(), SeatGiver::new(parts, prizes));
    for _ in 0..draws {
        line.clone_from(&whole);
        seats.begin();
        while let Some(kind) = line.next(&mut sequence) {
            let part = kinds[kind].number;
            let Some(prize) = seats.give(part) else {
                line.leave_out(part);
                continue;
            };
            for cell in [kind * columns + prize, (kind + 1) * columns - 1] {
                if won[cell] == 0 {
                    touched.push(cell);
                }
                won[cell] += 1;
            }
        }
        for cell in touched.drain(..) {
            let entries = kinds[cell / columns].entries;
            tallies[cell].add(f64::from(std::mem::take(&mut won[cell])) / entries as f64);
        }
    }
    let draws = u32::try_from(draws).unwrap_or(u32::MAX);
    let classes = kinds.iter().zip(tallies.chunks(columns)).map(|(kind, tallies)| {
        let chance = |tally: &Tally| tally.chance(f64::from(draws));
        let (any, of_prizes) = tallies.split_last().expect("there is a column for any prize");
        ClassOdds::of(kind, chance(any), of_prizes.iter().map(chance).collect())
    });
    Odds { simulated_draws: Some(draws), classes: classes.collect() }
}

/// Who is still in line: the tickets of each kind that have no seat, in a tree of sums (Fenwick 1994).
#[derive(Clone)]
struct Line {
    /// By the number of the kind, from 1: the tickets of it and of some kinds before it.
    sums: Vec<u64>,
    tickets: Vec<u64>,
    of_one: Vec<u64>,
    /// By the number of the part: its kinds, unless they are left out.
    kinds: Vec<Vec<usize>>,
    all: u64,
}

impl Line {
    fn of(kinds: &[Class], parts: usize) -> Self {
        let of_one: Vec<_> = kinds.iter().map(|kind| u64::from(kind.tickets)).collect();
        let tickets: Vec<_> = kinds.iter().zip(&of_one).map(|(kind, of_one)| kind.entries * of_one).collect();
        let mut sums = vec![0; kinds.len() + 1];
        for (index, tickets) in (1..).zip(&tickets) {
            sums[index] += tickets;
            let above = index + (index & index.wrapping_neg());
            if above < sums.len() {
                sums[above] += sums[index];
            }
        }
        let mut by_part = vec![Vec::new(); parts];
        for (index, kind) in kinds.iter().enumerate() {
            by_part[kind.number].push(index);
        }
        let all = tickets.iter().sum();
        Self { sums, tickets, of_one, kinds: by_part, all }
    }

    /// Leaves out a part for which no seat is left.
    fn leave_out(&mut self, part: usize) {
        for kind in std::mem::take(&mut self.kinds[part]) {
            self.take(kind, self.tickets[kind]);
        }
    }

    /// The kind of the next in line; none if nobody is left.
    fn next(&mut self, sequence: &mut Sequence) -> Option<usize> {
        if self.all == 0 {
            return None;
        }
        let mut left = sequence.below(self.all);
        let mut kind = 0;
        let mut reach = self.sums.len().next_power_of_two();
        while reach > 0 {
            if let Some(sum) = self.sums.get(kind + reach).filter(|sum| **sum <= left) {
                left -= sum;
                kind += reach;
            }
            reach /= 2;
        }
        self.take(kind, self.of_one[kind]);
        Some(kind)
    }

    fn take(&mut self, kind: usize, tickets: u64) {
        self.tickets[kind] -= tickets;
        self.all -= tickets;
        let mut index = kind + 1;
        while index < self.sums.len() {
            self.sums[index] -= tickets;
            index += index & index.wrapping_neg();
        }
    }
}

/// The shares of a class that won, over the draws so far.
#[derive(Clone, Copy, Default)]
struct Tally {
    sum: f64,
    squares: f64,
}

impl Tally {
    fn add(&mut self, share: f64) {
        self.sum += share;
        self.squares += share * share;
    }

    fn chance(&self, draws: f64) -> Chance {
        let mean = self.sum / draws;
        let variance = (self.squares / draws - mean * mean).max(0.0);
        // A share that never varied may still be rare: what was seen in no draw can have a chance of 5/draws.
        let rare = if variance == 0.0 && mean > 0.0 && mean < 1.0 { 0.0 } else { 5.0 / draws };
        let error = DEVIATIONS * (variance / draws).sqrt();
        Chance { chance: mean, error: if variance == 0.0 { rare } else { error } }
    }
}

/// Steele, Lea and Flood's SplitMix64 (2014).
struct Sequence(u64);

impl Sequence {
    /// A number below a bound of far fewer than 64 bits.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // The quotient is below the bound.
        ((u128::from(bits) * u128::from(bound)) >> 64) as u64
    }
}
