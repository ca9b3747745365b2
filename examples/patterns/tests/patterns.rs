//! Each pattern, run as `cargo run -p example-patterns` does, with the workers in both languages.

use example_patterns::Python;

#[tokio::test]
async fn each_pattern_does_what_it_is_for_with_workers_in_rust_and_python() {
    let program = end_to_end_tests::python::tool("python3").await;
    let python = Python::with_boto3(program).await.expect("the tests' Python has boto3");
    let mut printed = Vec::new();
    let outcome = example_patterns::run(&mut printed, Some(&python)).await;
    let printed = String::from_utf8(printed).unwrap();
    outcome.unwrap_or_else(|error| panic!("{error:?}\n{printed}"));
    for line in ["RaiseAgain", "no lock is left", "taken by the worker rust", "taken by the worker python"] {
        assert!(printed.contains(line), "no step says {line}: {printed}");
    }
}

#[tokio::test]
async fn a_python_without_boto3_is_not_used() {
    assert!(Python::with_boto3("no-such-python".into()).await.is_none());
}
