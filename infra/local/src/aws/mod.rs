//! The AWS-compatible endpoint: one address for Step Functions, DynamoDB, SNS, SES, Lambda and STS, as the SDKs and
//! the command line speak to them.

mod call_log;
mod conflicts;
mod connector;
mod dynamodb;
mod lambda;
mod query;
mod ses;

use std::fmt::Display;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use statemachine::service::Service;
use uuid::Uuid;

pub(crate) use call_log::of_sns;
pub use call_log::{CallLog, Permission, Usage};
pub(crate) use connector::sdk_config;
pub(crate) use dynamodb::{DynamoDb, DynamoDbReply};

use crate::beacon::Beacon;
use crate::functions::Functions;
use crate::sns::Sns;
use crate::worker::Worker;

/// Everything that answers for AWS here.
pub(crate) struct Endpoint {
    /// DynamoDB.
    pub(crate) dynamodb: Arc<DynamoDb>,
    /// SNS.
    pub(crate) sns: Arc<Worker<Sns>>,
    /// The stack's own beacon, whose API shares the address.
    beacon: Beacon,
    /// Where calls are recorded, if they are.
    call_log: Option<CallLog>,
    /// What needs the other services to be made, and so comes after them.
    later: OnceLock<Later>,
}

struct Later {
    step_functions: Service,
    functions: Arc<Functions>,
}

const JSON_1_0: &str = "application/x-amz-json-1.0";

impl Endpoint {
    /// An endpoint that does not have Step Functions and Lambda yet.
    pub(crate) fn new(
        dynamodb: Arc<DynamoDb>,
        sns: Arc<Worker<Sns>>,
        beacon: Beacon,
        call_log: Option<CallLog>,
    ) -> Endpoint {
        Endpoint { dynamodb, sns, beacon, call_log, later: OnceLock::new() }
    }

    /// Adds Step Functions and Lambda.
    pub(crate) fn complete(&self, step_functions: Service, functions: Arc<Functions>) {
        // Only the start of the stack calls this, once.
        let _ = self.later.set(Later { step_functions, functions });
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, head: &Parts, body: Bytes) -> Response<Bytes> {
        if head.method == Method::POST {
            if let Some(target) = text(&head.headers, "x-amz-target") {
                return self.answer_target(target, &head.headers, body).await;
            }
            if let Some(function) = lambda::function_of(head.uri.path()) {
                return match self.later.get() {
                    Some(later) => lambda::answer(&later.functions, &function, &head.headers, &body).await,
                    None => not_yet(),
                };
            }
            if text(&head.headers, CONTENT_TYPE.as_str())
                .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
            {
                if let Some((log, caller)) = self.recording(&head.headers) {
                    let parameters = crate::sns::Parameters::from_form(&body);
                    let action = parameters.get("Action").unwrap_or_default();
                    log.note(&caller, &format!("sns:{action}"), 0.0, of_sns(&parameters, action));
                }
                return query::answer(&self.sns, &body).await;
            }
            if head.uri.path() == ses::PATH {
                let request = ses::SendEmail::parse(&body);
                if let (Some((log, caller)), Ok(request)) = (self.recording(&head.headers), &request) {
                    log.note(&caller, "ses:SendEmail", 0.0, call_log::of_ses(request.sender()));
                }
                return ses::answer(&self.sns, request).await;
            }
        }
        if head.method == Method::GET
            && let Some(answer) = self.beacon.answer(head.uri.path())
        {
            return match answer {
                Ok(text) => {
                    let mut response = json(200, text);
                    let media_type = HeaderValue::from_static("application/json");
                    response.headers_mut().insert(CONTENT_TYPE, media_type);
                    response
                }
                Err(sentence) => plain(StatusCode::NOT_FOUND, sentence),
            };
        }
        if head.method == Method::GET && head.uri.path() == "/" {
            return plain(
                StatusCode::OK,
                "AWS endpoint of the local stack: Step Functions, DynamoDB, SNS, SES, Lambda; and its beacon, as drand speaks\n",
            );
        }
        plain(StatusCode::NOT_FOUND, "The local stack has nothing here\n")
    }

    /// Answers the JSON protocol, whose operation stands in a header.
    async fn answer_target(&self, target: &str, headers: &HeaderMap, body: Bytes) -> Response<Bytes> {
        match target.split_once('.') {
            Some(("AWSStepFunctions", operation)) => match self.later.get() {
                Some(later) => {
                    if let Some((log, caller)) = self.recording(headers) {
                        let needed = call_log::of_step_functions(operation, &body);
                        log.note(&caller, &format!("states:{operation}"), 0.0, needed);
                    }
                    let reply = later.step_functions.call(operation, &body).await;
                    json(reply.status, reply.body.into())
                }
                None => not_yet(),
            },
            Some(("DynamoDB_20120810" | "DynamoDBStreams_20120810", operation))
                if DynamoDb::has(operation) =>
            {
                let Some((log, caller)) = self.recording(headers) else {
                    let reply = self.dynamodb.call(operation, body).await;
                    return json(reply.status, reply.body.into());
                };
                let needed = call_log::of_dynamodb(operation, &body);
                let reply = self.dynamodb.call(operation, call_log::asking_for_units(&body)).await;
                log.note(&caller, &format!("dynamodb:{operation}"), call_log::units(&reply.body), needed);
                json(reply.status, reply.body.into())
            }
            _ => json(
                400,
                Bytes::from_static(br#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#),
            ),
        }
    }

    /// The log and who calls, if calls are recorded and the caller says who it is.
    fn recording(&self, headers: &HeaderMap) -> Option<(&CallLog, String)> {
        Some((self.call_log.as_ref()?, call_log::caller(headers)?))
    }
}

/// The answer while the stack is still starting; SDKs ask again.
fn not_yet() -> Response<Bytes> {
    json(
        503,
        Bytes::from_static(br#"{"__type":"ServiceUnavailable","message":"the local stack is starting"}"#),
    )
}

fn json(status: u16, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON_1_0));
    headers.insert("x-amzn-requestid", header_value(Uuid::new_v4()));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A value for a header, from something that prints as visible ASCII.
fn header_value(value: impl Display) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(value.to_string()))
        .unwrap_or_else(|_| HeaderValue::from_static("unprintable"))
}

/// An endpoint on nothing but memory, without Step Functions and Lambda.
#[cfg(test)]
pub(crate) fn in_memory(confirmation: crate::Confirmation, refused: &[&str]) -> Arc<Endpoint> {
    use crate::config::{ACCOUNT, REGION};
    let refused: Vec<String> = refused.iter().map(|address| (*address).to_owned()).collect();
    let clock = statemachine::Clock::system();
    let settings = crate::sns::Settings::new(REGION, ACCOUNT, clock, confirmation, &refused);
    let sns = Sns::open(rusqlite::Connection::open_in_memory().unwrap(), settings).unwrap();
    let dynamodb = DynamoDb::start(dynoxide::Database::memory().unwrap()).unwrap();
    let beacon = Beacon::in_memory(statemachine::Clock::system()).unwrap();
    let sns = Arc::new(Worker::start("sns", sns).unwrap());
    Arc::new(Endpoint::new(Arc::new(dynamodb), sns, beacon, None))
}
