//! A local stack with the clients of the example, and one execution in it from start to end.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use aws_config::{BehaviorVersion, Region};
use aws_sdk_sfn::config::Credentials;
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use local_stack::{Config, Stack};
use serde_json::Value;

/// Far more than any pattern takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How often a history is read while its execution runs.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The account that the local stack plays.
const ROLE: &str = "arn:aws:iam::123456789012:role/example-patterns";

/// The stack, with clients as a program on AWS has them.
pub(crate) struct LocalStack {
    pub(crate) aws_url: String,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) sfn: aws_sdk_sfn::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    stack: Stack,
}

/// How an execution ended.
pub(crate) struct Ended {
    pub(crate) status: ExecutionStatus,
    pub(crate) output: Value,
    pub(crate) error: Option<String>,
}

impl LocalStack {
    /// Starts a stack in memory, on free ports.
    pub(crate) async fn start() -> anyhow::Result<LocalStack> {
        let stack = Stack::start(Config::in_memory()).await?;
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .http_client(platform::https_client())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .endpoint_url(&stack.aws_url)
            .load()
            .await;
        Ok(LocalStack {
            aws_url: stack.aws_url.clone(),
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            sfn: aws_sdk_sfn::Client::new(&sdk),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            stack,
        })
    }

    pub(crate) async fn shutdown(self) {
        self.stack.shutdown().await;
    }

    /// Creates a queue, and gives its address.
    pub(crate) async fn create_queue(&self, name: &str) -> anyhow::Result<String> {
        let queue = self.sqs.create_queue().queue_name(name).send().await?;
        queue.queue_url.context("a queue has an address")
    }

    /// Creates a state machine, and gives its ARN.
    pub(crate) async fn create_machine(&self, name: &str, definition: &str) -> anyhow::Result<String> {
        let create = self.sfn.create_state_machine().name(name).role_arn(ROLE).definition(definition);
        let created = create.send().await.with_context(|| format!("the state machine {name}"))?;
        Ok(created.state_machine_arn)
    }

    /// Starts an execution, and gives its ARN.
    pub(crate) async fn start_execution(&self, machine: &str, input: &Value) -> anyhow::Result<String> {
        let start = self.sfn.start_execution().state_machine_arn(machine).input(input.to_string());
        Ok(start.send().await?.execution_arn)
    }

    /// Waits until the execution has made a call that failed.
    pub(crate) async fn wait_for_failed_call(&self, execution: &str) -> anyhow::Result<()> {
        let began = Instant::now();
        while !self.events(execution).await?.iter().any(|event| event.task_failed_event_details.is_some()) {
            ensure!(began.elapsed() < TIMEOUT, "no call has failed within {} s", TIMEOUT.as_secs());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Prints the steps of an execution as they happen, until it ends.
    pub(crate) async fn follow(&self, execution: &str, out: &mut impl Write) -> anyhow::Result<Ended> {
        let began = Instant::now();
        let mut printed = 0;
        loop {
            // Asked for first, so that the history that is read afterwards is whole if it has ended.
            let described = self.sfn.describe_execution().execution_arn(execution).send().await?;
            let events = self.events(execution).await?;
            let first = events.first().map_or(0.0, |event| event.timestamp.as_secs_f64());
            for event in events.iter().skip(printed) {
                if let Some(line) = step(event) {
                    writeln!(out, "  {:7.3} s  {line}", event.timestamp.as_secs_f64() - first)?;
                }
            }
            printed = events.len();
            if described.status != ExecutionStatus::Running {
                let output = described.output.as_deref().map(serde_json::from_str).transpose()?;
                let ended = Ended {
                    status: described.status,
                    output: output.unwrap_or_default(),
                    error: described.error,
                };
                writeln!(out, "             {}: {}", ended.status.as_str(), ended.result())?;
                return Ok(ended);
            }
            if began.elapsed() > TIMEOUT {
                bail!("{execution} still runs after {} s", TIMEOUT.as_secs());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    async fn events(&self, execution: &str) -> anyhow::Result<Vec<HistoryEvent>> {
        let history = self.sfn.get_execution_history().execution_arn(execution).max_results(1000);
        Ok(history.send().await?.events)
    }
}

impl Ended {
    fn result(&self) -> String {
        self.error.clone().unwrap_or_else(|| self.output.to_string())
    }
}

/// What an event says to somebody who follows; nothing if another event says the same.
fn step(event: &HistoryEvent) -> Option<String> {
    if let Some(entered) = event.state_entered_event_details() {
        return Some(entered.name().to_owned());
    }
    if let Some(submitted) = event.task_submitted_event_details() {
        return Some(format!("  handed to {}", submitted.resource_type()));
    }
    if let Some(started) = event.activity_started_event_details() {
        return Some(format!("  taken by the worker {}", started.worker_name().unwrap_or_default()));
    }
    let succeeded =
        event.task_succeeded_event_details().is_some() || event.activity_succeeded_event_details().is_some();
    if succeeded {
        return Some("  succeeded".to_owned());
    }
    let failed = event.task_failed_event_details().and_then(|failed| failed.error());
    let failed = failed.or_else(|| event.activity_failed_event_details().and_then(|failed| failed.error()));
    failed.map(|error| format!("  failed: {error}"))
}
