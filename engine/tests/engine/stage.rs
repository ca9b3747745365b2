//! An engine with a clock that the test moves and a host whose answers the test gives.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use asl_engine::data::Json;
use asl_engine::engine::{
    ExecutionDescription, HistoryData, HistoryOrder, HistoryQuery, MachineType, NewExecution, NewStateMachine,
};
use asl_engine::{
    Call, Clock, Config, Engine, Invoker, ManualClock, MemoryBounds, Refusal, Storage, TaskFailure,
};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, mpsc, oneshot};

/// A call that the engine made, waiting for the test's answer.
pub(crate) struct Asked {
    pub(crate) call: Call,
    answer: oneshot::Sender<Result<Json, TaskFailure>>,
}

impl Asked {
    /// Answers; the engine may not listen any more.
    pub(crate) fn succeed(self, json: &str) {
        let _ = self.answer.send(Ok(Json::parse(json).unwrap()));
    }

    pub(crate) fn fail(self, error: &str) {
        let _ = self.answer.send(Err(TaskFailure { error: error.to_owned(), cause: "as told".to_owned() }));
    }
}

struct Host(mpsc::UnboundedSender<Asked>);

impl Invoker for Host {
    fn supports(&self, _service: &str, _action: &str) -> bool {
        true
    }

    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        let (answer, answered) = oneshot::channel();
        let sent = self.0.send(Asked { call, answer });
        async move {
            match (sent, answered.await) {
                (Ok(()), Ok(answer)) => answer,
                // The test is over, or has dropped the call: nobody answers.
                _ => std::future::pending().await,
            }
        }
        .boxed()
    }
}

/// An engine, its clock and its host.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) clock: ManualClock,
    asked: Mutex<mpsc::UnboundedReceiver<Asked>>,
}

impl Stage {
    pub(crate) async fn in_memory() -> Stage {
        Stage::open(Storage::Memory, "2026-03-01T12:00:00Z").await
    }

    pub(crate) async fn on_disk(directory: &Path, now: &str) -> Stage {
        Stage::open(Storage::Directory(directory.to_owned()), now).await
    }

    async fn open(storage: Storage, now: &str) -> Stage {
        let clock = ManualClock::new(now.parse().unwrap());
        Stage::open_with(storage, clock.clone(), clock.into()).await
    }

    pub(crate) async fn bounded(bounds: MemoryBounds) -> Stage {
        Stage::open(Storage::BoundedMemory(bounds), "2026-03-01T12:00:00Z").await
    }

    /// In memory, with a clock that is not the stage's own.
    pub(crate) async fn with_clock(clock: Clock) -> Stage {
        Stage::open_with(Storage::Memory, ManualClock::new(clock.now()), clock).await
    }

    async fn open_with(storage: Storage, clock: ManualClock, of_engine: Clock) -> Stage {
        let (sender, asked) = mpsc::unbounded_channel();
        let config = Config { clock: of_engine, ..config(storage, &clock, Arc::new(Host(sender))) };
        let engine = Engine::start(config).await.unwrap();
        Stage { engine, clock, asked: Mutex::new(asked) }
    }

    /// Makes a machine and starts it; gives the execution's ARN.
    pub(crate) async fn start(&self, definition: &str, input: &str) -> String {
        let machine = self.machine("machine", definition).await;
        self.start_machine(&machine, None, input).await
    }

    pub(crate) async fn machine(&self, name: &str, definition: &str) -> String {
        self.engine.create_state_machine(new_machine(name, definition)).await.unwrap().arn.clone()
    }

    pub(crate) async fn start_machine(&self, machine: &str, name: Option<&str>, input: &str) -> String {
        self.engine.start_execution(new_execution(machine, name, input)).await.unwrap().arn
    }

    /// The next call that the engine makes.
    pub(crate) async fn asked(&self) -> Asked {
        within(self.asked.lock().await.recv()).await.unwrap()
    }

    /// Whether the engine has made a call that was not looked at.
    pub(crate) async fn is_silent(&self) -> bool {
        self.asked.lock().await.try_recv().is_err()
    }

    /// The end of an execution.
    pub(crate) async fn end(&self, arn: &str) -> ExecutionDescription {
        within(self.engine.closed(arn)).await.unwrap()
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The types of the events so far.
    pub(crate) async fn events(&self, arn: &str) -> Vec<String> {
        let types = self.history(arn).await;
        types.iter().map(|event| event.get("type").unwrap().as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn history(&self, arn: &str) -> Vec<Json> {
        self.try_history(arn).await.unwrap()
    }

    pub(crate) async fn try_history(&self, arn: &str) -> Result<Vec<Json>, Refusal> {
        let query = HistoryQuery {
            skip: 0,
            limit: 100_000,
            order: HistoryOrder::Forward,
            data: HistoryData::Included,
        };
        Ok(self.engine.execution_history(arn, query).await?.events)
    }

    /// Waits until the history has an event of this type for the n-th time.
    pub(crate) async fn until(&self, arn: &str, event_type: &str, times: usize) {
        within(async {
            while self.events(arn).await.iter().filter(|event| *event == event_type).count() < times {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
}

pub(crate) fn config(storage: Storage, clock: &ManualClock, invoker: Arc<dyn Invoker>) -> Config {
    Config {
        storage,
        region: "us-east-1".to_owned(),
        account: "123456789012".to_owned(),
        clock: clock.clone().into(),
        invoker,
        ..Config::in_memory()
    }
}

pub(crate) fn new_machine(name: &str, definition: &str) -> NewStateMachine {
    NewStateMachine {
        name: name.to_owned(),
        definition: definition.to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/any".to_owned(),
        machine_type: MachineType::Standard,
        logging_configuration: None,
        tracing_configuration: None,
        encryption_configuration: None,
        tags: None,
    }
}

pub(crate) fn new_execution(machine: &str, name: Option<&str>, input: &str) -> NewExecution {
    NewExecution {
        state_machine_arn: machine.to_owned(),
        name: name.map(str::to_owned),
        input: Json::parse(input).unwrap(),
        trace_header: None,
    }
}

/// What a test waits for comes soon, or the test has failed.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it should have happened by now")
}

/// The output as text, or error and cause.
pub(crate) fn outcome(execution: &ExecutionDescription) -> String {
    match &execution.output {
        Some(output) => output.to_text(),
        None => format!(
            "{} {} {}",
            execution.status.as_str(),
            execution.error.as_deref().unwrap_or("-"),
            execution.cause.as_deref().unwrap_or("-")
        ),
    }
}
