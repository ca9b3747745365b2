//! The program, where no stack needs to run.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::process::{Command, Output};

fn local_stack(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_local-stack")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn lint_tells_faults_with_their_place_and_exits_with_1() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wrong.asl.json");
    std::fs::write(&file, r#"{"StartAt": "A", "States": {"B": {"Type": "Succeed"}}}"#).unwrap();
    let output = local_stack(&["lint", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("wrong.asl.json:1:"), "{}", text(&output.stdout));
}

#[test]
fn lint_finds_nothing_in_the_lottery_that_aws_would_refuse() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("lottery.asl.json");
    std::fs::write(&file, state_machines::LOTTERY).unwrap();
    let output = local_stack(&["lint", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn lint_names_a_file_that_it_cannot_read() {
    let output = local_stack(&["lint", "nowhere.asl.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("nowhere.asl.json"));
}
