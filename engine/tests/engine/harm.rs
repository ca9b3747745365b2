//! What others wrote, and the harm that it does to nobody else: panics, and expressions that take long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use asl_engine::data::Json;
use asl_engine::service::Service;
use asl_engine::{Call, Engine, Invoker, ManualClock, Storage, TaskFailure};
use futures_util::future::BoxFuture;

use crate::stage::{Stage, config, new_execution, new_machine, outcome, within};

/// The evaluator panics at this one.
const PANIC: &str = "$parseInteger('1','\u{661}')";

/// As long as an expression may take, whatever the machine.
const LONG: &str = "($f := function($n) { $f($n + 1) }; $f(1))";

fn jsonata(expression: &str) -> String {
    let expression = format!("{{% {expression} %}}");
    serde_json::json!({"QueryLanguage": "JSONata", "StartAt": "W", "States": {
        "W": {"Type": "Wait", "Seconds": 1, "Next": "P"},
        "P": {"Type": "Pass", "Output": expression, "End": true}}})
    .to_string()
}

#[tokio::test]
async fn a_panic_behind_a_wait_fails_its_execution_and_holds_up_no_other() {
    let stage = Stage::in_memory().await;
    let bad = stage.machine("bad", &jsonata(PANIC)).await;
    let good = stage.machine("good", &jsonata("1 + 1")).await;
    let bad = stage.start_machine(&bad, None, "{}").await;
    let good = stage.start_machine(&good, None, "{}").await;
    stage.pass(1);
    let failed = outcome(&stage.end(&bad).await);
    assert!(failed.starts_with("FAILED States.QueryEvaluationError"), "{failed}");
    assert_eq!(outcome(&stage.end(&good).await), "2");
    assert_eq!(stage.engine.health(), Ok(()));

    let pass = serde_json::json!({"QueryLanguage": "JSONata", "Type": "Pass", "Output": format!("{{% {PANIC} %}}"), "End": true});
    let request = serde_json::json!({"definition": pass.to_string()});
    let reply = Service::new(stage.engine.clone()).call("TestState", request.to_string().as_bytes()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.body.contains("States.QueryEvaluationError"), "{}", reply.body);
}

struct Panics;

impl Invoker for Panics {
    fn supports(&self, _service: &str, _action: &str) -> bool {
        true
    }

    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        assert!(!call.parameters.to_text().contains("at-once"), "on purpose");
        Box::pin(async { panic!("on purpose, later") })
    }
}

#[tokio::test]
async fn a_host_that_panics_fails_the_task() {
    let clock = ManualClock::new("2026-03-01T12:00:00Z".parse().unwrap());
    let engine = Engine::start(config(Storage::Memory, &clock, Arc::new(Panics))).await.unwrap();
    for function in ["at-once", "later"] {
        let definition = r#"{"StartAt": "A", "States": {"A": {"Type": "Task", "End": true,
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:NAME"}}}"#
            .replace("NAME", function);
        let machine = engine.create_state_machine(new_machine(function, &definition)).await.unwrap();
        let started = engine.start_execution(new_execution(&machine.arn, None, "{}")).await.unwrap();
        let end = within(engine.closed(&started.arn)).await.unwrap();
        assert_eq!(outcome(&end), "FAILED Runtime.Unknown The task panicked");
    }
    let task = r#"{"Type": "Task", "End": true, "Resource": "arn:aws:lambda:us-east-1:123456789012:function:later"}"#;
    let request = serde_json::json!({"definition": task, "roleArn": "arn:aws:iam::123456789012:role/any"});
    let reply = Service::new(engine.clone()).call("TestState", request.to_string().as_bytes()).await;
    assert!(reply.body.contains("Runtime.Unknown"), "{}", reply.body);
    assert_eq!(engine.health(), Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_long_expressions_keep_neither_the_event_loop_nor_other_executions() {
    let stage = Stage::in_memory().await;
    let long = stage.machine("long", &jsonata(LONG)).await;
    let ordinary = stage
        .machine("ordinary", r#"{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}"#)
        .await;
    for _ in 0..15 {
        stage.start_machine(&long, None, "{}").await;
    }
    let pass = serde_json::json!({"QueryLanguage": "JSONata", "Type": "Pass", "Output": format!("{{% {LONG} %}}"), "End": true});
    let request = serde_json::json!({"definition": pass.to_string()}).to_string();
    for _ in 0..15 {
        let (service, request) = (Service::new(stage.engine.clone()), request.clone());
        tokio::spawn(async move { service.call("TestState", request.as_bytes()).await });
    }
    stage.pass(1);
    let (began, mut slowest) = (Instant::now(), Duration::ZERO);
    while began.elapsed() < Duration::from_secs(3) {
        let asked = Instant::now();
        let health = tokio::spawn({
            let engine = stage.engine.clone();
            async move { engine.health() }
        });
        assert_eq!(health.await.unwrap(), Ok(()));
        let arn = stage.start_machine(&ordinary, None, "1").await;
        assert_eq!(outcome(&stage.end(&arn).await), "1");
        slowest = slowest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The example `fair` measures it; here the machine may be busy with other tests.
    assert!(slowest < Duration::from_secs(1), "one answer took {slowest:?}");
}
