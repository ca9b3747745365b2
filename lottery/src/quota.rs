//! How many winners of one prize come from a part of the pool: from a group, from several together, from the people
//! without a group.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Group, Invalid};

/// The part of the pool that an entry belongs to, as far as the quotas of a draw tell parts apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// None that a quota names.
    #[default]
    Other,
    /// Those without a group.
    WithoutGroup,
    /// A group that a quota names.
    Group(Group),
}

impl Part {
    /// The group, if it is one.
    pub fn group(&self) -> Option<&Group> {
        match self {
            Self::Group(group) => Some(group),
            Self::WithoutGroup | Self::Other => None,
        }
    }
}

/// How many winners of one prize come from some groups together, at least or at most.
///
/// JSON has two forms, and a quota exactly one of them: `{at_least, at_most, group}` if it names one group alone, else
/// `{at_least, at_most, groups, without_group}` with its groups in the order of their UTF-8 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Quota {
    /// So many seats are reserved for them.
    pub at_least: Option<u32>,
    /// No more seats than these go to them.
    pub at_most: Option<u32>,
    /// The groups.
    pub groups: BTreeSet<Group>,
    /// Whether those without a group belong to them too.
    pub without_group: bool,
}

impl Quota {
    /// The seats that are reserved.
    pub fn reserved(&self) -> u32 {
        self.at_least.unwrap_or(0)
    }

    /// Whether the quota is about the people of this part.
    pub fn names(&self, part: &Part) -> bool {
        match part {
            Part::Group(group) => self.groups.contains(group),
            Part::WithoutGroup => self.without_group,
            Part::Other => false,
        }
    }

    /// The parts that the quota names.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let without_group = self.without_group.then_some(Part::WithoutGroup);
        self.groups.iter().cloned().map(Part::Group).chain(without_group)
    }

    /// The only group, if the quota names nobody else.
    pub fn only_group(&self) -> Option<&Group> {
        self.groups.first().filter(|_| self.groups.len() == 1 && !self.without_group)
    }

    /// The names of the groups, separated by commas.
    pub fn group_names(&self) -> String {
        self.groups.iter().map(Group::as_str).collect::<Vec<_>>().join(", ")
    }

    /// The people whom the quota names, in words.
    pub fn who(&self) -> String {
        let mut names: Vec<_> = self.groups.iter().map(Group::as_str).collect();
        names.extend(self.without_group.then_some("people without a group"));
        match names.split_last() {
            None => "nobody".to_owned(),
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
        }
    }
}

/// A quota as JSON has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    at_least: Option<u32>,
    #[serde(default)]
    at_most: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<Group>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<Group>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    without_group: Option<bool>,
}

impl TryFrom<Written> for Quota {
    type Error = Invalid;

    fn try_from(written: Written) -> Result<Self, Invalid> {
        let Written { at_least, at_most, group, groups, without_group } = written;
        let (groups, without_group) = match (group, groups, without_group) {
            (Some(group), None, None) => (vec![group], false),
            (None, Some(groups), Some(without_group)) => {
                let ascend = groups.windows(2).all(|pair| pair[0] < pair[1]);
                let is_needed = if without_group { true } else { groups.len() > 1 };
                if !ascend || !is_needed {
                    return Err(Invalid::new("a quota must name groups that ascend, and more than one part"));
                }
                (groups, without_group)
            }
            _ => return Err(Invalid::new("a quota must have either group, or groups and without_group")),
        };
        Ok(Self { at_least, at_most, groups: groups.into_iter().collect(), without_group })
    }
}

impl From<Quota> for Written {
    fn from(quota: Quota) -> Self {
        let group = quota.only_group().cloned();
        let Quota { at_least, at_most, groups, without_group } = quota;
        match group {
            Some(_) => Self { at_least, at_most, group, groups: None, without_group: None },
            None => {
                let groups = Some(groups.into_iter().collect());
                Self { at_least, at_most, group, groups, without_group: Some(without_group) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<Quota, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn one_group_is_written_as_ever_and_several_ascend() {
        for value in [
            json!({"at_least": 1, "at_most": null, "group": "a"}),
            json!({"at_least": null, "at_most": 2, "groups": ["a", "b"], "without_group": false}),
            json!({"at_least": null, "at_most": 2, "groups": ["a"], "without_group": true}),
            json!({"at_least": null, "at_most": 0, "groups": [], "without_group": true}),
            json!({"at_least": 1, "at_most": 1, "groups": ["\u{ff5e}", "\u{10000}"], "without_group": false}),
        ] {
            let quota = read(value.clone()).unwrap();
            assert_eq!(serde_json::to_value(&quota).unwrap(), value);
        }
        assert_eq!(read(json!({"group": "a"})).unwrap().who(), "a");
        let several = json!({"groups": ["a", "b"], "without_group": true});
        assert_eq!(read(several).unwrap().who(), "a, b or people without a group");
    }

    #[test]
    fn what_has_another_spelling_is_refused() {
        for value in [
            json!({}),
            json!({"group": "a", "groups": ["a", "b"]}),
            json!({"group": "a", "without_group": false}),
            json!({"group": "a", "without_group": true}),
            json!({"groups": ["a", "b"]}),
            json!({"without_group": true}),
            json!({"groups": ["b", "a"], "without_group": false}),
            json!({"groups": ["a", "a"], "without_group": true}),
            json!({"groups": ["\u{10000}", "\u{ff5e}"], "without_group": false}),
            json!({"groups": ["a"], "without_group": false}),
            json!({"groups": [], "without_group": false}),
            json!({"groups": "ab", "without_group": false}),
            json!({"groups": ["a", "b"], "without_group": 0}),
            json!({"group": "a", "most": 1}),
        ] {
            assert!(read(value.clone()).is_err(), "{value}");
        }
    }
}
