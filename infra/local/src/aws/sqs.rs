//! SQS in AWS JSON 1.0, with the codes of the query protocol in a header, as SDKs still show them.

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, Response};
use serde_json::{Value, json};

use super::guard::JsonService;
use super::{Endpoint, call_log, header_value, json as json_response, text};
use crate::config::{ACCOUNT, REGION};
use crate::sqs::{Queues, SqsError};

impl Endpoint {
    /// Answers one operation of SQS.
    pub(super) async fn answer_sqs(
        &self,
        operation: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Response<Bytes> {
        let Ok(request) = serde_json::from_slice::<Value>(if body.is_empty() { b"{}" } else { body }) else {
            let fault = json!({"__type": "com.amazon.coral.service#SerializationException"});
            return json_response(400, fault.to_string().into());
        };
        if self.looks_at_calls() {
            let needed = needed(operation, &request);
            if let Some(guard) = &self.guard
                && let Err(refused) = guard.allow(call_log::caller(headers).as_deref(), &needed)
            {
                return refused.in_json(JsonService::Sqs);
            }
            self.note(headers, &format!("sqs:{operation}"), 0.0, needed);
        }
        match self.sqs.call(operation, request).await {
            Ok(mut answer) => {
                if let Some(host) = text(headers, HOST.as_str()) {
                    self.sqs.show_at(&format!("http://{host}"), &mut answer);
                }
                json_response(200, answer.to_string().into())
            }
            Err(error) => refusal(&error),
        }
    }
}

fn refusal(error: &SqsError) -> Response<Bytes> {
    let namespace = if error.is_modeled() { "com.amazonaws.sqs" } else { "com.amazon.coral.service" };
    let body = json!({"__type": format!("{namespace}#{}", error.name), "message": error.message});
    let mut response = json_response(error.status, body.to_string().into());
    let fault = if error.status < 500 { "Sender" } else { "Receiver" };
    let code = header_value(format!("{};{fault}", error.code));
    response.headers_mut().insert("x-amzn-query-error", code);
    response
}

/// What a call of SQS needs: batches need the action of their entries.
pub(crate) fn needed(operation: &str, request: &Value) -> Vec<(String, String)> {
    let member = |name: &str| request[name].as_str();
    let resource = match member("SourceArn") {
        Some(arn) => arn.to_owned(),
        None => {
            let name = member("QueueName").or_else(|| member("QueueUrl")?.rsplit('/').next()).unwrap_or("*");
            format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
        }
    };
    vec![(format!("sqs:{}", operation.trim_end_matches("Batch")), resource)]
}

impl Queues {
    /// Lets the URLs of an answer begin with what the caller calls this host.
    fn show_at(&self, host: &str, answer: &mut Value) {
        let moved = |url: &mut Value| {
            if let Some(path) = url.as_str().and_then(|url| url.strip_prefix(self.base_url())) {
                *url = json!(format!("{host}{path}"));
            }
        };
        for (name, value) in answer.as_object_mut().into_iter().flatten() {
            match (name.as_str(), value) {
                ("QueueUrl", url) => moved(url),
                ("QueueUrls" | "queueUrls", Value::Array(urls)) => urls.iter_mut().for_each(moved),
                _ => {}
            }
        }
    }
}
