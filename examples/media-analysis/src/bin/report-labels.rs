//! Lambda that SNS calls when Rekognition has ended a job.

use aws_config::timeout::TimeoutConfig;
use example_media_analysis::report_labels;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let sdk = platform::sdk_config("report-labels", TimeoutConfig::disabled()).await;
    let sfn = &aws_sdk_sfn::Client::new(&sdk);
    run(service_fn(async |event: LambdaEvent<_>| report_labels::handle(sfn, event.payload).await)).await
}
