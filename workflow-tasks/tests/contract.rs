//! The contract between `statemachine/lottery.asl.json` and the functions: they meet in this file only.

#![allow(clippy::unwrap_used, reason = "a test fails by it, and says where")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use workflow_tasks::{Function, Position, TaskError};

/// The names that AWS gives to throttling and unavailability of Lambda.
const UNAVAILABLE: [&str; 6] = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
];
/// Those that a function's own process brings about, be it for once or because of a mistake in it.
const CRASHES: [&str; 3] = ["Sandbox.Timedout", "Runtime.ExitError", "States.Timeout"];
/// How many events the history of an execution may have on AWS.
const MAX_EVENTS: u64 = 25_000;
/// The tasks on the way from the commitment to the end.
const AFTER_THE_COMMITMENT: [&str; 5] =
    ["FetchBeacon", "DrawWinners", "RecordWinners", "CompleteDraw", "MarkIncomplete"];

fn machine() -> Value {
    serde_json::from_str(state_machines::LOTTERY).unwrap()
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
    text.split("${").skip(1).map(|rest| rest.split(['}', ',']).next().unwrap().to_owned()).collect()
}

/// The states that wait for people, each with the one that looks at what they did.
const WAITS: [(&str, &str); 2] = [("AwaitRelease", "CheckRelease"), ("AwaitClaims", "CheckClaims")];

#[test]
fn every_function_of_the_file_exists_and_every_function_is_in_the_file() {
    let mut named = placeholders(&machine().to_string());
    for infrastructure in ["Partition", "OperatorTopic", "DrawEvents"] {
        assert!(named.remove(infrastructure), "{infrastructure}");
    }
    // These are invoked by timers, by events of SES, and by the queue of the webhooks.
    let others =
        [Function::ReconcileDraws, Function::RecordDelivery, Function::SendWebhook, Function::StartRepeat];
    let ours = Function::ALL
        .into_iter()
        .filter(|function| !others.contains(function))
        .filter(|function| !Function::OF_LISTS.contains(function))
        .map(|function| function.placeholder().to_owned());
    assert_eq!(named, ours.collect());
}

#[test]
fn the_import_of_lists_calls_its_functions_and_names_errors_that_exist() {
    let machine: Value = serde_json::from_str(state_machines::IMPORT_PARTICIPANTS).unwrap();
    let mut named = placeholders(&machine.to_string());
    for infrastructure in ["Partition", "ListsBucket"] {
        assert!(named.remove(infrastructure), "{infrastructure}");
    }
    assert_eq!(named, Function::OF_LISTS.map(|function| function.placeholder().to_owned()).into());
    let mut found = Vec::new();
    flows(&machine, &mut found);
    let states = found.into_iter().flat_map(|flow| flow.states);
    for (name, state) in states.filter(|(_, state)| state["Type"] == "Task") {
        assert_eq!(state["Arguments"]["FunctionName"], format!("${{{name}}}"));
        assert!(state["TimeoutSeconds"].is_u64(), "{name}");
        let is_last = ["ImportBatch", "FailImport"].contains(&name.as_str());
        assert!(is_last || items(&state, "Catch").any(|rule| error_names(rule).eq(["States.ALL"])), "{name}");
        for error in items(&state, "Retry").flat_map(error_names) {
            let is_aws = UNAVAILABLE.contains(&error) || CRASHES.contains(&error);
            let passes = ["StoreUnavailable", "StorageUnavailable", "LotteryBusy"].contains(&error);
            assert!(is_aws || (passes && TaskError::NAMES.contains(&error)), "{error} in {name}");
        }
    }
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
            let callback = if WAITS.iter().any(|(wait, _)| *wait == name) { ".waitForTaskToken" } else { "" };
            assert_eq!(state["Resource"], format!("arn:${{Partition}}:states:::lambda:invoke{callback}"));
        } else if name.starts_with("Put") {
            assert_eq!(state["Resource"], "arn:${Partition}:states:::events:putEvents", "{name}");
            assert_eq!(state["Parameters"]["Entries"][0]["EventBusName"], "${DrawEvents}");
        } else {
            assert_eq!(state["Resource"], "arn:${Partition}:states:::sns:publish", "{name}");
            assert_eq!(state["Parameters"]["TopicArn"], "${OperatorTopic}");
        }
    }
}

