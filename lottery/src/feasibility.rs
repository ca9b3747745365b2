//! Whether every possible ranking can fill every seat: known at sealing, so that a draw that was
//! committed to never ends with an empty seat. And whether the groups exist that the quotas name.
//!
//! The rule never accepts a request that a ranking could break. It is exact for a prize if no prize before it has an
//! at-most quota, and if sets of groups do not cut across each other: of two quotas that reserve seats, one's groups are all
//! or none of the other's, and each reserves for groups that share a limit in this prize or have none. Else it may refuse a
//! request that no ranking would break (the exact question is as hard as set cover then).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::nearest::nearest;
use crate::parts::Parts;
use crate::{Entry, Group, Prize, PrizeList, Quota, Refusal};

/// So many groups that no quota names are remembered, to name the nearest ones.
const MAX_OTHER_GROUPS: usize = 1_000;

/// How many entries can win, by the part of the pool; counted while the entries stream by.
#[derive(Debug, Clone)]
pub struct Eligible {
    parts: Parts,
    /// How many can win, by the number of the part.
    counts: Vec<u64>,
    /// Whether there is anybody at all, by the number of the part.
    present: Vec<bool>,
    other_groups: HashSet<Group>,
}

/// A group that a quota names and nobody is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownGroup {
    /// Its name in the quota.
    pub group: Group,
    /// The groups of the list whose names come nearest, the nearest first.
    pub nearest: Vec<Group>,
}

/// Why the entries cannot fill the seats.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Infeasible {
    /// A quota names groups that nobody is in: most likely a name is mistyped, and its limit would limit nothing.
    #[error("{}", sentences(.0))]
    UnknownGroup(Vec<UnknownGroup>),
    /// Fewer entries than seats.
    #[error("{winners} winners were asked for, but only {eligible} entries can win")]
    NotEnoughParticipants {
        /// The entries that can win.
        eligible: u64,
        /// The seats.
        winners: u64,
    },
    /// Groups are smaller than the seats reserved for them.
    #[error("{reserved} seats are reserved for {who}, but only {eligible} of them can win")]
    GroupTooSmall {
        /// Whom the quotas name, in words.
        who: String,
        /// Their entries that can win.
        eligible: u64,
        /// The seats reserved for them, in all prizes.
        reserved: u64,
    },
    /// Reserved seats of prizes before, for groups that are in several quotas, may leave too few for others.
    #[error(
        "prize {prize} ({name}) reserves {reserved} seats for {who}, but the seats that prizes before it reserve may leave only {sure} of them"
    )]
    ReservedMayStayEmpty {
        /// The number of the prize in the list, from 1.
        prize: usize,
        /// The prize's name.
        name: String,
        /// Whom the quota names, in words.
        who: String,
        /// The seats reserved by it.
        reserved: u64,
        /// The entries that every ranking leaves for them.
        sure: u64,
    },
    /// The at-most quotas of a prize may leave a seat that nobody may take.
    #[error("with its quotas, prize {prize} ({name}) is sure to fill only {sure} of its {winners} seats")]
    SeatsMayStayEmpty {
        /// The number of the prize in the list, from 1.
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
    /// The names that [`Infeasible::name`] gives.
    pub const NAMES: [&str; 3] = ["UnknownGroup", "NotEnoughParticipants", "QuotaNotSatisfiable"];

    /// The error's name, for programs and for the state machine.
    pub fn name(&self) -> &'static str {
        match self {
            Self::UnknownGroup(_) => "UnknownGroup",
            Self::NotEnoughParticipants { .. } => "NotEnoughParticipants",
            Self::GroupTooSmall { .. }
            | Self::ReservedMayStayEmpty { .. }
            | Self::SeatsMayStayEmpty { .. } => "QuotaNotSatisfiable",
        }
    }
}

impl UnknownGroup {
    /// The groups that a quota names and of which `known` holds none, in the order of their names.
    pub fn among<'a>(prizes: &PrizeList, known: impl Iterator<Item = &'a Group>) -> Vec<Self> {
        let known: BTreeSet<_> = known.collect();
        let unknown = prizes.named_groups().into_iter().filter(|group| !known.contains(group));
        let nearest = |group| nearest(group, known.iter().copied());
        unknown.map(|group| Self { group: group.clone(), nearest: nearest(group) }).collect()
    }

    /// The refusal of the quota that names it.
    pub fn refusal(&self) -> Refusal {
        let nearest = self.nearest.iter().map(Group::to_string).collect();
        Refusal::UnknownGroup { group: self.group.to_string(), nearest }
    }
}

fn sentences(unknown: &[UnknownGroup]) -> String {
    unknown.iter().map(|unknown| unknown.refusal().to_string()).collect::<Vec<_>>().join("; ")
}

impl Eligible {
    /// Nobody yet, ready to count the parts of the pool that these prizes name.
    pub fn none(prizes: &PrizeList) -> Self {
        let parts = Parts::of(prizes);
        let count = parts.count();
        Self { parts, counts: vec![0; count], present: vec![false; count], other_groups: HashSet::new() }
    }

