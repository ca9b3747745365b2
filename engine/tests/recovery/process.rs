//! The process that is killed: it runs one machine to its end and tells what came of it.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asl_engine::data::Json;
use asl_engine::engine::{
    ExecutionQuery, ExecutionsOf, HistoryData, HistoryOrder, HistoryQuery, MachineType, NewExecution,
    NewStateMachine, TaskReport,
};
use asl_engine::{Call, Config, Engine, Invoker, ManualClock, Storage, TaskFailure};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tracing::span;

use super::machines::{MACHINES, Machine};

const EXECUTION: &str = "only";

/// What a process that came to the end tells.
#[derive(Debug)]
pub(crate) struct Told {
    /// How each execution ended, and its events without times and numbers.
    pub(crate) story: Vec<String>,
    /// What the host was asked for by this process.
    pub(crate) calls: Vec<String>,
}

/// Runs the process; `None` if it killed itself after so many records.
pub(crate) fn run(directory: &Path, machine: usize, kill_after: Option<usize>) -> Option<Told> {
    let calls = directory.join("calls");
    drop(File::create(&calls).unwrap());
    let mut command = command(directory, machine);
    if let Some(records) = kill_after {
        command.env("RECOVERY_KILL_AFTER", records.to_string());
    }
    let output = command.output().unwrap();
    if !output.status.success() {
        let code = std::os::unix::process::ExitStatusExt::signal(&output.status);
        assert_eq!(code, Some(6), "{}", String::from_utf8_lossy(&output.stdout));
        return None;
    }
    // A worker that never learnt of the task it had been given is given it again after the heartbeat.
    let is_told = |line: &&str| {
        !["ActivityScheduled", "ActivityStarted", "ActivityTimedOut"]
            .iter()
            .any(|event| line.ends_with(event))
    };
    let read = |file: &str| std::fs::read_to_string(directory.join(file)).unwrap();
    // Branches run in any order.
    let mut story: Vec<String> = read("story").lines().filter(is_told).map(str::to_owned).collect();
    story.sort();
    Some(Told { story, calls: read("calls").lines().map(str::to_owned).collect() })
}

/// Runs the process and kills it from outside after so many microseconds.
pub(crate) fn run_and_kill(directory: &Path, machine: usize, after_micros: u64) {
    let mut child = command(directory, machine).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(Duration::from_micros(20_000 + after_micros));
    child.kill().unwrap();
    child.wait().unwrap();
}

fn command(directory: &Path, machine: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["the_process", "--exact", "--ignored", "--nocapture"])
        .env("RECOVERY_DIRECTORY", directory)
        .env("RECOVERY_MACHINE", machine.to_string())
        .stdin(Stdio::null());
    command
}

/// How many answers of the host the killed process had stored: an engine on a copy of what it left reads them.
pub(crate) fn answers_stored(directory: &Path) -> usize {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(directory.join("store")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // Its clock is stopped and its host is silent, so that nothing happens beside what was stored.
        let clock = ManualClock::new(start_of_time());
        let engine = Engine::start(config(copy.path(), &clock, Arc::new(Silent))).await.unwrap();
        let is_answer = |event: &&String| {
            event.ends_with("LambdaFunctionSucceeded")
                || event.ends_with("LambdaFunctionFailed")
                || (event.ends_with("TaskSubmitted") && event.contains("publish.waitForTaskToken"))
        };
        all_events(&engine).await.iter().filter(is_answer).count()
    })
}

fn start_of_time() -> jiff::Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn config(directory: &Path, clock: &ManualClock, invoker: Arc<dyn Invoker>) -> Config {
    Config {
        storage: Storage::Directory(directory.to_owned()),
        region: "us-east-1".to_owned(),
        account: "123456789012".to_owned(),
        clock: clock.clone().into(),
        invoker,
        ..Config::in_memory()
    }
}

struct Silent;

impl Invoker for Silent {
    fn supports(&self, _service: &str, _action: &str) -> bool {
        true
    }

    fn invoke(&self, _call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        std::future::pending().boxed()
    }
}

/// A host that notes each call in a file before it answers.
struct Host {
    directory: PathBuf,
}

