//! Executions that never wait, beside others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use asl_engine::engine::{MachineType, NewStateMachine};

use crate::stage::{Stage, new_execution, new_machine, outcome, within};

const LOOP: &str = r#"{"StartAt": "P", "States": {
    "P": {"Type": "Pass", "Next": "C"},
    "C": {"Type": "Choice", "Choices": [{"Variable": "$.never", "IsPresent": true, "Next": "P"}], "Default": "P"}}}"#;

fn express(definition: &str) -> NewStateMachine {
    NewStateMachine { machine_type: MachineType::Express, ..new_machine("express", definition) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_loops_do_not_hold_up_another_execution_and_end_after_five_minutes() {
    let stage = Arc::new(Stage::in_memory().await);
    let looping = stage.engine.create_state_machine(express(LOOP)).await.unwrap().arn.clone();
    let loops: Vec<_> = (0..20)
        .map(|_| {
            let (stage, new) = (Arc::clone(&stage), new_execution(&looping, None, "{}"));
            tokio::spawn(async move { stage.engine.start_sync_execution(new).await })
        })
        .collect();
    let hops = r#"{"StartAt": "A", "States": {
        "A": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:a", "Next": "B"},
        "B": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:b", "End": true}}}"#;
    let machine = stage.machine("hops", hops).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let began = Instant::now();
        let arn = stage.start_machine(&machine, None, "{}").await;
        stage.asked().await.succeed("1");
        stage.asked().await.succeed("2");
        assert_eq!(outcome(&stage.end(&arn).await), "2");
        slowest = slowest.max(began.elapsed());
    }
    // Far below what twenty loops would take, far above what two cores without optimisation need.
    assert!(slowest < Duration::from_secs(1), "one took {slowest:?}");

    stage.pass(299);
    assert!(loops.iter().all(|looping| !looping.is_finished()));
    stage.pass(1);
    for looping in loops {
        let end = within(looping).await.unwrap().unwrap();
        assert_eq!(outcome(&end), "TIMED_OUT States.Timeout -");
    }
}

#[tokio::test]
async fn an_endless_standard_loop_ends_with_its_history_of_25_000_events() {
    let stage = Stage::in_memory().await;
    let arn = stage.start(LOOP, "{}").await;
    let end = stage.end(&arn).await;
    assert_eq!(
        outcome(&end),
        "FAILED States.Runtime The execution reached the maximum number of history events (25000)."
    );
    assert_eq!(stage.events(&arn).await.len(), 25_000);
}

#[tokio::test]
async fn a_loop_that_the_disk_keeps_goes_on_where_it_was_cut() {
    let directory = tempfile::tempdir().unwrap();
    let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:00Z").await;
    let machine = stage.machine("machine", LOOP).await;
    let arn = stage.start_machine(&machine, None, "{}").await;
    // Some records, each cut by time.
    while stage.events(&arn).await.len() < 2_000 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stage.engine.shutdown().await;
    drop(stage);
    let stage = Stage::on_disk(directory.path(), "2026-03-01T12:00:00Z").await;
    let end = stage.end(&arn).await;
    assert!(outcome(&end).contains("maximum number of history events"), "{}", outcome(&end));
    let history = stage.history(&arn).await;
    let ids: Vec<_> = history.iter().map(|event| event.get("id").unwrap().as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=25_000).collect::<Vec<_>>());
}
