//! Lambda behind the `ReadTranscript` state.

use aws_config::timeout::TimeoutConfig;
use example_media_analysis::read_transcript;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let sdk = platform::sdk_config("read-transcript", TimeoutConfig::disabled()).await;
    let s3 = &aws_sdk_s3::Client::new(&sdk);
    run(service_fn(async |event: LambdaEvent<_>| read_transcript::handle(s3, event.payload).await)).await
}