#[test]
fn every_error_that_the_file_names_exists() {
    let aws = |name: &str| {
        UNAVAILABLE.contains(&name)
            || CRASHES.contains(&name)
            || name == "States.ALL"
            || ["SNS.InternalErrorException", "SNS.ThrottledException", "SNS.SdkClientException"]
                .contains(&name)
            || ["EventBridge.FailedEntry", "EventBridge.InternalException", "EventBridge.SdkClientException"]
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
    let passing = [
        "LotteryBusy",
        "BeaconUnavailable",
        "StoreUnavailable",
        "NotClosedYet",
        "ClockBehind",
        "AttemptGivenUp",
        "MessageNotTaken",
    ];
    for (name, state) in all_states() {
        for error in items(&state, "Retry").flat_map(error_names) {
            assert_ne!(error, "States.ALL", "{name}");
            assert!(!TaskError::NAMES.contains(&error) || passing.contains(&error), "{error} in {name}");
        }
    }
}

/// The retrier of a state for an error.
fn retrier<'a>(state: &'a Value, error: &str) -> &'a Value {
    items(state, "Retry").find(|retrier| error_names(retrier).any(|name| name == error)).unwrap()
}

/// How long a retrier continues, in seconds: with full jitter, half of its delays on average.
fn lasts(retrier: &Value) -> f64 {
    let field = |name: &str| retrier[name].as_f64().unwrap();
    let mut delay = field("IntervalSeconds");
    let mut sum = 0.0;
    for _ in 0..retrier["MaxAttempts"].as_u64().unwrap() {
        sum += delay.min(field("MaxDelaySeconds"));
        delay *= field("BackoffRate");
    }
    if retrier["JitterStrategy"] == "FULL" { sum / 2.0 } else { sum }
}

#[test]
fn what_may_pass_is_waited_for_for_hours_at_every_step() {
    for name in AFTER_THE_COMMITMENT.into_iter().chain(["SealEntries", "ReleaseWinners"]) {
        let state = &all_states()[name];
        for error in UNAVAILABLE.into_iter().chain(["StoreUnavailable"]) {
            assert!(lasts(retrier(state, error)) > 4.0 * 3600.0, "{error} in {name}");
        }
        // A defect in a function is reported within the hour; retrying does not fix it.
        for error in CRASHES {
            let retrier = retrier(state, error);
            assert!((300.0..3600.0).contains(&lasts(retrier)), "{error} in {name}: {}", lasts(retrier));
        }
    }
}

#[test]
fn a_busy_lottery_is_asked_again_each_second_at_first_and_for_hours() {
    let busy = &retrier(&all_states()["SealEntries"], "LotteryBusy").clone();
    assert_eq!((&busy["IntervalSeconds"], &busy["MaxDelaySeconds"]), (&1.into(), &30.into()));
    assert!(lasts(busy) > 5.0 * 3600.0);
}

#[test]
fn a_late_beacon_is_asked_for_again_for_hours_and_then_by_a_further_execution() {
    let late = &retrier(&all_states()["FetchBeacon"], "BeaconUnavailable").clone();
    assert!(lasts(late) > 8.0 * 3600.0);
}

#[test]
fn only_errors_that_can_never_pass_lead_to_the_release_of_winners() {
    for (name, state) in all_states() {
        for catcher in items(&state, "Catch").filter(|catcher| catcher["Next"] == "ReleaseWinners") {
            assert!(error_names(catcher).eq(TaskError::PERMANENT), "{name}");
        }
        assert_ne!(state["Next"], "ReleaseWinners", "{name}");
    }
    for name in AFTER_THE_COMMITMENT.into_iter().chain(["SealEntries", "ReleaseWinners", "Notify"]) {
        let states = all_states();
        let last = items(&states[name], "Catch").last().unwrap();
        assert!(error_names(last).eq(["States.ALL"]), "{name}");
        assert_eq!(last["Next"], "AlertOfOutstanding", "{name}");
    }
    assert_eq!(reachable("AlertOfOutstanding", &[]), ["DrawOutstanding".to_owned()].into());
    assert_eq!(all_states()["DrawOutstanding"]["Type"], "Fail");
}

