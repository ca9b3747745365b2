//! The page's fold of a history: held, under node, against every recorded history of AWS's and against those that the engine
//! makes of state machines that nobody would write.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use end_to_end_tests::stack;
use local_stack::{Clock, ManualClock};
use serde_json::{Map, Value, json};

/// How many state machines the second test makes.
const MACHINES: u64 = 120;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What is wrong with the fold of each history.
fn faults(histories: &[Value]) -> Vec<Vec<String>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/fold.mjs");
    let mut node = Command::new("node")
        .arg(script)
        .arg(repository().join("api/web"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = histories.iter().map(|history| format!("{history}\n")).collect();
    let mut input = node.stdin.take().unwrap();
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = node.wait_with_output().unwrap();
    writing.join().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn hold(named: Vec<(String, Value)>) {
    let (names, histories): (Vec<String>, Vec<Value>) = named.into_iter().unzip();
    let found = faults(&histories);
    assert_eq!(found.len(), histories.len(), "node did not answer each history");
    let wrong: Vec<String> = names
        .iter()
        .zip(found)
        .filter(|(_, faults)| !faults.is_empty())
        .map(|(name, faults)| format!("{name}: {}", faults.join("; ")))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), names.len(), wrong.join("\n"));
}

/// The recorded histories that are whole, each event a second after the one before.
fn recorded() -> Vec<(String, Value)> {
    let cases = repository().join("engine/tests/conformance/cases");
    let files = |folder: PathBuf| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<(String, Value)> = files(cases)
        .flat_map(files)
        .filter_map(|file| {
            let case: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            let mut events = case["expect"]["history"].as_array()?.clone();
            if case["history_lossy"] == true || events.iter().any(|event| !event["id"].is_u64()) {
                return None;
            }
            events.iter_mut().for_each(|event| event["timestamp"] = event["id"].clone());
            let history = json!({"definition": case["definition"], "events": events,
                "status": case["expect"]["status"], "error": case["expect"]["error"]});
            Some((file.display().to_string(), history))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

#[test]
fn the_page_folds_every_recorded_history_as_its_events_have_it() {
    let recorded = recorded();
    assert!(recorded.len() >= 392, "{} recorded histories were found", recorded.len());
    hold(recorded);
}

#[test]
fn a_false_fold_would_be_noticed() {
    let of = |name: &str| recorded().into_iter().find(|(file, _)| file.contains(name)).unwrap().1;
    let spoilt = |name: &str, spoil: fn(&mut Value)| {
        let mut history = of(name);
        spoil(&mut history);
        faults(&[history]).remove(0).join("; ")
    };
    let failed = "map_state_retry_multiple_retriers";
    assert_eq!(spoilt(failed, |_| ()), "");
    let found = spoilt(failed, |history| history["status"] = "SUCCEEDED".into());
    assert!(found.contains("status: FAILED"), "{found}");
    let found = spoilt(failed, |history| history["error"] = "Another".into());
    assert!(found.contains("the execution with Another"), "{found}");
    let found = spoilt("error_handling/task_lambda-raise_exception", |history| {
        history["definition"]["States"]["Start"]["Resource"] = "arn:aws:states:::sqs:sendMessage".into();
    });
    assert!(found.contains("does not fit the resource"), "{found}");
}

/// Makes definitions from a number: states within states, errors, retriers and catchers.
struct Maker {
    seed: u64,
    made: u32,
    child: String,
    activity: String,
}

impl Maker {
    fn below(&mut self, most: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % most
    }

    fn machine(&mut self, depth: u32) -> Value {
        let count = 1 + self.below(if depth == 0 { 5 } else { 3 });
        let names: Vec<String> = (0..count)
            .map(|_| {
                self.made += 1;
                format!("S{}", self.made)
            })
            .collect();
        let states: Map<String, Value> = names
            .iter()
            .enumerate()
            .map(|(index, name)| (name.clone(), self.state(depth, names.get(index + 1), names.last())))
            .collect();
        json!({"StartAt": names[0], "States": states})
    }

    fn state(&mut self, depth: u32, next: Option<&String>, last: Option<&String>) -> Value {
        let mut state = match self.below(if depth < 3 { 12 } else { 7 }) {
            0 => json!({"Type": "Pass"}),
            1 => json!({"Type": "Wait", "Seconds": self.below(3)}),
            2 | 3 => self.task(),
            4 => match (next, last) {
                (Some(next), Some(last)) => {
                    return json!({"Type": "Choice", "Default": next, "Choices": [{"Next": last, "And": [
                        {"Variable": "$.n", "IsPresent": true}, {"Variable": "$.n", "NumericEquals": self.below(4)}]}]});
                }
                _ => {
                    return json!({"Type": "Fail", "Error": format!("Error{}", self.below(3)), "Cause": "made to fail"});
                }
            },
            5 => json!({"Type": "Pass", "Result": {"a": 1}}),
            6 => self.task(),
            7..=9 => {
                let branches: Vec<Value> = (0..=self.below(3)).map(|_| self.machine(depth + 1)).collect();
                json!({"Type": "Parallel", "Branches": branches})
            }
            _ => json!({"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": self.below(3),
                "ItemSelector": {"items": [1, 2], "n.$": "$$.Map.Item.Value"},
                "ItemProcessor": self.machine(depth + 1)}),
        };
        if matches!(state["Type"].as_str(), Some("Task" | "Parallel" | "Map")) {
            state["ResultPath"] = Value::Null;
            if self.below(5) < 2 {
                let error = ["States.ALL", "Error1"][self.below(2) as usize];
                state["Retry"] = json!([{"ErrorEquals": [error], "IntervalSeconds": 1 + self.below(2),
                    "MaxAttempts": 1 + self.below(2)}]);
            }
            if let Some(last) = last
                && self.below(5) < 2
                && next.is_some()
            {
                state["Catch"] = json!([{"ErrorEquals": ["States.ALL"], "Next": last, "ResultPath": null}]);
            }
        }
        if state["Type"] == "Pass" {
            state["ResultPath"] = Value::Null;
        }
        match next {
            Some(next) => state["Next"] = json!(next),
            None => state["End"] = json!(true),
        }
        state
    }

    fn task(&mut self) -> Value {
        match self.below(4) {
            0 => {
                json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "none-of-this-name"}})
            }
            1 => json!({"Type": "Task", "Resource": self.activity, "TimeoutSeconds": 1 + self.below(3)}),
            _ => json!({"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Parameters": {"StateMachineArn": self.child, "Input": {}}}),
        }
    }
}

