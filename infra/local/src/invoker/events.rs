//! Task states that call EventBridge.

use asl_engine::data::Json;
use asl_engine::{Call, TaskFailure};
use serde_json::{Value, json};

use crate::config::{ACCOUNT, REGION};
use crate::events::Events;
use crate::forward::Forwarder;

/// `events:putEvents`: each event names the execution and its state machine, and one that is refused fails the task.
pub(super) async fn put(forwarder: &Forwarder, events: &Events, call: &Call) -> Result<Json, TaskFailure> {
    let mut parameters = Value::from(&call.parameters);
    let own = [Some(call.execution_arn.clone()), machine_of(&call.execution_arn)];
    for entry in parameters["Entries"].as_array_mut().into_iter().flatten() {
        let Some(entry) = entry.as_object_mut() else { continue };
        let resources = entry.entry("Resources").or_insert_with(|| json!([]));
        if let Some(resources) = resources.as_array_mut() {
            resources.extend(own.iter().flatten().map(|arn| json!(arn)));
        }
    }
    let answer = forwarder.call_events(events, "events", &call.action, &Json::from(parameters)).await?;
    let failed = answer.get("FailedEntryCount").and_then(Json::as_i64).unwrap_or_default();
    if failed > 0 {
        let answer = Value::from(&answer);
        let cause = json!({"Entries": answer["Entries"], "FailedEntryCount": failed}).to_string();
        return Err(TaskFailure { error: "EventBridge.FailedEntry".to_owned(), cause });
    }
    Ok(answer)
}

/// The state machine of an execution.
fn machine_of(execution: &str) -> Option<String> {
    let (before, after) = execution.split_once(":execution:")?;
    Some(format!("{before}:stateMachine:{}", after.split(':').next()?))
}

/// What a call needs on AWS.
pub(super) fn needed(service: &str, operation: &str, parameters: &Json) -> Vec<(String, String)> {
    let service = if service == "scheduler" { "scheduler" } else { "events" };
    let parameters = Value::from(parameters);
    let text = |value: &Value, name: &str| value[name].as_str().map(str::to_owned);
    let resources: Vec<String> = match operation {
        "PutEvents" => parameters["Entries"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|entry| bus(text(entry, "EventBusName")))
            .collect(),
        _ if service == "scheduler" => {
            let group = text(&parameters, "GroupName").unwrap_or_else(|| "default".to_owned());
            let name = text(&parameters, "Name").unwrap_or_else(|| "*".to_owned());
            vec![format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/{group}/{name}")]
        }
        name if name.ends_with("EventBus") => vec![bus(text(&parameters, "Name"))],
        _ => {
            let rule = text(&parameters, "Rule").or_else(|| text(&parameters, "Name"));
            vec![format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{}", rule.as_deref().unwrap_or("*"))]
        }
    };
    resources.into_iter().map(|resource| (format!("{service}:{operation}"), resource)).collect()
}

fn bus(name: Option<String>) -> String {
    match name {
        Some(arn) if arn.starts_with("arn:") => arn,
        name => {
            format!("arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{}", name.as_deref().unwrap_or("default"))
        }
    }
}
