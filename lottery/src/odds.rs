//! The chance of each entry before the draw: computed without quotas, simulated with its error where there are some.
//!
//! The lowest of `w` uniform scores is, up to a monotone map, an exponential clock of rate `w`; the first `k`
//! clocks win (weighted sampling without replacement, Efraimidis and Spirakis 2006). So an entry's chance is
//! `∫ w e^(−wt) P(fewer than k of the others rang before t) dt`. The number of others is a sum of independent
//! yes-or-no values, whose distribution the discrete Fourier transform of its characteristic function gives
//! exactly (Hong 2013, "On computing the distribution function for the Poisson binomial distribution").

mod exact;
mod simulated;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Entry, Group, PrizeList};

/// How many entries can win, by what their chance depends on: named group and tickets.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    classes: BTreeMap<(Option<Group>, u32), u64>,
}

/// The chances of one kind of entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassOdds {
    /// The group, if a quota names it.
    pub group: Option<Group>,
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

impl Pool {
    /// Takes an entry into account; one that is excluded has no chance.
    pub fn count(&mut self, entry: &Entry, prizes: &PrizeList) {
        if entry.excluded.is_none() {
            let named = |group: &&Group| {
                prizes.as_slice().iter().flat_map(|prize| &prize.quota).any(|quota| quota.group == **group)
            };
            let group = entry.group.as_ref().filter(named).cloned();
            *self.classes.entry((group, entry.tickets.get())).or_default() += 1;
        }
    }

    /// The chances of every kind of entry in a draw of these prizes.
    pub fn odds(&self, prizes: &PrizeList) -> Odds {
        if prizes.has_quotas() { simulated::odds(self, prizes) } else { exact::odds(self, prizes) }
    }
}