/// Calls of the endpoint, by operation.
struct Endpoint<'a> {
    url: &'a str,
    http: reqwest::Client,
}

impl Endpoint<'_> {
    async fn call(&self, action: &str, body: Value) -> Value {
        let request = self
            .http
            .post(self.url)
            .header("x-amz-target", format!("AWSStepFunctions.{action}"))
            .header("content-type", "application/x-amz-json-1.0")
            .body(body.to_string());
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The history of an execution, as node wants it.
    async fn history(&self, execution: &str, definition: &Value) -> Value {
        let which = json!({"executionArn": execution, "maxResults": 1000});
        // What happens between the two calls would be a difference.
        loop {
            let before = self.call("DescribeExecution", which.clone()).await;
            let mut events = Vec::new();
            let mut page = which.clone();
            loop {
                let answer = self.call("GetExecutionHistory", page.clone()).await;
                events.extend(answer["events"].as_array().unwrap().clone());
                let Some(token) = answer.get("nextToken") else { break };
                page["nextToken"] = token.clone();
            }
            let after = self.call("DescribeExecution", which.clone()).await;
            if before["status"] == after["status"] && before["redriveCount"] == after["redriveCount"] {
                return json!({"definition": definition, "events": events, "status": after["status"], "error": after["error"]});
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_folds_what_the_engine_makes_of_any_machine() {
    let clock = ManualClock::new("2026-11-28T10:00:00Z".parse().unwrap());
    let of_stack = Clock::from(clock.clone());
    let stack = stack::start_with(|config| {
        config.iam = None;
        config.clock = of_stack;
    })
    .await;
    let endpoint = Endpoint { url: stack.aws(), http: end_to_end_tests::http() };
    let role = "arn:aws:iam::123456789012:role/any";
    let create = async |name: String, definition: &Value| {
        let body = json!({"name": name, "definition": definition.to_string(), "roleArn": role});
        let answer = endpoint.call("CreateStateMachine", body).await;
        answer["stateMachineArn"].as_str().unwrap_or_else(|| panic!("{answer}: {definition}")).to_owned()
    };
    let child = create(
        "child".to_owned(),
        &json!({"StartAt": "C", "States": {"C": {"Type": "Wait", "Seconds": 1, "End": true}}}),
    )
    .await;
    let activity = endpoint.call("CreateActivity", json!({"name": "nobody-works-here"})).await;
    let activity = activity["activityArn"].as_str().unwrap().to_owned();
    let mut executions = Vec::new();
    for seed in 0..MACHINES {
        let mut maker = Maker { seed, made: 0, child: child.clone(), activity: activity.clone() };
        let definition = maker.machine(0);
        let machine = create(format!("any-{seed}"), &definition).await;
        let input = json!({"items": [1, 2, 3]}).to_string();
        let started =
            endpoint.call("StartExecution", json!({"stateMachineArn": machine, "input": input})).await;
        executions.push((seed, started["executionArn"].as_str().unwrap().to_owned(), definition));
    }
    let mut histories = Vec::new();
    let mut statuses = Map::new();
    // Halfway, after some were stopped, at the end, and after those that failed were redriven.
    for stage in ["halfway", "stopped", "ended", "redriven"] {
        for (seed, execution, _) in &executions {
            let which = json!({"executionArn": execution});
            if stage == "stopped" && seed % 5 == 0 {
                endpoint.call("StopExecution", which).await;
            } else if stage == "redriven" {
                endpoint.call("RedriveExecution", which).await;
            }
        }
        for _ in 0..if stage == "halfway" || stage == "stopped" { 2 } else { 60 } {
            tokio::time::sleep(Duration::from_millis(12)).await;
            clock.advance(Duration::from_secs(1));
        }
        for (seed, execution, definition) in &executions {
            let history = endpoint.history(execution, definition).await;
            let count = &mut statuses
                .entry(format!("{stage} {}", history["status"].as_str().unwrap()))
                .or_insert(json!(0));
            **count = json!(count.as_u64().unwrap() + 1);
            histories.push((format!("{stage} any-{seed} {definition}"), history));
        }
    }
    for needed in ["halfway RUNNING", "stopped ABORTED", "ended SUCCEEDED", "ended FAILED", "redriven FAILED"]
    {
        assert!(statuses.get(needed).and_then(Value::as_u64).unwrap_or(0) >= 10, "{needed}: {statuses:?}");
    }
    hold(histories);
}
