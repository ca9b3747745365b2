//! Clocks that jump: a suspended machine, one that is set back, one that shows the past.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use asl_engine::engine::NoServices;
use asl_engine::{Clock, Config, Engine, EngineError, ManualClock, Storage};
use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::span;

use crate::stage::{Stage, config, outcome, within};

const HOUR: i64 = 3_600_000;

/// A clock that follows the machine's, and jumps without a word.
fn jumping() -> (Clock, Arc<AtomicI64>) {
    let ahead = Arc::new(AtomicI64::new(0));
    let by = Arc::clone(&ahead);
    let clock = Clock::reading(move || {
        Timestamp::now() + jiff::SignedDuration::from_millis(by.load(Ordering::Relaxed))
    });
    (clock, ahead)
}

const THREE_BRANCHES: &str = r#"{"StartAt": "All", "States": {"All": {"Type": "Parallel", "End": true, "Branches": [
    {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 10800, "End": true}}},
    {"StartAt": "Slow", "States": {
        "Slow": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:slow", "TimeoutSeconds": 7200,
            "Catch": [{"ErrorEquals": ["States.Timeout"], "ResultPath": null, "Next": "Caught"}], "End": true},
        "Caught": {"Type": "Succeed"}}},
    {"StartAt": "Retry", "States": {
        "Retry": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:retry", "End": true,
            "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 3600}]}}}]}}}"#;

#[tokio::test]
async fn what_fell_due_during_a_suspend_begins_within_five_seconds() {
    let (clock, ahead) = jumping();
    let stage = Stage::with_clock(clock).await;
    let arn = stage.start(THREE_BRANCHES, "1").await;
    let (one, two) = (stage.asked().await, stage.asked().await);
    let is_slow = one.call.parameters.to_text().contains("slow");
    let (slow, retry) = if is_slow { (one, two) } else { (two, one) };
    retry.fail("Busy");
    stage.until(&arn, "LambdaFunctionFailed", 1).await;

    let jumped = Instant::now();
    ahead.store(3 * HOUR + 1_000, Ordering::Relaxed);
    stage.asked().await.succeed("2");
    assert_eq!(outcome(&stage.end(&arn).await), "[1,1,2]");
    assert!(jumped.elapsed() < Duration::from_secs(5), "it took {:?}", jumped.elapsed());
    drop(slow);
}

#[tokio::test]
async fn a_clock_that_is_set_back_is_waited_out_and_that_is_said() {
    let log = Log::default();
    let _logged = tracing::subscriber::set_default(log.clone());
    let stage = Stage::in_memory().await;
    let wait = r#"{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": true}}}"#;
    let arn = stage.start(wait, "{}").await;
    stage.until(&arn, "WaitStateEntered", 1).await;
    let began = stage.clock.now();

    stage.clock.set(began - jiff::SignedDuration::from_hours(1));
    let said = || log.0.lock().unwrap().iter().any(|line| line.contains("the clock went back"));
    within(async {
        while !said() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let line = log.0.lock().unwrap().iter().find(|line| line.contains("went back")).unwrap().clone();
    assert!(line.contains("went_back_seconds=3600") && line.contains("first_in_seconds=3660"), "{line}");
    assert_eq!(stage.engine.health(), Ok(()));

    stage.clock.set(began + jiff::SignedDuration::from_secs(59));
    assert_eq!(stage.events(&arn).await.len(), 2);
    stage.pass(1);
    let end = stage.end(&arn).await;
    assert_eq!(end.stop_date, Some(began.as_millisecond() + 60_000));
}

#[tokio::test]
async fn an_engine_does_not_begin_before_1970_and_says_so_if_the_clock_goes_there() {
    let before = ManualClock::new("1969-12-31T23:59:59Z".parse().unwrap());
    let refused = Engine::start(config(Storage::Memory, &before, Arc::new(NoServices))).await;
    let Err(error @ EngineError::ClockBeforeEpoch { .. }) = refused else { panic!("it has begun") };
    assert_eq!(
        error.to_string(),
        "the clock shows 1969-12-31T23:59:59Z, before 1970: set it and start again"
    );

    let stage = Stage::in_memory().await;
    let pass = r#"{"StartAt": "P", "States": {"P": {"Type": "Pass", "Parameters": {"t.$": "$$.State.EnteredTime"}, "End": true}}}"#;
    let machine = stage.machine("machine", pass).await;
    for shown in ["1969-01-01T00:00:00Z", "-009999-01-02T01:59:59Z", "9999-12-30T22:00:00.999Z"] {
        stage.clock.set(shown.parse().unwrap());
        let arn = stage.start_machine(&machine, None, "{}").await;
        assert_eq!(stage.end(&arn).await.status.as_str(), "SUCCEEDED", "{shown}");
        stage.history(&arn).await;
        let is_past = !shown.starts_with("9999");
        within(async {
            while stage.engine.health().is_err() != is_past {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn waits_beyond_the_end_of_time_wait() {
    let clock = ManualClock::new("9999-12-30T21:59:00Z".parse().unwrap());
    let engine = Engine::start(Config { ..config(Storage::Memory, &clock, Arc::new(NoServices)) }).await;
    let engine = engine.unwrap();
    let wait = r#"{"StartAt": "W", "TimeoutSeconds": 99999999, "States": {"W": {"Type": "Wait", "Seconds": 99999999, "End": true}}}"#;
    let machine = engine.create_state_machine(crate::stage::new_machine("machine", wait)).await.unwrap();
    let started = engine.start_execution(crate::stage::new_execution(&machine.arn, None, "{}")).await;
    let arn = started.unwrap().arn;
    clock.advance(Duration::from_secs(3600));
    assert_eq!(outcome(&within(engine.closed(&arn)).await.unwrap()), "{}");
}

/// The lines of the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}
