//! What the import of uploaded lists needs beside its state machine: the bucket, and the rule that starts an execution when a file
//! has arrived.

use serde_json::json;

use crate::config::ACCOUNT;
use crate::definitions::{IMPORT_PARTICIPANTS, LISTS_BUCKET};
use crate::events::Operation;
use crate::s3::InitialBucket;

/// The name of the rule.
const RULE: &str = "list-arrived";

/// The bucket, to which pages of `origins` may send lists. The template allows all origins: there a signature protects the bucket.
pub(crate) fn bucket(origins: Vec<String>) -> InitialBucket {
    InitialBucket { name: LISTS_BUCKET, origins }
}

/// What creates the rule.
pub(crate) fn rule() -> [Operation; 2] {
    let pattern = json!({
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [LISTS_BUCKET]}, "object": {"key": [{"prefix": "uploads/"}]}},
    });
    let target = json!({
        "Id": "StateMachine",
        "Arn": IMPORT_PARTICIPANTS.arn(),
        "RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/{RULE}"),
        "InputPath": "$.detail",
    });
    [
        ("PutRule", json!({"Name": RULE, "EventPattern": pattern.to_string()})),
        ("PutTargets", json!({"Rule": RULE, "Targets": [target]})),
    ]
}