impl Host {
    fn note(&self, file: &str, line: &str) {
        let mut file = OpenOptions::new().append(true).create(true).open(self.directory.join(file)).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

impl Invoker for Host {
    fn supports(&self, _service: &str, _action: &str) -> bool {
        true
    }

    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        let payload = call.parameters.get("Payload").unwrap_or(&call.parameters);
        let key = payload.get("key").unwrap().as_str().unwrap().to_owned();
        self.note("calls", &key);
        if let Some(token) = payload.get("token") {
            self.note("tokens", token.as_str().unwrap());
        }
        let failure = |error: &str| Err(TaskFailure { error: error.to_owned(), cause: key.clone() });
        let answer = match (&*key, payload.get("retries").and_then(Json::as_i64)) {
            ("flaky", Some(0)) => failure("Flaky"),
            ("broken", _) => failure("Broken"),
            _ => Ok(Json::object([("key", Json::from(&*key))])),
        };
        std::future::ready(answer).boxed()
    }
}

/// The body of the process.
pub(crate) fn main() {
    let directory =
        PathBuf::from(std::env::var_os("RECOVERY_DIRECTORY").expect("the tests above start this one"));
    let machine = &MACHINES[std::env::var("RECOVERY_MACHINE").unwrap().parse::<usize>().unwrap()];
    if let Ok(records) = std::env::var("RECOVERY_KILL_AFTER") {
        let left = AtomicUsize::new(records.parse().unwrap());
        tracing::subscriber::set_global_default(Executioner(left)).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(play(&directory, machine));
}

async fn play(directory: &Path, machine: &Machine) {
    let clock = ManualClock::new(start_of_time());
    let store = directory.join("store");
    let host = Arc::new(Host { directory: directory.to_owned() });
    let engine = Engine::start(config(&store, &clock, host)).await.unwrap();
    engine.create_activity("work", None, None).await.unwrap();
    for machine in MACHINES {
        engine.create_state_machine(new_machine(machine)).await.unwrap();
    }
    tokio::spawn(async move {
        loop {
            clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    });
    tokio::spawn(answer_tokens(engine.clone(), directory.to_owned()));
    tokio::spawn(work(engine.clone(), directory.to_owned()));
    let arn = format!("arn:aws:states:us-east-1:123456789012:execution:{}:{EXECUTION}", machine.name);
    if engine.describe_execution(&arn).await.is_err() {
        let new = NewExecution {
            state_machine_arn: format!("arn:aws:states:us-east-1:123456789012:stateMachine:{}", machine.name),
            name: Some(EXECUTION.to_owned()),
            input: Json::parse(machine.input).unwrap(),
            trace_header: None,
        };
        engine.start_execution(new).await.unwrap();
    }
    tokio::time::timeout(Duration::from_secs(60), engine.closed(&arn)).await.expect("it ends").unwrap();
    let story = all_events(&engine).await.join("\n");
    std::fs::write(directory.join("story"), story).unwrap();
    engine.shutdown().await;
}

fn new_machine(machine: &Machine) -> NewStateMachine {
    NewStateMachine {
        name: machine.name.to_owned(),
        definition: machine.definition.to_owned(),
        role_arn: "arn:aws:iam::123456789012:role/any".to_owned(),
        machine_type: MachineType::Standard,
        logging_configuration: None,
        tracing_configuration: None,
        encryption_configuration: None,
        tags: None,
    }
}

/// Answers the tokens of messages, once the engine knows that the message went out.
async fn answer_tokens(engine: Engine, directory: PathBuf) {
    loop {
        let tokens = std::fs::read_to_string(directory.join("tokens")).unwrap_or_default();
        let submitted = all_events(&engine)
            .await
            .iter()
            .any(|event| event.ends_with("TaskSubmitted") && event.contains("sns"));
        if submitted {
            for token in tokens.lines() {
                // The ones of before may be answered already.
                let _ = engine.report_task(token, TaskReport::Success(Json::from("called"))).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A worker that notes its task before it works, so that it can resume it after a crash.
async fn work(engine: Engine, directory: PathBuf) {
    let activity = "arn:aws:states:us-east-1:123456789012:activity:work";
    let mut noted = String::new();
    if let Ok(mut file) = File::open(directory.join("work")) {
        file.read_to_string(&mut noted).unwrap();
    }
    for token in noted.lines() {
        let _ = engine.report_task(token, TaskReport::Success(Json::from("worked"))).await;
    }
    while let Ok(task) =
        engine.activity_task(activity, Some("worker".to_owned()), Duration::from_secs(60)).await
    {
        let Some(task) = task else { continue };
        std::fs::write(directory.join("work"), &task.task_token).unwrap();
        let _ = engine.report_task(&task.task_token, TaskReport::Success(Json::from("worked"))).await;
    }
}

/// The events of all executions, without what may differ: times, numbers, random names.
async fn all_events(engine: &Engine) -> Vec<String> {
    let mut all = Vec::new();
    for machine in MACHINES {
        let of = format!("arn:aws:states:us-east-1:123456789012:stateMachine:{}", machine.name);
        for execution in executions(engine, ExecutionsOf::StateMachine(of)).await {
            all.extend(events(engine, &execution, machine.name).await);
            for run in engine.map_runs(&execution).await.unwrap_or_default() {
                for child in executions(engine, ExecutionsOf::MapRun(run.arn)).await {
                    all.extend(events(engine, &child, "child").await);
                }
            }
        }
    }
    all
}

async fn executions(engine: &Engine, of: ExecutionsOf) -> Vec<String> {
    let query = ExecutionQuery { of, status: None, redriven: None, limit: 100, after: None };
    let page = engine.list_executions(query).await;
    page.map(|page| page.executions.into_iter().map(|execution| execution.arn).collect()).unwrap_or_default()
}

async fn events(engine: &Engine, arn: &str, name: &str) -> Vec<String> {
    let query =
        HistoryQuery { skip: 0, limit: 1000, order: HistoryOrder::Forward, data: HistoryData::Included };
    let events = engine.execution_history(arn, query).await.unwrap().events;
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event.get("id").unwrap().as_u64(), Some(place as u64 + 1));
    }
    let uuid = regex::Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap();
    let number = regex::Regex::new("(?:Date\\\\?\":\\\\?\"?)[0-9]{13}").unwrap();
    let token = regex::Regex::new("(token\\\\?\":\\\\?\")[A-Za-z0-9_-]{32}").unwrap();
    let date = regex::Regex::new("[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT").unwrap();
    events
        .iter()
        .map(|event| {
            let object = event.as_object().unwrap();
            let details = object.iter().filter(|(member, _)| member.ends_with("Details"));
            let details: String = details.map(|(member, details)| format!("{member}: {details}")).collect();
            let details = uuid.replace_all(&details, "<uuid>");
            let details = number.replace_all(&details, "<moment>");
            let details = token.replace_all(&details, "$1<token>");
            let details = date.replace_all(&details, "<date>");
            format!("{name} {details}{}", event.get("type").unwrap().as_str().unwrap())
        })
        .collect()
}

/// Hears of each stored record, and ends the process at the chosen one, before anything comes of it.
struct Executioner(AtomicUsize);

impl tracing::Subscriber for Executioner {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "asl_engine::stored"
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, _event: &tracing::Event<'_>) {
        if self.0.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}
