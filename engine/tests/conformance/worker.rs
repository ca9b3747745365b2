//! The people of a recording: workers of activities, and those who answered with a task token, in the order and with
//! the words that the history tells.

use asl_engine::service::Service;
use serde_json::{Value, json};

use crate::case::Case;
use crate::host::{Host, payload, text};

/// Does what was done from outside, as long as there is something to do.
pub(crate) async fn work(service: Service, host: std::sync::Arc<Host>, history: Vec<Value>) {
    let mut submitted = false;
    for event in history {
        let kind = event["type"].as_str().unwrap_or_default();
        match kind {
            "TaskScheduled" => submitted = false,
            "TaskSubmitted" => submitted = true,
            "ActivityStarted" => {
                take_task(&service, &host, &event["activityStartedEventDetails"]["workerName"]).await
            }
            "TaskSucceeded" if submitted => {
                report(&service, &host, "SendTaskSuccess", &event["taskSucceededEventDetails"]).await;
            }
            "TaskFailed" if submitted => {
                report(&service, &host, "SendTaskFailure", &event["taskFailedEventDetails"]).await;
            }
            "ActivitySucceeded" => {
                report(&service, &host, "SendTaskSuccess", &event["activitySucceededEventDetails"]).await;
            }
            "ActivityFailed" => {
                report(&service, &host, "SendTaskFailure", &event["activityFailedEventDetails"]).await;
            }
            _ => {}
        }
    }
}

/// The ARNs of the activities that a definition asks.
pub(crate) fn activities(case: &Case) -> Vec<String> {
    let definition = case.definition();
    let arns = definition.split('"').filter(|text| text.contains(":activity:"));
    arns.map(str::to_owned).collect()
}

async fn take_task(service: &Service, host: &Host, worker: &Value) {
    for activity in service.engine().activities() {
        let mut body = json!({"activityArn": activity.arn});
        if worker.is_string() {
            body["workerName"] = worker.clone();
        }
        let reply = service.call("GetActivityTask", body.to_string().as_bytes()).await;
        let answer: Value = serde_json::from_str(&reply.body).unwrap();
        if let Some(token) = answer["taskToken"].as_str() {
            host.tokens.lock().unwrap().push_back(token.to_owned());
        }
    }
}

async fn report(service: &Service, host: &Host, operation: &str, details: &Value) {
    let token = loop {
        if let Some(token) = host.tokens.lock().unwrap().pop_front() {
            break token;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    };
    let mut body = json!({"taskToken": token});
    match operation {
        "SendTaskSuccess" => body["output"] = payload(&details["output"]).to_string().into(),
        _ => {
            for member in ["error", "cause"] {
                if !details[member].is_null() {
                    body[member] = text(&details[member]).into();
                }
            }
        }
    }
    // The submission may not have been recorded yet; a token of a task that waits is taken in the end.
    for _ in 0..1000 {
        if service.call(operation, body.to_string().as_bytes()).await.status == 200 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}
