//! Objects in S3, and a Distributed Map from one to others.

use end_to_end_tests::stack::start;
use end_to_end_tests::{Process, python};

#[tokio::test]
async fn boto3_finds_the_s3_that_it_knows() {
    let stack = start().await;
    let said = python::run("python3", stack.aws(), &["-c", include_str!("objects/sdk.py")]).await;
    assert_eq!(said.lines().count(), 5, "{said}");
}

/// Kills the stack twice while a map reads rows, and gives what it has in the end.
async fn rows_of_a_map_that_was_killed(place: &str) -> String {
    let data = tempfile::tempdir().unwrap();
    let script = include_str!("objects/batches.py");
    let stack = Process::start(data.path()).await;
    let execution = python::run("python3", &stack.aws, &["-c", script, "begin", place]).await;
    stack.kill().await;
    // Killed once more while it finds its way back.
    Process::start(data.path()).await.kill().await;
    let stack = Process::start(data.path()).await;
    python::run("python3", &stack.aws, &["-c", script, "end", execution.trim()]).await
}

#[tokio::test]
async fn a_map_over_a_file_that_is_killed_twice_has_every_result_once() {
    assert_eq!(rows_of_a_map_that_was_killed("csv").await.trim(), "20000");
}

#[tokio::test]
async fn a_map_over_an_inventory_that_is_killed_twice_has_every_result_once() {
    assert_eq!(rows_of_a_map_that_was_killed("inventory").await.trim(), "20000");
}
