//! The client of these tests, and small machines for it.

use std::sync::Arc;

use asl_engine::engine::{Invoker, NoServices};
use asl_engine::service::Service;
use asl_engine::{Clock, Config, Engine, ManualClock, Storage};
use serde_json::{Value, json};

pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/r";

/// A client of an engine in memory, on a clock that does not move.
pub(crate) struct Client {
    pub(crate) service: Service,
    pub(crate) clock: ManualClock,
}

impl Client {
    pub(crate) async fn new() -> Client {
        Client::with_host(Arc::new(NoServices)).await
    }

    /// A client of an engine with this host.
    pub(crate) async fn with_host(invoker: Arc<dyn Invoker>) -> Client {
        let clock = ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap());
        let config = Config {
            storage: Storage::Memory,
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            clock: Clock::from(clock.clone()),
            invoker,
            ..Config::in_memory()
        };
        Client { service: Service::new(Engine::start(config).await.unwrap()), clock }
    }

    pub(crate) async fn call(&self, operation: &str, body: Value) -> Result<Value, (String, String)> {
        let reply = self.service.call(operation, body.to_string().as_bytes()).await;
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        if reply.status == 200 {
            return Ok(body);
        }
        assert_eq!(reply.status, 400, "{body}");
        Err((body["__type"].as_str().unwrap().to_owned(), body["message"].as_str().unwrap().to_owned()))
    }

    pub(crate) async fn ok(&self, operation: &str, body: Value) -> Value {
        self.call(operation, body).await.unwrap()
    }

    pub(crate) async fn refused(&self, operation: &str, body: Value) -> (String, String) {
        self.call(operation, body).await.unwrap_err()
    }

    pub(crate) async fn make(&self, name: &str, definition: Value) -> String {
        let body = json!({"name": name, "definition": definition.to_string(), "roleArn": ROLE});
        self.ok("CreateStateMachine", body).await["stateMachineArn"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn ended(&self, execution_arn: &str) -> Value {
        self.service.engine().closed(execution_arn).await.unwrap();
        self.ok("DescribeExecution", json!({"executionArn": execution_arn})).await
    }
}

pub(crate) fn pass() -> Value {
    json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}})
}

pub(crate) fn wait() -> Value {
    json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": true}}})
}
