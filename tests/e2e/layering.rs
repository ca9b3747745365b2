//! Who depends on whom, as docs/architecture.md draws it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// For each package of the workspace, the others of ours that it may name in its manifest.
const MAY_DEPEND_ON: [(&str, &[&str]); 17] = [
    ("lottery", &[]),
    ("platform", &[]),
    ("asl-engine", &[]),
    ("state-machines", &[]),
    ("lottery-store", &["lottery", "platform", "test-support"]),
    ("draw-start", &["lottery", "lottery-store"]),
    ("api", &["draw-start", "lottery", "lottery-store", "platform", "state-machines", "test-support"]),
    (
        "workflow-tasks",
        &[
            "draw-start",
            "lottery",
            "lottery-store",
            "platform",
            "state-machines",
            "test-support",
            "test-world",
        ],
    ),
    (
        "local-stack",
        &[
            "api",
            "asl-engine",
            "lottery",
            "lottery-store",
            "platform",
            "state-machines",
            "test-support",
            "workflow-tasks",
        ],
    ),
    ("test-support", &["lottery", "lottery-store", "platform"]),
    ("test-world", &["lottery", "lottery-store", "platform", "test-support", "workflow-tasks"]),
    ("end-to-end-tests", &["local-stack", "state-machines", "test-support"]),
    // An example knows the stack that it runs in, and nothing of the lottery.
    ("example-support", &["local-stack", "platform"]),
    ("example-patterns", &["end-to-end-tests", "example-support", "local-stack", "platform"]),
    ("example-image-processing", &["end-to-end-tests", "example-support", "local-stack", "platform"]),
    ("example-media-analysis", &["end-to-end-tests", "example-support", "local-stack", "platform"]),
    ("example-etl", &["end-to-end-tests", "example-support", "local-stack", "platform"]),
];

/// The packages that only tests may depend on.
const FOR_TESTS: [&str; 3] = ["end-to-end-tests", "test-support", "test-world"];

/// The macros that compile a file into a crate.
const EMBEDDING: [&str; 3] = ["include_str!", "include_bytes!", "include!"];

/// The files outside of every package that are compiled into one, and the only package that may do so.
const EMBEDDED_FROM_OUTSIDE: [(&str, &str); 2] =
    [("local-stack", "examples/employees.csv"), ("local-stack", "infra/template.yaml")];

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
        let allowed = allowed.get(name).unwrap_or_else(|| panic!("{name} is missing in the layering"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let dependency = dependency["name"].as_str().unwrap();
            let known = !ours.contains(&dependency) || allowed.contains(&dependency);
            assert!(known, "{name} must not depend on {dependency}");
        }
        let normal = package["dependencies"].as_array().unwrap().iter().filter(|one| one["kind"].is_null());
        for dependency in normal.map(|one| one["name"].as_str().unwrap()) {
            let is_test_only = FOR_TESTS.contains(&name) || !FOR_TESTS.contains(&dependency);
            assert!(is_test_only, "{name} may depend on {dependency} in its tests alone");
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
    let files = files_in(&project().join("engine/src"), &[]);
    assert!(files.len() > 10, "the engine's source was not found");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap().to_lowercase();
        let word = WORDS_OF_THE_LOTTERY.iter().find(|word| text.contains(**word));
        assert!(word.is_none(), "{} says {}", file.display(), word.unwrap());
    }
}

/// The engine's former words for things that have names in the field. As identifiers they do not come back.
const FORMER_NAMES: [&str; 12] = [
    "Stimulus",
    "Strand",
    "Cx",
    "Pen",
    "Hand",
    "Fed",
    "PATIENCE",
    "fn settle",
    "fn told",
    "fn moment",
    "MOST_",
    "LONGEST_",
];

