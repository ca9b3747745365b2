//! The prizes of a draw in their order, with the quotas of groups: what a ranking is turned into seats by.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Group, Part, Prize, Quota};

/// Why prizes cannot be drawn as they stand, whoever takes part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrizeListError {
    /// No prize, or a prize that nobody can win.
    #[error("every prize of a draw needs at least one winner")]
    NoWinners,
    /// More winners than a draw can notify.
    #[error("a draw has at most {most} winners, not {0}", most = PrizeList::MOST_WINNERS)]
    TooManyWinners(u64),
    /// More prizes than a draw shows.
    #[error("a draw has at most {most} prizes, not {0}", most = PrizeList::MOST_PRIZES)]
    TooManyPrizes(usize),
    /// More groups than a prize may name.
    #[error("prizes[{prize}].quota: names more than {most} groups", most = PrizeList::MOST_GROUPS)]
    TooManyGroups {
        /// The prize's place in the list, from 0.
        prize: usize,
    },
    /// A group that stands twice in one prize.
    #[error("prizes[{prize}].quota: names the group {group} twice")]
    GroupTwice {
        /// The prize's place in the list, from 0.
        prize: usize,
        /// The group.
        group: Group,
    },
    /// People without a group who stand twice in one prize.
    #[error("prizes[{prize}].quota: names the people without a group twice")]
    WithoutGroupTwice {
        /// The prize's place in the list, from 0.
        prize: usize,
    },
    /// A quota that names nobody.
    #[error("prizes[{prize}].quota: a quota names nobody")]
    NamesNobody {
        /// The prize's place in the list, from 0.
        prize: usize,
    },
    /// A quota with neither bound, or more at least than at most.
    #[error("prizes[{prize}].quota: {} needs at_least or at_most, and no more at least than at most", quota.who())]
    Bounds {
        /// The prize's place in the list, from 0.
        prize: usize,
        /// The quota.
        quota: Quota,
    },
    /// More reserved seats than the prize has.
    #[error("prizes[{prize}].quota: reserves more seats than the prize has winners")]
    ReservedTooMany {
        /// The prize's place in the list, from 0.
        prize: usize,
    },
}

/// Prizes in the order of drawing, 1 to 100 with 1 to 10,000 winners together and quotas that make sense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Prize>")]
pub struct PrizeList(Vec<Prize>);

impl PrizeList {
    /// The most winners of one draw, all prizes together.
    pub const MOST_WINNERS: u64 = 10_000;
    /// The most prizes of one draw.
    pub const MOST_PRIZES: usize = 100;
    /// The most groups that one prize names, the people without a group counted as one.
    pub const MOST_GROUPS: usize = 50;

    /// The prizes.
    pub fn as_slice(&self) -> &[Prize] {
        &self.0
    }

    /// How many seats all prizes have together.
    pub fn winners(&self) -> usize {
        self.0.iter().map(|prize| prize.winners as usize).sum()
    }

    /// Whether any prize has a quota.
    pub fn has_quotas(&self) -> bool {
        self.0.iter().any(|prize| !prize.quota.is_empty())
    }

    /// Every group that a quota names, once, in the order of the text.
    pub fn named_groups(&self) -> BTreeSet<&Group> {
        self.quotas().flat_map(|quota| &quota.groups).collect()
    }

    /// Whether a quota names the people without a group.
    pub fn names_without_group(&self) -> bool {
        self.quotas().any(|quota| quota.without_group)
    }

    fn quotas(&self) -> impl Iterator<Item = &Quota> {
        self.0.iter().flat_map(|prize| &prize.quota)
    }
}

impl TryFrom<Vec<Prize>> for PrizeList {
    type Error = PrizeListError;

    fn try_from(prizes: Vec<Prize>) -> Result<Self, PrizeListError> {
        if prizes.is_empty() {
            return Err(PrizeListError::NoWinners);
        }
        if prizes.len() > Self::MOST_PRIZES {
            return Err(PrizeListError::TooManyPrizes(prizes.len()));
        }
        for (place, prize) in prizes.iter().enumerate() {
            check_prize(place, prize)?;
        }
        let winners = prizes.iter().map(|prize| u64::from(prize.winners)).sum();
        if winners > Self::MOST_WINNERS {
            return Err(PrizeListError::TooManyWinners(winners));
        }
        Ok(Self(prizes))
    }
}

