//! The example as `cargo run -p example-etl` runs it, and what its roles allow.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use end_to_end_tests::deployment::assert_least_privilege;
use local_stack::{CallLog, Config, Fault, FaultTime, Permission};

/// What no call shows here: the database is the example's own, and the engine starts children and writes results by itself,
/// in one piece. The state machine has the name of the CloudFormation stack, which is `local`.
const NOT_RECORDED: [(&str, &str); 10] = [
    ("rds-data:ExecuteStatement", "arn:aws:rds:us-east-1:123456789012:cluster:shop"),
    ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbCdEf"),
    ("states:StartExecution", "arn:aws:states:us-east-1:123456789012:stateMachine:local"),
    ("states:DescribeExecution", "arn:aws:states:us-east-1:123456789012:execution:local:e"),
    ("states:StopExecution", "arn:aws:states:us-east-1:123456789012:execution:local:e"),
    ("states:DescribeExecution", "arn:aws:states:us-east-1:123456789012:execution:local/Orders:e"),
    ("states:StopExecution", "arn:aws:states:us-east-1:123456789012:execution:local/Orders:e"),
    ("s3:GetObject", "arn:aws:s3:::warehouse/runs/r/batches/m/manifest.json"),
    ("s3:ListMultipartUploadParts", "arn:aws:s3:::warehouse/runs/r/batches/m/SUCCEEDED_0.json"),
    ("s3:AbortMultipartUpload", "arn:aws:s3:::warehouse/runs/r/batches/m/SUCCEEDED_0.json"),
];

async fn printed(config: Config) -> String {
    let mut printed = Vec::new();
    let outcome = example_etl::run(config, &mut printed).await;
    let printed = String::from_utf8(printed).unwrap();
    outcome.unwrap_or_else(|error| panic!("{error:?}\n{printed}"));
    printed
}

#[tokio::test]
async fn whole_days_are_published_and_a_day_that_is_cut_off_leaves_the_last_one_in_place() {
    let printed = printed(example_etl::config().unwrap()).await;
    for line in [
        // The database was paused, and the call is made again.
        "failed: RdsData.DatabaseResumingException",
        "published  2026-11-26: 500 orders in 25 files",
        // Three lines and a batch of twenty cannot be read.
        "477 of 500 orders",
        "published  2026-11-27: 477 orders in 24 files",
        "FAILED: LoadIncomplete",
        "DeleteWritten",
        "260 of 500 orders were written, 3786649 of 7429510 euro cents",
        "the shop has not closed 2026-11-29",
    ] {
        assert!(printed.contains(line), "no line says {line}: {printed}");
    }
    assert_eq!(
        printed.matches("published  2026-11-27").count(),
        2,
        "before and after the failure: {printed}"
    );
}

#[tokio::test]
async fn what_can_pass_is_tried_again() {
    let mut config = example_etl::config().unwrap();
    // A batch whose file is written and whose answer is lost is written again, under the same name.
    config.faults = vec![
        Fault::every("transform-orders", "StoreError", FaultTime::After).calls(1..=2),
        Fault::every("verify-load", "ReadError", FaultTime::Before).calls(1..=1),
    ];
    let printed = printed(config).await;
    assert!(printed.contains("failed: ReadError"), "{printed}");
    assert!(printed.contains("published  2026-11-26: 500 orders in 25 files"), "{printed}");
}

#[tokio::test]
async fn a_file_of_which_too_much_is_garbled_is_given_up_and_what_was_written_is_deleted() {
    let mut config = example_etl::config().unwrap();
    // Two batches of 25 are 8 %.
    config.faults = vec![Fault::every("transform-orders", "BatchGarbled", FaultTime::Before).calls(1..=2)];
    let mut printed = Vec::new();
    let error = example_etl::run(config, &mut printed).await.unwrap_err().to_string();
    assert!(error.contains("States.ExceedToleratedFailureThreshold"), "{error}");
    let printed = String::from_utf8(printed).unwrap();
    for line in ["DeleteWritten", "TellFailure", "What current.json names is still there"] {
        assert!(printed.contains(line), "no line says {line}: {printed}");
    }
}

#[tokio::test]
async fn a_made_day_is_loaded_to_the_last_cent() {
    let mut printed = Vec::new();
    example_etl::run_rows(example_etl::config().unwrap(), 4_001, &mut printed).await.unwrap();
    let printed = String::from_utf8(printed).unwrap();
    assert!(printed.contains("published  2026-11-25: 4001 orders in 3 files"), "{printed}");
}

#[tokio::test]
async fn every_role_allows_what_is_called_and_nothing_more() {
    let log = CallLog::default();
    let mut config = example_etl::config().unwrap();
    config.call_log = Some(log.clone());
    let template = config.iam.clone().unwrap();
    printed(config).await;
    let not_recorded = NOT_RECORDED.map(|(action, resource)| Permission {
        caller: "states:etl".into(),
        action: action.into(),
        resource: resource.into(),
    });
    assert_least_privilege(&template, log.permissions().into_iter().chain(not_recorded));
}
