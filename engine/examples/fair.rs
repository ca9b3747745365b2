//! How long an execution takes beside others that never wait, and beside expressions that take long:
//! `fair [LOOPS] [SECONDS]`, such as `fair 20 5`.
//!
//! It prints the latency of a small execution (started, run and closed, one after another) and of an answer of the
//! engine, alone, beside loops of Pass and Choice, and beside thirty expressions that run until they are stopped.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use asl_engine::data::Json;
use asl_engine::engine::{MachineType, NewExecution, NewStateMachine, NoServices};
use asl_engine::{Clock, Config, Engine, Storage};

type Failure = Box<dyn std::error::Error>;

const SMALL: &str = r#"{"StartAt": "A", "States": {
    "A": {"Type": "Pass", "Next": "W"}, "W": {"Type": "Wait", "Seconds": 0, "Next": "B"}, "B": {"Type": "Pass", "End": true}}}"#;

const LOOP: &str = r#"{"StartAt": "P", "States": {
    "P": {"Type": "Pass", "Next": "C"},
    "C": {"Type": "Choice", "Choices": [{"Variable": "$.never", "IsPresent": true, "Next": "P"}], "Default": "P"}}}"#;

const LONG: &str = r#"{"QueryLanguage": "JSONata", "StartAt": "P", "States": {
    "P": {"Type": "Pass", "Output": "{% ($f := function($n) { $f($n + 1) }; $f(1)) %}", "End": true}}}"#;

async fn machine(engine: &Engine, name: &str, definition: &str) -> Result<String, Failure> {
    let new = NewStateMachine {
        name: name.to_owned(),
        definition: definition.to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/any".to_owned(),
        machine_type: if name == "loop" { MachineType::Express } else { MachineType::Standard },
        logging_configuration: None,
        tracing_configuration: None,
        encryption_configuration: None,
        tags: None,
    };
    Ok(engine.create_state_machine(new).await?.arn.clone())
}

fn execution(machine: &str) -> NewExecution {
    NewExecution {
        state_machine_arn: machine.to_owned(),
        name: None,
        input: Json::empty_object(),
        trace_header: None,
    }
}

/// The latencies of small executions and of answers of the event loop, for so long.
async fn measure(engine: &Engine, machine: &str, time: Duration) -> Result<[Vec<Duration>; 2], Failure> {
    let (mut executions, mut answers) = (Vec::new(), Vec::new());
    let began = Instant::now();
    while began.elapsed() < time {
        let started = Instant::now();
        let arn = engine.start_execution(execution(machine)).await?.arn;
        engine.closed(&arn).await?;
        executions.push(started.elapsed());
        let asked = Instant::now();
        let asking = engine.clone();
        tokio::spawn(async move { asking.health() }).await??;
        answers.push(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    executions.sort();
    answers.sort();
    Ok([executions, answers])
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let loops: usize = arguments.next().as_deref().unwrap_or("20").parse()?;
    let time = Duration::from_secs(arguments.next().as_deref().unwrap_or("5").parse()?);
    let mut out = std::io::stdout().lock();
    for (beside, others) in [("alone", 0), ("beside loops", loops), ("beside long expressions", 30)] {
        let engine = Engine::start(Config {
            storage: Storage::Memory,
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            clock: Clock::system(),
            invoker: Arc::new(NoServices),
            ..Config::in_memory()
        })
        .await?;
        let small = machine(&engine, "small", SMALL).await?;
        let other = if beside == "beside loops" {
            machine(&engine, "loop", LOOP).await?
        } else {
            machine(&engine, "long", LONG).await?
        };
        let mut running = Vec::new();
        for _ in 0..others {
            running.push(engine.start_execution(execution(&other)).await?.arn);
        }
        let measured = measure(&engine, &small, time).await?;
        for (what, taken) in ["executions", "answers"].into_iter().zip(measured) {
            let at = |hundredths: usize| taken[(taken.len() - 1) * hundredths / 100].as_secs_f64() * 1e3;
            writeln!(
                out,
                "{others:3} {beside:24} {what:10} {:6}, p50 {:8.3} ms, p99 {:8.3} ms, slowest {:8.3} ms",
                taken.len(),
                at(50),
                at(99),
                at(100)
            )?;
        }
        for arn in running {
            engine.stop_execution(&arn, None, None).await?;
        }
        engine.shutdown().await;
    }
    Ok(())
}
