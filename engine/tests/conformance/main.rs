//! Runs the recorded cases in process, through the API (see README.md beside this file).
#![allow(clippy::unwrap_used, reason = "what a test sets up is there, or the test fails")]

mod case;
mod host;
mod matching;
mod run;
mod worker;

use std::collections::BTreeMap;

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

/// How each of the chosen cases differs, if it does.
async fn differences(chosen: impl Fn(&Case) -> bool) -> BTreeMap<String, Option<String>> {
    // One case, to look into it: CONFORMANCE_CASE=part-of-its-id
    let only = std::env::var("CONFORMANCE_CASE").ok();
    let cases =
        case::all().into_iter().filter(|case| only.as_ref().is_none_or(|only| case.id().contains(only)));
    let cases: Vec<Case> = cases.filter(chosen).collect();
    futures_util::stream::iter(cases)
        .map(|case| tokio::spawn(async move { (case.id().to_owned(), run::run(&case).await.err()) }))
        .buffer_unordered(8)
        .map(|joined| joined.expect("a case does not panic"))
        .collect()
        .await
}

/// Whatever differs must be listed, and whatever is listed must differ.
fn hold_against_exceptions(results: BTreeMap<String, Option<String>>) {
    let listed = exceptions();
    let count = results.len();
    let unexpected = results.into_iter().filter_map(|(id, difference)| match (difference, listed.get(&id)) {
        (Some(difference), None) => Some(format!("{id}\n    {difference}")),
        (None, Some(_)) => Some(format!("{id}\n    passes, although exceptions.md lists it as an exception")),
        _ => None,
    });
    let unexpected: Vec<String> = unexpected.collect();
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
