//! Each pattern, run as `cargo run -p example-patterns` does, with the workers in both languages.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use end_to_end_tests::deployment::assert_least_privilege;
use example_patterns::Python;
use local_stack::CallLog;

#[tokio::test]
async fn each_pattern_does_what_it_is_for_with_workers_in_rust_and_python_and_the_roles_of_the_template() {
    let program = end_to_end_tests::python::tool("python3").await;
    let python = Python::with_boto3(program).await.expect("the tests' Python has boto3");
    let mut printed = Vec::new();
    let log = CallLog::default();
    let outcome = example_patterns::run(&mut printed, Some(&python), &log).await;
    let printed = String::from_utf8(printed).unwrap();
    outcome.unwrap_or_else(|error| panic!("{error:?}\n{printed}"));
    for line in ["RaiseAgain", "no lock is left", "taken by the worker rust", "taken by the worker python"] {
        assert!(printed.contains(line), "no step says {line}: {printed}");
    }
    assert_least_privilege(&example_patterns::template().unwrap(), log.permissions());
}

#[tokio::test]
async fn a_python_without_boto3_is_not_used() {
    assert!(Python::with_boto3("no-such-python".into()).await.is_none());
}
