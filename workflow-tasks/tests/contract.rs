//! The contract between `statemachine/lottery.asl.json` and the functions: they meet in this file only.

#![allow(clippy::unwrap_used, reason = "a test fails by it, and says where")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use workflow_tasks::{Function, TaskError};

/// The names that AWS gives to what may pass.
const TRANSIENT: [&str; 8] = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "Sandbox.Timedout",
    "Runtime.ExitError",
];

fn machine() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../statemachine/lottery.asl.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A list of states, that of the machine itself or of a branch or iteration within.
struct Flow {
    start_at: String,
    states: Map<String, Value>,
}

fn flows(machine: &Value, found: &mut Vec<Flow>) {
    let states = machine["States"].as_object().unwrap().clone();
    for state in states.values() {
        state["Branches"].as_array().into_iter().flatten().for_each(|branch| flows(branch, found));
        if state["ItemProcessor"].is_object() {
            flows(&state["ItemProcessor"], found);
        }
    }
    found.push(Flow { start_at: machine["StartAt"].as_str().unwrap().to_owned(), states });
}

fn all_flows() -> Vec<Flow> {
    let mut found = Vec::new();
    flows(&machine(), &mut found);
    found
}

fn all_states() -> BTreeMap<String, Value> {
    let mut states = BTreeMap::new();
    for (name, state) in all_flows().into_iter().flat_map(|flow| flow.states) {
        assert!(states.insert(name.clone(), state).is_none(), "{name} stands twice");
    }
    states
}

fn of_type(state_type: &str) -> BTreeMap<String, Value> {
    all_states().into_iter().filter(|(_, state)| state["Type"] == state_type).collect()
}

fn items<'a>(state: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    state[field].as_array().into_iter().flatten()
}

fn error_names(rule: &Value) -> impl Iterator<Item = &str> {
    items(rule, "ErrorEquals").map(|name| name.as_str().unwrap())
}

/// Where a state may lead within its flow.
fn successors(state: &Value) -> BTreeSet<&str> {
    let mut next: BTreeSet<&str> =
        [&state["Next"], &state["Default"]].into_iter().filter_map(Value::as_str).collect();
    next.extend(
        ["Choices", "Catch"]
            .into_iter()
            .flat_map(|field| items(state, field))
            .filter_map(|rule| rule["Next"].as_str()),
    );
    next
}

fn placeholders(text: &str) -> BTreeSet<String> {
    text.split("${").skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect()
}

#[test]
fn every_function_of_the_file_exists_and_every_function_is_in_the_file() {
    let mut named = placeholders(&machine().to_string());
    for infrastructure in ["Partition", "OperatorTopic"] {
        assert!(named.remove(infrastructure), "{infrastructure}");
    }
    let ours = Function::ALL
        .into_iter()
        .filter(|function| *function != Function::ReconcileDraws)
        .map(|function| function.placeholder().to_owned());
    assert_eq!(named, ours.collect());
}

#[test]
fn a_functions_name_is_its_states_in_kebab_case_and_its_binarys() {
    for function in Function::ALL {
        let kebab: String = function
            .placeholder()
            .char_indices()
            .map(|(place, c)| match c.is_ascii_uppercase() && place > 0 {
                true => format!("-{}", c.to_ascii_lowercase()),
                false => c.to_ascii_lowercase().to_string(),
            })
            .collect();
        assert_eq!(function.name(), kebab);
        let main = format!("{}/src/bin/{function}.rs", env!("CARGO_MANIFEST_DIR"));
        let main = std::fs::read_to_string(main).unwrap();
        assert!(main.contains(&format!("Function::{}", function.placeholder())), "{function}");
        assert!(main.contains(&format!("{}::handle", function.name().replace('-', "_"))), "{function}");
    }
}

#[test]
fn a_task_calls_the_function_of_its_own_name() {
    for (name, state) in of_type("Task") {
        if let Some(function) = state["Parameters"]["FunctionName"].as_str() {
            assert_eq!(function, format!("${{{name}}}"));
            assert_eq!(state["Resource"], "arn:${Partition}:states:::lambda:invoke");
        } else {
            assert_eq!(state["Resource"], "arn:${Partition}:states:::sns:publish", "{name}");
            assert_eq!(state["Parameters"]["TopicArn"], "${OperatorTopic}");
        }
    }
}

