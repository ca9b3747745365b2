//! A local stack with what the template deploys, and the clients of the example.

use std::path::Path;

use anyhow::Context;
use local_stack::{CallLog, Config, Deployment, Lottery, Template};

/// What the ARNs of the stack begin with, before the type of the resource.
const STATES: &str = "arn:aws:states:us-east-1:123456789012";

/// The stack, with clients as a program on AWS has them.
pub(crate) struct LocalStack {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) local: example_support::LocalStack,
}

/// The template of the example.
///
/// # Errors
/// If it cannot be used.
pub fn template() -> anyhow::Result<Template> {
    Ok(Template::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("template.yaml"))?)
}

impl LocalStack {
    /// Starts a stack in memory, on free ports, which allows what the roles of the template allow.
    pub(crate) async fn start(call_log: &CallLog) -> anyhow::Result<LocalStack> {
        let template = template()?;
        let config = Config {
            lottery: Lottery::Absent,
            iam: Some(template.clone()),
            deployment: Some(Deployment { template, test_case: None }),
            call_log: Some(call_log.clone()),
            ..Config::in_memory()
        };
        let local = example_support::LocalStack::start(config).await?;
        Ok(LocalStack {
            dynamodb: aws_sdk_dynamodb::Client::new(&local.sdk),
            sqs: aws_sdk_sqs::Client::new(&local.sdk),
            local,
        })
    }

    /// Creates a queue, and gives its address.
    pub(crate) async fn create_queue(&self, name: &str) -> anyhow::Result<String> {
        let queue = self.sqs.create_queue().queue_name(name).send().await?;
        queue.queue_url.context("a queue has an address")
    }

    /// The address of a queue that need not be there.
    pub(crate) fn queue_url(&self, name: &str) -> String {
        format!("{}/123456789012/{name}", self.local.aws_url)
    }
}

/// The ARN of a state machine of the template.
pub(crate) fn machine(name: &str) -> String {
    format!("{STATES}:stateMachine:{name}")
}

/// The ARN of an activity of the template.
pub(crate) fn activity(name: &str) -> String {
    format!("{STATES}:activity:{name}")
}
