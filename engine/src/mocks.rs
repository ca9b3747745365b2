//! [`Mocks`]: answers of Task states in place of services, in the format of Step Functions Local's mock files.
//!
//! An execution that is started of `arn:…:stateMachine:NAME#TESTCASE` gets the answers of that test case; the states that
//! it does not name do their work.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use crate::data::Json;
use crate::model::TaskFailure;

/// The contents of a mock file: test cases by state machine, and the answers that they name.
#[derive(Debug, Default)]
pub struct Mocks {
    /// By the name of the machine, then by the name of the test case.
    machines: HashMap<String, HashMap<String, TestCase>>,
}

/// The answers of a test case, by the name of the state.
type TestCase = Arc<HashMap<String, Arc<Responses>>>;

/// The answers of one state, by which call of it they answer, counted from 0.
#[derive(Debug)]
struct Responses(Vec<(RangeInclusive<u64>, Result<Json, TaskFailure>)>);

/// What is wrong with a mock file, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct MockError {
    place: String,
    fault: String,
}

impl MockError {
    fn new(place: impl Into<String>, fault: impl Into<String>) -> MockError {
        MockError { place: place.into(), fault: fault.into() }
    }
}

impl Mocks {
    /// Reads the text of a mock file.
    ///
    /// # Errors
    /// The first fault, with its place in the file.
    pub fn parse(text: &str) -> Result<Mocks, MockError> {
        let file = Json::parse(text).map_err(|error| MockError::new("the file", error.to_string()))?;
        let mut responses = HashMap::new();
        for (name, item) in members(&file, "MockedResponses", "MockedResponses")? {
            let place = format!("MockedResponses.{name}");
            responses.insert(name.to_owned(), Arc::new(Responses::parse(item, &place)?));
        }
        let mut machines = HashMap::new();
        for (machine, item) in members(&file, "StateMachines", "StateMachines")? {
            let place = format!("StateMachines.{machine}.TestCases");
            let mut cases = HashMap::new();
            for (case, states) in members(item, "TestCases", &place)? {
                let place = format!("{place}.{case}");
                let states = states.as_object().ok_or_else(|| MockError::new(&place, "is not an object"))?;
                let mut answers = HashMap::new();
                for (state, response) in states.iter() {
                    let known = response.as_str().and_then(|name| responses.get(name));
                    let known = known.ok_or_else(|| {
                        MockError::new(format!("{place}.{state}"), "names no member of MockedResponses")
                    })?;
                    answers.insert(state.to_string(), Arc::clone(known));
                }
                cases.insert(case.to_owned(), Arc::new(answers));
            }
            machines.insert(machine.to_owned(), cases);
        }
        Ok(Mocks { machines })
    }

    /// Whether there are test cases of a state machine: it may name integrations that nothing here serves.
    pub fn has_machine(&self, name: &str) -> bool {
        self.machines.contains_key(name)
    }

    /// The answers of a test case for one execution.
    pub(crate) fn test_case(&self, machine: &str, case: &str) -> Option<Arc<Mocked>> {
        let answers = Arc::clone(self.machines.get(machine)?.get(case)?);
        Some(Arc::new(Mocked { answers, missing: None, calls: Mutex::default() }))
    }
}

fn members<'a>(json: &'a Json, name: &str, place: &str) -> Result<Vec<(&'a str, &'a Json)>, MockError> {
    match json.get(name) {
        None => Ok(Vec::new()),
        Some(json) => {
            let object = json.as_object().ok_or_else(|| MockError::new(place, "is not an object"))?;
            Ok(object.iter().map(|(name, value)| (&**name, value)).collect())
        }
    }
}

impl Responses {
    fn parse(json: &Json, place: &str) -> Result<Responses, MockError> {
        let object = json.as_object().ok_or_else(|| MockError::new(place, "is not an object"))?;
        let mut responses = Vec::with_capacity(object.len());
        for (calls, response) in object.iter() {
            let place = format!("{place}.{calls}");
            let range = parse_range(calls).ok_or_else(|| {
                MockError::new(&place, "is neither the number of a call, such as 0, nor a range, such as 1-3")
            })?;
            responses.push((range, parse_response(response, &place)?));
        }
        responses.sort_by_key(|(range, _)| *range.start());
        if responses.is_empty() {
            return Err(MockError::new(place, "has no response"));
        }
        Ok(Responses(responses))
    }

