//! The chance of each entry before the draw: computed without quotas, simulated with its error where there are some.
//!
//! The lowest of `w` uniform scores is, up to a monotone map, an exponential clock of rate `w`; the first `k`
//! clocks win (weighted sampling without replacement, Efraimidis and Spirakis 2006). So an entry's chance is
//! `∫ w e^(−wt) P(fewer than k of the others rang before t) dt`. The number of others is a sum of independent
//! yes-or-no values, whose distribution the discrete Fourier transform of its characteristic function gives
//! exactly (Hong 2013, "On computing the distribution function for the Poisson binomial distribution").

mod exact;
mod seat_giver;
mod simulated;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::parts::Parts;
use crate::{Entry, Group, Part, PrizeList};

/// How many entries can win, by what their chance depends on: the part of the pool and tickets.
#[derive(Debug, Clone)]
pub struct Pool {
    prizes: PrizeList,
    parts: Parts,
    /// By the number of the part, and tickets.
    counted: BTreeMap<(usize, u32), u64>,
}

/// The entries of one kind.
#[derive(Debug, Clone)]
struct Class {
    number: usize,
    part: Part,
    tickets: u32,
    entries: u64,
}

/// The chances of one kind of entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassOdds {
    /// The group, if a quota names it.
    pub group: Option<Group>,
    /// Whether they have no group, if a quota names those.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub without_group: bool,
    /// The tickets of each of these entries.
    pub tickets: u32,
    /// How many entries there are.
    pub entries: u64,
    /// The chance to win any prize.
    pub any: Chance,
    /// The chance to win each prize, in their order.
    pub prizes: Vec<Chance>,
}

/// A chance with the error of its computation or simulation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Chance {
    /// Between 0 and 1.
    pub chance: f64,
    /// How far off it may be: at most so much if computed, in 99 of 100 cases if simulated.
    pub error: f64,
}

/// The chances in one draw, and how they were found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Odds {
    /// How many draws were simulated; none if the chances were computed.
    pub simulated_draws: Option<u32>,
    /// One line for each kind of entry.
    pub classes: Vec<ClassOdds>,
}

impl ClassOdds {
    fn of(class: &Class, any: Chance, prizes: Vec<Chance>) -> Self {
        let &Class { ref part, tickets, entries, .. } = class;
        let (group, without_group) = (part.group().cloned(), *part == Part::WithoutGroup);
        Self { group, without_group, tickets, entries, any, prizes }
    }
}

impl Pool {
    /// Nobody yet, for a draw of these prizes.
    pub fn of(prizes: &PrizeList) -> Self {
        Self { prizes: prizes.clone(), parts: Parts::of(prizes), counted: BTreeMap::new() }
    }

    /// Takes an entry into account; one that is excluded has no chance.
    pub fn count(&mut self, entry: &Entry) {
        if entry.excluded.is_none() {
            let number = self.parts.number(entry.group.as_ref());
            *self.counted.entry((number, entry.tickets.get())).or_default() += 1;
        }
    }

    /// The chances of every kind of entry.
    pub fn odds(&self) -> Odds {
        let class = |(&(number, tickets), &entries): (&(usize, u32), &u64)| Class {
            number,
            part: self.parts.part(number),
            tickets,
            entries,
        };
        let mut classes: Vec<_> = self.counted.iter().map(class).collect();
        classes.sort_by(|one, other| (&one.part, one.tickets).cmp(&(&other.part, other.tickets)));
        match self.prizes.has_quotas() {
            true => simulated::odds(&classes, &self.parts, &self.prizes),
            false => exact::odds(&classes, &self.prizes),
        }
    }
}