/// The most events that one visit of a state adds to the history: entering and leaving it, and three for each attempt.
fn events(state: &Value) -> u64 {
    let attempts: u64 = items(state, "Retry").map(|retrier| retrier["MaxAttempts"].as_u64().unwrap()).sum();
    match state["Type"].as_str().unwrap() {
        "Task" => 2 + 3 * (1 + attempts),
        "Parallel" => 4,
        _ => 2,
    }
}

#[test]
fn the_worst_execution_leaves_before_its_history_is_full() {
    let states = all_states();
    let limit = |state: &str, variable: &str| {
        let state = states[state].to_string();
        let rest = state
            .split(&format!("\"Variable\":\"{variable}\",\"NumericGreaterThanEquals\":"))
            .nth(1)
            .unwrap();
        rest.split(['}', ',']).next().unwrap().parse::<u64>().unwrap()
    };
    // Each channel: every run fails after all its attempts, and is waited for.
    let channel = |word: &str, key: &str| {
        let passes = limit(&format!("{word}Left"), &format!("$.notify.{key}.passes"));
        let loop_of = ["Left", "Failed"].map(|end| format!("{word}{end}"));
        let each = loop_of.into_iter().chain([format!("Send{word}"), format!("WaitFor{word}")]);
        passes * each.map(|state| events(&states[&state])).sum::<u64>()
    };
    let rounds = limit("AllWereSent", "$.notify.sms.round");
    let inside = [
        "SmsLeft",
        "SmsDone",
        "EmailLeft",
        "EmailDone",
        "SendSms",
        "SendEmail",
        "WaitForSms",
        "WaitForEmail",
    ];
    let end = ["CompleteDraw", "AllWereSent", "MarkIncomplete", "IsIncomplete", "Notify"];
    let round: u64 = inside.into_iter().chain(end).map(|state| events(&states[state])).sum();
    // Each look at a held draw ends in a wait, or in a round that sends nothing: the sending counts as a pass.
    let looks = limit("IsReleased", "$.notify.release.looks");
    let held = ["CheckRelease", "IsReleased", "AwaitRelease", "IsStillHeld"];
    let claims = ["CheckClaims", "HasClaims", "AwaitClaims"];
    let of = |names: &[&str]| names.iter().map(|name| events(&states[*name])).sum::<u64>();
    let idle = of(&["Notify", "SmsLeft", "SmsDone", "EmailLeft", "EmailDone", "IsStillHeld"]);
    let release = of(&["CheckRelease", "IsReleased"]) + idle.max(of(&["AwaitRelease"]));
    // Looks at claims are counted with those, and each ends in a wait, in a round, or at once.
    assert_eq!(looks, limit("HasClaims", "$.notify.release.looks"));
    let claim = of(&["CheckClaims", "HasClaims"]) + idle.max(of(&["AwaitClaims"]));
    let waits = looks * release.max(claim);
    let once: u64 = states
        .iter()
        .filter(|(name, _)| {
            let name = name.as_str();
            !end.contains(&name)
                && !inside.contains(&name)
                && !held.contains(&name)
                && !claims.contains(&name)
        })
        .map(|(_, state)| events(state))
        .sum();
    let telling = ["AnnounceCommitment", "AllAreTold", "WaitToAnnounce"];
    let announcement = limit("AllAreTold", "$.announced.position.passes") * of(&telling);
    let others = ["NotifyOthers", "OthersLeft", "WaitForOthers"];
    let others = limit("OthersLeft", "$.others.position.passes") * of(&others);
    let most = 2
        + once
        + announcement
        + others
        + rounds * round
        + waits
        + channel("Sms", "sms")
        + channel("Email", "email");
    assert!((15_000..MAX_EVENTS).contains(&most), "{most}");
}

