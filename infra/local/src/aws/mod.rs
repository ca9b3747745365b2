//! The AWS-compatible endpoint: one address for Step Functions, DynamoDB, S3, SNS, SQS, EventBridge, SES, Lambda and STS, as
//! the SDKs and the command line speak to them.

mod call_log;
mod conflicts;
mod connector;
mod dynamodb;
mod guard;
mod lambda;
mod log_sync;
mod query;
mod queue;
mod ses;
mod sqs;
mod transactions;

use std::fmt::Display;
use std::sync::{Arc, OnceLock};

use asl_engine::service::Service;
use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use uuid::Uuid;

pub use call_log::{CallLog, Permission, Usage};
pub(crate) use call_log::{machine_caller, of_dynamodb, of_sns};
pub(crate) use connector::{sdk_config, socket_sdk_config};
pub(crate) use dynamodb::{DynamoDb, DynamoDbReply};
pub(crate) use guard::{Guard, of_sns as sns_call};
use guard::{JsonService, Refused};
pub(crate) use log_sync::LogSync;
pub(crate) use sqs::needed as of_sqs;

use crate::authority::Authority;
use crate::beacon::Beacon;
use crate::config::{ACCOUNT, REGION};
use crate::events::Events;
use crate::functions::Functions;
use crate::limits::{Service as LimitedCall, ServiceCall};
use crate::s3::S3;
use crate::sns::Sns;
use crate::sqs::Queues;
use crate::worker::Worker;

