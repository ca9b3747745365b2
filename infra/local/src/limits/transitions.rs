//! How many states executions have entered: what Step Functions bills.

use asl_engine::Engine;
use asl_engine::engine::{ExecutionQuery, ExecutionsOf, HistoryData, HistoryOrder, HistoryQuery};
use serde_json::Value;

/// The entries into states in the histories of every execution. Express executions, which have none, do not count.
pub(crate) async fn state_transitions(engine: &Engine) -> u64 {
    let mut entered = 0;
    for machine in engine.state_machines() {
        let mut after = None;
        loop {
            let of = ExecutionsOf::StateMachine(machine.arn.clone());
            let query = ExecutionQuery { of, status: None, redriven: None, limit: 1_000, after };
            let Ok(page) = engine.list_executions(query).await else { break };
            for execution in &page.executions {
                entered += entered_by(engine, &execution.arn).await;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    entered
}

async fn entered_by(engine: &Engine, execution: &str) -> u64 {
    let (mut entered, mut skip) = (0, 0);
    loop {
        let query =
            HistoryQuery { skip, limit: 1_000, order: HistoryOrder::Forward, data: HistoryData::Left };
        let Ok(page) = engine.execution_history(execution, query).await else { return entered };
        skip += page.events.len();
        let is_entry =
            |event: &Value| event["type"].as_str().is_some_and(|kind| kind.ends_with("StateEntered"));
        entered += page.events.iter().map(Value::from).filter(is_entry).count() as u64;
        if !page.more || page.events.is_empty() {
            return entered;
        }
    }
}
