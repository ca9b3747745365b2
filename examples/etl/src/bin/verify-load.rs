//! Lambda behind the `VerifyLoad` state. `WAREHOUSE_BUCKET` names the bucket of the Parquet files.

use aws_config::timeout::TimeoutConfig;
use example_etl::verify_load;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let sdk = platform::sdk_config("verify-load", TimeoutConfig::disabled()).await;
    let (s3, bucket) = (&aws_sdk_s3::Client::new(&sdk), &std::env::var("WAREHOUSE_BUCKET")?);
    run(service_fn(async |event: LambdaEvent<_>| verify_load::handle(s3, bucket, event.payload).await)).await
}
