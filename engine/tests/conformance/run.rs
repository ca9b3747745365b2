//! One case against an engine of its own, in memory and on a clock that is moved while nothing else happens.

use std::sync::Arc;
use std::time::Duration;

use asl_engine::service::Service;
use asl_engine::{Clock, Config, Engine, ManualClock, Storage};
use serde_json::{Map, Value, json};

use crate::case::Case;
use crate::host::{Host, Shared};
use crate::matching::{Matcher, canonical, history_difference};
use crate::worker;

const ROLE: &str = "arn:aws:iam::111111111111:role/snf_role_arn";

/// Runs a case; what differs is the error.
pub(crate) async fn run(case: &Case) -> Result<(), String> {
    let stand = Stand::start(case).await;
    let outcome = match case.text("kind") {
        "execution" => stand.execution(case).await,
        "create_error" => stand.refused_creation(case).await,
        "validate_definition" => stand.validation(case).await,
        "test_state" => stand.test_state(case).await,
        other => Err(format!("a kind of case unknown here: {other}")),
    };
    stand.service.engine().shutdown().await;
    outcome
}

/// A refusal of the API.
struct Refused {
    name: String,
    message: String,
}

struct Stand {
    service: Service,
    host: Arc<Host>,
    clock: ManualClock,
}

impl Stand {
    async fn start(case: &Case) -> Stand {
        let clock = ManualClock::new("2025-01-15T10:30:00Z".parse().unwrap());
        let host = Arc::new(Host::new(case, clock.clone()));
        let config = Config {
            storage: Storage::Memory,
            region: "us-east-1".to_owned(),
            account: "111111111111".to_owned(),
            clock: Clock::from(clock.clone()),
            invoker: Arc::new(Shared(Arc::clone(&host))),
            ..Config::in_memory()
        };
        let engine = Engine::start(config).await.unwrap();
        Stand { service: Service::new(engine), host, clock }
    }

    async fn call(&self, operation: &str, body: &Value) -> Result<Value, Refused> {
        let reply = self.service.call(operation, body.to_string().as_bytes()).await;
        let body: Value = serde_json::from_str(&reply.body).unwrap();
        match reply.status {
            200 => Ok(body),
            _ => Err(Refused {
                name: body["__type"].as_str().unwrap().to_owned(),
                message: body["message"].as_str().unwrap_or_default().to_owned(),
            }),
        }
    }

    async fn expect(&self, operation: &str, body: &Value) -> Result<Value, String> {
        self.call(operation, body)
            .await
            .map_err(|refused| format!("{operation}: {}: {}", refused.name, refused.message))
    }

    fn creation(case: &Case) -> Value {
        json!({"name": "machine", "definition": case.definition(), "roleArn": ROLE, "type": case.machine_type()})
    }

    async fn execution(&self, case: &Case) -> Result<(), String> {
        for arn in worker::activities(case) {
            self.expect("CreateActivity", &json!({"name": arn.rsplit(':').next()})).await?;
        }
        let made = self.expect("CreateStateMachine", &Self::creation(case)).await?;
        let mut body = json!({"stateMachineArn": made["stateMachineArn"], "name": "execution"});
        if let Some(raw) = case.0.get("input_raw") {
            body["input"] = raw.clone();
        } else if case.0["input_omitted"] != true {
            body["input"] = case.0["input"].to_string().into();
        }
        let matcher = Matcher::new(case);
        if case.text("via") == "StartSyncExecution" {
            let service = self.service.clone();
            let text = body.to_string();
            let call = tokio::spawn(async move { service.call("StartSyncExecution", text.as_bytes()).await });
            self.move_clock_until(|| call.is_finished()).await?;
            let reply = call.await.unwrap();
            return end_difference(case, &matcher, &serde_json::from_str(&reply.body).unwrap());
        }
        let started = self.expect("StartExecution", &body).await?;
        let which = json!({"executionArn": started["executionArn"]});
        let people = case.history().cloned().unwrap_or_default();
        let people = tokio::spawn(worker::work(self.service.clone(), Arc::clone(&self.host), people));
        let engine = self.service.engine().clone();
        let arn = started["executionArn"].as_str().unwrap().to_owned();
        let closed = tokio::spawn(async move { engine.closed(&arn).await.is_ok() });
        let in_time = self.move_clock_until(|| closed.is_finished()).await;
        people.abort();
        in_time?;
        let ended = self.expect("DescribeExecution", &which).await?;
        end_difference(case, &matcher, &ended)?;
        let Some(expected) = case.history() else { return Ok(()) };
        let history = self.history(&which).await?;
        match history_difference(case, &matcher, expected, &history) {
            Some(difference) => Err(format!("history: {difference}")),
            None => Ok(()),
        }
    }

