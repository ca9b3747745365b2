//! What the disk keeps, and what happens when it does not.

use std::sync::Arc;

use asl_engine::engine::{NewExecution, NewStateMachine, NoServices, Route, StateMachineChange};
use asl_engine::{Engine, EngineError, ManualClock, MemoryBounds, Refusal, Storage};

use crate::stage::{Stage, config, outcome};

const WAIT_AND_ASK: &str = r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "Next": "Ask"},
    "Ask": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:ask", "End": true}}}"#;

#[tokio::test]
async fn a_new_engine_goes_on_where_the_last_one_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:00Z").await;
    let arn = stage.start(WAIT_AND_ASK, r#"{"a":1}"#).await;
    stage.engine.shutdown().await;
    drop(stage);

    // The moment has come while nobody was there.
    let stage = Stage::on_disk(directory.path(), "2026-03-01T13:00:00Z").await;
    let unanswered = stage.asked().await;
    stage.engine.shutdown().await;
    drop((stage, unanswered));

    let stage = Stage::on_disk(directory.path(), "2026-03-01T14:00:00Z").await;
    let asked = stage.asked().await;
    assert_eq!(asked.call.execution_arn, arn);
    asked.succeed("2");
    assert_eq!(outcome(&stage.end(&arn).await), "2");
    let events = stage.events(&arn).await;
    assert_eq!(events.iter().filter(|event| *event == "LambdaFunctionScheduled").count(), 1);
    stage.engine.shutdown().await;
    drop(stage);

    let stage = Stage::on_disk(directory.path(), "2026-03-01T15:00:00Z").await;
    assert_eq!(stage.events(&arn).await, events);
    assert_eq!(stage.engine.state_machines().len(), 1);
}

#[tokio::test]
async fn versions_aliases_and_what_was_started_of_them_are_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let wait = r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": true}}}"#;
    let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:00Z").await;
    let machine = stage.engine.create_state_machine(NewStateMachine::standard("m", wait)).await.unwrap();
    let version = stage.engine.publish_version(&machine.arn, None, Some("first".to_owned())).await.unwrap();
    let routing = vec![Route { version_arn: version.arn.clone(), weight: 100 }];
    let alias = stage.engine.create_alias("live", None, routing).await.unwrap();
    let new = NewExecution::new(alias.arn.as_str(), asl_engine::data::Json::empty_object());
    let execution = stage.engine.start_execution(new).await.unwrap().arn;
    let change =
        StateMachineChange { role_arn: Some("arn:aws:iam::1:role/b".to_owned()), ..Default::default() };
    stage.engine.update_state_machine(&machine.arn, change).await.unwrap();
    stage.engine.shutdown().await;
    drop(stage);

    let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:30Z").await;
    assert_eq!(stage.engine.alias(&alias.arn).unwrap(), alias);
    let found = stage.engine.version(&version.arn).unwrap();
    assert_eq!(found.description.as_deref(), Some("first"));
    assert_ne!(found.state_machine.settings.role_arn, "arn:aws:iam::1:role/b");
    let described = stage.engine.describe_execution(&execution).await.unwrap();
    assert_eq!(described.state_machine_alias_arn.as_ref(), Some(&alias.arn));
    assert_eq!(described.state_machine_version_arn.as_ref(), Some(&version.arn));
    let second = stage.engine.publish_version(&machine.arn, None, None).await.unwrap();
    assert_eq!(second.arn, format!("{}:2", machine.arn));
    stage.engine.delete_state_machine(&machine.arn).await.unwrap();
    stage.engine.shutdown().await;
    drop(stage);

    let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:40Z").await;
    assert!(stage.engine.version(&version.arn).is_none() && stage.engine.alias(&alias.arn).is_none());
}

#[tokio::test]
async fn a_directory_belongs_to_one_engine() {
    let directory = tempfile::tempdir().unwrap();
    let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:00Z").await;
    let clock = ManualClock::new("2026-03-01T12:00:00Z".parse().unwrap());
    let storage = Storage::Directory(directory.path().to_owned());
    let second = Engine::start(config(storage, &clock, Arc::new(NoServices))).await;
    assert!(matches!(second, Err(EngineError::InUse { .. })));
    drop(stage);
}

#[tokio::test]
async fn a_damaged_record_stops_its_execution_alone() {
    let directory = tempfile::tempdir().unwrap();
    let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:00Z").await;
    let machine = stage.machine("machine", WAIT_AND_ASK).await;
    let damaged = stage.start_machine(&machine, Some("damaged"), "{}").await;
    let whole = stage.start_machine(&machine, Some("whole"), "{}").await;
    stage.engine.shutdown().await;
    drop(stage);
    let database = rusqlite::Connection::open(directory.path().join("executions.sqlite3")).unwrap();
    let changed = "UPDATE records SET body = substr(body, 1, length(body) - 3) WHERE place = (SELECT min(place) FROM records)";
    assert_eq!(database.execute(changed, []).unwrap(), 1);
    drop(database);

    let stage = Stage::on_disk(directory.path(), "2026-03-01T13:00:00Z").await;
    let asked = stage.asked().await;
    assert_eq!(asked.call.execution_arn, whole);
    asked.succeed("1");
    assert_eq!(outcome(&stage.end(&whole).await), "1");
    assert_eq!(stage.engine.describe_execution(&damaged).await.unwrap().status.as_str(), "RUNNING");
    assert!(matches!(stage.try_history(&damaged).await, Err(Refusal::Engine(EngineError::Damaged { .. }))));
}

