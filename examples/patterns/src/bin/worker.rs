//! The worker as a program of its own: `ACTIVITY_ARN`, `ORDERS_URL` and `APPROVALS_URL` say where its work is, and the
//! variables of the AWS SDK on which AWS.

use anyhow::Context;
use aws_config::timeout::TimeoutConfig;
use example_patterns::Worker;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let sdk = platform::sdk_config("example-patterns", TimeoutConfig::disabled()).await;
    let variable = |name| std::env::var(name).with_context(|| format!("{name} is not set"));
    let worker = Worker {
        sfn: aws_sdk_sfn::Client::new(&sdk),
        sqs: aws_sdk_sqs::Client::new(&sdk),
        activity_arn: variable("ACTIVITY_ARN")?,
        orders_url: variable("ORDERS_URL")?,
        approvals_url: variable("APPROVALS_URL")?,
    };
    worker.run().await
}
