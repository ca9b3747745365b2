//! Task states that call SQS, in the two ways that Step Functions has for that.

use asl_engine::TaskFailure;
use asl_engine::data::Json;
use serde_json::{Value, json};
use uuid::Uuid;

use super::sdk::{Wording, add_metadata, http_date};
use crate::names::pascal_case;
use crate::sqs::{Queues, SqsError};

/// Calls SQS.
pub(super) async fn call(
    queues: &Queues,
    action: &str,
    parameters: &Json,
    wording: Wording,
) -> Result<Json, TaskFailure> {
    let mut request = Value::from(parameters);
    write_body(&mut request);
    let answer = queues.call(&pascal_case(action), request).await;
    let mut result = answer.map_err(|error| failure(&error, wording))?;
    match wording {
        Wording::Optimized => {
            let id = Uuid::new_v4().to_string();
            let length = result.to_string().len();
            let headers = [
                ("x-amzn-RequestId", id.clone()),
                ("connection", "keep-alive".to_owned()),
                ("Content-Length", length.to_string()),
                ("Date", http_date()),
                ("Content-Type", "application/x-amz-json-1.0".to_owned()),
            ];
            add_metadata(&mut result, &id, &headers);
        }
        Wording::Sdk => rename_digests(&mut result),
    }
    Ok(Json::from(result))
}

/// A body that is no text is sent as JSON.
fn write_body(request: &mut Value) {
    if let Some(body) = request.get_mut("MessageBody").filter(|body| !body.is_string()) {
        *body = json!(body.to_string());
    }
    if let Some(Value::Array(entries)) = request.get_mut("Entries") {
        entries.iter_mut().for_each(write_body);
    }
}

/// The second Java SDK writes `Md5` where the API writes `MD5`.
fn rename_digests(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(rename_digests),
        Value::Object(members) => {
            let renamed = std::mem::take(members).into_iter().map(|(name, mut member)| {
                // Bodies are texts, and attributes of messages have names of their senders.
                if name != "MessageAttributes" {
                    rename_digests(&mut member);
                }
                (name.strip_prefix("MD5").map_or(name.clone(), |rest| format!("Md5{rest}")), member)
            });
            members.extend(renamed);
        }
        _ => {}
    }
}

fn failure(error: &SqsError, wording: Wording) -> TaskFailure {
    let SqsError { name, code, status, message } = error;
    let class = name.strip_suffix("Exception").unwrap_or(name);
    let id = Uuid::new_v4();
    match wording {
        Wording::Optimized => TaskFailure {
            error: if error.is_modeled() {
                format!("SQS.{class}Exception")
            } else {
                "SQS.AmazonSQSException".to_owned()
            },
            cause: format!(
                "{message} (Service: AmazonSQS; Status Code: {status}; Error Code: {code}; Request ID: {id}; Proxy: null)"
            ),
        },
        Wording::Sdk => TaskFailure {
            error: if error.is_modeled() {
                format!("Sqs.{class}Exception")
            } else {
                "Sqs.SqsException".to_owned()
            },
            cause: format!("{message} (Service: Sqs, Status Code: {status}, Request ID: {id})"),
        },
    }
}
