//! The stack in this process, in memory, where a test sets faults.

use std::future::Future;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local_stack::{Bill, CallLog, Config, Issuer, ManualClock, Stack};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::Client;
use crate::deployment::template;

/// A started stack, stopped when dropped. Its functions may do what their roles on AWS allow, and must not have tried
/// anything else by then.
pub struct Started(Option<Stack>, CallLog);

/// An empty stack without faults.
pub async fn start() -> Started {
    start_with(|_| ()).await
}

/// An empty stack whose configuration the test changes first.
pub async fn start_with(change: impl FnOnce(&mut Config)) -> Started {
    let (call_log, iam) = (Some(CallLog::default()), Some(template()));
    let mut config = Config { call_log, iam, ..Config::in_memory() };
    change(&mut config);
    let log = config.call_log.clone().unwrap_or_default();
    Started(Some(Stack::start(config).await.unwrap()), log)
}

impl Drop for Started {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_allowed();
        }
    }
}

/// Moves a clock as time passes, until the test ends or aborts it: what is skipped by hand comes on top.
pub fn run_clock(clock: &ManualClock) -> JoinHandle<()> {
    let clock = clock.clone();
    tokio::spawn(async move {
        let step = Duration::from_millis(50);
        loop {
            tokio::time::sleep(step).await;
            clock.advance(step);
        }
    })
}

impl Started {
    pub fn client(&self) -> Client {
        Client::organiser(&self.stack().api_url, &self.stack().token)
    }

    /// Where people and the API are.
    pub fn api(&self) -> &str {
        &self.stack().api_url
    }

    /// The organiser's token.
    pub fn token(&self) -> &str {
        &self.stack().token
    }

    /// The public key of the tokens, as a JSON Web Key Set.
    pub fn jwks(&self) -> String {
        self.stack().issuer.jwks()
    }

    /// What its functions have called.
    pub fn calls(&self) -> &CallLog {
        &self.1
    }

    /// What the organiser's token says.
    pub fn claims(&self) -> Value {
        self.stack().issuer.claims()
    }

    /// A token with these claims, signed by the stack's own key.
    pub fn sign(&self, claims: &Value) -> String {
        self.stack().issuer.sign(claims)
    }

    /// The same claims signed by somebody else.
    pub fn sign_with_another_key(&self, claims: &Value) -> String {
        Issuer::in_memory().sign(claims)
    }

    /// The same claims with `alg: none`.
    pub fn unsigned(&self, claims: &Value) -> String {
        let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.", encode(r#"{"alg":"none","typ":"JWT"}"#.to_owned()), encode(claims.to_string()))
    }

    /// Stops it in order, so that another one may start on its directory.
    pub async fn shutdown(mut self) {
        self.assert_allowed();
        if let Some(stack) = self.0.take() {
            stack.shutdown().await;
        }
    }

    fn assert_allowed(&self) {
        let denied = self.0.as_ref().map(Stack::denied).unwrap_or_default();
        assert!(denied.is_empty(), "infra/template.yaml does not allow what was called: {denied:#?}");
    }

    fn stack(&self) -> &Stack {
        self.0.as_ref().expect("only `shutdown` takes it, and the rest with it")
    }

    /// Moves the stack's clock while nothing happens, until `work` is done.
    pub async fn fast_forward<T>(
        &self,
        clock: &ManualClock,
        step: Duration,
        work: impl Future<Output = T>,
    ) -> T {
        local_stack::fast_forward(self.stack(), clock, step, work).await
    }

    /// What AWS would have billed so far.
    pub async fn bill(&self) -> Bill {
        self.stack().bill().await.expect("the stack has limits")
    }

    /// The AWS-compatible endpoint.
    pub fn aws(&self) -> &str {
        &self.stack().aws_url
    }

    /// The texts that the operator topic's subscriber got.
    pub async fn operator_alerts(&self) -> Vec<String> {
        let inbox = self.client().get("/local/messages").await.expect(200);
        let alerts = inbox["messages"].as_array().unwrap().iter();
        let alerts = alerts.filter(|message| message["address"] == "operator@localhost");
        alerts.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }

    /// StopExecution, as somebody with the AWS console would call it.
    pub async fn stop_execution(&self, arn: &str) {
        self.step_functions("StopExecution", serde_json::json!({"executionArn": arn})).await;
    }

    /// Any call of Step Functions, as an SDK would send it.
    pub async fn step_functions(&self, operation: &str, request: Value) -> Value {
        let answer = crate::http()
            .post(self.aws())
            .header("x-amz-target", format!("AWSStepFunctions.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(request.to_string())
            .send()
            .await
            .unwrap();
        let (status, answer) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert!(status.is_success(), "{operation}: {answer}");
        answer
    }
}