/// The folder or file of `src` that a file belongs to.
fn module(source: &Path, file: &Path) -> String {
    let first = file.strip_prefix(source).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The modules that a text names by `crate::`.
fn named_modules(text: &str) -> BTreeSet<String> {
    let paths = text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| {
        line.match_indices("crate::").map(|(at, prefix)| &line[at + prefix.len()..]).collect::<Vec<_>>()
    });
    let name = |path: &str| {
        path.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
    };
    paths.map(name).collect()
}

#[test]
fn no_two_modules_of_the_engine_need_each_other() {
    let source = project().join("engine/src");
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files_in(&source, &[]).iter().filter(|file| file.extension().is_some_and(|ext| ext == "rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        // What the crate's front page names is a re-export of a module's.
        let module = module(&source, file);
        if module != "lib" {
            needs.entry(module).or_default().extend(named_modules(&text));
        }
    }
    assert!(needs["execution"].contains("model"), "the modules were not found");
    // Leave away what needs nothing of the rest, until nothing is left or all that is left is a circle.
    loop {
        let modules: BTreeSet<String> = needs.keys().cloned().collect();
        let lowest = needs
            .iter()
            .find(|(module, needed)| needed.iter().all(|it| it == *module || !modules.contains(it)));
        let Some(lowest) = lowest.map(|(module, _)| module.clone()) else { break };
        needs.remove(&lowest);
    }
    assert!(needs.is_empty(), "these modules need each other: {needs:?}");
}

/// Former names of the store and the tasks, which do not come back either.
const FORMER_NAMES_OF_THE_LOTTERY: [&str; 9] = [
    "Standing",
    "Settlement",
    "Telling",
    "Elsewhere",
    "let_go",
    "is_settled",
    "fn letter",
    "PATIENCE",
    "GRACE",
];

#[test]
fn the_engine_keeps_to_the_names_of_its_field() {
    assert_no_name_of(&FORMER_NAMES, "engine/src");
}

#[test]
fn the_store_and_the_tasks_keep_to_the_names_of_their_field() {
    for folder in ["lottery-store/src", "workflow-tasks/src"] {
        assert_no_name_of(&FORMER_NAMES_OF_THE_LOTTERY, folder);
    }
}

fn assert_no_name_of(former_names: &[&str], folder: &str) {
    let files = files_in(&project().join(folder), &[]);
    assert!(files.len() > 10, "the source of {folder} was not found");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for former in former_names {
            let is_part =
                |character: Option<char>| character.is_some_and(|it| it.is_alphanumeric() || it == '_');
            let mut found = text.match_indices(former).filter(|(at, _)| {
                let ends = former.ends_with('_') || !is_part(text[at + former.len()..].chars().next());
                ends && !is_part(text[..*at].chars().next_back())
            });
            assert!(found.next().is_none(), "{} says {former}", file.display());
        }
    }
}

fn project() -> PathBuf {
    normalized(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
}

/// The files of text below a folder, except those in folders that are left out.
fn files_in(folder: &Path, left_out: &[PathBuf]) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    let is_text = |path: &Path| path.extension().is_none_or(|extension| extension != "bin");
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true if left_out.contains(&path) => {}
                true => folders.push(path),
                false => files.extend(Some(path).filter(|path| is_text(path))),
            }
        }
    }
    files
}

/// A path without `.` and `..`, as text: links are not followed.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(normalized.pop()),
            Component::CurDir => {}
            other => normalized.push(other),
        }
    }
    normalized
}

