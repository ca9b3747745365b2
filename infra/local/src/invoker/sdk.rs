//! Task states that call SNS and DynamoDB, in the two ways that Step Functions has for that.
//!
//! The optimized integrations tell in their result how the HTTP call went, and word their errors as the first
//! Java SDK does; the `aws-sdk:` ones give the answer alone, and word them as the second does.

use asl_engine::TaskFailure;
use asl_engine::data::Json;
use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::aws::{DynamoDb, DynamoDbReply};
use crate::names::pascal_case;
use crate::sns::{Parameters, Sns, SnsError};
use crate::worker::Worker;

/// Which of the two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wording {
    /// `arn:aws:states:::sns:publish`
    Optimized,
    /// `arn:aws:states:::aws-sdk:sns:publish`
    Sdk,
}

/// Calls SNS.
pub(super) async fn sns(
    sns: &Worker<Sns>,
    action: &str,
    parameters: Value,
    wording: Wording,
) -> Result<Json, TaskFailure> {
    let operation = pascal_case(action);
    let called = operation.clone();
    let outcome = sns
        .call(move |sns| sns.call(&called, &Parameters::from_json(&parameters)))
        .await
        .unwrap_or_else(|error| Err(SnsError::internal(error.to_string())));
    match outcome {
        Ok(answer) => {
            let mut result = answer.to_json();
            if wording == Wording::Optimized {
                let id = Uuid::new_v4().to_string();
                let length = answer.to_xml(&operation, &id).len();
                add_metadata(
                    &mut result,
                    &id,
                    &[
                        ("x-amzn-RequestId", id.clone()),
                        ("connection", "keep-alive".to_owned()),
                        ("Content-Length", length.to_string()),
                        ("Date", http_date()),
                        ("Content-Type", "text/xml".to_owned()),
                    ],
                );
            }
            Ok(Json::from(result))
        }
        Err(error) => Err(sns_failure(&error, wording)),
    }
}

fn sns_failure(error: &SnsError, wording: Wording) -> TaskFailure {
    let SnsError { code, status, message } = error;
    let id = Uuid::new_v4();
    match wording {
        Wording::Optimized => TaskFailure {
            error: format!("SNS.{}", error.exception().unwrap_or("AmazonSNSException")),
            cause: format!(
                "{message} (Service: AmazonSNS; Status Code: {status}; Error Code: {code}; Request ID: {id}; Proxy: null)"
            ),
        },
        Wording::Sdk => TaskFailure {
            error: format!("Sns.{}", error.exception().unwrap_or("SnsException")),
            cause: format!("{message} (Service: Sns, Status Code: {status}, Request ID: {id})"),
        },
    }
}

/// Calls DynamoDB.
pub(super) async fn dynamodb(
    dynamodb: &DynamoDb,
    action: &str,
    parameters: &Json,
    wording: Wording,
) -> Result<Json, TaskFailure> {
    let body = Bytes::from(Value::from(parameters).to_string());
    let DynamoDbReply { status, body } = dynamodb.call(&pascal_case(action), body).await;
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status != 200 {
        return Err(dynamodb_failure(status, &answer, wording));
    }
    let mut result = answer;
    if wording == Wording::Optimized {
        let id = Uuid::new_v4().to_string();
        // GetItem is answered by another front end on AWS, which writes this header in its own way.
        let id_header = if action == "getItem" { "x-amzn-requestid" } else { "x-amzn-RequestId" };
        add_metadata(
            &mut result,
            &id,
            &[
                ("Server", "Server".to_owned()),
                ("Connection", "keep-alive".to_owned()),
                (id_header, id.clone()),
                ("x-amz-crc32", crc32(&body).to_string()),
                ("Content-Length", body.len().to_string()),
                ("Date", http_date()),
                ("Content-Type", "application/x-amz-json-1.0".to_owned()),
            ],
        );
    }
    Ok(Json::from(result))
}

fn dynamodb_failure(status: u16, answer: &Value, wording: Wording) -> TaskFailure {
    let code =
        answer["__type"].as_str().and_then(|name| name.rsplit('#').next()).unwrap_or("InternalServerError");
    let message =
        answer.get("message").or_else(|| answer.get("Message")).and_then(Value::as_str).unwrap_or_default();
    let id = Uuid::new_v4();
    // The SDKs have no class of their own for these.
    let is_modeled =
        !matches!(code, "ValidationException" | "SerializationException" | "AccessDeniedException");
    match wording {
        Wording::Optimized => TaskFailure {
            error: format!("DynamoDB.{}", if is_modeled { code } else { "AmazonDynamoDBException" }),
            cause: format!(
                "{message} (Service: AmazonDynamoDBv2; Status Code: {status}; Error Code: {code}; Request ID: {id}; Proxy: null)"
            ),
        },
        Wording::Sdk => TaskFailure {
            error: format!("DynamoDb.{}", if is_modeled { code } else { "DynamoDbException" }),
            cause: format!("{message} (Service: DynamoDb, Status Code: {status}, Request ID: {id})"),
        },
    }
}

/// How the call went, as the optimized integrations tell it.
pub(super) fn add_metadata(result: &mut Value, request_id: &str, headers: &[(&str, String)]) {
    let every: serde_json::Map<_, _> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect();
    let single: serde_json::Map<_, _> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    if let Value::Object(members) = result {
        members.insert(
            "SdkHttpMetadata".to_owned(),
            json!({"AllHttpHeaders": every, "HttpHeaders": single, "HttpStatusCode": 200}),
        );
        members.insert("SdkResponseMetadata".to_owned(), json!({"RequestId": request_id}));
    }
}

pub(super) fn http_date() -> String {
    jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The checksum of the `x-amz-crc32` header: CRC-32 as in zip.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b"{}"), 2_745_614_147);
    }

    #[test]
    fn errors_are_worded_in_the_two_ways_of_the_sdks() {
        let answer = json!({"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "The conditional request failed"});
        let failure = dynamodb_failure(400, &answer, Wording::Optimized);
        assert_eq!(failure.error, "DynamoDB.ConditionalCheckFailedException");
        assert!(failure.cause.starts_with(
            "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ConditionalCheckFailedException; Request ID: "
        ));
        let answer = json!({"__type": "com.amazon.coral.validate#ValidationException", "message": "no"});
        assert_eq!(
            dynamodb_failure(400, &answer, Wording::Optimized).error,
            "DynamoDB.AmazonDynamoDBException"
        );
        assert_eq!(dynamodb_failure(400, &answer, Wording::Sdk).error, "DynamoDb.DynamoDbException");
        let failure = sns_failure(&SnsError::not_found("Topic"), Wording::Optimized);
        assert_eq!(failure.error, "SNS.NotFoundException");
        assert!(failure.cause.starts_with(
            "Topic does not exist (Service: AmazonSNS; Status Code: 404; Error Code: NotFound; Request ID: "
        ));
    }
}
