//! Lambda behind the `TransformBatch` state. `WAREHOUSE_BUCKET` names the bucket of the Parquet files.

use aws_config::timeout::TimeoutConfig;
use example_etl::transform_orders;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let sdk = platform::sdk_config("transform-orders", TimeoutConfig::disabled()).await;
    let (s3, bucket) = (&aws_sdk_s3::Client::new(&sdk), &std::env::var("WAREHOUSE_BUCKET")?);
    run(service_fn(async |event: LambdaEvent<_>| transform_orders::handle(s3, bucket, event.payload).await))
        .await
}
