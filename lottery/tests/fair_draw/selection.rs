//! The streaming, bounded, mergeable selection gives the ranking of the naive reference.

use lottery::selection::{Seat, Selection};
use lottery::{Entry, Exclusion, PrizeList};
use proptest::prelude::*;

use super::naive::{self, Bound, entry, one_prize, prize};

/// The last are the people without a group.
const PARTS: [&str; 5] = ["a", "b", "c", "d", "-"];

/// Prizes with random quotas over few groups, several of them together or alone; the ones that make no sense are left out.
pub(crate) fn prize_lists(most_winners: u32) -> impl Strategy<Value = PrizeList> {
    let bound = (proptest::option::of(0..3u32), proptest::option::of(0..4u32));
    let bounds = proptest::collection::vec(bound, 0..=PARTS.len());
    // Each part is of the quota with this place, if there is one. Half of the prizes have quotas of one group each.
    let alone = Just((0..PARTS.len()).collect::<Vec<_>>());
    let places = prop_oneof![alone, proptest::collection::vec(0..=PARTS.len(), PARTS.len())];
    let of_prize = (1..=most_winners, bounds, places);
    proptest::collection::vec(of_prize, 1..4).prop_filter_map("a quota makes no sense", |prizes| {
        let prizes = prizes.into_iter().map(|(winners, bounds, places)| {
            let names = |place: usize| {
                let of_quota = std::iter::zip(PARTS, &places).filter(|(_, of)| **of == place);
                of_quota.map(|(part, _)| part).collect::<Vec<_>>().join("+")
            };
            let names: Vec<_> = (0..bounds.len()).map(names).collect();
            let quota: Vec<Bound<'_>> = std::iter::zip(&names, bounds)
                .map(|(names, (at_least, at_most))| (names.as_str(), at_least, at_most))
                .filter(|(names, at_least, at_most)| {
                    !names.is_empty() && (at_least.is_some() || at_most.is_some())
                })
                .collect();
            prize(winners, &quota)
        });
        PrizeList::try_from(prizes.collect::<Vec<_>>()).ok()
    })
}

fn entry_lists(most: usize) -> impl Strategy<Value = Vec<Entry>> {
    let one = (1..6u32, 0..6usize, 0..8u8);
    proptest::collection::vec(one, 0..most).prop_map(|ones| {
        let numbered = (0u64..).zip(ones);
        let entry = |(number, (tickets, group, excluded)): (u64, (u32, usize, u8))| Entry {
            excluded: (excluded == 0).then_some(Exclusion::Organiser),
            ..entry(number, tickets, ["a", "b", "c", "d", "e"].get(group).copied())
        };
        numbered.map(entry).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order_and_any_split_give_the_naive_ranking(
        entries in entry_lists(80),
        prizes in prize_lists(6),
        alternates in 0..5u32,
        seed: u64,
        shuffle in any::<prop::sample::Index>(),
        parts in 1..5usize,
    ) {
        let (commitment, randomness) = (naive::bytes("commitment", seed), naive::bytes("randomness", seed));
        let expected = naive::rank(&commitment, &randomness, &entries, &prizes, alternates);
        let mut offered = entries.clone();
        if !offered.is_empty() {
            let middle = shuffle.index(offered.len());
            offered.rotate_left(middle);
            offered[middle..].reverse();
        }
        let mut selections = vec![Selection::new(naive::prk(seed), &prizes, alternates); parts];
        for (place, entry) in offered.iter().enumerate() {
            selections[place % parts].offer(entry);
        }
        let merged = selections.into_iter().reduce(|mut one, other| { one.merge(other); one }).unwrap();
        prop_assert_eq!(merged.into_ranking(), expected);
    }
}

#[test]
fn reserved_seats_of_a_later_prize_come_before_open_seats_of_an_earlier_one() {
    let entries: Vec<_> = (0..50).map(|number| entry(number, 1, (number % 10 == 0).then_some("a"))).collect();
    let prizes = PrizeList::try_from(vec![prize(3, &[]), prize(5, &[("a", Some(5), None)])]).unwrap();
    for draw in 0..50 {
        let ranking = naive::draw(naive::prk(draw), &entries, &prizes, 0);
        let reserved = ranking.iter().filter(|ranked| ranked.seat == Seat::Reserved);
        assert!(reserved.clone().all(|ranked| ranked.prize == Some(1)));
        assert_eq!(reserved.count(), 5, "all five of the group sit in its seats, however well they rank");
    }
}

#[test]
fn an_excluded_entry_never_wins_and_nobody_wins_twice() {
    let mut entries: Vec<_> = (0..30).map(|number| entry(number, 1000, None)).collect();
    for excluded in &mut entries[..10] {
        excluded.excluded = Some(Exclusion::Organiser);
    }
    let ranking = naive::draw(naive::prk(1), &entries, &one_prize(30), 5);
    assert_eq!(ranking.len(), 20, "too few entries and alternates are no error");
    let labels: std::collections::BTreeSet<_> = ranking.iter().map(|ranked| ranked.label).collect();
    assert_eq!(labels.len(), 20);
    assert!(entries[..10].iter().all(|excluded| !labels.contains(&excluded.label)));
}
