//! Whether every possible ranking can fill every seat: known at sealing, so that a draw that was
//! committed to never ends with an empty seat.
//!
//! The rule is exact for a prize if no prize before it has an at-most quota. Else it may refuse a request that
//! no ranking would break (the exact question is as hard as set cover then), and it never accepts one that a
//! ranking could break.

use std::collections::BTreeMap;

use crate::{Entry, Group, Prize, PrizeList};

/// How many entries can win, by named group; counted while the entries stream by.
#[derive(Debug, Clone)]
pub struct Eligible {
    named: BTreeMap<Group, u64>,
    others: u64,
}

/// Why the entries cannot fill the seats.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Infeasible {
    /// Fewer entries than seats.
    #[error("{winners} winners were asked for, but only {eligible} entries can win")]
    NotEnoughParticipants {
        /// The entries that can win.
        eligible: u64,
        /// The seats.
        winners: u64,
    },
    /// A group is smaller than the seats reserved for it.
    #[error("{reserved} seats are reserved for {group}, but only {eligible} entries of it can win")]
    GroupTooSmall {
        /// The group.
        group: Group,
        /// Its entries that can win.
        eligible: u64,
        /// The seats reserved for it, in all prizes.
        reserved: u64,
    },
    /// The at-most quotas of a prize may leave a seat that nobody may take.
    #[error("with its quotas, prize {prize} ({name}) is sure to fill only {sure} of its {winners} seats")]
    SeatsMayStayEmpty {
        /// The prize's place in the list, from 1.
        prize: usize,
        /// The prize's name.
        name: String,
        /// The seats that every ranking fills.
        sure: u64,
        /// The seats it has.
        winners: u64,
    },
}

impl Infeasible {
    /// The error's name, for programs and for the state machine.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotEnoughParticipants { .. } => "NotEnoughParticipants",
            Self::GroupTooSmall { .. } | Self::SeatsMayStayEmpty { .. } => "QuotaNotSatisfiable",
        }
    }
}

impl Eligible {
    /// Nobody yet, ready to count the groups that these prizes name.
    pub fn none(prizes: &PrizeList) -> Self {
        Self { named: prizes.named_groups().into_iter().map(|group| (group.clone(), 0)).collect(), others: 0 }
    }

    /// Takes an entry into account; one that is excluded does not count.
    pub fn count(&mut self, entry: &Entry) {
        if entry.excluded.is_some() {
            return;
        }
        match entry.group.as_ref().and_then(|group| self.named.get_mut(group)) {
            Some(count) => *count += 1,
            None => self.others += 1,
        }
    }

    /// Adds what was counted elsewhere for the same prizes.
    pub fn merge(&mut self, other: &Self) {
        for (group, count) in &other.named {
            *self.named.entry(group.clone()).or_default() += count;
        }
        self.others += other.others;
    }

    /// How many entries can win.
    pub fn total(&self) -> u64 {
        self.others + self.named.values().sum::<u64>()
    }

    /// Whether every ranking of these entries fills every seat.
    pub fn fill(&self, prizes: &PrizeList) -> Result<(), Infeasible> {
        let winners = prizes.winners() as u64;
        if self.total() < winners {
            return Err(Infeasible::NotEnoughParticipants { eligible: self.total(), winners });
        }
        let prizes = prizes.as_slice();
        // What is left of each group once all reserved seats are taken.
        let mut left = self.named.clone();
        for (group, count) in &mut left {
            let reserved =
                prizes.iter().filter_map(|prize| quota_of(prize, group)).map(|(at_least, _)| at_least);
            let reserved = reserved.sum();
            *count = count.checked_sub(reserved).ok_or_else(|| Infeasible::GroupTooSmall {
                group: group.clone(),
                eligible: *count,
                reserved,
            })?;
        }
        (0..prizes.len()).try_for_each(|place| self.fill_open(prizes, place, &left))
    }

