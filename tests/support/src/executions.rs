//! A Step Functions that knows executions by name and status, and runs nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

#[derive(Clone, Default)]
pub struct Executions(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    executions: BTreeMap<String, Execution>,
    described: usize,
    throttled: usize,
    /// The task tokens with which tasks were completed.
    completed: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Execution {
    pub status: String,
    pub input: Value,
    /// The error that it failed with.
    pub error: Option<String>,
    /// When it began, in seconds since 1970.
    pub began_at: i64,
}

impl Executions {
    /// Makes the execution of this name be in this status.
    pub fn set(&self, name: &str, status: &str) {
        let executions = &mut self.0.lock().unwrap().executions;
        let input = executions.get(name).map_or(Value::Null, |execution| execution.input.clone());
        let execution = Execution { status: status.to_owned(), input, error: None, began_at: 1 };
        executions.insert(name.to_owned(), execution);
    }

    /// Makes the execution of this name have failed so.
    pub fn fail(&self, name: &str, error: &str, began_at: i64) {
        self.set(name, "FAILED");
        let executions = &mut self.0.lock().unwrap().executions;
        let execution = executions.get_mut(name).unwrap();
        (execution.error, execution.began_at) = (Some(error.to_owned()), began_at);
    }

    pub fn get(&self, name: &str) -> Option<Execution> {
        self.0.lock().unwrap().executions.get(name).cloned()
    }

    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().executions.keys().cloned().collect()
    }

    /// How often DescribeExecution was asked.
    pub fn described(&self) -> usize {
        self.0.lock().unwrap().described
    }

    /// Answers so many calls of DescribeExecution with a throttle.
    pub fn throttle(&self, calls: usize) {
        self.0.lock().unwrap().throttled = calls;
    }

    /// The task tokens with which tasks were completed, in their order.
    pub fn completed(&self) -> Vec<String> {
        self.0.lock().unwrap().completed.clone()
    }

    fn complete(&self, request: &Value) -> (u16, Value) {
        let token = request["taskToken"].as_str().unwrap().to_owned();
        let completed = &mut self.0.lock().unwrap().completed;
        if completed.contains(&token) {
            return (400, json!({"__type": "TaskTimedOut", "message": "no such task"}));
        }
        completed.push(token);
        (200, json!({}))
    }

    fn stop(&self, request: &Value) -> (u16, Value) {
        let name = request["executionArn"].as_str().unwrap().rsplit(':').next().unwrap();
        self.set(name, "ABORTED");
        (200, json!({"stopDate": 1.0}))
    }

    fn describe(&self, request: &Value) -> (u16, Value) {
        {
            let mut state = self.0.lock().unwrap();
            state.described += 1;
            if state.throttled > 0 {
                state.throttled -= 1;
                return (400, json!({"__type": "ThrottlingException", "message": "Rate exceeded"}));
            }
        }
        let arn = request["executionArn"].as_str().unwrap();
        assert!(arn.starts_with("arn:aws:states:us-east-1:123456789012:execution:lottery:"), "{arn}");
        let name = arn.rsplit(':').next().unwrap();
        match self.get(name) {
            None => (400, json!({"__type": "ExecutionDoesNotExist", "message": "no such execution"})),
            Some(execution) => (
                200,
                json!({
                    "executionArn": arn, "stateMachineArn": "a", "name": name,
                    "status": execution.status, "startDate": execution.began_at, "error": execution.error
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
        let execution = Execution { status: "RUNNING".to_owned(), input, error: None, began_at: 1 };
        self.0.lock().unwrap().executions.insert(name.to_owned(), execution);
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
            Some("SendTaskSuccess") => self.complete(&body),
            Some("StopExecution") => self.stop(&body),
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