#[tokio::test]
async fn the_disk_keeps_closed_executions_for_ninety_days_of_the_engines_clock() {
    let directory = tempfile::tempdir().unwrap();
    let pass = r#"{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}"#;
    let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:00Z").await;
    let old = stage.start(pass, "1").await;
    stage.end(&old).await;
    stage.engine.shutdown().await;
    drop(stage);

    // The first end after a start cleans away what is due.
    let day = 24 * 3600;
    for (days, is_there) in [(89, true), (91, false)] {
        let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:00Z").await;
        stage.pass(days * day);
        let new = stage.start(pass, "2").await;
        stage.end(&new).await;
        assert_eq!(stage.engine.describe_execution(&old).await.is_ok(), is_there, "{days} days");
        assert_eq!(stage.try_history(&old).await.is_ok(), is_there, "{days} days");
        stage.engine.shutdown().await;
    }
}

#[tokio::test]
async fn memory_keeps_the_last_ten_thousand_and_for_some_minutes_how_the_others_ended() {
    let stage = Stage::in_memory().await;
    let machine = stage.machine("machine", r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}"#).await;
    let first = stage.start_machine(&machine, Some("first"), "{}").await;
    stage.end(&first).await;
    let starts = (0..10_000).map(|_| stage.start_machine(&machine, None, "{}"));
    let others = futures_util::future::join_all(starts).await;
    stage.end(&others[9_999]).await;
    assert_eq!(stage.end(&first).await.status.as_str(), "SUCCEEDED");
    assert_eq!(stage.history(&others[0]).await.len(), 4);
    assert!(matches!(stage.try_history(&first).await, Err(Refusal::ExecutionDoesNotExist(_))));
    stage.pass(301);
    let last = stage.start_machine(&machine, None, "{}").await;
    stage.end(&last).await;
    assert!(matches!(stage.engine.describe_execution(&first).await, Err(Refusal::ExecutionDoesNotExist(_))));
    assert!(stage.engine.describe_execution(&others[1]).await.is_ok());
}

#[tokio::test]
async fn memory_keeps_no_more_bytes_of_histories_than_it_is_told_to() {
    let bounds = MemoryBounds { executions: 100, history_bytes: 1 << 20 };
    let stage = Stage::bounded(bounds).await;
    let machine = stage.machine("machine", r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}"#).await;
    let input = format!("\"{}\"", "x".repeat(100_000));
    let mut arns = Vec::new();
    for _ in 0..20 {
        let arn = stage.start_machine(&machine, None, &input).await;
        stage.end(&arn).await;
        arns.push(arn);
    }
    let mut kept = Vec::new();
    for arn in &arns {
        kept.push(stage.try_history(arn).await.is_ok());
    }
    // Each has its input twice or so: as that of the execution and as that of its state.
    let count = kept.iter().filter(|kept| **kept).count();
    assert!((3..=11).contains(&count), "{count} are kept");
    assert!(kept.is_sorted(), "the oldest go first: {kept:?}");
    assert_eq!(stage.end(&arns[0]).await.status.as_str(), "SUCCEEDED");
}

#[tokio::test]
async fn a_database_that_was_cut_or_overwritten_is_saved_as_far_as_it_can_be_read() {
    for damage in [cut as fn(&std::path::Path), overwrite_the_end, overwrite_the_beginning] {
        let directory = tempfile::tempdir().unwrap();
        let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:00Z").await;
        let machine = stage.machine("machine", WAIT_AND_ASK).await;
        for name in 0..200 {
            stage
                .start_machine(
                    &machine,
                    Some(&name.to_string()),
                    r#"{"text": "so that there is more than a page"}"#,
                )
                .await;
        }
        stage.engine.shutdown().await;
        drop(stage);
        damage(&directory.path().join("executions.sqlite3"));

        let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:30Z").await;
        let pass = r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}"#;
        let new = stage.machine("another", pass).await;
        let arn = stage.start_machine(&new, None, "{}").await;
        assert_eq!(outcome(&stage.end(&arn).await), "{}");
        let damaged = std::fs::read_dir(directory.path()).unwrap();
        assert!(damaged.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("damaged-")));
    }
}

fn cut(file: &std::path::Path) {
    let length = std::fs::metadata(file).unwrap().len();
    std::fs::File::options().write(true).open(file).unwrap().set_len(length - 5000).unwrap();
}

fn overwrite_the_end(file: &std::path::Path) {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let mut file = std::fs::File::options().write(true).open(file).unwrap();
    file.seek(SeekFrom::End(-20_000)).unwrap();
    file.write_all(&[0xa5; 20_000]).unwrap();
}

fn overwrite_the_beginning(file: &std::path::Path) {
    use std::io::Write as _;
    std::fs::File::options().write(true).open(file).unwrap().write_all(&[0xa5; 200]).unwrap();
}
