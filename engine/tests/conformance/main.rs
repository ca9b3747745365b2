//! Runs the recorded cases in process, through the API (see README.md beside this file).
#![allow(clippy::unwrap_used, reason = "what a test sets up is there, or the test fails")]

mod case;
mod host;
mod matching;
mod run;
mod worker;

use std::collections::{BTreeMap, BTreeSet};

use case::Case;
use futures_util::StreamExt as _;

/// The cases that cannot pass, with the reason: the table of `exceptions.md`.
fn exceptions() -> BTreeMap<String, String> {
    let rows = include_str!("exceptions.md").lines().filter_map(|line| {
        let mut cells = line.trim().strip_prefix("| `")?.splitn(2, "` |");
        let id = cells.next()?.to_owned();
        Some((id, cells.next()?.trim().trim_end_matches('|').trim().to_owned()))
    });
    rows.collect()
}

/// The chosen cases, each with its difference from the recording, if it has one.
async fn differences(chosen: impl Fn(&Case) -> bool) -> Vec<(Case, Option<String>)> {
    // One case, to look into it: CONFORMANCE_CASE=part of its id or of its file
    let only = std::env::var("CONFORMANCE_CASE").ok();
    let is_meant =
        |case: &Case| only.as_ref().is_none_or(|it| case.id().contains(it) || case.file().contains(it));
    let cases: Vec<Case> = case::all().into_iter().filter(|case| is_meant(case) && chosen(case)).collect();
    futures_util::stream::iter(cases)
        .map(|case| {
            tokio::spawn(async move {
                let difference = run::run(&case).await.err();
                (case, difference)
            })
        })
        .buffer_unordered(8)
        .map(|joined| joined.expect("a case does not panic"))
        .collect()
        .await
}

/// A case that differs must be listed, and a listed case must differ.
fn hold_against_exceptions(results: Vec<(Case, Option<String>)>) {
    let listed = exceptions();
    let count = results.len();
    let unexpected = results.into_iter().filter_map(|(case, difference)| {
        let what = match (difference, listed.contains_key(case.id())) {
            (Some(difference), false) => difference,
            (None, true) => "passes, although exceptions.md lists it as an exception".to_owned(),
            _ => return None,
        };
        Some(format!("cases/{}\n    {}\n    {what}", case.file(), case.id()))
    });
    let mut unexpected: Vec<String> = unexpected.collect();
    unexpected.sort();
    assert!(unexpected.is_empty(), "{} of {count} cases:\n{}", unexpected.len(), unexpected.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_the_engine_alone_answers_as_aws_did() {
    hold_against_exceptions(differences(|case| case.needs().is_empty()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_mocked_host_can_serve_answers_as_aws_did() {
    hold_against_exceptions(differences(host::can_serve).await);
}

#[test]
fn every_listed_exception_is_a_case_and_has_a_reason() {
    let cases = case::all();
    for (id, reason) in exceptions() {
        assert!(cases.iter().any(|case| case.id() == id), "there is no case {id}");
        assert!(reason.len() > 10, "{id} has no reason");
    }
}

#[test]
fn every_case_has_an_id_of_its_own() {
    let cases = case::all();
    let ids: BTreeSet<&str> = cases.iter().map(Case::id).collect();
    assert_eq!(ids.len(), cases.len());
    assert!(cases.len() >= 814, "{} cases were found", cases.len());
}
