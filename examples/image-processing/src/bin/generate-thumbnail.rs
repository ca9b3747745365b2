//! Lambda behind the `GenerateThumbnail` state. `THUMBNAILS_BUCKET` names the bucket of the thumbnails.

use aws_config::timeout::TimeoutConfig;
use example_image_processing::generate_thumbnail;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let sdk = platform::sdk_config("generate-thumbnail", TimeoutConfig::disabled()).await;
    let (s3, bucket) = (&aws_sdk_s3::Client::new(&sdk), &std::env::var("THUMBNAILS_BUCKET")?);
    run(service_fn(async |event: LambdaEvent<_>| generate_thumbnail::handle(s3, bucket, event.payload).await))
        .await
}
