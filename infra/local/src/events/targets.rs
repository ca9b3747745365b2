//! The targets of rules and schedules: what can be one, and how each is called.

use std::sync::Arc;

use asl_engine::data::Json;
use asl_engine::service::Service;
use asl_engine::{Call, Invoker};
use serde_json::{Value, json};

use super::EventsError;
use super::deliveries::Delivery;
use super::request::Request;
use crate::functions::{Functions, InvokeError};
use crate::names::{camel_case, pascal_case};
use crate::sns::{Parameters, Sns};
use crate::sqs::Queues;
use crate::worker::Worker;

/// A target, by its ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    StateMachine,
    Function,
    /// By name.
    Queue(&'a str),
    Topic,
    /// By name.
    Bus(&'a str),
    /// An API destination, by name.
    Destination(&'a str),
    /// A call of any API: its service and action, as `aws-sdk:` integrations name them. Only of schedules.
    Api(&'a str, &'a str),
}

impl Kind<'_> {
    /// What an ARN names, if it can be a target here.
    pub(super) fn of(arn: &str) -> Option<Kind<'_>> {
        let mut parts = arn.splitn(6, ':');
        let (Some("arn"), Some(_), Some(service)) = (parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        let resource = parts.nth(2)?;
        let kind = match service {
            "states" if resource.starts_with("stateMachine:") => Kind::StateMachine,
            "lambda" if resource.starts_with("function:") => Kind::Function,
            "sqs" => Kind::Queue(resource),
            "sns" => Kind::Topic,
            "events" => match resource.split('/').collect::<Vec<_>>()[..] {
                ["event-bus", name] => Kind::Bus(name),
                ["api-destination", name, ..] => Kind::Destination(name),
                _ => return None,
            },
            "scheduler" => {
                let (service, action) = resource.strip_prefix("aws-sdk:")?.split_once(':')?;
                Kind::Api(service, action)
            }
            _ => return None,
        };
        (!resource.is_empty()).then_some(kind)
    }
}

/// Refuses a target of a rule that cannot be one.
pub(super) fn check_target(target: Request<'_>, id: &str) -> Result<(), EventsError> {
    let arn = target.require("Arn")?;
    if !arn.starts_with("arn:") || arn.split(':').count() < 6 {
        let message = format!("Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.");
        return Err(EventsError::validation(message));
    }
    let kind = Kind::of(arn).filter(|kind| !matches!(kind, Kind::Api(..)));
    let kind = kind.ok_or_else(|| not_served(arn))?;
    if let Kind::Queue(name) = kind
        && name.ends_with(".fifo")
        && target.0.pointer("/SqsParameters/MessageGroupId").is_none()
    {
        let message = format!("Parameter(s) SqsParameters must be specified for target: {id}.");
        return Err(EventsError::validation(message));
    }
    check_policies(target)
}

/// Refuses limits of attempts that are out of bounds, and dead letters that go elsewhere than to a queue.
pub(super) fn check_policies(target: Request<'_>) -> Result<(), EventsError> {
    for (name, lowest, highest) in
        [("MaximumRetryAttempts", 0, 185), ("MaximumEventAgeInSeconds", 60, 86_400)]
    {
        let Some(value) = target.0.get("RetryPolicy").and_then(|policy| policy.get(name)) else { continue };
        if !value.as_i64().is_some_and(|value| (lowest..=highest).contains(&value)) {
            let constraint = format!("Member must have value between {lowest} and {highest}");
            return Err(EventsError::constraint(
                &format!("retryPolicy.{name}"),
                &format!("'{value}'"),
                &constraint,
            ));
        }
    }
    if let Some(Value::String(arn)) = target.0.pointer("/DeadLetterConfig/Arn")
        && !matches!(Kind::of(arn), Some(Kind::Queue(name)) if !name.ends_with(".fifo"))
    {
        let message =
            format!("Parameter {arn} is not valid. Reason: a dead-letter queue is a standard queue of SQS.");
        return Err(EventsError::validation(message));
    }
    Ok(())
}

pub(super) fn not_served(arn: &str) -> EventsError {
    EventsError::validation(format!(
        "Parameter {arn} is not valid. Reason: the local stack delivers to state machines, Lambda functions, SQS queues, SNS topics, event buses and API destinations."
    ))
}

/// Why a target did not take a payload.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) remedy: Remedy,
}