#[test]
fn what_decides_comes_after_the_commitment_and_before_the_ranking() {
    let states = all_states();
    let ways = [
        &["SealEntries", "StampCommitment", "PutDrawSealed", "IsAnnounced"][..],
        &["WaitForBeacon", "FetchBeacon", "DrawWinners", "RecordWinners"],
    ];
    for pair in ways.iter().flat_map(|way| way.windows(2)) {
        assert_eq!(states[pair[0]]["Next"], pair[1]);
    }
    // Telling people about the commitment ends before the round, whatever comes of it.
    assert_eq!(states["IsAnnounced"]["Default"], "WaitForBeacon");
    assert_eq!(states["AllAreTold"]["Choices"][0]["Next"], "WaitForBeacon");
    let caught = items(&states["AnnounceCommitment"], "Catch").next().unwrap();
    assert_eq!((&caught["ErrorEquals"], &caught["Next"]), (&json!(["States.ALL"]), &json!("WaitForBeacon")));
    assert_eq!(states["WaitForBeacon"]["TimestampPath"], "$.sealed.round_at");
}

#[test]
fn every_task_has_a_time_out_and_a_catcher_for_the_rest() {
    for (name, state) in of_type("Task") {
        if let Some((_, check)) = WAITS.iter().find(|(wait, _)| *wait == name) {
            // It waits for people, and for as long as they have.
            assert_eq!(state["TimeoutSecondsPath"], "$.notify.release.wait_seconds");
            let caught =
                items(&state, "Catch").find(|rule| error_names(rule).any(|it| it == "States.Timeout"));
            assert_eq!(caught.unwrap()["Next"], *check);
            continue;
        }
        let timeout = state["TimeoutSeconds"].as_u64();
        // An event is not waited for as long as a function, which may have something to do.
        let shortest = if name.starts_with("Put") { 5 } else { 30 };
        assert!(timeout.is_some_and(|seconds| (shortest..=900).contains(&seconds)), "{name}: {timeout:?}");
        let last = items(&state, "Catch").last().unwrap_or_else(|| panic!("{name} has no Catch"));
        assert!(error_names(last).eq(["States.ALL"]), "{name}");
    }
}