/// The files that a source file of a package compiles in: by a macro, or as a module by an attribute. Of a path that a
/// macro puts together, the literal parts count.
fn embedded(package: &Path, source: &Path, text: &str) -> Vec<PathBuf> {
    let calls = EMBEDDING.iter().flat_map(|name| text.match_indices(name).map(|(at, name)| at + name.len()));
    let argument = |at: usize| {
        let mut depth = 0;
        let end = text[at..].char_indices().find(|(_, character)| {
            depth += i32::from("([{".contains(*character)) - i32::from(")]}".contains(*character));
            depth == 0 && !character.is_whitespace()
        });
        &text[at..at + end.map_or(0, |(length, _)| length)]
    };
    let path = |argument: &str| {
        let (env, base) = ("env!(\"CARGO_MANIFEST_DIR\")", source.parent().unwrap());
        let base = if argument.contains(env) { package } else { base };
        let argument = argument.replace(env, "");
        let literals: String = argument.split('"').skip(1).step_by(2).collect();
        normalized(&base.join(literals.trim_start_matches('/')))
    };
    let attributes = text.match_indices("#[path").filter_map(|(at, name)| {
        let value = text[at + name.len()..].trim_start().strip_prefix('=')?;
        Some(&value[..value.find(']')?])
    });
    // Without a literal it is no call, but the name of the macro in a text.
    calls.map(argument).chain(attributes).filter(|argument| argument.contains('"')).map(path).collect()
}

#[test]
fn no_crate_compiles_in_a_file_of_another_ones_folder() {
    let metadata = metadata();
    let folder_of =
        |package: &Value| Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let folders: Vec<PathBuf> = packages.iter().map(folder_of).collect();
    let mut outside = Vec::new();
    for package in packages {
        let (name, folder) = (package["name"].as_str().unwrap(), folder_of(package));
        let sources = files_in(&folder, &folders);
        for source in
            sources.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        {
            let text = std::fs::read_to_string(source).unwrap();
            let foreign =
                embedded(&folder, source, &text).into_iter().filter(|path| !path.starts_with(&folder));
            for path in foreign {
                let path = path.strip_prefix(project()).unwrap().to_str().unwrap().to_owned();
                let known = EMBEDDED_FROM_OUTSIDE.contains(&(name, &path));
                assert!(known, "{} compiles in {path}: take it from a crate that owns it", source.display());
                outside.push((name.to_owned(), path));
            }
        }
    }
    outside.sort();
    let expected = EMBEDDED_FROM_OUTSIDE.map(|(name, path)| (name.to_owned(), path.to_owned()));
    assert_eq!(outside, expected, "each of these files has one home");
    let owned =
        |(_, path): &(&str, &str)| folders.iter().any(|folder| project().join(path).starts_with(folder));
    assert!(!EMBEDDED_FROM_OUTSIDE.iter().any(owned), "no file of another package may be listed");
}

#[test]
fn embedded_paths_are_seen_however_they_are_written() {
    let (package, source) = (Path::new("/p/api"), Path::new("/p/api/src/draws/page.rs"));
    let seen = |text: String| embedded(package, source, &text);
    // Put together, so that this file has no such call.
    for name in EMBEDDING {
        let sibling = [PathBuf::from("/p/statemachine/a.json")];
        assert_eq!(seen(format!("const A: &str = {name}(\"../../../statemachine/a.json\");")), sibling);
        assert_eq!(seen(format!("{name} (\n    \"../../../statemachine/a.json\",\n)")), sibling);
        let manifest = "env!(\"CARGO_MANIFEST_DIR\")";
        let text = format!("{name}(concat!({manifest}, \"/../statemachine/a.json\")); f(\"x\")");
        assert_eq!(seen(text), sibling);
        assert_eq!(seen(format!("{name}(concat!(\"../../web/\", $path))")), [PathBuf::from("/p/api/web")]);
        assert_eq!(seen(format!("{name}[\"a.txt\"]")), [PathBuf::from("/p/api/src/draws/a.txt")]);
        assert_eq!(seen(format!("//! {name} compiles a file in")), [] as [PathBuf; 0]);
    }
    let module = |value: &str| seen(format!("#[path{value}]\nmod support;"));
    let outside = [PathBuf::from("/p/tests/support.rs")];
    assert_eq!(module(" = \"../../../tests/support.rs\""), outside);
    assert_eq!(module("=\"../../../tests/support.rs\""), outside);
    assert_eq!(module(" = \"page/support.rs\""), [PathBuf::from("/p/api/src/draws/page/support.rs")]);
}
