//! Runs the recorded cases in process, through the API (see README.md beside this file).

mod case;
mod host;
mod matching;
mod run;

use std::collections::BTreeMap;

use case::Case;
use futures_util::StreamExt as _;

/// The cases that cannot pass, with the reason: the table of `docs/asl-support.md` between the two marks.
fn exceptions() -> BTreeMap<String, String> {
    let text = include_str!("../../../docs/asl-support.md");
    let table = text.split_once("<!-- conformance exceptions -->").unwrap().1;
    let table = table.split_once("<!-- end of conformance exceptions -->").unwrap().0;
    let rows = table.lines().filter_map(|line| {
        let mut cells = line.trim().strip_prefix("| `")?.splitn(2, "` |");
        let id = cells.next()?.to_owned();
        Some((id, cells.next()?.trim().trim_end_matches('|').trim().to_owned()))
    });
    rows.collect()
}

/// Runs the chosen cases and tells how those that failed differ.
async fn differences(chosen: impl Fn(&Case) -> bool) -> (usize, BTreeMap<String, String>) {
    // One case, to look into it: CONFORMANCE_CASE=part-of-its-id
    let only = std::env::var("CONFORMANCE_CASE").ok();
    let cases = case::all().into_iter().filter(|case| only.as_ref().is_none_or(|only| case.id().contains(only)));
    let cases: Vec<Case> = cases.filter(chosen).collect();
    let count = cases.len();
    let results = futures_util::stream::iter(cases)
        .map(|case| {
            tokio::spawn(async move {
                let id = case.id().to_owned();
                (id, run::run(&case).await.err())
            })
        })
        .buffer_unordered(8)
        .map(|joined| joined.expect("a case does not panic"));
    let failed = results.filter_map(|(id, difference)| async move { Some((id, difference?)) });
    (count, failed.collect().await)
}

fn hold_against_exceptions(count: usize, mut failed: BTreeMap<String, String>) {
    let mut listed = exceptions();
    if std::env::var_os("CONFORMANCE_CASE").is_some() {
        listed.clear();
    }
    let mut unexpected = Vec::new();
    for (id, difference) in std::mem::take(&mut failed) {
        if listed.remove(&id).is_none() {
            unexpected.push(format!("{id}\n    {difference}"));
        }
    }
    assert!(unexpected.is_empty(), "{} of {count} cases differ:\n{}", unexpected.len(), unexpected.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_the_engine_alone_answers_as_aws_did() {
    let (count, failed) = differences(|case| case.needs().is_empty()).await;
    hold_against_exceptions(count, failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_mocked_host_can_serve_answers_as_aws_did() {
    let (count, failed) = differences(|case| host::can_serve(&case.needs())).await;
    hold_against_exceptions(count, failed);
}

#[test]
fn every_listed_exception_is_a_case_and_has_a_reason() {
    let cases = case::all();
    for (id, reason) in exceptions() {
        assert!(cases.iter().any(|case| case.id() == id), "there is no case {id}");
        assert!(reason.len() > 10, "{id} has no reason");
    }
}
