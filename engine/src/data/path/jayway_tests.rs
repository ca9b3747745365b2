//! Paths held against what Jayway JsonPath 2.4.0 makes of them, which AWS uses (`engine/tests/jsonpath`).

use std::collections::BTreeMap;

use super::*;
use crate::data::{Random, Variables};

const CASES: &str = include_str!("../../../tests/jsonpath/cases.json");
const ANSWERS: &str = include_str!("../../../tests/jsonpath/answers.ndjson");
/// Document, path and reason of each difference that is meant, a line each, separated by tabs.
const DIFFERENCES: &str = include_str!("../../../tests/jsonpath/differences.tsv");

/// A value, a failure, or a refusal of the path.
#[derive(Debug, PartialEq)]
enum Answer {
    Value(String),
    Fails,
    Refused,
}

fn ours(path: &str, document: &Json) -> Answer {
    let Ok(path) = JsonPath::parse(path) else { return Answer::Refused };
    let (context, variables, random) = (Json::empty_object(), Variables::new(), Random::new(1));
    let scope = Scope::new(document, &context, &variables, &random, jiff::Timestamp::UNIX_EPOCH);
    match path.query(&scope) {
        Ok(value) => Answer::Value(value.to_text()),
        Err(_) => Answer::Fails,
    }
}

fn theirs(line: &Json) -> Answer {
    match line.get("value") {
        Some(value) => Answer::Value(value.to_text()),
        None if line.get("refused").is_some() => Answer::Refused,
        None => Answer::Fails,
    }
}

/// The listed differences by document and path.
fn listed() -> BTreeMap<(String, String), bool> {
    let keyed = |line: &str| {
        let mut parts = line.split('\t').map(str::to_owned);
        let (Some(document), Some(path), Some(_reason)) = (parts.next(), parts.next(), parts.next()) else {
            panic!("{line:?} is no document, path and reason");
        };
        ((document, path), false)
    };
    DIFFERENCES.lines().map(keyed).collect()
}

#[test]
fn paths_give_what_jayway_gives_but_for_the_listed_differences() {
    let cases = Json::parse(CASES).unwrap();
    let mut differences = listed();
    let mut faults = Vec::new();
    let mut count = 0;
    for line in ANSWERS.lines() {
        let line = Json::parse(line).unwrap();
        let text = |name: &str| line.get(name).unwrap().as_str().unwrap();
        let (document, path) = (text("document"), text("path"));
        let ours = ours(path, cases.get("documents").unwrap().get(document).unwrap());
        let (nodes, maps) = (theirs(&line), line.get("or").map(theirs));
        let agrees = ours == nodes || maps.is_some_and(|maps| ours == maps);
        count += 1;
        match (agrees, differences.get_mut(&(document.to_owned(), path.to_owned()))) {
            (true, None) => {}
            (false, Some(seen)) => *seen = true,
            (true, Some(seen)) => {
                *seen = true;
                faults.push(format!("{document}\t{path}\tis listed, but does not differ"));
            }
            (false, None) => faults.push(format!("{document}\t{path}\t{ours:?}\t{nodes:?}")),
        }
    }
    assert_eq!(count, cases.get("paths").unwrap().as_object().unwrap().values().map(paths).sum::<usize>());
    let unmet = differences.iter().filter(|(_, seen)| !**seen);
    faults.extend(unmet.map(|(key, _)| format!("{key:?} is listed, but not met")));
    assert!(faults.is_empty(), "of {count} paths, {} faults:\n{}", faults.len(), faults.join("\n"));
}

fn paths(of_a_document: &Json) -> usize {
    of_a_document.as_array().map_or(0, <[Json]>::len)
}
