//! Many executions at once, on several threads.

use std::sync::Arc;

use asl_engine::Refusal;
use futures_util::future::join_all;

use crate::stage::{Stage, new_execution, outcome, within};

const STARTERS: usize = 8;
const OF_EACH: usize = 100;

/// Two branches, one of which asks a function: several records of each execution.
const MACHINE: &str = r#"{"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
    {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:ask", "End": true}}},
    {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": true}}}]}}}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn executions_started_by_many_at_once_in_memory_all_end_with_a_whole_history() {
    let stage = Arc::new(Stage::in_memory().await);
    let machine = stage.machine("machine", MACHINE).await;
    let answering = Arc::clone(&stage);
    let answering = tokio::spawn(async move {
        for _ in 0..STARTERS * OF_EACH {
            answering.asked().await.succeed("1");
        }
    });
    let starters = (0..STARTERS).map(|_| {
        let (stage, machine) = (Arc::clone(&stage), machine.clone());
        tokio::spawn(async move {
            for n in 0..OF_EACH {
                let arn = stage.start_machine(&machine, None, &n.to_string()).await;
                assert_eq!(outcome(&stage.end(&arn).await), format!("[1,{n}]"));
                let ids = stage.history(&arn).await;
                let ids: Vec<i64> =
                    ids.iter().map(|event| event.get("id").unwrap().as_i64().unwrap()).collect();
                assert_eq!(ids, (1..=13).collect::<Vec<_>>());
            }
        })
    });
    for starter in within(join_all(starters)).await {
        starter.unwrap();
    }
    within(answering).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_starts_while_the_engine_closes_is_answered_all_the_same() {
    let stage = Arc::new(Stage::in_memory().await);
    let definition = r#"{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}"#;
    let machine = stage.machine("machine", definition).await;
    let starters = (0..STARTERS).map(|_| {
        let (stage, machine) = (Arc::clone(&stage), machine.clone());
        tokio::spawn(async move {
            loop {
                match stage.engine.start_execution(new_execution(&machine, None, "{}")).await {
                    Ok(_) => {}
                    Err(Refusal::Engine(_)) => return,
                    Err(other) => panic!("{other}"),
                }
            }
        })
    });
    let starters: Vec<_> = starters.collect();
    stage.start_machine(&machine, None, "{}").await;
    stage.engine.shutdown().await;
    for starter in within(join_all(starters)).await {
        starter.unwrap();
    }
}
