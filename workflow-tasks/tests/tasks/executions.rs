//! A Step Functions that knows executions by name and status, and runs nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

#[derive(Clone, Default)]
pub(crate) struct Executions(Arc<Mutex<BTreeMap<String, Execution>>>);

#[derive(Debug, Clone)]
pub(crate) struct Execution {
    pub(crate) status: String,
    pub(crate) input: Value,
}

impl Executions {
    /// Makes the execution of this name be in this status.
    pub(crate) fn set(&self, name: &str, status: &str) {
        let mut executions = self.0.lock().unwrap();
        let input = executions.get(name).map_or(Value::Null, |execution| execution.input.clone());
        executions.insert(name.to_owned(), Execution { status: status.to_owned(), input });
    }

    pub(crate) fn get(&self, name: &str) -> Option<Execution> {
        self.0.lock().unwrap().get(name).cloned()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().keys().cloned().collect()
    }

    fn describe(&self, request: &Value) -> (u16, Value) {
        let arn = request["executionArn"].as_str().unwrap();
        assert!(arn.starts_with("arn:aws:states:us-east-1:123456789012:execution:lottery:"), "{arn}");
        let name = arn.rsplit(':').next().unwrap();
        match self.get(name) {
            None => (400, json!({"__type": "ExecutionDoesNotExist", "message": "no such execution"})),
            Some(execution) => (
                200,
                json!({
                    "executionArn": arn, "stateMachineArn": "a", "name": name,
                    "status": execution.status, "startDate": 1.0
                }),
            ),
        }
    }

    fn start(&self, request: &Value) -> (u16, Value) {
        let name = request["name"].as_str().unwrap();
        let input: Value = serde_json::from_str(request["input"].as_str().unwrap()).unwrap();
        if let Some(execution) = self.get(name)
            && (execution.status != "RUNNING" || execution.input != input)
        {
            return (400, json!({"__type": "ExecutionAlreadyExists", "message": "exists"}));
        }
        let execution = Execution { status: "RUNNING".to_owned(), input };
        self.0.lock().unwrap().insert(name.to_owned(), execution);
        (200, json!({"executionArn": format!("execution:{name}"), "startDate": 1.0}))
    }
}

impl HttpConnector for Executions {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap();
        let (status, answer) = match target.rsplit('.').next() {
            Some("DescribeExecution") => self.describe(&body),
            Some("StartExecution") => self.start(&body),
            other => panic!("the reconciler is not meant to call {other:?}"),
        };
        let answer = SdkBody::from(answer.to_string());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), answer)))
    }
}

impl fmt::Debug for Executions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Executions")
    }
}
