//! The protocols: EventBridge in AWS JSON 1.1, its Scheduler in REST with JSON.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::request::{DEFAULT_BUS, bus_name};
use super::store::bus_arn;
use super::targets::Kind;
use super::{Events, EventsError};
use crate::config::{ACCOUNT, REGION};

/// Every operation of EventBridge that there is here.
const OPERATIONS: [&str; 32] = [
    "CreateApiDestination",
    "CreateConnection",
    "CreateEventBus",
    "DeleteApiDestination",
    "DeleteConnection",
    "DeleteEventBus",
    "DeleteRule",
    "DescribeApiDestination",
    "DescribeConnection",
    "DescribeEventBus",
    "DescribeRule",
    "DisableRule",
    "EnableRule",
    "ListApiDestinations",
    "ListConnections",
    "ListEventBuses",
    "ListRuleNamesByTarget",
    "ListRules",
    "ListTagsForResource",
    "ListTargetsByRule",
    "PutEvents",
    "PutPermission",
    "PutRule",
    "PutTargets",
    "RemovePermission",
    "RemoveTargets",
    "TagResource",
    "TestEventPattern",
    "UntagResource",
    "UpdateApiDestination",
    "UpdateConnection",
    "UpdateEventBus",
];

/// Every operation of the Scheduler: method, kind of path, whether the path names one thing.
const SCHEDULER: [(&str, &str, bool, &str); 12] = [
    ("POST", "schedules", true, "CreateSchedule"),
    ("GET", "schedules", true, "GetSchedule"),
    ("PUT", "schedules", true, "UpdateSchedule"),
    ("DELETE", "schedules", true, "DeleteSchedule"),
    ("GET", "schedules", false, "ListSchedules"),
    ("POST", "schedule-groups", true, "CreateScheduleGroup"),
    ("GET", "schedule-groups", true, "GetScheduleGroup"),
    ("DELETE", "schedule-groups", true, "DeleteScheduleGroup"),
    ("GET", "schedule-groups", false, "ListScheduleGroups"),
    ("POST", "tags", true, "TagResource"),
    ("DELETE", "tags", true, "UntagResource"),
    ("GET", "tags", true, "ListTagsForResource"),
];

/// What the target of an operation of EventBridge begins with.
pub(crate) const TARGET: &str = "AWSEvents";

/// Whether `aws-sdk:eventbridge` or `aws-sdk:scheduler` has an operation here.
pub(crate) fn has(service: &str, operation: &str) -> bool {
    match service {
        "eventbridge" => OPERATIONS.contains(&operation),
        "scheduler" => SCHEDULER.iter().any(|(_, _, _, known)| *known == operation),
        _ => false,
    }
}

/// Whether a request is one of the Scheduler, by its path.
pub(crate) fn is_meant(head: &Parts) -> bool {
    let path = head.uri.path().trim_start_matches('/');
    let kind = path.split('/').next().unwrap_or_default();
    match kind {
        "schedules" | "schedule-groups" => true,
        "tags" => decoded(path).contains("arn:aws:scheduler:"),
        _ => false,
    }
}

/// The operation of a request and what it needs on AWS.
pub(crate) fn needed(head: &Parts, body: &[u8]) -> (String, Vec<(String, String)>) {
    let parsed = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let Some(operation) = target_of(head) else {
        let Some((operation, request)) = of_scheduler(head, parsed) else {
            return ("scheduler:Unknown".to_owned(), Vec::new());
        };
        let name = request["Name"].as_str().unwrap_or("*");
        let group = request["GroupName"].as_str().unwrap_or(DEFAULT_BUS);
        let arn = match operation.ends_with("Group") {
            true => format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/{name}"),
            false => format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{group}/{name}"),
        };
        let operation = format!("scheduler:{operation}");
        let mut needs = vec![(operation.clone(), arn)];
        // The caller hands over the role with which the schedule acts.
        let role = request.pointer("/Target/RoleArn").and_then(Value::as_str);
        needs.extend(role.map(|role| ("iam:PassRole".to_owned(), role.to_owned())));
        return (operation, needs);
    };
    let bus = |of: &Value| bus_arn(of["EventBusName"].as_str().map_or(DEFAULT_BUS, bus_name));
    let rule = parsed["Rule"].as_str().or_else(|| parsed["Name"].as_str()).unwrap_or("*");
    let operation = format!("events:{operation}");
    let mut resources = match operation.as_str() {
        "events:PutEvents" => parsed["Entries"].as_array().into_iter().flatten().map(bus).collect(),
        name if name.ends_with("EventBus") => vec![bus_arn(rule)],
        _ => vec![format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}")],
    };
    resources.dedup();
    (operation.clone(), resources.into_iter().map(|resource| (operation.clone(), resource)).collect())
}

