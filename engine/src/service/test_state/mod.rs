//! TestState: one state, run once, without an execution; what it calls may be mocked, and what its fields make of
//! the data on the way can be inspected.
//!
//! In reading order: `request` (what is asked, and the refusals), `subject` (the state as a machine of its own),
//! `context` (the context object), `trial` (running it) with
//! `work` (the call), `inspection` (the values on the way), `mock` (mocked
//! answers).

mod context;
mod inspection;
mod mock;
mod request;
mod subject;
mod trial;
mod work;

use super::answer::Answer;
use super::{Outcome, Service};
use crate::data::Json;
use crate::protocol::Request;
use inspection::Inspection;
use request::{Level, TestRequest};
use trial::{Trial, Verdict};

impl Service {
    pub(super) async fn test_state(&self, request: &mut Request) -> Outcome {
        let test = TestRequest::parse(request)?;
        let level = test.level;
        let (verdict, inspection) = Trial::run(self, test).await?;
        Ok(answer(verdict, inspection, level))
    }
}

fn answer(verdict: Verdict, inspection: Inspection, level: Level) -> Json {
    let output = verdict.output.map(|output| output.verbatim().into_owned());
    let mut answer = Answer::new()
        .with("status", verdict.status.as_str())
        .with_some("output", output)
        .with_some("error", verdict.error)
        .with_some("cause", verdict.cause)
        .with_some("nextState", verdict.next_state);
    if level != Level::Info {
        answer = answer.with("inspectionData", inspection.into_json());
    }
    answer.done()
}
