//! The check at sealing against all rankings of few people.

use std::collections::BTreeSet;

use lottery::feasibility::{Eligible, Infeasible};
use lottery::seal::Seal;
use lottery::{Entry, Exclusion, Group, PrizeList, Quota};
use proptest::prelude::*;

use super::naive::{Bound, entry, prize, seat};
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
    // Every group exists, if only by somebody who cannot win.
    for (number, group) in (1000..).zip(prizes.named_groups()) {
        eligible.count(&excluded(number, Some(group.as_str())));
    }
    eligible
}

fn excluded(number: u64, group: Option<&str>) -> Entry {
    Entry { excluded: Some(Exclusion::Organiser), ..entry(number, 1, group) }
}

/// Whether two sets of groups cut across each other: neither is within the other, and they are not disjoint.
fn cut_across(one: &Quota, other: &Quota) -> bool {
    let [one, other] = [one, other].map(|quota| quota.parts().collect::<BTreeSet<_>>());
    !one.is_subset(&other) && !other.is_subset(&one) && !one.is_disjoint(&other)
}

/// Whether the rule is exact for these prizes: none but the last limits a group, and no set of groups that seats are
/// reserved for cuts across another such set or across a limit of the last prize.
fn is_exact(prizes: &PrizeList) -> bool {
    let (last, before) = prizes.as_slice().split_last().unwrap();
    let reserving: Vec<_> = prizes
        .as_slice()
        .iter()
        .flat_map(|prize| &prize.quota)
        .filter(|quota| quota.reserved() > 0)
        .collect();
    let is_within_or_apart = |limit: &Quota, quota: &Quota| {
        let [limit, quota] = [limit, quota].map(|quota| quota.parts().collect::<BTreeSet<_>>());
        quota.is_subset(&limit) || quota.is_disjoint(&limit)
    };
    let mut limits = last.quota.iter().filter(|quota| quota.at_most.is_some());
    before.iter().all(|prize| prize.quota.iter().all(|quota| quota.at_most.is_none()))
        && reserving.iter().all(|one| reserving.iter().all(|other| !cut_across(one, other)))
        && limits.all(|limit| reserving.iter().all(|quota| is_within_or_apart(limit, quota)))
}

fn every_ranking_fills(groups: &[Option<Group>], prizes: &PrizeList) -> bool {
    every_order(&mut groups.to_vec(), 0, &mut |ranking| {
        seat(ranking, prizes).iter().flatten().count() == prizes.winners()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6000))]

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
        prop_assert!(accepted || !fills || !is_exact(&prizes), "refused, but every ranking fills every seat");
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
    assert_eq!(error.to_string(), "nobody on the list is in the group a; the nearest are: b");
    assert_eq!(seal(&[a, b]).unwrap_err().name(), "NotEnoughParticipants");
}

#[test]
fn an_earlier_prize_takes_no_more_of_a_group_than_its_limit() {
    let prizes = PrizeList::try_from(vec![
        prize(4, &[("a", Some(1), Some(2))]),
        prize(2, &[("a", None, Some(1)), ("b", None, Some(1))]),
    ])
    .unwrap();
    let groups: Vec<_> = ["a"; 4].into_iter().chain(["b"; 5]).map(|name| Group::parse(name).ok()).collect();
    assert!(every_ranking_fills(&groups, &prizes));
    assert_eq!(eligible(&groups, &prizes).fill(&prizes), Ok(()));
}

#[test]
fn excluded_entries_do_not_count() {
    let prizes = PrizeList::try_from(vec![prize(2, &[])]).unwrap();
    let mut eligible = Eligible::none(&prizes);
    eligible.count(&entry(1, 1, None));
    eligible.count(&excluded(2, None));
    assert_eq!(eligible.total(), 1);
    eligible.count(&entry(3, 1, Some("a")));
    assert_eq!(eligible.fill(&prizes), Ok(()));
}

#[test]
fn a_group_that_nobody_is_in_is_refused_by_name_whatever_the_quota_asks() {
    for (at_least, at_most) in [(Some(1), None), (None, Some(0)), (Some(0), Some(5))] {
        let quota = [("management", at_least, at_most), ("Sales+Salse", None, Some(2)), ("-", None, Some(0))];
        let prizes = PrizeList::try_from(vec![prize(2, &quota), prize(1, &quota[..1])]).unwrap();
        let mut eligible = Eligible::none(&prizes);
        for (number, group) in (0..).zip([Some("Management"), Some("Sales"), Some("Support"), None]) {
            eligible.count(&entry(number, 1, group));
        }
        let error = eligible.fill(&prizes).unwrap_err();
        assert_eq!(error.name(), "UnknownGroup");
        let Infeasible::UnknownGroup(unknown) = error else { panic!("{error}") };
        let found: Vec<_> = unknown.iter().map(|it| (it.group.as_str(), it.nearest[0].as_str())).collect();
        assert_eq!(found, [("Salse", "Sales"), ("management", "Management")]);
    }
}

#[test]
fn a_group_whose_people_cannot_win_exists_and_has_nobody_for_its_seats() {
    let people = [excluded(0, Some("a")), excluded(1, None), entry(2, 1, Some("b")), entry(3, 1, Some("b"))];
    let fill = |quota: &[Bound<'_>]| {
        let prizes = PrizeList::try_from(vec![prize(2, quota)]).unwrap();
        let mut eligible = Eligible::none(&prizes);
        people.iter().for_each(|entry| eligible.count(entry));
        eligible.fill(&prizes)
    };
    assert_eq!(fill(&[("a", None, Some(0))]), Ok(()));
    let error = fill(&[("a", Some(1), None)]).unwrap_err();
    assert!(matches!(error, Infeasible::GroupTooSmall { eligible: 0, reserved: 1, .. }), "{error}");
    // A quota for people without a group names no group that could be mistyped.
    assert_eq!(fill(&[("-", None, Some(0))]), Ok(()));
    let error = fill(&[("-+a", Some(1), None)]).unwrap_err();
    let expected = "1 seats are reserved for a or people without a group, but only 0 of them can win";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn reserved_seats_of_groups_that_are_in_several_quotas_are_held_against_each_other() {
    let prizes = [prize(2, &[("a+b", Some(2), None)]), prize(2, &[("b", Some(2), None)])];
    let prizes = PrizeList::try_from(prizes.to_vec()).unwrap();
    let of = |counts: [usize; 2]| {
        let names = ["a", "b"].map(|name| Group::parse(name).ok());
        let groups = std::iter::zip(names, counts).flat_map(|(name, count)| std::iter::repeat_n(name, count));
        eligible(&groups.collect::<Vec<_>>(), &prizes).fill(&prizes)
    };
    assert_eq!(of([0, 4]), Ok(()));
    let error = of([2, 3]).unwrap_err();
    let expected = "prize 2 (Prize) reserves 2 seats for b, but the seats that prizes before it reserve may leave only 1 of them";
    assert_eq!((error.name(), error.to_string().as_str()), ("QuotaNotSatisfiable", expected));
}
