//! Executions of a test case: their Task states get answers in place of services.

use std::sync::Arc;

use super::active::ActiveExecution;
use super::{Inner, Refusal};
use crate::data::Json;
use crate::execution::{Command, Identity, Invocation, Reported, Target};
use crate::integration::Pattern;
use crate::mocks::Mocked;

impl Inner {
    /// The machine and the test case of `arn:…:stateMachine:NAME#TESTCASE`, in an engine with test cases.
    pub(super) fn split_test_case<'a>(&self, arn: &'a str) -> (&'a str, Option<&'a str>) {
        match arn.split_once('#') {
            Some((machine, case)) if self.config.mocks.is_some() => (machine, Some(case)),
            _ => (arn, None),
        }
    }

    pub(super) fn check_test_case(&self, machine: &str, case: Option<&str>) -> Result<(), Refusal> {
        let (Some(case), Some(mocks)) = (case, &self.config.mocks) else { return Ok(()) };
        match mocks.test_case(machine, case) {
            Some(_) => Ok(()),
            None => Err(Refusal::Invalid(format!(
                "The mock file has no test case '{case}' of the state machine '{machine}'"
            ))),
        }
    }

    /// The answers for an execution of a test case.
    pub(super) fn mocked(&self, identity: &Identity) -> Option<Arc<Mocked>> {
        let case = identity.test_case.as_deref()?;
        let mocks = self.config.mocks.as_ref();
        let known = mocks.and_then(|mocks| mocks.test_case(&identity.state_machine_name, case));
        // The file may have changed since the execution began: it must not fall back to the services.
        Some(known.unwrap_or_else(|| Arc::new(Mocked::missing(case))))
    }

    /// Answers a call, if the test case names its state.
    pub(super) fn answer_by_mock(
        self: &Arc<Inner>,
        active: &Arc<ActiveExecution>,
        mocked: &Arc<Mocked>,
        invocation: &Invocation,
    ) -> bool {
        let task = invocation.task;
        let Some((state, pattern)) = active.look(|execution| execution.task_state(task)) else {
            return false;
        };
        let Some(result) = mocked.next(&state) else { return false };
        let is_activity = matches!(invocation.target, Target::Activity { .. });
        let is_function = matches!(&invocation.target, Target::Host { service, action, .. } if &**service == "lambda" && &**action == "invoke");
        let (engine, active) = (Arc::clone(self), Arc::clone(active));
        self.runtime.spawn(async move {
            if pattern == Pattern::Request && !is_activity {
                // Of a function the engine wants the payload: it adds the rest of the answer itself.
                let result = result.map(|answer| if is_function { payload(answer) } else { answer });
                engine.apply(&active, Command::TaskReturned { task, result }).await;
                return;
            }
            let report = result.map_err(|failure| Reported {
                error: Some(failure.error.into()),
                cause: Some(failure.cause.into()),
            });
            if is_activity {
                engine.apply(&active, Command::TaskTaken { task, worker: None }).await;
                engine.apply(&active, Command::TaskReported { task, report }).await;
            } else {
                // The report first, so that nothing is missing if the process ends between the two.
                engine.apply(&active, Command::TaskReported { task, report }).await;
                let result = Ok(Json::empty_object());
                engine.apply(&active, Command::TaskReturned { task, result }).await;
            }
        });
        true
    }
}

/// What a function returned, of an answer of the Invoke API.
fn payload(answer: Json) -> Json {
    answer.get("Payload").cloned().unwrap_or(answer)
}