#[test]
fn every_catcher_keeps_the_input_beside_the_error() {
    for (name, state) in all_states() {
        for catcher in items(&state, "Catch") {
            // Of a draw that failed, that error is the execution's: no message to the organiser and no event takes its place.
            let path = match name.as_str() {
                "NotifyOrganiser" => "$.organiser",
                name if name.starts_with("Put") => "$.put",
                _ => "$.error",
            };
            assert_eq!(catcher["ResultPath"], path, "{name}");
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

/// The states that may come after `from`, without passing through one of `barriers`.
fn reachable(from: &str, barriers: &[&str]) -> BTreeSet<String> {
    let machine = machine();
    let mut reached = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        for next in successors(&machine["States"][&name]) {
            if !barriers.contains(&next) && reached.insert(next.to_owned()) {
                open.push(next.to_owned());
            }
        }
    }
    reached
}

#[test]
fn nothing_after_the_pivot_leads_to_the_release_of_winners() {
    let after = [
        "PutWinnersRecorded",
        "IsHeld",
        "CheckRelease",
        "IsReleased",
        "AwaitRelease",
        "CheckClaims",
        "HasClaims",
        "AwaitClaims",
        "Notify",
        "IsStillHeld",
        "CompleteDraw",
        "AllWereSent",
        "MarkIncomplete",
        "IsIncomplete",
        "AlertOfUnsent",
    ];
    for state in after {
        let reached = reachable(state, &["HowItEnded"]);
        for before in ["ReleaseWinners", "RecordWinners", "DrawFailed", "AlertOfFailure"] {
            assert!(!reached.contains(before), "{state} leads to {before}");
        }
    }
}

#[test]
fn every_failure_before_the_pivot_is_told() {
    let failed = reachable("ReleaseWinners", &["PutWinnersRecorded", "HowItEnded"]);
    let way = ["AlertOfFailure", "AlertOfOutstanding", "DrawOutstanding", "NotifyOrganiser", "WasReleased"];
    assert_eq!(failed, way.map(str::to_owned).into());
    assert!(!reachable("ReleaseWinners", &["PutWinnersRecorded", "AlertOfFailure"]).contains("DrawFailed"));
    assert!(!reachable("SealEntries", &["AlertOfOutstanding"]).contains("DrawOutstanding"));
}

#[test]
fn the_organiser_is_notified_of_every_end_and_the_execution_ends_as_the_draw_did() {
    let states = all_states();
    let ends = [
        ("PutDrawCompleted", "Succeed"),
        ("PutDrawIncomplete", "DrawIncomplete"),
        ("PutDrawFailed", "DrawFailed"),
        ("PutDrawRejected", "DrawRejected"),
    ];
    for (last, before) in
        ends.iter().map(|(put, end)| (end, put)).chain(ends.iter().map(|(put, _)| (put, &"HowItEnded")))
    {
        let found = states.iter().filter(|(_, state)| successors(state).contains(last));
        assert_eq!(found.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [*before], "{last}");
    }
    assert_eq!(successors(&states["NotifyOrganiser"]), ["HowItEnded"].into());
    // Only CompleteDraw and MarkIncomplete write an outcome, and only ReleaseWinners whether it has released.
    for (field, writers) in
        [("outcome.$", &["CompleteDraw", "MarkIncomplete"][..]), ("released.$", &["ReleaseWinners"])]
    {
        let writing = states.iter().filter(|(_, state)| {
            state["ResultPath"] == "$.notify" && state["ResultSelector"][field].is_string()
        });
        assert_eq!(writing.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), writers, "{field}");
    }
    let choices: Vec<_> = items(&states["HowItEnded"], "Choices").collect();
    let next: Vec<_> = choices.iter().map(|choice| choice["Next"].as_str().unwrap()).collect();
    assert_eq!(next, ["PutDrawCompleted", "PutDrawIncomplete", "PutDrawFailed"]);
    assert_eq!(choices[1]["Variable"], "$.notify.outcome");
    assert_eq!(choices[2]["Variable"], "$.notify.released");
}

#[test]
fn a_failing_channel_is_tried_again_and_does_not_stop_the_other() {
    let notify = &all_states()["Notify"];
    for branch in items(notify, "Branches") {
        let states = branch["States"].as_object().unwrap();
        for (name, task) in states.iter().filter(|(_, state)| state["Type"] == "Task") {
            assert_eq!(items(task, "Catch").count(), 1, "{name}");
            let caught = items(task, "Catch").last().unwrap();
            assert!(error_names(caught).eq(["States.ALL"]), "{name}");
            let after = &states[caught["Next"].as_str().unwrap()];
            assert_eq!(after["Type"], "Pass", "{name}");
            // The run counts, and is waited after.
            let again = &after["Parameters"];
            assert!(again["passes.$"].as_str().unwrap().starts_with("States.MathAdd("), "{name}");
            assert!(again["wait_seconds"].as_u64().unwrap() >= 30, "{name}");
        }
        assert!(states.values().all(|state| !["Fail", "Map"].contains(&state["Type"].as_str().unwrap())));
    }
}

#[test]
fn the_state_machine_hands_on_every_field_of_a_position() {
    let fields = serde_json::to_value(Position::default()).unwrap();
    let fields: BTreeSet<String> = fields.as_object().unwrap().keys().cloned().collect();
    for word in ["Sms", "Email"] {
        let states = all_states();
        for (state, part) in
            [(format!("Send{word}"), "ResultSelector"), (format!("{word}Failed"), "Parameters")]
        {
            let handed = states[&state][part].as_object().unwrap().keys();
            let handed: BTreeSet<String> =
                handed.map(|name| name.trim_end_matches(".$").to_owned()).collect();
            assert_eq!(handed, fields, "{state}");
        }
    }
}

#[test]
fn how_a_release_stands_is_handed_on_by_every_state_that_writes_where_the_channels_stand() {
    let states = all_states();
    let writing = states.iter().filter(|(_, state)| state["ResultPath"] == "$.notify");
    let selectors: Vec<_> = writing.map(|(name, state)| (name, &state["ResultSelector"])).collect();
    assert_eq!(selectors.len(), 7, "{selectors:?}");
    for (name, selector) in selectors {
        assert!(selector["release.$"].is_string(), "{name}");
    }
    let branches = items(&states["Notify"], "Branches");
    let ends = branches.flat_map(|branch| branch["States"].as_object().unwrap().values());
    assert!(ends.filter(|state| state["End"] == true).all(|end| end["OutputPath"] == "$.notify"));
}

#[test]
fn no_winner_of_a_held_draw_is_told_without_a_look_and_no_wait_ends_without_one() {
    let states = all_states();
    assert_eq!(states["RecordWinners"]["Next"], "PutWinnersRecorded");
    assert_eq!(states["PutWinnersRecorded"]["Next"], "IsHeld");
    assert_eq!(states["IsHeld"]["Choices"][0]["Next"], "CheckRelease");
    assert_eq!(states["IsStillHeld"]["Choices"][0]["Next"], "CheckRelease");
    let after: BTreeSet<&str> = successors(&states["AwaitRelease"]);
    assert_eq!(after, ["AlertOfOutstanding", "CheckRelease"].into());
    // The reconciler knows a hand-over by this name.
    assert_eq!(states["ReleasesHandedOver"]["Error"], "ReleasesHandedOver");
}

#[test]
fn a_draw_ends_only_after_a_look_at_its_claims_and_no_wait_ends_without_one() {
    let states = all_states();
    assert_eq!(states["IsStillHeld"]["Choices"][1]["Next"], "CheckClaims");
    assert_eq!(states["CheckClaims"]["Next"], "HasClaims");
    let after: BTreeSet<&str> = successors(&states["HasClaims"]);
    // Those who have not won are notified only then: an unclaimed seat may still make them winners.
    assert_eq!(after, ["AwaitClaims", "CheckClaims", "ClaimsHandedOver", "HasOthers", "Notify"].into());
    let after: BTreeSet<&str> = successors(&states["AwaitClaims"]);
    assert_eq!(after, ["AlertOfOutstanding", "CheckClaims"].into());
    // The reconciler knows a hand-over by this name.
    assert_eq!(states["ClaimsHandedOver"]["Error"], "ClaimsHandedOver");
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
        let allowed = [
            "$.lottery_id",
            "$.draw_id",
            "$.error.Error",
            "$.notify",
            "$.notify.sms",
            "$.notify.email",
            "$.notify.release.seen",
            "$.notify.release.reopened",
            "$.announced.position",
            "$.others.position",
        ];
        assert!(paths.iter().all(|path| allowed.contains(path)), "{name}: {paths:?}");
    }
}