/// Everything that answers for AWS here.
pub(crate) struct Endpoint {
    /// DynamoDB.
    pub(crate) dynamodb: Arc<DynamoDb>,
    /// SNS.
    pub(crate) sns: Arc<Worker<Sns>>,
    /// S3.
    pub(crate) s3: Arc<S3>,
    /// SQS.
    pub(crate) sqs: Arc<Queues>,
    /// EventBridge and its Scheduler.
    pub(crate) events: Events,
    /// The stack's own beacon, whose API shares the address.
    beacon: Beacon,
    /// The stack's own time-stamp authority.
    authority: Authority,
    /// Where calls are recorded, if they are.
    call_log: Option<CallLog>,
    /// Permissions and limits, if there are any.
    guard: Option<Arc<Guard>>,
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
        sqs: Arc<Queues>,
        (beacon, authority): (Beacon, Authority),
        call_log: Option<CallLog>,
    ) -> Endpoint {
        let s3 = Arc::new(S3::new(None, asl_engine::Clock::system(), None));
        let events = Events::new(None, asl_engine::Clock::system(), Vec::new());
        let later = OnceLock::new();
        Endpoint { dynamodb, sns, s3, sqs, events, beacon, authority, call_log, guard: None, later }
    }

    /// The same endpoint with this S3 instead of an empty one in memory.
    pub(crate) fn with_s3(self, s3: Arc<S3>) -> Endpoint {
        Endpoint { s3, ..self }
    }

    /// The same endpoint with this EventBridge instead of an empty one in memory.
    pub(crate) fn with_events(self, events: Events) -> Endpoint {
        Endpoint { events, ..self }
    }

    /// The same endpoint, whose calls this guards.
    pub(crate) fn guarded_by(self, guard: Option<Arc<Guard>>) -> Endpoint {
        Endpoint { guard, ..self }
    }

    /// Adds Step Functions and Lambda.
    pub(crate) fn complete(&self, step_functions: Service, functions: Arc<Functions>) {
        // Only the start of the stack calls this, once.
        let _ = self.later.set(Later { step_functions, functions });
    }

    /// Answers a request of S3, whose body is a stream.
    pub(crate) async fn answer_s3(&self, head: &Parts, body: Body) -> Response<Body> {
        // No permission is needed to ask which pages may use a bucket.
        if self.looks_at_calls() && head.method != Method::OPTIONS {
            let (operation, needed) = crate::s3::needed(head);
            if let Some(guard) = &self.guard
                && let Err(refused) = guard.allow(call_log::caller(&head.headers).as_deref(), &needed)
            {
                return crate::s3::denied(refused.message());
            }
            self.note(&head.headers, &format!("s3:{operation}"), 0.0, needed);
        }
        self.s3.answer(head, body).await
    }

    /// Answers a request of EventBridge or of its Scheduler.
    async fn answer_events(&self, head: &Parts, body: &[u8]) -> Response<Bytes> {
        if self.looks_at_calls() {
            let (operation, needed) = crate::events::needed(head, body);
            if let Some(guard) = &self.guard
                && let Err(refused) = guard.allow(call_log::caller(&head.headers).as_deref(), &needed)
            {
                return refused.in_json(JsonService::Events);
            }
            self.note(&head.headers, &operation, 0.0, needed);
        }
        self.events.answer(head, body).await
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, head: &Parts, body: Bytes) -> Response<Bytes> {
        if crate::events::is_meant(head) {
            return self.answer_events(head, &body).await;
        }
        if head.method == Method::POST {
            if let Some(target) = text(&head.headers, "x-amz-target") {
                return self.answer_target(target, head, body).await;
            }
            if head.uri.path() == Authority::PATH {
                return match self.authority.reply(&body) {
                    Some(reply) => typed(reply.into(), Authority::REPLY_TYPE),
                    None => {
                        plain(StatusCode::BAD_REQUEST, "This is no request for a time stamp (RFC 3161)\n")
                    }
                };
            }
            if let Some(function) = lambda::function_of(head.uri.path()) {
                let arn = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}");
                let needed = vec![("lambda:InvokeFunction".to_owned(), arn)];
                if let Some(guard) = &self.guard
                    && let Err(refused) = guard.allow(call_log::caller(&head.headers).as_deref(), &needed)
                {
                    return refused.of_ses();
                }
                return match self.later.get() {
                    Some(later) => lambda::answer(&later.functions, &function, &head.headers, &body).await,
                    None => not_yet(),
                };
            }
            if text(&head.headers, CONTENT_TYPE.as_str())
                .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
            {
                let mut under_way = None;
                if self.looks_at_calls() {
                    let parameters = crate::sns::Parameters::from_form(&body);
                    let action = parameters.get("Action").unwrap_or_default();
                    let needed = of_sns(&parameters, action);
                    if query::is_of_sns(&parameters) {
                        under_way =
                            match self.admit(&head.headers, &needed, &sns_call(action, &parameters)).await {
                                Ok(under_way) => under_way,
                                Err(refused) => return refused.in_xml(),
                            };
                    }
                    self.note(&head.headers, &format!("sns:{action}"), 0.0, needed);
                }
                let response = query::answer(&self.sns, &body).await;
                drop(under_way);
                return response;
            }
            if head.uri.path() == ses::PATH {
                let request = ses::SendEmail::parse(&body);
                let mut under_way = None;
                if let (true, Ok(request)) = (self.looks_at_calls(), &request) {
                    let needed = call_log::of_ses(request.sender());
                    let call = LimitedCall::Ses(request.addresses());
                    under_way = match self.admit(&head.headers, &needed, &call).await {
                        Ok(under_way) => under_way,
                        Err(refused) => return refused.of_ses(),
                    };
                    self.note(&head.headers, "ses:SendEmail", 0.0, needed);
                }
                let response = ses::answer(&self.sns, request).await;
                drop(under_way);
                return response;
            }
        }
        if head.method == Method::GET
            && let Some(answer) = self.beacon.answer(head.uri.path())
        {
            return match answer {
                Ok(text) => typed(text, "application/json"),
                Err(sentence) => plain(StatusCode::NOT_FOUND, sentence),
            };
        }
        if head.method == Method::GET && head.uri.path() == "/" {
            return plain(
                StatusCode::OK,
                "AWS endpoint of the local stack: Step Functions, DynamoDB, S3, SNS, SQS, EventBridge, SES, Lambda; its beacon, as drand speaks; and its time-stamp authority\n",
            );
        }
        plain(StatusCode::NOT_FOUND, "The local stack has nothing here\n")
    }

    /// Answers the JSON protocol, whose operation is in a header.
    async fn answer_target(&self, target: &str, head: &Parts, body: Bytes) -> Response<Bytes> {
        let headers = &head.headers;
        match target.split_once('.') {
            Some(("AWSStepFunctions", operation)) => match self.later.get() {
                Some(later) => {
                    let mut under_way = None;
                    if self.looks_at_calls() {
                        let needed = call_log::of_step_functions(operation, &body);
                        let call = LimitedCall::StepFunctions(operation);
                        under_way = match self.admit(headers, &needed, &call).await {
                            Ok(under_way) => under_way,
                            Err(refused) => return refused.in_json(JsonService::StepFunctions),
                        };
                        self.note(headers, &format!("states:{operation}"), 0.0, needed);
                    }
                    let reply = later.step_functions.call(operation, &body).await;
                    drop(under_way);
                    json(reply.status, reply.body.into())
                }
                None => not_yet(),
            },
            Some(("DynamoDB_20120810" | "DynamoDBStreams_20120810", operation))
                if DynamoDb::has(operation) =>
            {
                if !self.looks_at_calls() {
                    let reply = self.dynamodb.call(operation, body).await;
                    return json(reply.status, reply.body.into());
                }
                let needed = call_log::of_dynamodb(operation, &body);
                let call = LimitedCall::DynamoDb(operation, guard::tables(&needed));
                let under_way = match self.admit(headers, &needed, &call).await {
                    Ok(under_way) => under_way,
                    Err(refused) => return refused.in_json(JsonService::DynamoDb),
                };
                let reply = self.dynamodb.call(operation, call_log::asking_for_units(&body)).await;
                let units = call_log::units(&reply.body);
                if let Some(guard) = &self.guard {
                    guard.charge(operation, &needed, units);
                }
                self.note(headers, &format!("dynamodb:{operation}"), units, needed);
                drop(under_way);
                json(reply.status, reply.body.into())
            }
            Some(("AmazonSQS", operation)) => self.answer_sqs(operation, headers, &body).await,
            Some((crate::events::TARGET, _)) => self.answer_events(head, &body).await,
            _ => json(
                400,
                Bytes::from_static(br#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#),
            ),
        }
    }

    /// Whether calls are recorded or guarded: otherwise nothing of them is read that the services do not read.
    fn looks_at_calls(&self) -> bool {
        self.call_log.is_some() || self.guard.is_some()
    }

    /// Records a call, if calls are recorded and the caller says who it is.
    fn note(&self, headers: &HeaderMap, operation: &str, units: f64, needed: Vec<(String, String)>) {
        if let (Some(log), Some(caller)) = (&self.call_log, call_log::caller(headers)) {
            log.note(&caller, operation, units, needed);
        }
    }

    /// Lets a call through, if nothing guards or the guard does.
    async fn admit(
        &self,
        headers: &HeaderMap,
        needed: &[(String, String)],
        call: &LimitedCall<'_>,
    ) -> Result<Option<ServiceCall>, Refused> {
        match &self.guard {
            Some(guard) => guard.admit(call_log::caller(headers).as_deref(), needed, call).await,
            None => Ok(None),
        }
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

/// An answer of our own, which is none of AWS's services.
fn typed(body: Bytes, media_type: &'static str) -> Response<Bytes> {
    let mut response = json(200, body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
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
pub(crate) fn header_value(value: impl Display) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(value.to_string()))
        .unwrap_or_else(|_| HeaderValue::from_static("unprintable"))
}

/// An endpoint on nothing but memory, without Step Functions and Lambda.
#[cfg(test)]
pub(crate) fn in_memory(confirmation: crate::Confirmation, refused: &[&str]) -> Arc<Endpoint> {
    let refused: Vec<String> = refused.iter().map(|address| (*address).to_owned()).collect();
    let clock = asl_engine::Clock::system();
    let settings = crate::sns::Settings::new(REGION, ACCOUNT, clock, confirmation, &refused);
    let sns = Sns::open(rusqlite::Connection::open_in_memory().unwrap(), settings).unwrap();
    let health = Arc::new(crate::health::Health::new(asl_engine::Clock::system()));
    let sqs = Arc::new(crate::sqs::in_memory(asl_engine::Clock::system()));
    let dynamodb = DynamoDb::in_memory(health).unwrap();
    let beacon = Beacon::in_memory(asl_engine::Clock::system()).unwrap();
    let sns = Arc::new(Worker::start("sns", sns).unwrap());
    let authority = Authority::in_memory(asl_engine::Clock::system()).unwrap();
    Arc::new(Endpoint::new(Arc::new(dynamodb), sns, sqs, (beacon, authority), None))
}
