//! The engine without HTTP: `cargo bench -p asl-engine`.
//!
//! `w1.asl.json` enters 69 states and leaves 184 events; a time here is that of one whole execution, from
//! StartExecution to the stored end, unless the name says otherwise.

use asl_engine::data::Json;
use asl_engine::definition::StateMachine;
use asl_engine::engine::{HistoryData, HistoryOrder, HistoryQuery, NewExecution, NewStateMachine};
use asl_engine::validation::{Options, validate};
use asl_engine::{Config, Engine, Storage};
use divan::Bencher;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

const W1: &str = include_str!("w1.asl.json");
const W1_INPUT: &str = r#"{"id": "a1", "round": 1, "csv": "x,y,z"}"#;

/// An engine with one machine.
struct Stage {
    runtime: Runtime,
    engine: Engine,
    machine: String,
}

impl Stage {
    fn new(storage: Storage, definition: &str) -> Stage {
        let runtime = Runtime::new().expect("the runtime starts");
        let (engine, machine) = runtime.block_on(async {
            let engine =
                Engine::start(Config { storage, ..Config::in_memory() }).await.expect("the engine starts");
            let new = NewStateMachine::standard("machine", definition);
            let machine =
                engine.create_state_machine(new).await.expect("the definition is valid").arn.clone();
            (engine, machine)
        });
        Stage { runtime, engine, machine }
    }

    fn in_memory(definition: &str) -> Stage {
        Stage::new(Storage::Memory, definition)
    }

    /// Runs executions side by side, to their ends; gives the ARN of the last.
    fn run(&self, input: &Json, at_once: usize) -> String {
        self.runtime.block_on(async {
            let one = || async {
                let new = NewExecution::new(&self.machine, input.clone());
                let arn = self.engine.start_execution(new).await.expect("it starts").arn;
                let end = self.engine.closed(&arn).await.expect("it ends");
                assert!(end.output.is_some(), "{:?}", end.cause);
                arn
            };
            futures_util::future::join_all((0..at_once).map(|_| one()))
                .await
                .pop()
                .expect("there is at least one")
        })
    }
}

fn parse(text: &str) -> Json {
    Json::parse(text).expect("it is JSON")
}

#[divan::bench]
fn w1_in_memory(bencher: Bencher<'_, '_>) {
    let stage = Stage::in_memory(W1);
    let input = parse(W1_INPUT);
    bencher.bench_local(|| stage.run(&input, 1));
}

#[divan::bench]
fn w1_durable(bencher: Bencher<'_, '_>) {
    let directory = tempfile::tempdir().expect("there is room");
    let stage = Stage::new(Storage::Directory(directory.path().to_owned()), W1);
    let input = parse(W1_INPUT);
    bencher.bench_local(|| stage.run(&input, 1));
}

/// A hundred at a time share their commits: the time is that of all hundred.
#[divan::bench]
fn w1_durable_hundred_at_once(bencher: Bencher<'_, '_>) {
    let directory = tempfile::tempdir().expect("there is room");
    let stage = Stage::new(Storage::Directory(directory.path().to_owned()), W1);
    let input = parse(W1_INPUT);
    bencher.bench_local(|| stage.run(&input, 100));
}

/// The cost of an item must not depend on how many there are. The history limits an inline Map to some thousands.
#[divan::bench(args = [10, 100, 1_000, 5_000])]
fn inline_map(bencher: Bencher<'_, '_>, items: usize) {
    let stage = Stage::in_memory(
        r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}}"#,
    );
    let input = Json::array((0..items).map(|item| Json::from(item as u64)));
    bencher.bench_local(|| stage.run(&input, 1));
}

#[divan::bench(args = [10, 100, 1_000, 10_000], sample_count = 10)]
fn distributed_map(bencher: Bencher<'_, '_>, items: usize) {
    let stage = Stage::in_memory(
        r#"{"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}}"#,
    );
    let input = Json::array((0..items).map(|item| Json::from(item as u64)));
    bencher.bench_local(|| stage.run(&input, 1));
}

/// The whole history in pages of a thousand.
#[divan::bench(args = [100, 1_000, 20_000])]
fn history(bencher: Bencher<'_, '_>, events: usize) {
    let stage = Stage::in_memory(
        r#"{"StartAt": "C", "States": {
            "C": {"Type": "Choice", "Choices": [{"Variable": "$.left", "NumericGreaterThan": 0, "Next": "P"}], "Default": "S"},
            "P": {"Type": "Pass", "Parameters": {"left.$": "States.MathAdd($.left, -1)"}, "Next": "C"},
            "S": {"Type": "Succeed"}}}"#,
    );
    let arn = stage.run(&Json::object([("left", Json::from(events as u64 / 4 - 2))]), 1);
    bencher.bench_local(|| {
        stage.runtime.block_on(async {
            let mut skip = 0;
            loop {
                let query = HistoryQuery {
                    skip,
                    limit: 1000,
                    order: HistoryOrder::Forward,
                    data: HistoryData::Included,
                };
                let page = stage.engine.execution_history(&arn, query).await.expect("it is stored");
                skip += page.events.len();
                if !page.more {
                    return skip;
                }
            }
        })
    });
}

/// What both readers of a JSON text are given.
const TEXTS: [&str; 3] = ["input", "definition", "rows"];

fn text(name: &str) -> String {
    match name {
        "input" => W1_INPUT.to_owned(),
        "definition" => W1.to_owned(),
        _ => {
            let row = |row: u32| {
                format!(r#"{{"id":"{row:05}","name":"Name \u00e9 {row}","ratio":{row}.25,"ok":true}}"#)
            };
            format!("[{}]", (0..2_000).map(row).collect::<Vec<_>>().join(","))
        }
    }
}

/// The engine's own reader of JSON. It is kept as long as it is no slower than `read_json_with_serde`.
#[divan::bench(args = TEXTS)]
fn read_json(bencher: Bencher<'_, '_>, name: &str) {
    let text = text(name);
    bencher.bench_local(|| parse(&text));
}

#[divan::bench(args = TEXTS)]
fn read_json_with_serde(bencher: Bencher<'_, '_>, name: &str) {
    let text = text(name);
    bencher.bench_local(|| serde_json::from_str::<Json>(&text).expect("it is JSON"));
}

/// The two readers of a definition: the one that makes a state machine, and the one that finds all faults.
#[divan::bench]
fn definition_parse(bencher: Bencher<'_, '_>) {
    let json = parse(W1);
    bencher.bench_local(|| StateMachine::parse(&json).expect("it is valid"));
}

#[divan::bench]
fn definition_validate(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| validate(W1, &Options::standard()));
}
