//! A disk that is full, and has room again: a process whose files may not grow, until that is allowed.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use asl_engine::{EngineError, Refusal};

use crate::stage::{Stage, new_execution, outcome, within};

const DIRECTORY: &str = "FULL_DISK_DIRECTORY";

#[test]
fn an_engine_whose_disk_was_full_goes_on_when_there_is_room_and_nothing_acknowledged_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    // The soft limit alone, and no signal: writing fails as it does on a full disk.
    let limited = r#"trap '' XFSZ; ulimit -S -f 1200; exec "$0" "$@""#;
    let mut process = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .args(["full_disk::the_process", "--exact", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = String::new();
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("the disk is full") {
            let pid = process.id().to_string();
            let allowed = Command::new("prlimit").args(["--fsize=unlimited:", "--pid", &pid]).status();
            assert!(allowed.unwrap().success());
        }
        printed.push_str(&line);
        printed.push('\n');
    }
    assert!(process.wait().unwrap().success() && printed.contains("all is well"), "{printed}");
}

#[tokio::test]
#[ignore = "the process that the test above starts"]
#[expect(clippy::print_stdout, reason = "the test above reads it")]
async fn the_process() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let stage = Stage::on_disk(&directory, "2026-03-01T12:00:00Z").await;
    let wait = r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "P"}, "P": {"Type": "Pass", "End": true}}}"#;
    let machine = stage.machine("machine", wait).await;
    let input = format!("\"{}\"", "x".repeat(20_000));
    let start = |name: usize| new_execution(&machine, Some(&name.to_string()), &input);

    let mut acknowledged = Vec::new();
    let refused = loop {
        match stage.engine.start_execution(start(acknowledged.len())).await {
            Ok(started) => acknowledged.push(started.arn),
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Refusal::Engine(EngineError::StoreUnavailable)), "{refused}");
    let down = stage.engine.health().unwrap_err();
    assert!(down.contains("the history store cannot be written"), "{down}");
    // Refused at once while it lasts, and what is stored can be read.
    let again =
        tokio::time::timeout(Duration::from_secs(2), stage.engine.start_execution(start(9_999))).await;
    assert!(again.unwrap().is_err());
    assert_eq!(stage.events(&acknowledged[0]).await.len(), 2);
    // What falls due meanwhile waits.
    stage.pass(60);

    println!("the disk is full");
    within(async {
        while stage.engine.health().is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let mut events = HashMap::new();
    for arn in &acknowledged {
        assert_eq!(stage.end(arn).await.status.as_str(), "SUCCEEDED");
        events.insert(arn.clone(), stage.events(arn).await);
    }
    assert!(events.values().all(|events| events.len() == 6 && events[5] == "ExecutionSucceeded"));
    // The one that was not acknowledged is found again by its name.
    let last = stage.engine.start_execution(start(acknowledged.len())).await;
    let last = match last {
        Ok(started) => started.arn,
        Err(Refusal::ExecutionAlreadyExists(arn)) => arn,
        Err(other) => panic!("{other}"),
    };
    stage.pass(60);
    stage.end(&last).await;
    let new = stage.start_machine(&machine, Some("new"), "1").await;
    stage.pass(60);
    assert_eq!(outcome(&stage.end(&new).await), "1");
    stage.engine.shutdown().await;
    drop(stage);

    let stage = Stage::on_disk(&directory, "2026-03-01T13:00:00Z").await;
    for (arn, events) in events {
        assert_eq!(stage.events(&arn).await, events);
    }
    println!("all is well");
}
