//! The example as `cargo run -p example-image-processing` runs it, and what its roles allow.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use end_to_end_tests::deployment::assert_least_privilege;
use local_stack::{CallLog, Config, Fault, FaultTime, Permission};

/// What Rekognition needs, which is mocked: caller, action, resource.
const OF_REKOGNITION: [(&str, &str, &str); 2] = [
    ("states:image-processing", "rekognition:DetectLabels", "*"),
    ("states:image-processing", "s3:GetObject", "arn:aws:s3:::pictures/harbour.jpg"),
];

async fn printed(config: Config) -> String {
    let mut printed = Vec::new();
    let outcome = example_image_processing::run(config, &mut printed).await;
    let printed = String::from_utf8(printed).unwrap();
    outcome.unwrap_or_else(|error| panic!("{error:?}\n{printed}"));
    printed
}

#[tokio::test]
async fn pictures_are_described_and_what_is_none_takes_the_caught_path() {
    let printed = printed(example_image_processing::config("Labels").unwrap()).await;
    for line in [
        "table      240 × 320; Sea, Boat",
        "Obscura, Mark I",
        "thumbnail  harbour.jpg.jpg, 96 × 72",
        "thumbnail  logo.png.jpg, 96 × 96",
        "GIF has no labels: Rekognition takes JPEG and PNG",
        "failed: ImageIdentifyError",
        "FAILED: NotSupportedImageType: it does not begin as a picture does",
    ] {
        assert!(printed.contains(line), "no line says {line}: {printed}");
    }
    assert_eq!(printed.matches("failed: ImageIdentifyError").count(), 1, "it is not tried again: {printed}");
}

#[tokio::test]
async fn what_can_pass_is_tried_again() {
    let mut config = example_image_processing::config("Throttled").unwrap();
    config.faults = vec![Fault::every("extract-metadata", "S3Error", FaultTime::Before).calls(1..=2)];
    let printed = printed(config).await;
    assert_eq!(printed.matches("failed: S3Error").count(), 2, "{printed}");
    let throttled = printed.matches("failed: Rekognition.ProvisionedThroughputExceededException").count();
    assert_eq!(throttled, 2, "once for each picture: {printed}");
}

#[tokio::test]
async fn every_role_allows_what_is_called_and_nothing_more() {
    let log = CallLog::default();
    let mut config = example_image_processing::config("Labels").unwrap();
    config.call_log = Some(log.clone());
    let template = config.iam.clone().unwrap();
    printed(config).await;
    let mocked = OF_REKOGNITION.map(|call| {
        let (caller, action, resource) = call;
        Permission { caller: caller.into(), action: action.into(), resource: resource.into() }
    });
    assert_least_privilege(&template, log.permissions().into_iter().chain(mocked));
}