#[test]
fn every_error_that_the_file_names_exists() {
    let aws = |name: &str| {
        TRANSIENT.contains(&name)
            || ["States.ALL", "States.Timeout"].contains(&name)
            || ["SNS.InternalErrorException", "SNS.ThrottledException", "SNS.SdkClientException"]
                .contains(&name)
    };
    for (state_name, state) in all_states() {
        for rule in ["Retry", "Catch"].into_iter().flat_map(|field| items(&state, field)) {
            for name in error_names(rule) {
                assert!(aws(name) || TaskError::NAMES.contains(&name), "{name} in {state_name}");
            }
        }
    }
}

#[test]
fn business_errors_are_not_retried() {
    let passing = ["LotteryBusy", "BeaconUnavailable", "StoreUnavailable", "DeliveryUnavailable"];
    for (name, state) in all_states() {
        for error in items(&state, "Retry").flat_map(error_names) {
            assert_ne!(error, "States.ALL", "{name}");
            assert!(!TaskError::NAMES.contains(&error) || passing.contains(&error), "{error} in {name}");
        }
    }
}

#[test]
fn every_task_that_calls_a_function_retries_what_may_pass() {
    for (name, state) in of_type("Task") {
        if state["Parameters"]["FunctionName"].is_null() {
            continue;
        }
        let retriers: Vec<_> = items(&state, "Retry").collect();
        let transient =
            retriers.iter().find(|retrier| error_names(retrier).any(|name| name == "Lambda.Unknown"));
        let transient = transient.unwrap_or_else(|| panic!("{name}"));
        let named: BTreeSet<_> = error_names(transient).collect();
        assert!(TRANSIENT.iter().all(|error| named.contains(error)), "{name}");
        assert!(named.contains("StoreUnavailable"), "{name}");
        let fields = ["IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds"];
        assert_eq!(fields.map(|field| transient[field].as_u64().unwrap()), [2, 6, 2, 60], "{name}");
        assert_eq!(transient["JitterStrategy"], "FULL");
        let last = retriers.last().unwrap();
        assert_eq!(error_names(last).collect::<Vec<_>>(), ["States.Timeout"], "{name}");
    }
}

#[test]
fn a_busy_lottery_is_asked_again_every_second() {
    let seal = &all_states()["SealEntries"];
    let busy = items(seal, "Retry").find(|retrier| error_names(retrier).eq(["LotteryBusy"])).unwrap();
    assert_eq!((&busy["IntervalSeconds"], &busy["BackoffRate"]), (&1.into(), &1.into()));
    // A retry takes three events of the 25,000 that an execution may have.
    let attempts = busy["MaxAttempts"].as_u64().unwrap();
    assert!((600..8_000).contains(&attempts), "{attempts}");
}

#[test]
fn a_late_beacon_is_asked_for_again_for_hours_and_then_by_a_further_execution() {
    let states = all_states();
    let fetch = &states["FetchBeacon"];
    let late = items(fetch, "Retry").find(|retrier| error_names(retrier).eq(["BeaconUnavailable"])).unwrap();
    let [attempts, delay] = ["MaxAttempts", "MaxDelaySeconds"].map(|field| late[field].as_u64().unwrap());
    assert!(attempts * delay > 24 * 3600 && attempts < 8_000, "{attempts} attempts each {delay} s");
    let never = ["ReleaseWinners", "DrawRejected", "DrawCancelled", "DrawFailed"];
    let mut reached = reachable("AlertOfBeacon", "");
    reached.extend(items(fetch, "Catch").map(|rule| rule["Next"].as_str().unwrap().to_owned()));
    assert!(never.iter().all(|state| !reached.contains(*state)), "{reached:?}");
    assert_eq!(states["BeaconOutstanding"]["Type"], "Fail");
}

#[test]
fn what_decides_comes_after_the_commitment_and_before_the_ranking() {
    let states = all_states();
    let way = ["SealEntries", "WaitForBeacon", "FetchBeacon", "DrawWinners", "RecordWinners"];
    for pair in way.windows(2) {
        assert_eq!(states[pair[0]]["Next"], pair[1]);
    }
    assert_eq!(states["WaitForBeacon"]["TimestampPath"], "$.sealed.round_at");
}