fn check_prize(place: usize, prize: &Prize) -> Result<(), PrizeListError> {
    if prize.winners == 0 {
        return Err(PrizeListError::NoWinners);
    }
    let named: usize = prize.quota.iter().map(|quota| quota.parts().count()).sum();
    if named > PrizeList::MOST_GROUPS {
        return Err(PrizeListError::TooManyGroups { prize: place });
    }
    let mut seen = BTreeSet::new();
    for quota in &prize.quota {
        if quota.parts().next().is_none() {
            return Err(PrizeListError::NamesNobody { prize: place });
        }
        for part in quota.parts() {
            if seen.contains(&part) {
                return Err(match part {
                    Part::Group(group) => PrizeListError::GroupTwice { prize: place, group },
                    Part::WithoutGroup | Part::Other => PrizeListError::WithoutGroupTwice { prize: place },
                });
            }
            seen.insert(part);
        }
        let bounded = match (quota.at_least, quota.at_most) {
            (None, None) => false,
            (Some(at_least), Some(at_most)) => at_least <= at_most,
            _ => true,
        };
        if !bounded {
            return Err(PrizeListError::Bounds { prize: place, quota: quota.clone() });
        }
    }
    let reserved: u64 = prize.quota.iter().map(|quota| u64::from(quota.reserved())).sum();
    if reserved > u64::from(prize.winners) {
        return Err(PrizeListError::ReservedTooMany { prize: place });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PrizeName;
    use serde_json::json;

    fn quota(group: &str, at_least: Option<u32>, at_most: Option<u32>) -> Quota {
        Quota { at_least, at_most, groups: [Group::parse(group).unwrap()].into(), without_group: false }
    }

    fn several(groups: &[&str], without_group: bool, at_most: u32) -> Quota {
        let groups = groups.iter().map(|group| Group::parse(group).unwrap()).collect();
        Quota { at_least: None, at_most: Some(at_most), groups, without_group }
    }

    fn prize(winners: u32, quota: Vec<Quota>) -> Prize {
        Prize { name: PrizeName::parse("Bicycle").unwrap(), quota, winners }
    }

    #[test]
    fn prizes_that_make_no_sense_are_refused() {
        use PrizeListError as Error;
        let b = || quota("b", Some(1), None);
        let group = || Group::parse("b").unwrap();
        let many =
            |count: usize| (0..count).map(|n| quota(&n.to_string(), None, Some(1))).collect::<Vec<_>>();
        for (prizes, error) in [
            (vec![], Error::NoWinners),
            (vec![prize(1, vec![]), prize(0, vec![])], Error::NoWinners),
            (vec![prize(1, vec![]); 101], Error::TooManyPrizes(101)),
            (vec![prize(9_999, vec![]), prize(2, vec![])], Error::TooManyWinners(10_001)),
            (vec![prize(60, many(51))], Error::TooManyGroups { prize: 0 }),
            (vec![prize(2, vec![b(), b()])], Error::GroupTwice { prize: 0, group: group() }),
            (
                vec![prize(2, vec![several(&["a", "b"], false, 1), b()])],
                Error::GroupTwice { prize: 0, group: group() },
            ),
            (
                vec![prize(2, vec![several(&["a"], true, 1), several(&[], true, 1)])],
                Error::WithoutGroupTwice { prize: 0 },
            ),
            (vec![prize(2, vec![several(&[], false, 1)])], Error::NamesNobody { prize: 0 }),
            (
                vec![prize(60, [many(49), vec![several(&["x"], true, 1)]].concat())],
                Error::TooManyGroups { prize: 0 },
            ),
            (
                vec![prize(2, vec![quota("a", None, None)])],
                Error::Bounds { prize: 0, quota: quota("a", None, None) },
            ),
            (
                vec![prize(2, vec![quota("a", Some(2), Some(1))])],
                Error::Bounds { prize: 0, quota: quota("a", Some(2), Some(1)) },
            ),
            (
                vec![prize(2, vec![]), prize(2, vec![quota("a", Some(2), None), b()])],
                Error::ReservedTooMany { prize: 1 },
            ),
        ] {
            assert_eq!(PrizeList::try_from(prizes), Err(error));
        }
        assert!(PrizeList::try_from(vec![prize(60, many(50)), prize(9_940, vec![])]).is_ok());
    }

    #[test]
    fn json_is_held_to_the_same_rules() {
        let read = |winners: u32| {
            let quota = json!([{"at_least": 1, "at_most": null, "group": "a"}]);
            serde_json::from_value::<PrizeList>(json!([{"name": "x", "quota": quota, "winners": winners}]))
        };
        assert_eq!(read(1).unwrap().winners(), 1);
        assert!(read(1).unwrap().has_quotas());
        assert!(read(0).unwrap_err().to_string().contains("at least one winner"));
    }
}