impl Events {
    /// Answers one request of EventBridge or of its Scheduler.
    pub(crate) async fn answer(&self, head: &Parts, body: &[u8]) -> Response<Bytes> {
        let parsed = serde_json::from_slice::<Value>(if body.is_empty() { b"{}" } else { body });
        let Some(request) = parsed.ok().filter(Value::is_object) else {
            let error = EventsError::new(400, "SerializationException", "The body is no JSON object");
            return refusal(&error);
        };
        let outcome = match target_of(head) {
            Some(operation) => self.call(operation, request).await,
            None => match of_scheduler(head, request) {
                Some((operation, request)) => self.call_scheduler(operation, request).await,
                None => Err(EventsError::unknown_operation(head.uri.path())),
            },
        };
        match outcome {
            Ok(answer) => respond(200, &answer),
            Err(error) => refusal(&error),
        }
    }

    async fn call_scheduler(&self, operation: &'static str, request: Value) -> Result<Value, EventsError> {
        if let Some(arn) = request.pointer("/Target/Arn").and_then(Value::as_str)
            && let Some(Kind::Api(service, action)) = Kind::of(arn)
            && !self.0.targets().is_some_and(|targets| targets.has_api(service, action))
        {
            return Err(EventsError::validation(format!("The local stack cannot call {service}:{action}.")));
        }
        let answer = self.0.on_store(move |store| store.call_scheduler(operation, &request)).await;
        self.0.wake.notify_one();
        answer
    }
}

/// The operation of EventBridge that a request names.
fn target_of(head: &Parts) -> Option<&str> {
    let target = head.headers.get("x-amz-target")?.to_str().ok()?;
    target.split_once('.').filter(|(service, _)| *service == TARGET).map(|(_, operation)| operation)
}

/// The operation of the Scheduler that a request is, with the members of path and query.
fn of_scheduler(head: &Parts, body: Value) -> Option<(&'static str, Value)> {
    let path = head.uri.path().trim_matches('/');
    let (kind, name) = path.split_once('/').map_or((path, None), |(kind, name)| (kind, Some(name)));
    let is_meant = |(method, known, is_named, _): &&(&str, &str, bool, &str)| {
        head.method.as_str() == *method && kind == *known && name.is_some() == *is_named
    };
    let (.., operation) = SCHEDULER.iter().find(is_meant)?;
    let mut members = if let Value::Object(members) = body { members } else { Map::new() };
    for (key, value) in form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
        let mut characters = key.chars();
        let first = characters.next().map(|first| first.to_ascii_uppercase());
        let key: String = first.into_iter().chain(characters).collect();
        match key.as_str() {
            "TagKeys" => {
                let keys = members.entry(key).or_insert_with(|| json!([]));
                keys.as_array_mut().into_iter().for_each(|keys| keys.push(json!(value)));
            }
            _ => drop(members.insert(key, json!(value))),
        }
    }
    if let Some(name) = name {
        let member = if kind == "tags" { "ResourceArn" } else { "Name" };
        members.insert(member.to_owned(), json!(decoded(name)));
    }
    Some((operation, Value::Object(members)))
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn respond(status: u16, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    headers.insert("x-amzn-requestid", crate::aws::header_value(Uuid::new_v4()));
    response
}

/// The answer to a refused request, as both protocols have it.
pub(super) fn refusal(error: &EventsError) -> Response<Bytes> {
    let body = json!({"__type": error.name, "message": error.message, "Message": error.message});
    let mut response = respond(error.status, &body);
    response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(error.name));
    response
}
