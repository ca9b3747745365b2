//! The names that come nearest to one that nothing has, as people mistype.

use crate::Group;
use crate::search::fold;

/// So many names are given.
pub const MAX_NEAREST: usize = 3;

/// The groups whose names come nearest to another, the nearest first: those that differ by letter case alone, then by blanks
/// and signs too, then by how many characters are to be changed for the length of the names.
pub fn nearest<'a>(wanted: &Group, known: impl Iterator<Item = &'a Group>) -> Vec<Group> {
    let [cased, bare] = keys(wanted);
    let distance = |group: &Group| {
        let [their_cased, their_bare] = keys(group);
        match (cased == their_cased, bare == their_bare) {
            (true, _) => -2.0,
            (false, true) => -1.0,
            (false, false) => 1.0 - strsim::normalized_damerau_levenshtein(&bare, &their_bare),
        }
    };
    let mut known: Vec<_> = known.map(|group| (distance(group), group)).collect();
    known.sort_by(|(one, first), (other, second)| one.total_cmp(other).then_with(|| first.cmp(second)));
    known.into_iter().take(MAX_NEAREST).map(|(_, group)| group.clone()).collect()
}

/// The name without letter case, and then without blanks and signs.
fn keys(group: &Group) -> [String; 2] {
    let cased = fold(group.as_str()).into_owned();
    let bare: String = cased.chars().filter(|character| character.is_alphanumeric()).collect();
    let bare = if bare.is_empty() { cased.clone() } else { bare };
    [cased, bare]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(wanted: &str, known: &[&str]) -> Vec<String> {
        let known: Vec<_> = known.iter().map(|name| Group::parse(name).unwrap()).collect();
        let found = nearest(&Group::parse(wanted).unwrap(), known.iter());
        found.into_iter().map(|group| group.to_string()).collect()
    }

    #[test]
    fn the_nearest_name_comes_first() {
        let known = ["Management", "Manufacturing", "Sales Team", "Sales", "研发部", "市场部"];
        for (wanted, first) in [
            ("management", "Management"),
            ("Managment", "Management"),
            ("Mangaement", "Management"),
            ("MANUFACTURING", "Manufacturing"),
            ("sales-team", "Sales Team"),
            ("SalesTeam", "Sales Team"),
            ("Sale", "Sales"),
            ("研发", "研发部"),
            ("市場部", "市场部"),
        ] {
            assert_eq!(found(wanted, &known)[0], first, "{wanted}");
        }
        assert_eq!(
            found("SALES", &["sAles", "Sales", "Sales!", "Salas", "Sale"]),
            ["Sales", "sAles", "Sales!"]
        );
        assert_eq!(found("&", &["+", "&&"]).len(), 2);
        assert!(found("a", &[]).is_empty());
    }
}
