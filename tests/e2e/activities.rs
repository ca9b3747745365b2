//! Activities, whose workers are programs of their own, written with boto3: call, work, respond; or delegate.

use std::time::Duration;

use local_stack::ManualClock;
use serde_json::{Value, json};

use end_to_end_tests::python::Program;
use end_to_end_tests::stack::{self, Started};
use end_to_end_tests::{eventually, python};

/// The workers, in several patterns.
const SCRIPT: &str = include_str!("activities.py");

/// A stack whose clock the test moves, with the activity `paint` and a machine that has a wall painted.
struct House {
    stack: Started,
    clock: ManualClock,
    activity: String,
    machine: String,
}

impl House {
    async fn build() -> House {
        let clock = ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap());
        let stack = stack::start_with(|config| config.clock = clock.clone().into()).await;
        let activity = stack.step_functions("CreateActivity", json!({"name": "paint"})).await;
        let activity = activity["activityArn"].as_str().unwrap().to_owned();
        let definition = json!({"StartAt": "Paint", "States": {"Paint": {
            "Type": "Task",
            "Resource": activity,
            "HeartbeatSeconds": 30,
            "TimeoutSeconds": 300,
            "Retry": [{"ErrorEquals": ["States.HeartbeatTimeout"], "IntervalSeconds": 1, "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": ["NoSuchPaint"], "ResultPath": "$.refused", "Next": "Wallpaper"}],
            "End": true
        }, "Wallpaper": {"Type": "Succeed"}}});
        let machine = json!({"name": "house", "roleArn": "arn:aws:iam::123456789012:role/house", "definition": definition.to_string()});
        let machine = stack.step_functions("CreateStateMachine", machine).await;
        let machine = machine["stateMachineArn"].as_str().unwrap().to_owned();
        House { stack, clock, activity, machine }
    }

    /// A worker that has called for a task.
    async fn worker(&self, pattern: &str, name: &str) -> Program {
        let mut worker = Program::start(SCRIPT, self.stack.aws(), &[pattern, &self.activity, name]).await;
        assert_eq!(worker.says().await, json!({"calls": name}));
        worker
    }

    /// Somebody outside responds, with each of these in turn; what came of that.
    async fn respond(&self, token: &str, outputs: &[&str]) -> Value {
        let mut arguments = vec!["-c", SCRIPT, "answer", token];
        arguments.extend(outputs);
        let said = python::run("python3", self.stack.aws(), &arguments).await;
        serde_json::from_str::<Value>(&said).unwrap()["answers"].clone()
    }

    async fn order(&self, input: Value) -> String {
        let request = json!({"stateMachineArn": self.machine, "input": input.to_string()});
        let started = self.stack.step_functions("StartExecution", request).await;
        started["executionArn"].as_str().unwrap().to_owned()
    }

    async fn end(&self, execution: &str) -> Value {
        let ended = eventually("the end of an execution", async || {
            let described =
                self.stack.step_functions("DescribeExecution", json!({"executionArn": execution})).await;
            (described["status"] != "RUNNING").then_some(described)
        })
        .await;
        assert_eq!(ended["status"], "SUCCEEDED", "{ended}");
        serde_json::from_str(ended["output"].as_str().unwrap()).unwrap()
    }

    /// Waits until the history has this event so often, and answers the types of all.
    async fn until(&self, execution: &str, event: &str, times: usize) -> Vec<String> {
        eventually(event, async || {
            let history =
                self.stack.step_functions("GetExecutionHistory", json!({"executionArn": execution})).await;
            let events = history["events"].as_array().unwrap().iter();
            let types: Vec<_> = events.map(|event| event["type"].as_str().unwrap().to_owned()).collect();
            (types.iter().filter(|it| *it == event).count() >= times).then_some(types)
        })
        .await
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn a_worker_calls_works_and_responds_time_after_time() {
    let house = House::build().await;
    let mut worker = house.worker("respond", "anna").await;
    for wall in 1..=2 {
        let order = json!({"wall": wall, "colour": "blue"});
        let execution = house.order(order.clone()).await;
        assert_eq!(house.end(&execution).await, json!({"wall": wall, "colour": "blue", "by": "anna"}));
        assert_eq!(worker.says().await, json!({"worked": order}));
        assert_eq!(worker.says().await, json!({"calls": "anna"}));
    }

    let execution = house.order(json!({"wall": 3, "colour": "plaid"})).await;
    let refused = json!({"Error": "NoSuchPaint", "Cause": "nobody mixes plaid"});
    assert_eq!(house.end(&execution).await["refused"], refused);
    let types = house.until(&execution, "ExecutionSucceeded", 1).await;
    assert_eq!(types[2..5], ["ActivityScheduled", "ActivityStarted", "ActivityFailed"]);
}

#[tokio::test]
async fn a_worker_delegates_and_a_token_counts_once() {
    let house = House::build().await;
    let mut worker = house.worker("delegate", "bert").await;
    let execution = house.order(json!({"wall": 1, "colour": "red", "painter": "+12025550100"})).await;
    assert_eq!(worker.says().await, json!({"delegated": "+12025550100"}));

    // The worker is gone; the recipient of the message responds, from another process.
    let inbox = house.stack.client().get("/local/messages").await.expect(200);
    let message =
        inbox["messages"].as_array().unwrap().iter().find(|it| it["address"] == "+12025550100").unwrap();
    let token = message["text"].as_str().unwrap();
    let answers = house.respond(token, &[r#"{"painted": 1}"#, r#"{"painted": 2}"#]).await;
    assert_eq!(answers, json!(["accepted", "TaskTimedOut"]));
    assert_eq!(house.end(&execution).await, json!({"painted": 1}));
    assert_eq!(house.respond(token, &["{}"]).await, json!(["TaskTimedOut"]), "nor after the end");
    assert_eq!(house.respond("no token at all", &["{}"]).await, json!(["InvalidToken"]));
}

#[tokio::test]
async fn a_worker_that_gives_no_sign_loses_its_task_to_another() {
    let house = House::build().await;
    let mut slow = house.worker("slow", "carl").await;
    let order = json!({"wall": 1, "colour": "green"});
    let execution = house.order(order.clone()).await;
    assert_eq!(slow.says().await, json!({"took": order}));
    // Five times 20 seconds are more than the 30 between two heartbeats.
    for _ in 0..5 {
        house.pass(20);
        assert_eq!(slow.tell("heartbeat").await, json!({"heartbeat": "accepted"}));
    }

    house.pass(30);
    house.until(&execution, "ActivityTimedOut", 1).await;
    assert_eq!(slow.tell("heartbeat").await, json!({"heartbeat": "TaskTimedOut"}));
    house.pass(1);
    let mut other = house.worker("respond", "dora").await;
    assert_eq!(other.says().await, json!({"worked": order}));
    assert_eq!(house.end(&execution).await["by"], "dora");
    assert_eq!(slow.tell("\"too late\"").await, json!({"answer": "TaskTimedOut"}));
}

#[tokio::test]
async fn the_task_of_a_worker_that_was_killed_goes_to_another() {
    let house = House::build().await;
    // One is killed while it calls: no task is lost to it.
    house.worker("slow", "emil").await.kill().await;
    let mut killed = house.worker("slow", "fritz").await;
    let order = json!({"wall": 1, "colour": "grey"});
    let execution = house.order(order.clone()).await;
    assert_eq!(killed.says().await, json!({"took": order}));
    killed.kill().await;

    house.pass(30);
    house.until(&execution, "ActivityTimedOut", 1).await;
    house.pass(1);
    let mut other = house.worker("respond", "greta").await;
    assert_eq!(other.says().await, json!({"worked": order}));
    assert_eq!(house.end(&execution).await["by"], "greta");
    let types = house.until(&execution, "ExecutionSucceeded", 1).await;
    assert_eq!(types.iter().filter(|it| *it == "ActivityStarted").count(), 2, "{types:?}");
}