/// What can be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing: the target does not exist, or does not take this.
    None,
    /// To try again, as the target's policy says.
    Retry,
    /// A function took the event and failed: Lambda itself tries twice more.
    RetryByLambda,
}

impl Failure {
    fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Failure {
        let code = code.into();
        let is_passing = status >= 500 || status == 429 || code.contains("Throttl");
        let remedy = if is_passing { Remedy::Retry } else { Remedy::None };
        Failure { code, message: message.into(), remedy }
    }
}

/// The services that targets are of.
pub(crate) struct Targets {
    pub(crate) sqs: Arc<Queues>,
    pub(crate) sns: Arc<Worker<Sns>>,
    pub(crate) step_functions: Service,
    pub(crate) functions: Arc<Functions>,
    /// Calls any API for a schedule, as Task states do.
    pub(crate) invoker: Arc<dyn Invoker>,
}

impl Targets {
    /// Hands a payload to a target that is a service of the stack.
    pub(super) async fn deliver(
        &self,
        arn: &str,
        kind: Kind<'_>,
        delivery: &Delivery,
    ) -> Result<(), Failure> {
        match kind {
            Kind::StateMachine => self.start_execution(arn, delivery).await,
            Kind::Function => self.invoke(arn, delivery).await,
            Kind::Queue(name) => self.send(name, delivery).await,
            Kind::Topic => self.publish(arn, delivery).await,
            Kind::Api(service, action) => self.call_api(service, action, delivery).await,
            Kind::Bus(_) | Kind::Destination(_) => {
                Err(Failure::new(400, "INVALID_PARAMETER", "the target is no service of the stack"))
            }
        }
    }

    /// Starts an execution. Its name follows from the delivery, so that one that is repeated after a crash finds it.
    async fn start_execution(&self, arn: &str, delivery: &Delivery) -> Result<(), Failure> {
        let input = json_of(&delivery.payload).to_string();
        let name = format!("{}_{}", delivery.event_id, delivery.number);
        self.step_functions_call(
            "StartExecution",
            &json!({"stateMachineArn": arn, "name": name, "input": input}),
        )
        .await
    }

    async fn step_functions_call(&self, operation: &str, request: &Value) -> Result<(), Failure> {
        let reply = self.step_functions.call(operation, request.to_string().as_bytes()).await;
        if reply.status == 200 {
            return Ok(());
        }
        let answer: Value = serde_json::from_str(&reply.body).unwrap_or_default();
        let code = answer["__type"].as_str().and_then(|name| name.rsplit('#').next()).unwrap_or_default();
        // It ran already, and has ended.
        if code == "ExecutionAlreadyExists" {
            return Ok(());
        }
        Err(Failure::new(reply.status, code, answer["message"].as_str().unwrap_or_default()))
    }

    async fn invoke(&self, arn: &str, delivery: &Delivery) -> Result<(), Failure> {
        match self.functions.invoke(arn, json_of(&delivery.payload)).await {
            Ok(_) => Ok(()),
            Err(InvokeError::Function { payload }) => Err(Failure {
                code: "FUNCTION_ERROR".to_owned(),
                message: payload.to_string(),
                remedy: Remedy::RetryByLambda,
            }),
            Err(InvokeError::Service { status, exception, message }) => {
                Err(Failure::new(status, exception, message))
            }
            Err(InvokeError::Unreachable(message)) => Err(Failure::new(503, "SDK_CLIENT_ERROR", message)),
        }
    }

