//! Quotas of several groups together and of people without one: seats worked out by hand, chances, and old proofs.

use lottery::manifest::Manifest;
use lottery::odds::Pool;
use lottery::{Part, PrizeList};
use serde_json::{Value, json};

use super::bundles::{Draw, check, entries, prizes};
use super::naive::{Bound, draw, entry, prize, prk, seat};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/quota-seats.json")).unwrap()
}

#[test]
fn seats_are_those_that_were_worked_out_by_hand() {
    let vectors = vectors();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() >= 8);
    for case in cases {
        let prizes: PrizeList = serde_json::from_value(case["prizes"].clone()).unwrap();
        assert_eq!(serde_json::to_value(&prizes).unwrap(), case["prizes"], "the form is the only one");
        let line: Vec<Option<String>> = serde_json::from_value(case["line"].clone()).unwrap();
        // Groups do not change scores: the people, best-ranked first, are given the groups of the line.
        let mut people: Vec<_> = (0..line.len() as u64).map(|number| entry(number, 1, None)).collect();
        let count = people.len() as u32;
        let order = draw(prk(7), &people, &PrizeList::try_from(vec![prize(count, &[])]).unwrap(), 0);
        for person in &mut people {
            let rank = order.iter().position(|ranked| ranked.label == person.label).unwrap();
            person.group = line[rank].as_ref().map(|name| name.parse().unwrap());
        }
        let alternates = case["alternates"].as_u64().unwrap() as u32;
        let ranking = draw(prk(7), &people, &prizes, alternates);
        let seats: Vec<_> = order
            .iter()
            .map(|place| ranking.iter().find(|ranked| ranked.label == place.label))
            .map(|found| found.map_or(Value::Null, |ranked| json!([ranked.prize, ranked.seat])))
            .collect();
        assert_eq!(Value::from(seats), case["seats"], "{}", case["what"]);
        let groups: Vec<_> = line.into_iter().map(|name| name.map(|name| name.parse().unwrap())).collect();
        let naive = seat(&groups, &prizes).into_iter();
        let naive = naive.map(|given| given.map_or(Value::Null, |(prize, seat)| json!([prize, seat])));
        let without_alternates = |seat: &Value| seat[1] == "alternate";
        let expected = case["seats"].as_array().unwrap().iter();
        let expected = expected.map(|seat| if without_alternates(seat) { Value::Null } else { seat.clone() });
        assert_eq!(naive.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{}", case["what"]);
    }
}

#[test]
fn chances_with_quotas_of_several_groups_are_those_of_many_draws() {
    let quota: [Bound<'_>; 2] = [("a+b", Some(3), Some(4)), ("-", None, Some(1))];
    let prizes = PrizeList::try_from(vec![prize(6, &quota), prize(2, &[("b+-", None, Some(1))])]).unwrap();
    let groups = [Some("a"), Some("b"), None, Some("c")];
    let people: Vec<_> = (0..40).map(|number| entry(number, 1, groups[number as usize % 4])).collect();
    let mut pool = Pool::of(&prizes);
    people.iter().for_each(|entry| pool.count(entry));
    let odds = pool.odds();
    let named: Vec<_> = odds
        .classes
        .iter()
        .map(|class| (class.group.as_ref().map(ToString::to_string), class.without_group, class.entries))
        .collect();
    let group = |name: &str| Some(name.to_owned());
    let expected = [(None, false, 10), (None, true, 10), (group("a"), false, 10), (group("b"), false, 10)];
    assert_eq!(named, expected);
    let shown = serde_json::to_value(&odds.classes).unwrap();
    assert_eq!((&shown[0]["without_group"], &shown[1]["without_group"]), (&Value::Null, &json!(true)));

    let draws = 4_000;
    let mut won = std::collections::BTreeMap::<Part, u64>::new();
    let of_label: std::collections::HashMap<_, _> =
        people.iter().map(|entry| (entry.label, entry.group.clone())).collect();
    for number in 0..draws {
        for ranked in draw(prk(number), &people, &prizes, 0) {
            let part = match &of_label[&ranked.label] {
                None => Part::WithoutGroup,
                Some(group) if group.as_str() == "c" => Part::Other,
                Some(group) => Part::Group(group.clone()),
            };
            *won.entry(part).or_default() += 1;
        }
    }
    for (class, (part, won)) in odds.classes.iter().zip(won) {
        let share = won as f64 / (draws * 10) as f64;
        // Ten people of a class exclude each other: a class varies less than so many independent draws.
        let error = class.any.error + 4.0 * (share * (1.0 - share) / draws as f64).sqrt();
        assert!((share - class.any.chance).abs() < error, "{part:?}: {share} {class:?}");
    }
    let seats: f64 = odds.classes.iter().map(|class| class.any.chance * 10.0).sum();
    assert!((seats - 8.0).abs() < 1e-6, "{seats}");
}

/// The manifest of `bundles::prizes` as it was written before quotas could name several groups.
const MANIFEST: &str = include_str!("../vectors/manifest-one-group.json");

#[test]
fn a_manifest_with_quotas_of_one_group_each_is_byte_for_byte_what_it_was() {
    let draw = Draw::seal(entries(60), prizes());
    assert_eq!(draw.manifest.to_canonical_json(), MANIFEST.trim_end());
    let read: Manifest = serde_json::from_str(MANIFEST).unwrap();
    assert_eq!(read.commitment(), draw.manifest.commitment());
    assert!(check(&draw.bundle()).holds);
}
