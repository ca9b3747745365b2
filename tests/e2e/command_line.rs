//! The program as its users start it.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Output, Stdio};

use tokio::process::Command;

use end_to_end_tests::{Process, process};

async fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(process::program()).args(arguments).stdin(Stdio::null()).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[tokio::test]
async fn the_demo_draws_two_winners_and_shows_their_messages() {
    let (code, stdout, stderr) = run(&["demo"]).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    let count = |word: &str| stdout.lines().filter(|line| line.to_lowercase().contains(word)).count();
    for state in ["SealEntries", "DrawWinners", "RecordWinners", "Notify", "CompleteDraw"] {
        assert!(stdout.contains(state), "{state} has no line: {stdout}");
    }
    assert_eq!(count("+1202555"), 2, "an SMS each: {stdout}");
    assert_eq!(count("@example.com"), 2, "an e-mail each: {stdout}");
}

/// Starting must fail with exit code 2 and one sentence that has `words` in it.
async fn refuses_to_start(arguments: &[&str], words: &[&str]) {
    let (code, _, stderr) = run(arguments).await;
    assert_eq!(code, 2, "{stderr}");
    assert_eq!(stderr.trim().lines().count(), 1, "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{word} is missing: {stderr}");
    }
}

#[tokio::test]
async fn what_keeps_the_stack_from_starting_is_said_in_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let ports = ["--listen", "127.0.0.1:0", "--aws-listen", "127.0.0.1:0"];
    refuses_to_start(
        &["--in-memory", "--listen", &taken, "--aws-listen", "127.0.0.1:0"],
        &[&taken, "in use"],
    )
    .await;
    refuses_to_start(
        &["--in-memory", "--listen", "127.0.0.1:0", "--aws-listen", &taken],
        &[&taken, "in use"],
    )
    .await;

    // Not even root can make a directory inside a file.
    let file = tempfile::NamedTempFile::new().unwrap();
    let inside = file.path().join("data");
    let inside = inside.to_str().unwrap();
    refuses_to_start(&[&ports[..], &["--data-dir", inside]].concat(), &[inside]).await;

    let data = tempfile::tempdir().unwrap();
    let first = Process::start(data.path()).await;
    let path = data.path().to_str().unwrap();
    refuses_to_start(&[&ports[..], &["--data-dir", path]].concat(), &[path, "another"]).await;
    drop(first);
}

#[tokio::test]
async fn ctrl_c_stops_the_stack_cleanly() {
    let data = tempfile::tempdir().unwrap();
    let stack = Process::start(data.path()).await;
    assert_eq!(stack.interrupt().await, Some(0));
    Process::start(data.path()).await;
}

#[tokio::test]
async fn the_readme_s_lines_work_as_printed() {
    let data = tempfile::tempdir().unwrap();
    let stack = Process::start(data.path()).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let block = readme.split("```sh\n").map(|block| block.split("```").next().unwrap());
    let lines =
        block.into_iter().find(|block| block.contains("curl")).expect("README has a block of curl lines");
    let script = lines
        .replace("http://127.0.0.1:8080", &stack.api)
        .replace(".lottery/organiser.token", data.path().join("organiser.token").to_str().unwrap());
    assert!(script != lines, "the block names the API and the token's place");

    let Output { status, stdout, stderr } =
        Command::new("bash").args(["-euc", &script]).current_dir(root).output().await.unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{stdout}{stderr}");
    for word in ["202", "ocation: /lotteries/party/draws/", "\"SUCCEEDED\"", "\"winners\"", "@example.com"] {
        assert!(stdout.contains(word), "{word} is missing: {stdout}{stderr}");
    }
}