    /// Whether the open seats of one prize are filled, whatever the prizes before it took.
    ///
    /// A seat stays empty only if every entry left over belongs to a group that is full in this prize. So for
    /// each set of groups that could be used up, count what it holds, plus what the other groups may still
    /// seat here; the worst set is found as a knapsack over what the earlier prizes can take away.
    fn fill_open(
        &self,
        prizes: &[Prize],
        place: usize,
        left: &BTreeMap<Group, u64>,
    ) -> Result<(), Infeasible> {
        let (before, prize) = (&prizes[..place], &prizes[place]);
        let taken_before: u64 = before.iter().map(open_seats).sum();
        let open = open_seats(prize);
        let (mut seats_here, mut free, mut limited) = (self.others, self.others, Vec::new());
        for (group, &left) in left {
            let takeable = before.iter().map(|earlier| most_open(earlier, group)).sum::<u64>().min(left);
            match quota_of(prize, group).and_then(|(at_least, at_most)| Some(at_most? - at_least)) {
                Some(cap) if cap < left => {
                    seats_here += cap;
                    limited.push((takeable, left - cap));
                }
                // Without a limit that bites, whoever is taken before is a seat less here.
                _ => {
                    seats_here += left;
                    free += takeable;
                }
            }
        }
        let worst = most_harm(taken_before, free, &limited);
        let sure = seats_here.saturating_sub(worst).min(open);
        if sure == open {
            return Ok(());
        }
        Err(Infeasible::SeatsMayStayEmpty {
            prize: place + 1,
            name: prize.name.to_string(),
            sure: u64::from(prize.winners) - open + sure,
            winners: u64::from(prize.winners),
        })
    }
}

/// How many seats of a prize the earlier prizes can at most make unfillable.
///
/// They take `taken` entries in all: `free` ones cost nothing, and each group `(takeable, slack)` yields what is
/// taken of it beyond its slack. The lost seats are the entries taken less the slack spent on them.
fn most_harm(taken: u64, free: u64, limited: &[(u64, u64)]) -> u64 {
    let from_free = taken.min(free);
    let worthwhile: Vec<_> = limited.iter().filter(|(takeable, slack)| takeable > slack).collect();
    let rest = usize::try_from(taken - from_free).unwrap_or(usize::MAX);
    // `slack[n]`: the least slack with which groups absorb at least `n` of the entries taken.
    let absorbable = worthwhile.iter().map(|(takeable, _)| *takeable as usize).sum::<usize>().min(rest);
    let mut least_slack = vec![u64::MAX; absorbable + 1];
    least_slack[0] = 0;
    for (takeable, slack) in worthwhile {
        for n in (1..=absorbable).rev() {
            let without = least_slack[n.saturating_sub(*takeable as usize)];
            least_slack[n] = least_slack[n].min(without.saturating_add(*slack));
        }
    }
    let harm = least_slack.iter().zip(0u64..).map(|(slack, taken)| taken.saturating_sub(*slack)).max();
    from_free + harm.unwrap_or(0)
}

/// The seats of a prize that are not reserved.
fn open_seats(prize: &Prize) -> u64 {
    u64::from(prize.winners) - prize.quota.iter().map(|quota| u64::from(quota.reserved())).sum::<u64>()
}

/// The most open seats of a prize that one group can take.
fn most_open(prize: &Prize, group: &Group) -> u64 {
    let open = open_seats(prize);
    match quota_of(prize, group) {
        Some((at_least, Some(at_most))) => open.min(at_most - at_least),
        _ => open,
    }
}

/// The bounds that a prize sets for a group: reserved seats, and the most seats.
fn quota_of(prize: &Prize, group: &Group) -> Option<(u64, Option<u64>)> {
    let quota = prize.quota.iter().find(|quota| quota.group == *group)?;
    Some((u64::from(quota.reserved()), quota.at_most.map(u64::from)))
}