#[test]
fn every_task_has_a_time_out_and_a_catcher_for_the_rest() {
    for (name, state) in of_type("Task") {
        let timeout = state["TimeoutSeconds"].as_u64();
        assert!(timeout.is_some_and(|seconds| (30..=900).contains(&seconds)), "{name}: {timeout:?}");
        let last = items(&state, "Catch").last().unwrap_or_else(|| panic!("{name} has no Catch"));
        assert!(error_names(last).eq(["States.ALL"]), "{name}");
    }
}

#[test]
fn every_catcher_keeps_the_input_beside_the_error() {
    for (name, state) in all_states() {
        for catcher in items(&state, "Catch") {
            assert_eq!(catcher["ResultPath"], "$.error", "{name}");
        }
    }
}

#[test]
fn every_choice_has_a_default() {
    for (name, state) in of_type("Choice") {
        assert!(state["Default"].is_string(), "{name}");
    }
}

#[test]
fn every_state_is_reached_and_every_way_leads_to_a_state() {
    for flow in all_flows() {
        let mut reached = BTreeSet::new();
        let mut open = vec![flow.start_at.as_str()];
        while let Some(name) = open.pop() {
            let state = flow.states.get(name).unwrap_or_else(|| panic!("{name} is no state"));
            if reached.insert(name) {
                open.extend(successors(state));
            }
        }
        assert_eq!(reached, flow.states.keys().map(String::as_str).collect());
    }
}

/// The states that may come after `from`, without passing through `barrier`.
fn reachable(from: &str, barrier: &str) -> BTreeSet<String> {
    let machine = machine();
    let mut reached = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        for next in successors(&machine["States"][&name]) {
            if next != barrier && reached.insert(next.to_owned()) {
                open.push(next.to_owned());
            }
        }
    }
    reached
}

#[test]
fn nothing_after_the_pivot_leads_to_the_release_of_winners() {
    for state in ["Notify", "CompleteDraw", "AllWereSent", "MarkIncomplete", "AlertOfUnsent"] {
        let reached = reachable(state, "");
        for before in ["ReleaseWinners", "RecordWinners", "DrawFailed", "AlertOfFailure"] {
            assert!(!reached.contains(before), "{state} leads to {before}");
        }
    }
}

#[test]
fn every_failure_before_the_pivot_is_compensated_and_told() {
    for state in ["SealEntries", "DrawWinners", "RecordWinners"] {
        let states = all_states();
        let last = items(&states[state], "Catch").last().unwrap().clone();
        assert_eq!(last["Next"], "ReleaseWinners", "{state}");
    }
    let failed: BTreeSet<_> = reachable("ReleaseWinners", "Notify").into_iter().collect();
    assert_eq!(failed, ["AlertOfFailure", "DrawFailed", "WasReleased"].map(str::to_owned).into());
    assert!(!reachable("ReleaseWinners", "AlertOfFailure").contains("DrawFailed"));
}

#[test]
fn a_failed_batch_does_not_stop_its_siblings() {
    for (name, state) in of_type("Map") {
        assert_eq!(state["MaxConcurrency"], 40, "{name}");
        let states = state["ItemProcessor"]["States"].as_object().unwrap();
        for task in states.values().filter(|state| state["Type"] == "Task") {
            let caught = items(task, "Catch").last().unwrap();
            let after = &states[caught["Next"].as_str().unwrap()];
            // Its output carries the error's name, not its cause: eighty causes may pass the payload limit.
            assert_eq!((&after["Type"], &after["End"]), (&"Pass".into(), &true.into()), "{name}");
            assert!(!after["Parameters"].to_string().contains("Cause"));
        }
    }
}

#[test]
fn alerts_tell_ids_and_the_errors_name_only() {
    for (name, state) in of_type("Task") {
        let parameters = state["Parameters"].to_string();
        assert!(!parameters.contains("Cause") && !parameters.contains("Payload.$"), "{name}");
        let paths: BTreeSet<_> = parameters
            .split(|c: char| !(c.is_ascii_alphanumeric() || "$._".contains(c)))
            .filter(|word| word.starts_with("$."))
            .collect();
        let allowed = ["$.lottery_id", "$.draw_id", "$.error.Error", "$.batch"];
        assert!(paths.iter().all(|path| allowed.contains(path)), "{name}: {paths:?}");
    }
}