    /// Takes an entry into account. One that is excluded cannot win, but its group exists.
    pub fn count(&mut self, entry: &Entry) {
        let number = self.parts.number(entry.group.as_ref());
        self.present[number] = true;
        if entry.excluded.is_none() {
            self.counts[number] += 1;
        }
        if number == 0
            && self.parts.count() > 1
            && self.other_groups.len() < MAX_OTHER_GROUPS
            && let Some(group) = &entry.group
            && !self.other_groups.contains(group)
        {
            self.other_groups.insert(group.clone());
        }
    }

    /// How many entries can win.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Whether every ranking of these entries fills every seat, by quotas whose groups exist.
    pub fn fill(&self, prizes: &PrizeList) -> Result<(), Infeasible> {
        let unknown = self.unknown(prizes);
        if !unknown.is_empty() {
            return Err(Infeasible::UnknownGroup(unknown));
        }
        let winners = prizes.winners() as u64;
        if self.total() < winners {
            return Err(Infeasible::NotEnoughParticipants { eligible: self.total(), winners });
        }
        (0..prizes.as_slice().len()).try_for_each(|index| self.fill_reserved(prizes, index))?;
        (0..prizes.as_slice().len()).try_for_each(|index| self.fill_open(prizes, index))
    }

    fn unknown(&self, prizes: &PrizeList) -> Vec<UnknownGroup> {
        let present = self.parts.groups().filter(|(_, number)| self.present[*number]);
        UnknownGroup::among(prizes, present.map(|(group, _)| group).chain(&self.other_groups))
    }

    /// How many entries that can win a quota names.
    fn of_quota(&self, quota: &Quota) -> u64 {
        self.parts.numbers(quota).map(|number| self.counts[number]).sum()
    }

    /// Whether the reserved seats of one prize are filled in every ranking, that is for any choice of the earlier prizes.
    ///
    /// These can take as many of the entries that a quota of this prize names as there are in both, and no more than
    /// they are.
    fn fill_reserved(&self, prizes: &PrizeList, index: usize) -> Result<(), Infeasible> {
        let prize = &prizes.as_slice()[index];
        for quota in prize.quota.iter().filter(|quota| quota.reserved() > 0) {
            let (eligible, reserved) = (self.of_quota(quota), u64::from(quota.reserved()));
            let taken: u64 = (0..index).map(|before| self.reserved_of(prizes, before, quota)).sum();
            if reserved + taken <= eligible {
                continue;
            }
            let same = prizes.as_slice().iter().flat_map(|prize| &prize.quota);
            let same = same
                .filter(|other| (&other.groups, other.without_group) == (&quota.groups, quota.without_group));
            let in_all = same.map(|quota| u64::from(quota.reserved())).sum();
            return Err(match in_all > eligible {
                true => Infeasible::GroupTooSmall { who: quota.who(), eligible, reserved: in_all },
                false => Infeasible::ReservedMayStayEmpty {
                    prize: index + 1,
                    name: prize.name.to_string(),
                    who: quota.who(),
                    reserved,
                    sure: eligible.saturating_sub(taken),
                },
            });
        }
        Ok(())
    }

    /// The maximum number of the entries named by `quota` that the reserved seats of another prize can take.
    fn reserved_of(&self, prizes: &PrizeList, prize: usize, quota: &Quota) -> u64 {
        let quotas = &prizes.as_slice()[prize].quota;
        let mut in_both = vec![0; quotas.len()];
        for number in self.parts.numbers(quota) {
            if let Some(quota) = self.parts.quota(prize, number) {
                in_both[quota] += self.counts[number];
            }
        }
        quotas.iter().zip(in_both).map(|(quota, in_both)| u64::from(quota.reserved()).min(in_both)).sum()
    }

    /// Whether the open seats of one prize are filled, whatever the prizes before it took.
    ///
    /// A seat stays empty only if every entry left over belongs to a quota that is full in this prize. So for
    /// each set of quotas that could be used up, count what it holds, plus what the others may still
    /// seat here; the worst set is found as a knapsack over what can be taken away before. That is the open seats of
    /// the prizes before, and the reserved seats that may go to the entries of one quota of this prize or of another.
    fn fill_open(&self, prizes: &PrizeList, index: usize) -> Result<(), Infeasible> {
        let (before, prize) = (&prizes.as_slice()[..index], &prizes.as_slice()[index]);
        let sides = Sides::of(self, prizes, index);
        let taken_before: u64 = before.iter().map(open_seats).sum::<u64>() + sides.undecided;
        let open = open_seats(prize);
        let (mut seats_here, mut free, mut limited) = (0, 0, Vec::new());
        for side in &sides.of {
            match side.cap {
                Some(cap) if cap < side.left => {
                    seats_here += cap;
                    limited.push((side.takeable, side.left - cap));
                }
                // Without a limit that applies, every entry taken before leaves one seat less here.
                _ => {
                    seats_here += side.left;
                    free += side.takeable;
                }
            }
        }
        let worst = most_harm(taken_before, free, &limited);
        let sure = seats_here.saturating_sub(worst).min(open);
        if sure == open {
            return Ok(());
        }
        Err(Infeasible::SeatsMayStayEmpty {
            prize: index + 1,
            name: prize.name.to_string(),
            sure: u64::from(prize.winners) - open + sure,
            winners: u64::from(prize.winners),
        })
    }
}

