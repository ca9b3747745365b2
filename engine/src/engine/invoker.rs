//! [`Invoker`]: what the host of the engine does for Task states.

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::data::Json;
use crate::model::TaskFailure;

/// The host of the engine: Lambda functions, SNS, DynamoDB, other `aws-sdk:` calls.
///
/// Nested executions and activities are the engine's own and never come here.
pub trait Invoker: Send + Sync + 'static {
    /// Whether `invoke` supports an action. A definition that requests any other is refused by name.
    ///
    /// `service` and `action` are the words of the resource ARN: `lambda` and `invoke` (plain function ARNs
    /// too), `sns` and `publish`, `dynamodb` and `putItem`, `aws-sdk:sns` and `publish`.
    fn supports(&self, service: &str, action: &str) -> bool;

    /// The end of the sentence with which an action that is not supported is refused, such as what can be done about it.
    fn advice(&self, _service: &str, _action: &str) -> String {
        String::new()
    }

    /// Performs a call. The engine may repeat it after a crash, if the result had not been stored.
    ///
    /// For a Lambda function, the result is what it returned; with `LogType: Tail` by an object of that as `Payload`
    /// and the log in base 64 as `LogResult`.
    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>>;

    /// Waits for the end of a job, and gives the result of its task: the task that called with `.sync`. The engine asks once the
    /// call has returned, and anew after each start; it stops waiting when the task ends otherwise, such as by its time-out.
    ///
    /// Unless a host does better, the job is reported on with the token of its task alone.
    fn finish_job(&self, _job: Job) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        Box::pin(std::future::pending())
    }

    /// Stops a job whose task was given up. Nobody waits for it.
    fn stop_job(&self, _job: Job) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }

    /// The same as [`Invoker::invoke`]; of an HTTP Task also the request that was made, and the response. What a connection has added to the request is left
    /// out of it, unless secrets are to be revealed. TestState shows it.
    fn invoke_traced(&self, call: Call, _secrets: Secrets) -> BoxFuture<'static, Traced> {
        let call = self.invoke(call);
        Box::pin(async move { Traced { result: call.await, exchange: None } })
    }

    /// Reads an object, or the range of it that `Range` in the parameters names: `s3:getObject` with bytes as they are.
    /// `IfMatch` must be kept: a range of another object would tear an item apart.
    ///
    /// Unless a host does better, this is [`Invoker::invoke`] without the range, with the text of `Body` as the bytes.
    fn read_object(&self, call: Call) -> BoxFuture<'static, Result<ObjectPart, TaskFailure>> {
        let mut parameters = call.parameters.clone();
        let range = parameters.as_object_mut().and_then(|members| members.remove("Range"));
        let first = range
            .as_ref()
            .and_then(Json::as_str)
            .and_then(|range| range.strip_prefix("bytes=")?.split('-').next()?.parse::<usize>().ok());
        let whole = self.invoke(Call { parameters, ..call });
        Box::pin(async move {
            let answer = whole.await?;
            let body = answer.get("Body").and_then(Json::as_str).unwrap_or_default().as_bytes();
            let bytes = body.get(first.unwrap_or(0)..).unwrap_or_default().to_vec();
            let etag = answer.get("ETag").and_then(Json::as_str).map(str::to_owned);
            Ok(ObjectPart { etag, size: body.len() as u64, bytes })
        })
    }
}

/// Whether what a connection has added to a request is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// It is left out.
    Hidden,
    /// It is shown.
    Revealed,
}

/// What came of a call, and how.
#[derive(Clone, Debug)]
pub struct Traced {
    /// The result of the call.
    pub result: Result<Json, TaskFailure>,
    /// The request of an HTTP Task and its response, if it came to that.
    pub exchange: Option<HttpExchange>,
}

/// The request of an HTTP Task, and the response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpExchange {
    /// `GET`, `POST`, …
    pub method: String,
    /// The address with its query.
    pub url: String,
    /// The names and values of the request's headers.
    pub headers: Vec<(String, String)>,
    /// The body that was sent, if there was one.
    pub body: Option<String>,
    /// What was answered, if anything was.
    pub response: Option<HttpResponse>,
}

/// A response to the request of an HTTP Task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// `200`
    pub status: u16,
    /// `OK`
    pub message: String,
    /// The names and values of its headers.
    pub headers: Vec<(String, String)>,
    /// Its body, if that is text.
    pub body: Option<String>,
}

/// Bytes of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectPart {
    /// The object's ETag, if it has one.
    pub etag: Option<String>,
    /// The size of the whole object.
    pub size: u64,
    /// The bytes that were asked for, or as many of them as there are.
    pub bytes: Vec<u8>,
}

/// One call of a service.
#[derive(Clone, Debug)]
pub struct Call {
    /// `lambda`, `sns`, `dynamodb`, `aws-sdk:sns`, …
    pub service: String,
    /// `invoke`, `publish`, `putItem`, …
    pub action: String,
    /// The request as the service's own API names it. For Lambda: `FunctionName`, `Payload`, and what else
    /// the definition gave.
    pub parameters: Json,
    /// The execution that makes the call.
    pub execution_arn: String,
    /// How long the execution waits for the result, if the state has a limit.
    pub timeout: Option<Duration>,
}

/// A job that a call with `.sync` has submitted.
#[derive(Clone, Debug)]
pub struct Job {
    /// The call.
    pub call: Call,
    /// What it returned, as the history shows it.
    pub submitted: Json,
}

/// A host without any service: machines with Lambda or AWS service tasks are refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoServices;

impl Invoker for NoServices {
    fn supports(&self, _service: &str, _action: &str) -> bool {
        false
    }

    fn invoke(&self, call: Call) -> BoxFuture<'static, Result<Json, TaskFailure>> {
        let cause = format!("{}:{} is not available here", call.service, call.action);
        Box::pin(async move { Err(TaskFailure { error: "States.Runtime".to_owned(), cause }) })
    }
}
