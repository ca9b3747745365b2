//! The official suite of the reference implementation, and expressions made from a seed with what it gives for them.
//! Both lie in `tests/jsonata`, which says where they come from.

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use super::*;
use crate::data::Json;

/// Cases of the suite that end differently, and why.
const EXCEPTIONS: [(&str, &str); 3] = [
    ("function-eval/", "AWS has no `$eval`"),
    ("range-operator/case021", "more items than AWS allows"),
    ("range-operator/case024", "more items than AWS allows"),
];

fn lines(file: &str) -> Vec<Json> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/jsonata").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| Json::parse(line).unwrap()).collect()
}

/// Variables alone.
struct Bindings {
    variables: Json,
    drawn: Cell<u64>,
}

impl Host for Bindings {
    fn variable(&self, name: &str) -> Option<Value> {
        self.variables.get(name).map(Value::from)
    }

    fn function(&self, _name: &str) -> Option<&'static HostFunction> {
        None
    }

    fn now(&self) -> f64 {
        1_700_000_000_123.0
    }

    fn random(&self) -> u64 {
        self.drawn.set(self.drawn.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        self.drawn.get()
    }
}

/// What an expression gives: a value, nothing, or a refusal of a function.
fn run(
    text: &str,
    input: Option<&Json>,
    variables: Json,
    depth: usize,
) -> Outcome<Result<Option<Json>, Refusal>> {
    let program = Program::parse(text)?;
    let host = Bindings { variables, drawn: Cell::new(1) };
    let limits = Limits { steps: 5_000_000, bytes: 1 << 28, value_bytes: 1 << 23, depth };
    let value = evaluate(&program, &input.map(Value::from).unwrap_or_default(), &host, limits)?;
    Ok(value.to_json(1 << 24))
}

fn is_expected(case: &Json, given: &Outcome<Result<Option<Json>, Refusal>>) -> bool {
    let code = case.get("code").or_else(|| case.get("error")?.get("code")).and_then(Json::as_str);
    match given {
        Ok(Ok(Some(value))) => case.get("result") == Some(value),
        Ok(Ok(None)) => case.get("undefined").is_some(),
        Ok(Err(Refusal::Function)) => case.get("function").is_some(),
        Ok(Err(Refusal::TooLarge)) => false,
        // The suite's own guard against what does not end.
        Err(error) if code == Some("U1001") => error.bound().is_some(),
        Err(error) => match (code, case.get("message").and_then(Json::as_str)) {
            // The reference implementation shows what its functions are made of.
            (Some(code), Some(message)) => {
                error.code() == Some(code) && (error.message() == message || message.contains("_jsonata_"))
            }
            (Some(code), None) => error.code() == Some(code),
            // JavaScript stumbled; the words are its own.
            (None, _) => case.get("stumbles").is_some(),
        },
    }
}

/// Its deepest cases need more stack than a thread of tests has without optimisation.
#[test]
fn the_official_suite_passes() {
    let thread = std::thread::Builder::new().stack_size(1 << 26).spawn(run_official_suite).unwrap();
    thread.join().unwrap();
}

fn run_official_suite() {
    let data = lines("suite-data.json").remove(0);
    let (mut failed, mut excepted) = (Vec::new(), 0);
    let cases = lines("suite.ndjson");
    for case in &cases {
        let name = case.get("name").and_then(Json::as_str).unwrap();
        let text = case.get("expr").and_then(Json::as_str).unwrap();
        let input = match case.get("dataset").and_then(Json::as_str) {
            Some(dataset) => data.get(dataset),
            None => case.get("data"),
        };
        let depth = case.get("depth").and_then(Json::as_u64).unwrap_or(150) as usize;
        let variables = case.get("bindings").cloned().unwrap_or_else(Json::empty_object);
        let given = run(text, input, variables, depth.min(400));
        let is_excepted = EXCEPTIONS.iter().any(|(exception, _)| name.starts_with(exception));
        excepted += usize::from(is_excepted);
        if is_excepted == is_expected(case, &given) {
            failed.push(format!("{name}: {text}\n    {given:?}"));
        }
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
    assert_eq!((cases.len(), excepted), (1625, 14));
}

#[test]
fn generated_expressions_give_what_the_reference_implementation_gives() {
    let input = lines("differential.json").remove(0);
    let cases = match std::env::var_os("JSONATA_CASES") {
        Some(path) => {
            let text = fs::read_to_string(path).unwrap();
            text.lines().map(|line| Json::parse(line).unwrap()).collect()
        }
        None => lines("differential.ndjson"),
    };
    let mut failed = Vec::new();
    for case in &cases {
        let text = case.get("expr").and_then(Json::as_str).unwrap();
        let given = run(text, Some(&input), Json::object([("w", Json::from(3))]), 150);
        // JavaScript makes something of any argument that a partial application lets through; here it is refused.
        let is_refused =
            matches!(&given, Err(error) if error.message().ends_with("have other types than it takes"));
        if !is_refused && !is_expected(case, &given) {
            failed.push(format!("{}\n    {given:?}", case.to_text()));
        }
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
}