    /// The answer to a call. Calls beyond the last range get the last answer.
    fn answer(&self, call: u64) -> Option<Result<Json, TaskFailure>> {
        let found = self.0.iter().find(|(range, _)| range.contains(&call)).or(self.0.last());
        found.map(|(_, response)| response.clone())
    }
}

fn parse_range(text: &str) -> Option<RangeInclusive<u64>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some(first..=last)
}

fn parse_response(json: &Json, place: &str) -> Result<Result<Json, TaskFailure>, MockError> {
    match (json.get("Return"), json.get("Throw")) {
        (Some(value), None) => Ok(Ok(value.clone())),
        (None, Some(thrown)) => {
            let text = |name: &str| thrown.get(name).and_then(Json::as_str).map(str::to_owned);
            let error = text("Error").ok_or_else(|| MockError::new(place, "throws without Error"))?;
            Ok(Err(TaskFailure { error, cause: text("Cause").unwrap_or_default() }))
        }
        _ => Err(MockError::new(place, "needs either Return or Throw")),
    }
}

/// The answers of a test case, and how many of each state have been given.
#[derive(Debug)]
pub(crate) struct Mocked {
    answers: TestCase,
    /// The test case, if the mock file does not have it any more.
    missing: Option<String>,
    calls: Mutex<HashMap<String, u64>>,
}

impl Mocked {
    /// Answers each call with a failure that names the test case, which is gone.
    pub(crate) fn missing(case: &str) -> Mocked {
        Mocked { answers: TestCase::default(), missing: Some(case.to_owned()), calls: Mutex::default() }
    }

    /// The answer to the next call of a state; `None` if the test case does not name the state.
    pub(crate) fn next(&self, state: &str) -> Option<Result<Json, TaskFailure>> {
        if let Some(case) = &self.missing {
            let cause = format!("The mock file does not have the test case '{case}' any more");
            return Some(Err(TaskFailure { error: "States.Runtime".to_owned(), cause }));
        }
        let responses = self.answers.get(state)?;
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = calls.entry(state.to_owned()).or_default();
        let answer = responses.answer(*calls);
        *calls += 1;
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{
        "StateMachines": {"m": {"TestCases": {"Retried": {"Ask": "Slow"}}}},
        "MockedResponses": {"Slow": {
            "0": {"Throw": {"Error": "Lambda.TooManyRequestsException", "Cause": "busy"}},
            "1-2": {"Throw": {"Error": "Lambda.ServiceException"}},
            "3": {"Return": {"StatusCode": 200}}}}}"#;

    #[test]
    fn calls_are_answered_by_their_number() {
        let mocks = Mocks::parse(FILE).unwrap();
        assert!(mocks.has_machine("m") && !mocks.has_machine("n"));
        let mocked = mocks.test_case("m", "Retried").unwrap();
        let errors: Vec<_> =
            (0..5).map(|_| mocked.next("Ask").unwrap().err().map(|failure| failure.error)).collect();
        let service = Some("Lambda.ServiceException".to_owned());
        let busy = Some("Lambda.TooManyRequestsException".to_owned());
        assert_eq!(errors, [busy, service.clone(), service, None, None]);
        assert!(mocked.next("Other").is_none() && mocks.test_case("m", "Other").is_none());
    }

    #[test]
    fn a_fault_is_named_with_its_place() {
        let fault = |text: &str| Mocks::parse(text).unwrap_err().to_string();
        assert_eq!(
            fault(r#"{"StateMachines": {"m": {"TestCases": {"T": {"A": "None"}}}}}"#),
            "StateMachines.m.TestCases.T.A: names no member of MockedResponses"
        );
        assert_eq!(
            fault(r#"{"MockedResponses": {"R": {"3-1": {"Return": 1}}}}"#),
            "MockedResponses.R.3-1: is neither the number of a call, such as 0, nor a range, such as 1-3"
        );
        assert_eq!(
            fault(r#"{"MockedResponses": {"R": {"0": {}}}}"#),
            "MockedResponses.R.0: needs either Return or Throw"
        );
        assert!(fault("[").starts_with("the file: "));
    }
}
