//! What the examples share: a local stack with clients, and the report of an execution state by state.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sfn::config::Credentials;
use aws_sdk_sfn::types::{ExecutionStatus, HistoryEvent};
use local_stack::{Config, Stack};
use serde_json::Value;

/// Far more than any execution of an example takes.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// How often a history is read while its execution runs.
pub const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The stack, with clients as a program on AWS has them.
pub struct LocalStack {
    /// Where the AWS-compatible endpoint is.
    pub aws_url: String,
    /// What clients of the stack are made from.
    pub sdk: SdkConfig,
    /// Step Functions.
    pub sfn: aws_sdk_sfn::Client,
    stack: Stack,
}

/// How an execution ended.
pub struct Ended {
    /// Its status.
    pub status: ExecutionStatus,
    /// Its output; null if it has none.
    pub output: Value,
    /// The name of the error that ended it.
    pub error: Option<String>,
    /// What the error says.
    pub cause: Option<String>,
    /// The names of the states that it entered, in their order.
    pub states: Vec<String>,
}

impl LocalStack {
    /// Starts a stack.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn start(config: Config) -> anyhow::Result<LocalStack> {
        let stack = Stack::start(config).await?;
        let sdk = aws_config::defaults(BehaviorVersion::latest())
            .http_client(platform::https_client())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .endpoint_url(&stack.aws_url)
            .load()
            .await;
        let sfn = aws_sdk_sfn::Client::new(&sdk);
        Ok(LocalStack { aws_url: stack.aws_url.clone(), sdk, sfn, stack })
    }

    /// Stops the stack, and fails if it has denied a call that was made.
    ///
    /// # Errors
    /// If the template does not allow what is called.
    pub async fn shutdown(self) -> anyhow::Result<()> {
        let denied = self.stack.denied();
        self.stack.shutdown().await;
        ensure!(denied.is_empty(), "the template does not allow these calls: {denied:#?}");
        Ok(())
    }

    /// Starts an execution, and gives its ARN.
    ///
    /// # Errors
    /// If Step Functions refuses.
    pub async fn start_execution(&self, machine: &str, input: &Value) -> anyhow::Result<String> {
        let start = self.sfn.start_execution().state_machine_arn(machine).input(input.to_string());
        Ok(start.send().await?.execution_arn)
    }

    /// Waits until the machine has more than `count` executions, and gives the ARN of the newest.
    ///
    /// # Errors
    /// If none is started within [`TIMEOUT`].
    pub async fn next_execution(&self, machine: &str, count: usize) -> anyhow::Result<String> {
        let began = Instant::now();
        loop {
            let list = self.sfn.list_executions().state_machine_arn(machine).max_results(1000);
            let executions = list.send().await?.executions;
            if executions.len() > count {
                let newest = executions.into_iter().next().context("it has been counted")?;
                return Ok(newest.execution_arn);
            }
            ensure!(began.elapsed() < TIMEOUT, "nothing was started within {} s", TIMEOUT.as_secs());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Waits until the execution has made a call that failed.
    ///
    /// # Errors
    /// If none fails within [`TIMEOUT`].
    pub async fn wait_for_failed_call(&self, execution: &str) -> anyhow::Result<()> {
        let began = Instant::now();
        while !self.events(execution).await?.iter().any(|event| event.task_failed_event_details.is_some()) {
            ensure!(began.elapsed() < TIMEOUT, "no call has failed within {} s", TIMEOUT.as_secs());
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Prints the steps of an execution as they happen, until it ends.
    ///
    /// # Errors
    /// If it has not ended within [`TIMEOUT`].
    pub async fn follow(&self, execution: &str, out: &mut impl Write) -> anyhow::Result<Ended> {
        self.follow_within(execution, TIMEOUT, out).await
    }

    /// The same, for an execution that may take longer.
    ///
    /// # Errors
    /// If it has not ended within `timeout`.
    pub async fn follow_within(
        &self,
        execution: &str,
        timeout: Duration,
        out: &mut impl Write,
    ) -> anyhow::Result<Ended> {
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
                let entered = events.iter().filter_map(HistoryEvent::state_entered_event_details);
                let ended = Ended {
                    status: described.status,
                    output: output.unwrap_or_default(),
                    error: described.error,
                    cause: described.cause,
                    states: entered.map(|entered| entered.name.clone()).collect(),
                };
                writeln!(out, "             {}: {}", ended.status.as_str(), ended.result())?;
                return Ok(ended);
            }
            if began.elapsed() > timeout {
                bail!("{execution} still runs after {} s", timeout.as_secs());
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
        match (&self.error, &self.cause) {
            (Some(error), Some(cause)) if !cause.is_empty() => format!("{error}: {cause}"),
            (Some(error), _) => error.clone(),
            (None, _) => self.output.to_string(),
        }
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
