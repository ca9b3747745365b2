//! Who depends on whom, as docs/architecture.md draws it.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// For each package of the workspace, the others of ours that it may name in its manifest.
const MAY_DEPEND_ON: [(&str, &[&str]); 7] = [
    ("lottery", &[]),
    ("asl-engine", &[]),
    ("lottery-store", &["lottery"]),
    ("api", &["lottery", "lottery-store"]),
    ("workflow-tasks", &["lottery", "lottery-store"]),
    ("local-stack", &["api", "lottery", "lottery-store", "asl-engine", "workflow-tasks"]),
    ("end-to-end-tests", &["local-stack"]),
];

/// Words of a domain that the engine's source must not know.
const WORDS_OF_THE_LOTTERY: [&str; 4] = ["lottery", "winner", "prize", "raffle"];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn dependencies_point_one_way() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: Vec<_> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let allowed = BTreeMap::from(MAY_DEPEND_ON);
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let allowed = allowed.get(name).unwrap_or_else(|| panic!("{name} has no place in the layering"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let dependency = dependency["name"].as_str().unwrap();
            let known = !ours.contains(&dependency) || allowed.contains(&dependency);
            assert!(known, "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn the_domain_needs_no_sdk_no_server_and_no_clock() {
    let metadata = metadata();
    let package = metadata["packages"].as_array().unwrap().iter().find(|p| p["name"] == "lottery").unwrap();
    for dependency in package["dependencies"].as_array().unwrap() {
        let name = dependency["name"].as_str().unwrap();
        let outside = name.starts_with("aws-") || ["tokio", "axum", "rand", "reqwest"].contains(&name);
        let normal = dependency["kind"].is_null();
        assert!(!(outside && normal), "lottery must not depend on {name}");
    }
}

#[test]
fn the_engine_knows_no_word_of_the_lottery() {
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/src"))];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if file.is_dir() {
                folders.push(file);
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap().to_lowercase();
            let word = WORDS_OF_THE_LOTTERY.iter().find(|word| text.contains(**word));
            assert!(word.is_none(), "{} says {}", file.display(), word.unwrap());
            read += 1;
        }
    }
    assert!(read > 10, "the engine's source was not found");
}
