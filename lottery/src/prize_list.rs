//! The prizes of a draw in the order of drawing, with their quotas.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{FieldError, Group, Part, Prize, Quota, Refusal};

/// Why a list of prizes is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrizeListError {
    /// No prize, or a prize without winners.
    #[error("every prize of a draw needs at least one winner")]
    NoWinners,
    /// More winners than [`PrizeList::MAX_WINNERS`].
    #[error("a draw has at most {most} winners, not {0}", most = PrizeList::MAX_WINNERS)]
    TooManyWinners(u64),
    /// Too many prizes, or a quota that is wrong: the field is `prizes` or `prizes[index].quota`.
    #[error(transparent)]
    Field(#[from] FieldError),
}

/// Prizes in the order of drawing, 1 to 100 with 1 to 10,000 winners together and quotas that make sense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Prize>")]
pub struct PrizeList(Vec<Prize>);

impl PrizeList {
    /// The maximum number of winners of one draw, of all prizes together.
    pub const MAX_WINNERS: u64 = 10_000;
    /// The maximum number of prizes of one draw.
    pub const MAX_PRIZES: usize = 100;
    /// The maximum number of groups that one prize names; the people without a group count as one.
    pub const MAX_GROUPS: usize = 50;

    /// The prizes.
    pub fn as_slice(&self) -> &[Prize] {
        &self.0
    }

    /// The number of seats of all prizes together.
    pub fn winners(&self) -> usize {
        self.0.iter().map(|prize| prize.winners as usize).sum()
    }

    /// Whether any prize has a quota.
    pub fn has_quotas(&self) -> bool {
        self.0.iter().any(|prize| !prize.quota.is_empty())
    }

    /// Every group that a quota names, once, in order.
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
        if prizes.len() > Self::MAX_PRIZES {
            return Err(FieldError::new("prizes", Refusal::TooManyPrizes { most: Self::MAX_PRIZES }).into());
        }
        for (index, prize) in prizes.iter().enumerate() {
            if prize.winners == 0 {
                return Err(PrizeListError::NoWinners);
            }
            check_quotas(prize)
                .map_err(|reason| FieldError::new(format!("prizes[{index}].quota"), reason))?;
        }
        let winners = prizes.iter().map(|prize| u64::from(prize.winners)).sum();
        if winners > Self::MAX_WINNERS {
            return Err(PrizeListError::TooManyWinners(winners));
        }
        Ok(Self(prizes))
    }
}

/// Checks the quotas of one prize.
fn check_quotas(prize: &Prize) -> Result<(), Refusal> {
    let named: usize = prize.quota.iter().map(|quota| quota.parts().count()).sum();
    if named > PrizeList::MAX_GROUPS {
        return Err(Refusal::TooManyGroups { most: PrizeList::MAX_GROUPS });
    }
    let mut seen = BTreeSet::new();
    for quota in &prize.quota {
        if quota.parts().next().is_none() {
            return Err(Refusal::NamesNobody);
        }
        for part in quota.parts() {
            if seen.contains(&part) {
                return Err(match part {
                    Part::Group(group) => Refusal::GroupTwice { group: group.to_string() },
                    Part::WithoutGroup | Part::Other => Refusal::WithoutGroupTwice,
                });
            }
            seen.insert(part);
        }
        let bounded = match (quota.at_least, quota.at_most) {
            (None, None) => false,
            (Some(at_least), Some(at_most)) => at_least <= at_most,
            _ => true,
        };
        if !bounded && quota.groups.is_empty() {
            return Err(Refusal::QuotaBoundsWithoutGroup);
        }
        if !bounded {
            return Err(Refusal::QuotaBounds { group: quota.group_names() });
        }
    }
    let reserved: u64 = prize.quota.iter().map(|quota| u64::from(quota.reserved())).sum();
    if reserved > u64::from(prize.winners) { Err(Refusal::ReservesTooMuch) } else { Ok(()) }
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
        let field = |field: &str, reason| Error::Field(FieldError::new(field, reason));
        let in_quota = |prize: usize, reason| field(&format!("prizes[{prize}].quota"), reason);
        let twice = || in_quota(0, Refusal::GroupTwice { group: "b".to_owned() });
        let bounds = || in_quota(0, Refusal::QuotaBounds { group: "a".to_owned() });
        let b = || quota("b", Some(1), None);
        let many =
            |count: usize| (0..count).map(|n| quota(&n.to_string(), None, Some(1))).collect::<Vec<_>>();
        for (prizes, error) in [
            (vec![], Error::NoWinners),
            (vec![prize(1, vec![]), prize(0, vec![])], Error::NoWinners),
            (vec![prize(1, vec![]); 101], field("prizes", Refusal::TooManyPrizes { most: 100 })),
            (vec![prize(9_999, vec![]), prize(2, vec![])], Error::TooManyWinners(10_001)),
            (vec![prize(60, many(51))], in_quota(0, Refusal::TooManyGroups { most: 50 })),
            (vec![prize(2, vec![b(), b()])], twice()),
            (vec![prize(2, vec![several(&["a", "b"], false, 1), b()])], twice()),
            (
                vec![prize(2, vec![several(&["a"], true, 1), several(&[], true, 1)])],
                in_quota(0, Refusal::WithoutGroupTwice),
            ),
            (vec![prize(2, vec![several(&[], false, 1)])], in_quota(0, Refusal::NamesNobody)),
            (
                vec![prize(60, [many(49), vec![several(&["x"], true, 1)]].concat())],
                in_quota(0, Refusal::TooManyGroups { most: 50 }),
            ),
            (vec![prize(2, vec![quota("a", None, None)])], bounds()),
            (vec![prize(2, vec![quota("a", Some(2), Some(1))])], bounds()),
            (
                vec![prize(2, vec![]), prize(2, vec![quota("a", Some(2), None), b()])],
                in_quota(1, Refusal::ReservesTooMuch),
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