    /// Lets the engine run, and moves the clock when it and its host only wait.
    async fn move_clock_until(&self, done: impl Fn() -> bool) -> Result<(), String> {
        for _ in 0..4000 {
            for _ in 0..20 {
                if done() {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            if !self.host.is_busy() {
                self.clock.advance(Duration::from_millis(500));
            }
        }
        Err("it does not end".to_owned())
    }

    async fn history(&self, which: &Value) -> Result<Vec<Value>, String> {
        let mut events = Vec::new();
        let mut body = which.clone();
        body["maxResults"] = 1000.into();
        loop {
            let page = self.expect("GetExecutionHistory", &body).await?;
            events.extend(page["events"].as_array().unwrap().iter().cloned());
            match page.get("nextToken") {
                Some(token) => body["nextToken"] = token.clone(),
                None => return Ok(events),
            }
        }
    }

    async fn refused_creation(&self, case: &Case) -> Result<(), String> {
        let mut body = Self::creation(case);
        for (member, value) in case.0["request"].as_object().unwrap_or(&Map::new()) {
            if member != "name" && member != "type" {
                body[member] = value.clone();
            }
        }
        if case.needs().contains(&"prior_state_machine") {
            let mut other = body.clone();
            other["definition"] = r#"{"StartAt":"Other","States":{"Other":{"Type":"Succeed"}}}"#.into();
            self.expect("CreateStateMachine", &other).await?;
        }
        match self.call("CreateStateMachine", &body).await {
            Ok(_) => Err("the definition was accepted".to_owned()),
            Err(refused) => refusal_difference(case, &refused),
        }
    }

    async fn validation(&self, case: &Case) -> Result<(), String> {
        let body = json!({"definition": case.definition(), "type": case.machine_type()});
        let answer = self.expect("ValidateStateMachineDefinition", &body).await?;
        response_difference(case, &answer)
    }

    async fn test_state(&self, case: &Case) -> Result<(), String> {
        let mut body = case.0["request"].clone();
        body["definition"] = case.definition().into();
        // The recordings leave the role out of every request; in one case there really was none.
        if case.expect()["message"] != "RoleArn must be specified when testing a Task state" {
            body["roleArn"] = ROLE.into();
        }
        match self.call("TestState", &body).await {
            Err(refused) => refusal_difference(case, &refused),
            Ok(_) if case.expect().get("response").is_none() => Err("it was accepted".to_owned()),
            Ok(answer) => response_difference(case, &answer),
        }
    }
}

fn end_difference(case: &Case, matcher: &Matcher, ended: &Value) -> Result<(), String> {
    let expect = case.expect();
    if expect["status"] != ended["status"] {
        return Err(format!(
            "status {} ({}: {}), expected {}",
            ended["status"], ended["error"], ended["cause"], expect["status"]
        ));
    }
    let mut pairs = Vec::new();
    if let Some(output) = expect.get("output") {
        let text = ended["output"].as_str().unwrap_or_default();
        pairs.push((
            "output",
            output.clone(),
            serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        ));
    }
    if expect["status"] != "SUCCEEDED" {
        pairs.push(("error", expect["error"].clone(), ended["error"].clone()));
        pairs.push(("cause", expect["cause"].clone(), ended["cause"].clone()));
    }
    for (name, expected, actual) in pairs {
        if let Some(difference) = matcher.difference(&canonical(&expected), &canonical(&actual), name) {
            return Err(difference);
        }
    }
    Ok(())
}

fn refusal_difference(case: &Case, refused: &Refused) -> Result<(), String> {
    let expect = case.expect();
    if expect["error"] != refused.name.as_str() {
        return Err(format!("{} ({}), expected {}", refused.name, refused.message, expect["error"]));
    }
    let message = Value::from(refused.message.as_str());
    Matcher::new(case).difference(&expect["message"], &message, "message").map_or(Ok(()), Err)
}

fn response_difference(case: &Case, answer: &Value) -> Result<(), String> {
    let mut expected = case.expect()["response"].clone();
    match expected.as_object_mut() {
        Some(fields) => fields.remove("ResponseMetadata"),
        None => return Err(format!("a refusal was expected: {}", case.expect())),
    };
    Matcher::new(case).difference(&canonical(&expected), &canonical(answer), "response").map_or(Ok(()), Err)
}
