//! What the import of uploaded lists needs beside its state machine: the bucket, and the rule that starts an execution when a file
//! has arrived.

use asl_engine::data::Json;
use asl_engine::{Call, Invoker};
use serde_json::{Value, json};

use crate::StartError;
use crate::config::ACCOUNT;
use crate::definitions::{IMPORT_PARTICIPANTS, LISTS_BUCKET};
use crate::invoker::HostInvoker;

/// The name of the rule.
const RULE: &str = "list-arrived";

/// Creates the bucket and the rule; what is there already is left.
pub(crate) async fn create(invoker: &HostInvoker) -> Result<(), StartError> {
    let bucket = json!({"Bucket": LISTS_BUCKET});
    call(invoker, "s3", "createBucket", bucket).await?;
    let events = json!({"EventBridgeConfiguration": {}});
    let notification = json!({"Bucket": LISTS_BUCKET, "NotificationConfiguration": events});
    call(invoker, "s3", "putBucketNotificationConfiguration", notification).await?;
    let pattern = json!({
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [LISTS_BUCKET]}, "object": {"key": [{"prefix": "uploads/"}]}},
    });
    call(invoker, "eventbridge", "putRule", json!({"Name": RULE, "EventPattern": pattern.to_string()}))
        .await?;
    let target = json!({
        "Id": "StateMachine",
        "Arn": IMPORT_PARTICIPANTS.arn(),
        "RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/{RULE}"),
        "InputPath": "$.detail",
    });
    call(invoker, "eventbridge", "putTargets", json!({"Rule": RULE, "Targets": [target]})).await
}

async fn call(invoker: &HostInvoker, service: &str, action: &str, request: Value) -> Result<(), StartError> {
    let call = Call {
        service: format!("aws-sdk:{service}"),
        action: action.to_owned(),
        parameters: Json::from(request),
        execution_arn: String::new(),
        timeout: None,
    };
    match invoker.invoke(call).await {
        Err(failure) if !failure.error.contains("BucketAlreadyOwnedByYou") => Err(StartError::SetUp {
            what: format!("the bucket {LISTS_BUCKET}"),
            reason: format!("{}: {}", failure.error, failure.cause),
        }),
        _ => Ok(()),
    }
}
