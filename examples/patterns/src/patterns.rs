//! The patterns, one after the other: what each is given, and what must come of it.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, ensure};
use aws_sdk_sfn::types::ExecutionStatus::{Failed, Succeeded};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use example_support::Ended;
use local_stack::CallLog;

use crate::Worker;
use crate::stack::{LocalStack, activity, machine};

/// A Python with boto3.
pub struct Python(PathBuf);

impl Python {
    /// This program, if it can import boto3.
    pub async fn with_boto3(program: PathBuf) -> Option<Python> {
        let mut command = Command::new(&program);
        command.args(["-c", "import boto3"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().await.is_ok_and(|status| status.success()).then_some(Python(program))
    }
}

/// Starts a local stack, runs each pattern in it, and prints each step; then another one for the worker in Python. Without
/// Python, the worker in Rust alone works. `call_log` records who called what.
///
/// # Errors
/// If a stack does not start, or a pattern ends in another way than its README says.
pub async fn run(out: &mut impl Write, python: Option<&Python>, call_log: &CallLog) -> anyhow::Result<()> {
    let stack = LocalStack::start(call_log).await?;
    all_in_rust(&stack, out).await?;
    stack.local.shutdown().await?;
    match python {
        Some(python) => {
            let stack = LocalStack::start(call_log).await?;
            with_python_worker(&stack, out, python).await?;
            stack.local.shutdown().await?;
        }
        None => {
            writeln!(out, "\nThe worker in Python is left out: `python3 -m pip install boto3` lets it work.")?
        }
    }
    writeln!(out, "\nEach pattern did what it is for.")?;
    Ok(())
}

async fn all_in_rust(stack: &LocalStack, out: &mut impl Write) -> anyhow::Result<()> {
    sequence(stack, out).await?;
    choice(stack, out).await?;
    parallel(stack, out).await?;
    retry(stack, out).await?;
    try_catch_finally(stack, out).await?;
    with_rust_worker(stack, out).await
}

fn order() -> Value {
    json!({"lines": [{"price": 1_250, "count": 2}, {"price": 300, "count": 5}]})
}

/// The comment of a state machine says which pattern it is.
fn heading(out: &mut impl Write, definition: &str) -> anyhow::Result<()> {
    let parsed: Value = serde_json::from_str(definition)?;
    writeln!(out, "\n{}", parsed["Comment"].as_str().unwrap_or_default())?;
    Ok(())
}

/// Runs an execution to its end.
async fn execute(
    stack: &LocalStack,
    out: &mut impl Write,
    machine: &str,
    input: Value,
) -> anyhow::Result<Ended> {
    writeln!(out, "  input {input}")?;
    let execution = stack.local.start_execution(machine, &input).await?;
    stack.local.follow(&execution, out).await
}

fn expect_output(ended: &Ended, expected: &Value) -> anyhow::Result<()> {
    ensure!(ended.status == Succeeded, "the execution ended as {}: {:?}", ended.status.as_str(), ended.error);
    ensure!(ended.output == *expected, "the output is {} instead of {expected}", ended.output);
    Ok(())
}

fn expect_error(ended: &Ended, expected: &str) -> anyhow::Result<()> {
    let error = ended.error.as_deref();
    ensure!(ended.status == Failed && error == Some(expected), "{error:?} instead of {expected}");
    Ok(())
}

async fn sequence(stack: &LocalStack, out: &mut impl Write) -> anyhow::Result<()> {
    let definition = include_str!("../machines/sequence.asl.json");
    heading(out, definition)?;
    let machine = machine("sequence");
    let ended = execute(stack, out, &machine, order()).await?;
    expect_output(&ended, &json!({"net": 4_000, "tax": 760, "total": 4_760}))
}

async fn choice(stack: &LocalStack, out: &mut impl Write) -> anyhow::Result<()> {
    let definition = include_str!("../machines/choice.asl.json");
    heading(out, definition)?;
    let machine = machine("choice");
    for (total, next) in [(4_000, "the order is packed"), (100_001, "a manager decides")] {
        let ended = execute(stack, out, &machine, json!({"total": total})).await?;
        expect_output(&ended, &json!({"next": next}))?;
    }
    expect_error(&execute(stack, out, &machine, json!({"total": 0})).await?, "OrderEmpty")
}

async fn parallel(stack: &LocalStack, out: &mut impl Write) -> anyhow::Result<()> {
    let definition = include_str!("../machines/parallel.asl.json");
    heading(out, definition)?;
    let machine = machine("parallel");
    let ended = execute(stack, out, &machine, order()).await?;
    expect_output(&ended, &json!({"total": 4_000, "pieces": 7, "parcel": "large"}))
}

/// The queue is created once the first call has failed; the next call finds it.
async fn retry(stack: &LocalStack, out: &mut impl Write) -> anyhow::Result<()> {
    let definition = include_str!("../machines/retry.asl.json");
    heading(out, definition)?;
    let machine = machine("retry");
    let input = json!({"queue": stack.queue_url("local-late"), "order": "one lamp"});
    writeln!(out, "  input {input}")?;
    let execution = stack.local.start_execution(&machine, &input).await?;
    stack.local.wait_for_failed_call(&execution).await?;
    let queue = stack.create_queue("local-late").await?;
    ensure!(json!(queue) == input["queue"], "the queue is at {queue}");
    expect_output(&stack.local.follow(&execution, out).await?, &json!({"retries": 1}))
}

/// Work that succeeds, and work that fails: the lock is gone after both.
async fn try_catch_finally(stack: &LocalStack, out: &mut impl Write) -> anyhow::Result<()> {
    heading(out, include_str!("../machines/try-catch-finally.asl.json"))?;
    let machine = machine("try-catch-finally");
    let queue = stack.create_queue("local-parcels").await?;
    let ended = execute(stack, out, &machine, json!({"customer": "ada", "queue": queue})).await?;
    expect_output(&ended, &json!({"sent": true}))?;
    let missing = stack.queue_url("local-missing");
    let ended = execute(stack, out, &machine, json!({"customer": "ada", "queue": missing})).await?;
    expect_error(&ended, "SQS.QueueDoesNotExistException")?;
    let locks = stack.dynamodb.scan().table_name("Locks").send().await?;
    ensure!(locks.count == 0, "{} locks are left", locks.count);
    writeln!(out, "             no lock is left")?;
    Ok(())
}

/// What a worker serves, and the state machines that call it.
struct Called {
    activity_arn: String,
    orders_url: String,
    approvals_url: String,
}

impl Called {
    fn of(stack: &LocalStack) -> Called {
        Called {
            activity_arn: activity("PriceOrder"),
            orders_url: stack.queue_url("Orders"),
            approvals_url: stack.queue_url("Approvals"),
        }
    }
}

/// An order that is approved, one that is too dear, and one that is none.
async fn call(stack: &LocalStack, out: &mut impl Write, language: &str) -> anyhow::Result<()> {
    heading(out, RESPOND)?;
    writeln!(out, "  worker in {language}")?;
    let respond = machine("call-work-respond");
    let ended = execute(stack, out, &respond, order()).await?;
    expect_output(&ended, &json!({"total": 4_000, "worker": language}))?;
    let ended = execute(stack, out, &respond, json!({"lines": "none"})).await?;
    expect_output(&ended, &json!({"refused": "an order has lines"}))?;

    heading(out, DELEGATE)?;
    writeln!(out, "  worker in {language}")?;
    let delegate = machine("call-work-delegate-respond");
    let ended = execute(stack, out, &delegate, order()).await?;
    expect_output(&ended, &json!({"total": 4_000, "worker": language, "approved": true}))?;
    let dear = json!({"lines": [{"price": 100_001, "count": 1}]});
    let ended = execute(stack, out, &delegate, dear).await?;
    expect_output(&ended, &json!({"total": 100_001, "worker": language, "approved": false}))?;
    let ended = execute(stack, out, &delegate, json!({"lines": [{"price": 1.5}]})).await?;
    expect_output(&ended, &json!({"refused": "price is not a whole number from 0"}))
}

const RESPOND: &str = include_str!("../machines/call-work-respond.asl.json");
const DELEGATE: &str = include_str!("../machines/call-work-delegate-respond.asl.json");

async fn with_rust_worker(stack: &LocalStack, out: &mut impl Write) -> anyhow::Result<()> {
    let called = Called::of(stack);
    let worker = Worker {
        sfn: stack.local.sfn.clone(),
        sqs: stack.sqs.clone(),
        activity_arn: called.activity_arn,
        orders_url: called.orders_url,
        approvals_url: called.approvals_url,
    };
    tokio::select! {
        ended = worker.run() => ended.context("the worker ended"),
        outcome = call(stack, out, "rust") => outcome,
    }
}

async fn with_python_worker(stack: &LocalStack, out: &mut impl Write, python: &Python) -> anyhow::Result<()> {
    let called = Called::of(stack);
    let mut worker = start_python(stack, python, &called)?;
    tokio::select! {
        status = worker.wait() => anyhow::bail!("the worker ended: {}", status?),
        outcome = call(stack, out, "python") => outcome,
    }
}

/// The worker in Python, which is killed when it is dropped.
fn start_python(stack: &LocalStack, python: &Python, called: &Called) -> anyhow::Result<Child> {
    let child = Command::new(&python.0)
        .args(["-c", include_str!("../worker.py")])
        .env("AWS_ENDPOINT_URL", &stack.local.aws_url)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("ACTIVITY_ARN", &called.activity_arn)
        .env("ORDERS_URL", &called.orders_url)
        .env("APPROVALS_URL", &called.approvals_url)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    child.with_context(|| format!("{} does not start", python.0.display()))
}
