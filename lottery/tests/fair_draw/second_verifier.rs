//! The verifier in Python, written from the specification, comes to the same answer on every bundle.

use std::path::Path;
use std::process::Command;

use lottery::PrizeList;
use lottery::seal::Seal;
use lottery::verify::{Options, StepName, verify};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::bundles::{Draw, entries, prizes, prizes_of_several, strange_hash};
use super::naive::{self, bytes, one_prize, prize};
use super::selection::prize_lists;

/// What the second verifier says of each bundle.
fn second(bundles: &[String]) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let paths: Vec<_> = bundles
        .iter()
        .enumerate()
        .map(|(number, bundle)| {
            let path = directory.path().join(format!("{number}.json"));
            std::fs::write(&path, bundle).unwrap();
            path
        })
        .collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/second_verifier/verify.py");
    let output = Command::new("python3").arg(script).args(paths).output().expect("the tests need python3");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Draws with random quotas, of several groups together and of people without one among them.
fn random_draws() -> impl Iterator<Item = Draw> {
    let (strategy, mut runner) = (prize_lists(4), TestRunner::deterministic());
    let groups = [Some("a"), Some("b"), Some("c"), Some("d"), None, Some("e")];
    let people =
        (0..90).map(|number| naive::entry(number, number as u32 % 3 + 1, groups[number as usize % 6]));
    let mut people: Vec<_> = people.collect();
    people.sort_by_key(|entry| entry.label);
    (0..60).filter_map(move |_| {
        let prizes = strategy.new_tree(&mut runner).unwrap().current();
        let mut seal = Seal::new(&prizes);
        for entry in &people {
            seal.push(entry).unwrap();
        }
        seal.finish().is_ok().then(|| Draw::seal(people.clone(), prizes.clone()))
    })
}

/// Draws of many shapes, all of which hold.
fn draws() -> Vec<Draw> {
    let many = PrizeList::try_from(vec![
        prize(3, &[("研发", Some(2), Some(2)), ("\"Q\"\\A", Some(1), None)]),
        prize(10, &[("Vertrieb", None, Some(1)), ("研发", Some(3), None)]),
        prize(1, &[]),
    ]);
    let mut draws = vec![
        Draw::seal(entries(1), one_prize(1)),
        Draw::seal(entries(5), one_prize(4)),
        Draw::seal(entries(60), prizes()),
        Draw::seal(entries(257), many.unwrap()),
        Draw::seal(entries(120), prizes_of_several()),
        Draw::seal(entries(1000), one_prize(300)),
    ];
    let mut first = Draw::seal(entries(33), prizes());
    first.manifest.sequence = 1;
    (first.manifest.previous_commitment, first.manifest.previous_status) = (None, None);
    first.manifest.closes_at = None;
    first.manifest.claim_within_seconds = Some(86_400);
    draws.push(first);
    draws.extend(random_draws());
    let mut heavy: Vec<_> = (0..30).map(|number| naive::entry(number, 1000, None)).collect();
    heavy.sort_by_key(|entry| entry.label);
    draws.push(Draw::seal(heavy, one_prize(2)));
    draws
}

#[test]
fn both_verifiers_come_to_the_same_ranking() {
    let draws = draws();
    let has_several = |draw: &&Draw| draw.manifest.to_canonical_json().contains("\"without_group\":");
    assert!(draws.iter().filter(has_several).count() > 10);
    let bundles: Vec<_> = draws.iter().map(Draw::bundle).collect();
    for ((draw, bundle), theirs) in draws.iter().zip(&bundles).zip(second(&bundles)) {
        let ours = verify(bundle.as_bytes(), &Options::default());
        assert!(ours.holds, "{ours}");
        assert_eq!(theirs["verdict"], "consistent", "{theirs}");
        assert_eq!(theirs["commitment"], draw.manifest.commitment().to_string());
        assert_eq!(theirs["ranking"], serde_json::to_value(ours.ranking).unwrap());
    }
}