    async fn send(&self, queue: &str, delivery: &Delivery) -> Result<(), Failure> {
        let mut request = json!({
            "QueueUrl": format!("{}/{queue}", self.sqs.base_url()),
            "MessageBody": delivery.payload,
        });
        if let Some(group) = delivery.target.pointer("/SqsParameters/MessageGroupId") {
            request["MessageGroupId"] = group.clone();
        }
        if queue.ends_with(".fifo") {
            request["MessageDeduplicationId"] = json!(format!("{}-{}", delivery.event_id, delivery.number));
        }
        let sent = self.sqs.call("SendMessage", request).await;
        sent.map(drop).map_err(|error| Failure::new(error.status, error.code, error.message))
    }

    async fn publish(&self, topic: &str, delivery: &Delivery) -> Result<(), Failure> {
        let parameters = Parameters::from_json(&json!({"TopicArn": topic, "Message": delivery.payload}));
        match self.sns.call(move |sns| sns.call("Publish", &parameters)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failure::new(error.status, error.code, error.message)),
            Err(error) => Err(Failure::new(503, "InternalError", error.to_string())),
        }
    }

    async fn call_api(&self, service: &str, action: &str, delivery: &Delivery) -> Result<(), Failure> {
        let parameters = json_of(&delivery.payload);
        if service == "sfn" {
            return self.step_functions_call(&pascal_case(action), &camel_cased(parameters)).await;
        }
        let call = Call {
            service: format!("aws-sdk:{service}"),
            action: action.to_owned(),
            parameters: Json::from(parameters),
            execution_arn: delivery.origin.clone(),
            timeout: None,
        };
        let called = self.invoker.invoke(call).await;
        called.map(drop).map_err(|failure| {
            let status = if failure.error.ends_with("SdkClientException") { 503 } else { 400 };
            Failure::new(status, failure.error, failure.cause)
        })
    }

    /// Whether a schedule can call this action.
    pub(super) fn has_api(&self, service: &str, action: &str) -> bool {
        service == "sfn" || self.invoker.supports(&format!("aws-sdk:{service}"), action)
    }

    /// Puts what could not be delivered into a queue, with the reasons as attributes.
    pub(super) async fn bury(
        &self,
        queue: &str,
        delivery: &Delivery,
        failure: &Failure,
        exhausted: Option<&str>,
    ) -> Result<(), Failure> {
        let text = |value: &str| json!({"DataType": "String", "StringValue": value});
        let message = failure.message.chars().take(1024).collect::<String>();
        let mut attributes = json!({
            "ERROR_CODE": text(&failure.code),
            "ERROR_MESSAGE": text(if message.is_empty() { "none" } else { &message }),
            "TARGET_ARN": text(delivery.target["Arn"].as_str().unwrap_or_default()),
        });
        let origin = if delivery.origin.contains(":schedule/") { "SCHEDULE_ARN" } else { "RULE_ARN" };
        attributes[origin] = text(&delivery.origin);
        if let Some(condition) = exhausted {
            attributes["EXHAUSTED_RETRY_CONDITION"] = text(condition);
            attributes["RETRY_ATTEMPTS"] =
                json!({"DataType": "Number", "StringValue": delivery.attempts.to_string()});
        }
        let request = json!({
            "QueueUrl": format!("{}/{queue}", self.sqs.base_url()),
            "MessageBody": delivery.event.as_ref().unwrap_or(&delivery.payload),
            "MessageAttributes": attributes,
        });
        let sent = self.sqs.call("SendMessage", request).await;
        sent.map(drop).map_err(|error| Failure::new(error.status, error.code, error.message))
    }
}

/// A payload as JSON; one that is no JSON is a text of it.
fn json_of(payload: &str) -> Value {
    serde_json::from_str(payload).unwrap_or_else(|_| Value::from(payload))
}

/// The parameters of Step Functions, which begin with a small letter in its API.
fn camel_cased(parameters: Value) -> Value {
    let Value::Object(members) = parameters else { return parameters };
    Value::Object(members.into_iter().map(|(name, value)| (camel_case(&name), value)).collect())
}
