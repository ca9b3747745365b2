//! `infra/template.yaml` held against the code: it deploys what there is, with the configuration that it needs.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lottery_store::{TableDefinition, Tables, table_definitions};
use serde_json::Value;
use test_support::template::summary;
use workflow_tasks::Function;

/// Functions of the template by their names.
fn functions(template: &Value) -> BTreeMap<&str, &Value> {
    let functions = template["functions"].as_object().unwrap().values();
    functions.map(|function| (function["name"].as_str().unwrap(), function)).collect()
}

#[test]
fn the_template_deploys_every_function_and_no_other() {
    let template = summary();
    let deployed: BTreeSet<&str> = functions(&template).into_keys().collect();
    let binaries: BTreeSet<&str> =
        Function::ALL.iter().map(|function| function.name()).chain(["api"]).collect();
    assert_eq!(deployed, binaries);
    for (logical_name, function) in template["functions"].as_object().unwrap() {
        let known = Function::ALL.iter().find(|one| function["name"] == one.name());
        assert_eq!(logical_name, known.map_or("Api", |function| function.placeholder()));
    }
}

#[test]
fn every_function_is_told_what_it_must_be_told() {
    let template = summary();
    for (name, function) in functions(&template) {
        let variable = |name: &str| function["environment"][name].as_str().map(str::to_owned);
        match Function::parse(name) {
            Ok(function) => drop(workflow_tasks::Config::from_lookup(function, variable).unwrap()),
            Err(_) => drop(api::Settings::from_lookup(variable).unwrap()),
        }
    }
}

#[test]
fn no_function_is_told_what_it_does_not_read() {
    let template = summary();
    for (name, function) in functions(&template) {
        let read = std::cell::RefCell::new(BTreeSet::new());
        let variable = |name: &str| {
            read.borrow_mut().insert(name.to_owned());
            function["environment"][name].as_str().map(str::to_owned)
        };
        match Function::parse(name) {
            Ok(function) => drop(workflow_tasks::Config::from_lookup(function, variable)),
            Err(_) => drop(api::Settings::from_lookup(variable)),
        }
        for given in function["environment"].as_object().unwrap().keys() {
            assert!(read.borrow().contains(given), "{name} does not read {given}");
        }
    }
}

#[test]
fn the_tables_are_those_of_the_store() {
    let template = summary();
    let tables = Tables { lottery: "Lottery".to_owned(), contacts: "Contacts".to_owned() };
    let deployed = template["tables"].as_array().unwrap();
    assert_eq!(deployed.len(), 2);
    for TableDefinition { name, partition_key, sort_key, time_to_live } in table_definitions(&tables) {
        let table = deployed.iter().find(|table| table["name"] == *name).unwrap();
        assert_eq!(table["partition_key"], partition_key);
        assert_eq!(table["sort_key"], sort_key);
        assert_eq!(table["key_types"], serde_json::json!(["S", "S"]));
        assert_eq!(table["time_to_live"].as_str(), time_to_live);
        assert_eq!(table["billing"], "PAY_PER_REQUEST");
    }
}

/// Attempts of a state must not overlap: the function ends by itself before its state gives up. But not long before:
/// what was lost on the way is tried again soon.
#[test]
fn every_state_waits_a_little_longer_than_its_function_may_take() {
    let template = summary();
    let definition: Value = serde_json::from_str(state_machines::LOTTERY).unwrap();
    let mut checked = BTreeSet::new();
    each_task(&definition, &mut |state| {
        let Some(placeholder) = state["Parameters"]["FunctionName"].as_str() else { return };
        let logical_name = placeholder.trim_start_matches("${").trim_end_matches('}');
        let function = template["functions"][logical_name]["timeout"].as_u64().unwrap();
        checked.insert(logical_name.to_owned());
        // These wait for people, and for as long as their input says.
        let Some(state) = state["TimeoutSeconds"].as_u64() else {
            assert!(["AwaitRelease", "AwaitClaims"].contains(&logical_name), "{logical_name}");
            return;
        };
        assert!(
            (function + 1..=function + 60).contains(&state),
            "{logical_name}: {function} s, its state {state} s"
        );
    });
    // All but those that a timer or an event calls.
    let substitutions = template["state_machine"]["substitutions"].as_object().unwrap();
    let called: BTreeSet<String> = Function::ALL
        .iter()
        .map(|function| function.placeholder().to_owned())
        .filter(|placeholder| substitutions.contains_key(placeholder))
        .collect();
    assert!(called.len() > 1);
    assert_eq!(checked, called);
}

#[test]
fn every_state_of_an_import_waits_a_little_longer_than_its_function_may_take() {
    let template = summary();
    let definition: Value = serde_json::from_str(state_machines::IMPORT_PARTICIPANTS).unwrap();
    let mut checked = 0;
    each_task(&definition, &mut |state| {
        let placeholder = state["Arguments"]["FunctionName"].as_str().unwrap();
        let name = placeholder.trim_start_matches("${").trim_end_matches('}');
        let function = template["functions"][name]["timeout"].as_u64().unwrap();
        let state = state["TimeoutSeconds"].as_u64().unwrap();
        // It waits for a person.
        let is_in_time = name == "AwaitMapping" || (function + 1..=function + 60).contains(&state);
        assert!(is_in_time, "{name}: {function} s, its state {state} s");
        checked += 1;
    });
    assert_eq!(checked, Function::OF_LISTS.len());
}

/// An alarm on a metric that nobody writes never rings.
#[test]
fn every_metric_of_an_alarm_is_written_by_a_task() {
    let template = summary();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let source = ["workflow-tasks/src/metrics.rs", "lottery/src/draw.rs", "lottery/src/channel.rs"];
    let source: String =
        source.iter().filter_map(|file| std::fs::read_to_string(project.join(file)).ok()).collect();
    let metrics = template["own_metrics"].as_array().unwrap();
    assert!(metrics.len() > 5, "{metrics:?}");
    for metric in metrics {
        let dimensions = metric["dimensions"].as_object().unwrap();
        let words = dimensions.iter().flat_map(|(name, value)| [name.as_str(), value.as_str().unwrap()]);
        for word in words.chain([metric["name"].as_str().unwrap()]) {
            assert!(source.contains(&format!("\"{word}\"")), "no task writes {word} of {metric}");
        }
    }
}

/// On AWS draws are started through an alias, which the ARNs of executions do not hold.
#[test]
fn executions_are_never_named_after_an_alias() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = vec![project.join("api/src"), project.join("workflow-tasks/src")];
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                !text.contains("\":stateMachine:\", \":execution:\""),
                "{}: lottery_store::execution_arn knows aliases",
                path.display()
            );
            looked_at += 1;
        }
    }
    assert!(looked_at > 20, "{looked_at}");
}

fn each_task(value: &Value, found: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(members) => {
            if value["Type"] == "Task" {
                found(value);
            }
            members.values().for_each(|member| each_task(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| each_task(item, found)),
        _ => {}
    }
}