/// The entries as one prize sees them: on a side each, whom a quota limits, and last all others.
struct Sides {
    of: Vec<Side>,
    /// Reserved seats that may take from one side or from another.
    undecided: u64,
}

/// The entries that share a limit in a prize, or have none.
#[derive(Clone, Default)]
struct Side {
    /// Once the reserved seats are taken that take from this side only.
    left: u64,
    /// The open seats that they may have; none without a limit.
    cap: Option<u64>,
    /// The maximum number of them that the open seats of the earlier prizes, and undecided reserved seats, can take.
    takeable: u64,
}

impl Sides {
    fn of(eligible: &Eligible, prizes: &PrizeList, index: usize) -> Self {
        let (parts, quotas) = (&eligible.parts, &prizes.as_slice()[index].quota);
        let limit = |quota: &Quota| quota.at_most.map(|most| u64::from(most - quota.reserved()));
        let side_of = |number: usize| {
            let quota = parts.quota(index, number).filter(|quota| quotas[*quota].at_most.is_some());
            quota.unwrap_or(quotas.len())
        };
        let mut of: Vec<_> =
            quotas.iter().map(|quota| Side { cap: limit(quota), ..Side::default() }).collect();
        of.push(Side::default());
        for (number, count) in eligible.counts.iter().enumerate() {
            of[side_of(number)].left += count;
        }
        // Of each part: how many its own reserved seats leave, and how many can be taken of it then.
        let (mut left, mut takeable) = (eligible.counts.clone(), vec![0; parts.count()]);
        let mut undecided = 0;
        for quota in prizes.as_slice().iter().flat_map(|prize| &prize.quota).filter(|it| it.reserved() > 0) {
            let reserved = u64::from(quota.reserved());
            let numbers: Vec<_> =
                parts.numbers(quota).filter(|number| eligible.counts[*number] > 0).collect();
            if let [number] = numbers[..] {
                left[number] = left[number].saturating_sub(reserved);
            }
            let mut on_sides = BTreeMap::<usize, u64>::new();
            for &number in &numbers {
                *on_sides.entry(side_of(number)).or_default() += eligible.counts[number];
            }
            if on_sides.len() == 1 {
                on_sides.into_keys().for_each(|side| of[side].left = of[side].left.saturating_sub(reserved));
                continue;
            }
            undecided += reserved;
            numbers.into_iter().for_each(|number| takeable[number] += reserved);
            on_sides.into_iter().for_each(|(side, count)| of[side].takeable += count.min(reserved));
        }
        for (before, prize) in prizes.as_slice()[..index].iter().enumerate() {
            let open = open_seats(prize);
            let caps: Vec<_> =
                prize.quota.iter().map(limit).chain([None]).map(|cap| cap.unwrap_or(open)).collect();
            // By the side, and by the quota of the earlier prize; last, the parts that no quota of that prize names.
            let mut both = vec![vec![0; caps.len()]; of.len()];
            for (number, count) in eligible.counts.iter().enumerate() {
                let quota = parts.quota(before, number).unwrap_or(prize.quota.len());
                both[side_of(number)][quota] += count;
                takeable[number] += open.min(caps[quota]);
            }
            for (side, both) in of.iter_mut().zip(both) {
                let seats = both.into_iter().zip(&caps).map(|(count, cap)| count.min(*cap));
                side.takeable += seats.sum::<u64>().min(open);
            }
        }
        let mut of_parts = vec![0; of.len()];
        for (number, (left, takeable)) in left.into_iter().zip(takeable).enumerate() {
            of_parts[side_of(number)] += left.min(takeable);
        }
        for (side, of_parts) in of.iter_mut().zip(of_parts) {
            side.takeable = side.takeable.min(of_parts).min(side.left);
        }
        Self { of, undecided }
    }
}

/// The maximum number of seats of a prize that the earlier prizes can make unfillable.
///
/// They take `taken` entries in all: `free` ones cost a seat each, and each side `(takeable, slack)` yields what is
/// taken of it beyond its slack. The lost seats are the entries taken less the slack spent on them.
fn most_harm(taken: u64, free: u64, limited: &[(u64, u64)]) -> u64 {
    let from_free = taken.min(free);
    let worthwhile: Vec<_> = limited.iter().filter(|(takeable, slack)| takeable > slack).collect();
    let rest = usize::try_from(taken - from_free).unwrap_or(usize::MAX);
    // `least_slack[n]`: the least slack with which sides absorb at least `n` of the entries taken.
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
