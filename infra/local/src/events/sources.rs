//! Events of the stack's own services: objects of S3, and executions of Step Functions.

use std::sync::{Arc, Weak};

use asl_engine::{ExecutionDescription, ExecutionObserver};
use serde_json::{Value, json};

use super::{Events, OwnEvent};
use crate::config::ACCOUNT;
use crate::lock::locked;
use crate::s3::{ObjectEvent, S3};

/// What the events of the stack's own services are of.
pub(super) const OWN_SOURCES: [&str; 2] = [OBJECTS, EXECUTIONS];
const OBJECTS: &str = "aws.s3";
const EXECUTIONS: &str = "aws.states";

impl Events {
    /// Sends the events of those buckets that want it.
    pub(crate) fn observe(&self, s3: &Arc<S3>) {
        let (events, buckets) = (self.clone(), Arc::downgrade(s3));
        s3.observers.add(move |event| {
            if !events.has_rules_for(OBJECTS) {
                return None;
            }
            let (events, buckets, event) = (events.clone(), buckets.clone(), event.clone());
            Some(Box::pin(async move { events.object_changed(&buckets, &event).await }))
        });
    }

    async fn object_changed(&self, buckets: &Weak<S3>, event: &ObjectEvent) {
        let Some(s3) = buckets.upgrade() else { return };
        match s3.sends_events(&event.bucket).await {
            Ok(true) => self.put_own(of_object(event)).await,
            Ok(false) => {}
            // The bucket went meanwhile.
            Err(error) => {
                tracing::debug!(?error, bucket = event.bucket, "a bucket's configuration cannot be read")
            }
        }
    }
}

fn of_object(event: &ObjectEvent) -> OwnEvent {
    let ObjectEvent { name, bucket, key, size, etag, time } = event;
    let (detail_type, reason) = match *name {
        "ObjectRemoved:Delete" => ("Object Deleted", "DeleteObject"),
        "ObjectCreated:Copy" => ("Object Created", "CopyObject"),
        "ObjectCreated:CompleteMultipartUpload" => ("Object Created", "CompleteMultipartUpload"),
        _ => ("Object Created", "PutObject"),
    };
    let mut object = json!({"key": key});
    if detail_type == "Object Created" {
        object["size"] = json!(size);
        object["etag"] = json!(etag);
    }
    object["sequencer"] = json!(format!("{time:016X}"));
    let mut detail = json!({
        "version": "0",
        "bucket": {"name": bucket},
        "object": object,
        "request-id": uuid::Uuid::new_v4().simple().to_string()[..16].to_uppercase(),
        "requester": ACCOUNT,
        "source-ip-address": "127.0.0.1",
        "reason": reason,
    });
    if detail_type == "Object Deleted" {
        detail["deletion-type"] = json!("Permanently Deleted");
    }
    OwnEvent {
        source: OBJECTS,
        detail_type,
        resources: vec![format!("arn:aws:s3:::{bucket}")],
        time: *time,
        detail,
    }
}

impl ExecutionObserver for Events {
    fn is_interested(&self) -> bool {
        self.has_rules_for(EXECUTIONS)
    }

    fn changed(&self, execution: ExecutionDescription) {
        // There are rules, so that the database is open. What comes while it works is written at once.
        let Some(worker) = self.0.worker.get() else { return };
        let mut reported = locked(&self.0.reported);
        reported.push(of_execution(&execution));
        if reported.len() > 1 {
            return;
        }
        let events = self.0.clone();
        worker.post(move |store| {
            let reported = std::mem::take(&mut *locked(&events.reported));
            if let Err(error) = store.put_own(&reported) {
                tracing::error!(%error, events = reported.len(), "events of executions were lost");
            }
            events.wake.notify_one();
        });
    }
}

fn of_execution(execution: &ExecutionDescription) -> OwnEvent {
    let text = |value: &asl_engine::data::Json| Value::from(value.verbatim());
    let (redrivable, reason) = execution.redrive_words();
    let included = |is_there: bool| if is_there { json!({"included": true}) } else { Value::Null };
    let detail = json!({
        "executionArn": execution.arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status.as_str(),
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "input": text(&execution.input),
        "output": execution.output.as_ref().map(text),
        "error": execution.error,
        "cause": execution.cause,
        "inputDetails": included(true),
        "outputDetails": included(execution.output.is_some()),
        "stateMachineVersionArn": execution.state_machine_version_arn,
        "stateMachineAliasArn": execution.state_machine_alias_arn,
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redrive_date,
        "redriveStatus": redrivable,
        "redriveStatusReason": reason,
    });
    OwnEvent {
        source: EXECUTIONS,
        detail_type: "Step Functions Execution Status Change",
        resources: vec![execution.arn.clone()],
        time: execution.stop_date.or(execution.redrive_date).unwrap_or(execution.start_date),
        detail,
    }
}