/// Every event, by its state, its type and what it tells beside the ids.
const EVENTS: [(&str, &str, &[&str]); 6] = [
    ("PutDrawSealed", "DrawSealed", &[]),
    ("PutWinnersRecorded", "WinnersRecorded", &[]),
    ("PutDrawCompleted", "DrawCompleted", &["status"]),
    ("PutDrawIncomplete", "DrawCompleted", &["status"]),
    ("PutDrawFailed", "DrawFailed", &["error"]),
    ("PutDrawRejected", "DrawRejected", &["error"]),
];

#[test]
fn events_tell_ids_alone_and_no_event_is_worth_a_draw() {
    let states = all_states();
    let puts: BTreeSet<&str> =
        states.keys().map(String::as_str).filter(|name| name.starts_with("Put")).collect();
    assert_eq!(puts, EVENTS.map(|(name, ..)| name).into());
    for (name, detail_type, more) in EVENTS {
        let state = &states[name];
        let entries: Vec<&Value> = items(&state["Parameters"], "Entries").collect();
        let [entry] = entries[..] else { panic!("{name} puts {}", entries.len()) };
        assert_eq!((&entry["Source"], &entry["DetailType"]), (&json!("lottery"), &json!(detail_type)));
        let detail: BTreeSet<&str> =
            entry["Detail"].as_object().unwrap().keys().map(|name| name.trim_end_matches(".$")).collect();
        let expected = ["event_id", "lottery_id", "draw_id"].into_iter().chain(more.iter().copied());
        assert_eq!(detail, expected.collect(), "{name}");
        assert_eq!(state["ResultPath"], Value::Null, "{name}");
        assert_eq!(items(state, "Catch").last().unwrap()["Next"], state["Next"], "{name}");
    }
}