#[test]
fn both_verifiers_refuse_the_same_bundles_at_the_same_step() {
    let draw = Draw::seal(entries(40), prizes());
    let with = |change: &dyn Fn(&mut lottery::proof::Proof)| {
        let mut proof = draw.proof();
        change(&mut proof);
        proof.to_canonical_json(Some(&draw.entries))
    };
    let bundle = draw.bundle();
    let mut another_round = Draw::seal(entries(40), prizes());
    another_round.manifest.beacon.round += 1;
    let mut bundles = vec![
        with(&|proof| proof.manifest.alternates = 2),
        with(&|proof| proof.manifest.sequence = 1),
        with(&|proof| proof.manifest.prizes = one_prize(1)),
        with(&|proof| proof.beacon.chain.group_hash = strange_hash()),
        with(&|proof| proof.beacon.round.as_mut().unwrap().randomness = strange_hash()),
        with(&|proof| proof.signature.public_key = strange_hash()),
        with(&|proof| proof.ranking.as_mut().unwrap().swap(1, 2)),
        with(&|proof| proof.ranking.as_mut().unwrap().truncate(8)),
        another_round.bundle(),
        bundle.replacen("\"tickets\":2}", "\"tickets\":3}", 1),
        bundle.replacen("\"organiser\"", "null", 1),
        bundle.replacen("Vertrieb", " Vertrieb", 1),
        bundle.replacen("\"version\":1", "\"version\":2", 1),
        bundle.replacen("\"version\":1", "\"version\":1.0", 1),
        bundle.replacen('{', "{ ", 1),
        bundle.clone() + "\n",
    ];
    let several = Draw::seal(entries(120), prizes_of_several()).bundle();
    let group = "\"at_most\":3,\"groups\":[\"Vertrieb\",\"研发\"],\"without_group\":false";
    assert!(several.contains(group));
    for other in [
        "\"at_most\":3,\"groups\":[\"研发\",\"Vertrieb\"],\"without_group\":false",
        "\"at_most\":3,\"groups\":[\"Vertrieb\",\"Vertrieb\"],\"without_group\":false",
        "\"at_most\":3,\"groups\":[\"Vertrieb\"],\"without_group\":false",
        "\"at_most\":3,\"groups\":[],\"without_group\":false",
        "\"at_most\":3,\"groups\":[\"Vertrieb\",\"研发\"],\"without_group\":0",
        "\"at_most\":3,\"groups\":[\"Vertrieb\",\"研发\"]",
        "\"at_most\":3,\"group\":\"Vertrieb\",\"groups\":[\"Vertrieb\",\"研发\"],\"without_group\":false",
        "\"at_most\":3,\"groups\":[\"Vertrieb\",\"研发\"],\"without_group\":true",
        "\"at_most\":3,\"group\":\"Vertrieb\"",
    ] {
        bundles.push(several.replacen(group, other, 1));
    }
    // Any character of the parts that the second verifier checks as we do, changed.
    let checked = bundle.find("\"entries\"").unwrap()..bundle.len();
    for number in 0..120 {
        let random = u64::from_be_bytes(bytes("place", number)[..8].try_into().unwrap()) as usize;
        let place = checked.start + random % checked.len();
        let mut changed = bundle.clone().into_bytes();
        changed[place] ^= 1;
        bundles.extend(String::from_utf8(changed));
    }
    let theirs = second(&bundles);
    assert_eq!(theirs.len(), bundles.len());
    let mut steps = std::collections::BTreeSet::new();
    for (bundle, theirs) in bundles.iter().zip(theirs) {
        let ours = verify(bundle.as_bytes(), &Options::default());
        let step: Option<StepName> = ours.broken();
        assert_eq!(theirs["verdict"], "refused", "{ours}");
        assert_eq!(theirs["step"], step.unwrap().to_string(), "{ours}");
        steps.insert(step.unwrap().to_string());
    }
    assert!(steps.len() >= 6, "the refusals come from many steps: {steps:?}");
}
