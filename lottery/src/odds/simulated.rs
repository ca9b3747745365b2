//! Chances with quotas, by many draws of the same law.
//!
//! Only the order of classes is simulated: of each class, the moments at which its clocks ring one after the other.
//! The numbers come from a fixed sequence, so that the same question has the same answer.

use super::{Chance, Class, ClassOdds, Odds};
use crate::PrizeList;
use crate::parts::Parts;

/// How many ringing clocks to simulate in all, which takes about a second.
const BUDGET: usize = 10_000_000;

/// 99 of 100 values of a normal distribution lie within so many standard deviations.
const DEVIATIONS: f64 = 2.576;

pub(super) fn odds(kinds: &[Class], parts: &Parts, prizes: &PrizeList) -> Odds {
    let most = parts.most_seats(prizes);
    let classes: Vec<_> = kinds
        .iter()
        .map(|&Class { number, tickets, entries, .. }| {
            let clocks = most[number].min(usize::try_from(entries).unwrap_or(usize::MAX));
            (number, f64::from(tickets), entries, clocks)
        })
        .collect();
    let clocks: usize = classes.iter().map(|(.., clocks)| clocks).sum();
    let draws = (BUDGET / clocks.max(1)).clamp(200, 100_000) as u32;

    let columns = prizes.as_slice().len() + 1;
    let mut tallies = vec![vec![Tally::default(); columns]; classes.len()];
    let mut sequence = Sequence(0x6661_6972_2064_7261);
    let mut line: Vec<(f64, usize)> = Vec::with_capacity(clocks);
    for _ in 0..draws {
        line.clear();
        for (place, &(_, rate, entries, clocks)) in classes.iter().enumerate() {
            let mut moment = 0.0;
            for rung in 0..clocks {
                moment += sequence.exponential() / (rate * (entries as f64 - rung as f64));
                line.push((moment, place));
            }
        }
        line.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
        let numbers: Vec<_> = line.iter().map(|(_, place)| classes[*place].0).collect();
        let seats = parts.give_seats(&numbers, prizes);
        let mut won = vec![vec![0u32; columns]; classes.len()];
        for ((_, place), seat) in line.iter().zip(seats) {
            if let Some((prize, _)) = seat {
                won[*place][prize as usize] += 1;
                won[*place][columns - 1] += 1;
            }
        }
        for ((tallies, won), (_, _, entries, _)) in tallies.iter_mut().zip(won).zip(&classes) {
            for (tally, won) in tallies.iter_mut().zip(won) {
                tally.add(f64::from(won) / *entries as f64);
            }
        }
    }
    let classes = kinds.iter().zip(tallies).map(|(kind, tallies)| {
        let mut chances: Vec<_> = tallies.iter().map(|tally| tally.chance(f64::from(draws))).collect();
        let any = chances.pop().expect("there is a column for any prize");
        ClassOdds::of(kind, any, chances)
    });
    Odds { simulated_draws: Some(draws), classes: classes.collect() }
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
    fn exponential(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // 53 bits, in the open interval from 0 to 1.
        -(((bits >> 11) as f64 + 0.5) / (1u64 << 53) as f64).ln()
    }
}
