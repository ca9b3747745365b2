//! The check at sealing against all rankings of few people.

use lottery::feasibility::{Eligible, Infeasible};
use lottery::seal::Seal;
use lottery::{Exclusion, Group, PrizeList};
use proptest::prelude::*;

use super::naive::{entry, prize, seat};
use super::selection::prize_lists;

/// Calls `visit` with every order of `groups`, each distinct one at least once, until one answers false.
fn every_order(
    groups: &mut Vec<Option<Group>>,
    from: usize,
    visit: &mut dyn FnMut(&[Option<Group>]) -> bool,
) -> bool {
    if from == groups.len() {
        return visit(groups);
    }
    for place in from..groups.len() {
        if groups[from..place].contains(&groups[place]) {
            continue;
        }
        groups.swap(from, place);
        let goes_on = every_order(groups, from + 1, visit);
        groups.swap(from, place);
        if !goes_on {
            return false;
        }
    }
    true
}

fn eligible(groups: &[Option<Group>], prizes: &PrizeList) -> Eligible {
    let mut eligible = Eligible::none(prizes);
    for (number, group) in (0..).zip(groups) {
        eligible.count(&entry(number, 1, group.as_ref().map(Group::as_str)));
    }
    eligible
}

fn every_ranking_fills(groups: &[Option<Group>], prizes: &PrizeList) -> bool {
    every_order(&mut groups.to_vec(), 0, &mut |ranking| {
        seat(ranking, prizes).iter().flatten().count() == prizes.winners()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_is_accepted_is_filled_by_every_ranking(
        groups in proptest::collection::vec(0..5usize, 1..8),
        prizes in prize_lists(3),
    ) {
        let groups: Vec<_> = groups
            .into_iter()
            .map(|group| ["a", "b", "c", "d"].get(group).map(|name| Group::parse(name).unwrap()))
            .collect();
        let accepted = eligible(&groups, &prizes).fill(&prizes).is_ok();
        let fills = every_ranking_fills(&groups, &prizes);
        prop_assert!(fills || !accepted, "accepted, but a ranking leaves a seat empty");
        // The rule is exact if no prize but the last limits a group.
        let (_, before) = prizes.as_slice().split_last().unwrap();
        let exact = before.iter().all(|prize| prize.quota.iter().all(|quota| quota.at_most.is_none()));
        prop_assert!(accepted || !fills || !exact, "refused, but every ranking fills every seat");
    }
}

#[test]
fn a_seat_for_each_of_three_groups_is_accepted() {
    let limits = [("a", None, Some(1)), ("b", None, Some(1)), ("c", None, Some(1))];
    let prizes = PrizeList::try_from(vec![prize(3, &limits), prize(3, &limits)]).unwrap();
    let of = |count: usize| {
        let names = ["a", "b", "c"].map(|name| Group::parse(name).ok());
        names.into_iter().flat_map(|name| std::iter::repeat_n(name, count)).collect::<Vec<_>>()
    };
    assert_eq!(eligible(&of(2), &prizes).fill(&prizes), Ok(()));
    assert_eq!(eligible(&of(1000), &prizes).fill(&prizes), Ok(()));
    let too_few = eligible(&of(1), &prizes).fill(&prizes);
    assert_eq!(too_few.unwrap_err().name(), "NotEnoughParticipants");
}

#[test]
fn sealing_refuses_what_a_ranking_could_leave_empty() {
    let prizes =
        PrizeList::try_from(vec![prize(2, &[]), prize(2, &[("a", Some(1), Some(1)), ("b", None, Some(1))])])
            .unwrap();
    let seal = |groups: &[Option<&str>]| {
        let mut entries: Vec<_> = (0..).zip(groups).map(|(number, group)| entry(number, 1, *group)).collect();
        entries.sort_by_key(|entry| entry.label);
        let mut seal = Seal::new(&prizes);
        for entry in &entries {
            seal.push(entry).unwrap();
        }
        assert!(entries.is_empty() || seal.push(&entries[0]).is_err(), "labels must ascend");
        seal.finish()
    };
    let (a, b) = (Some("a"), Some("b"));
    let sealed = seal(&[a, a, b, b, b]).unwrap();
    assert_eq!((sealed.entries, sealed.tickets), (5, 5));
    // If the first prize takes both of b, nobody but a is left for the last seat, and a has its one seat.
    let error = seal(&[a, a, a, b, b]).unwrap_err();
    assert!(matches!(error, Infeasible::SeatsMayStayEmpty { prize: 2, sure: 1, winners: 2, .. }), "{error}");
    assert_eq!(error.name(), "QuotaNotSatisfiable");
    let error = seal(&[b, b, b, b, None]).unwrap_err();
    assert!(matches!(error, Infeasible::GroupTooSmall { eligible: 0, reserved: 1, .. }), "{error}");
    assert_eq!(seal(&[a, b]).unwrap_err().name(), "NotEnoughParticipants");
}

#[test]
fn excluded_entries_do_not_count() {
    let prizes = PrizeList::try_from(vec![prize(2, &[])]).unwrap();
    let mut eligible = Eligible::none(&prizes);
    eligible.count(&entry(1, 1, None));
    let mut excluded = entry(2, 1, None);
    excluded.excluded = Some(Exclusion::Organiser);
    eligible.count(&excluded);
    assert_eq!(eligible.total(), 1);
    let mut other = Eligible::none(&prizes);
    other.count(&entry(3, 1, Some("a")));
    eligible.merge(&other);
    assert_eq!(eligible.fill(&prizes), Ok(()));
}
