//! The types of states: what each does on entry, and how its fields select and shape data.
//!
//! A state is a plain function from what it can see ([`Scope`]) to a [`Step`]; it neither waits nor writes.

mod choice;
mod error;
mod fail;
mod guarded;
mod handlers;
mod item_reader;
mod map;
mod parallel;
mod pass;
mod processing;
mod quantity;
mod result_writer;
mod states;
mod succeed;
mod task;
mod wait;

use std::sync::Arc;

pub(crate) use error::{ErrorNames, FailureEvent, Stage, StateError};
pub(crate) use guarded::guarded;
pub(crate) use handlers::Handlers;
pub(crate) use item_reader::{Files, Format, ReadRequest};
pub(crate) use map::{Batching, DISTRIBUTED_ONLY, Distributed, Map, MapItem, MapMode, MapRequest, Tolerance};
pub(crate) use processing::{Finished, Processing};
pub(crate) use result_writer::{Transformation, WriteRequest};
pub(crate) use states::{MAX_NESTING, StateIndices, States, Transition};
pub(crate) use task::TaskRequest;

use crate::data::{Json, Scope};
use crate::fields::{DefinitionError, Fields, Language};
use crate::history::EventType;
use crate::integration::Resource;

/// A state of a definition.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: Arc<str>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Pass(pass::Pass),
    Task(Box<task::Task>),
    Choice(choice::Choice),
    Wait(wait::Wait),
    Succeed(succeed::Succeed),
    Fail(fail::Fail),
    Parallel(Box<parallel::Parallel>),
    Map(Box<map::Map>),
}

/// What happens after a state was entered.
pub(crate) enum Step {
    /// Leave the state.
    Exit(Finished, Transition),
    /// Leave the state at this time.
    Sleep {
        /// Milliseconds since 1970.
        until: i64,
    },
    /// Schedule a task, and wait for its result.
    ScheduleTask(TaskRequest),
    /// Start the branches of a Parallel state, each on this input.
    StartBranches { input: Json },
    /// Start the iterations of a Map state.
    StartIterations(MapRequest),
}

impl State {
    /// Parses one member of `States`.
    pub(crate) fn parse(
        name: &Arc<str>,
        fields: &Fields<'_>,
        outer: Language,
        indices: &StateIndices<'_>,
    ) -> Result<State, DefinitionError> {
        let language = Language::parse(fields, outer)?;
        let kind = match fields.text("Type")? {
            "Pass" => Kind::Pass(pass::Pass::parse(fields, language, indices)?),
            "Task" => Kind::Task(Box::new(task::Task::parse(fields, language, indices)?)),
            "Choice" => Kind::Choice(choice::Choice::parse(fields, language, indices)?),
            "Wait" => Kind::Wait(wait::Wait::parse(fields, language, indices)?),
            "Succeed" => Kind::Succeed(succeed::Succeed::parse(fields, language)?),
            "Fail" => Kind::Fail(fail::Fail::parse(fields, language)?),
            "Parallel" => {
                Kind::Parallel(Box::new(parallel::Parallel::parse(fields, language, outer, indices)?))
            }
            "Map" => Kind::Map(Box::new(map::Map::parse(fields, language, outer, indices)?)),
            _ => return Err(fields.wrong("Type", "is not a type of state")),
        };
        Ok(State { name: Arc::clone(name), kind })
    }

    /// Enters the state.
    pub(crate) fn enter(&self, cx: &Scope<'_>) -> Result<Step, StateError> {
        guarded(|| match &self.kind {
            Kind::Pass(pass) => pass.enter(cx),
            Kind::Task(task) => task.enter(cx),
            Kind::Choice(choice) => choice.enter(cx),
            Kind::Wait(wait) => wait.enter(cx),
            Kind::Succeed(succeed) => succeed.enter(cx),
            Kind::Fail(fail) => Err(fail.enter(cx)),
            Kind::Parallel(parallel) => parallel.enter(cx),
            Kind::Map(map) => map.enter(cx),
        })
    }

    /// The output of the state from the result of its work, and the transition.
    pub(crate) fn reply(&self, cx: &Scope<'_>, result: Json) -> Result<(Finished, Transition), StateError> {
        guarded(|| match &self.kind {
            Kind::Pass(pass) => Ok((pass.processing.finish(cx, result)?, pass.transition)),
            Kind::Task(task) => Ok((task.processing.finish(cx, result)?, task.transition)),
            Kind::Parallel(parallel) => Ok((parallel.processing.finish(cx, result)?, parallel.transition)),
            Kind::Map(map) => Ok((map.processing.finish(cx, result)?, map.transition)),
            Kind::Wait(wait) => wait.reply(cx),
            // These never wait for a result.
            Kind::Choice(_) | Kind::Succeed(_) | Kind::Fail(_) => {
                Err(StateError::runtime("a state without work got a result"))
            }
        })
    }

    /// `Retry` and `Catch`, for the types that have them.
    pub(crate) fn handlers(&self) -> Option<&Handlers> {
        match &self.kind {
            Kind::Task(task) => Some(&task.handlers),
            Kind::Parallel(parallel) => Some(&parallel.handlers),
            Kind::Map(map) => Some(&map.handlers),
            Kind::Pass(_) | Kind::Choice(_) | Kind::Wait(_) | Kind::Succeed(_) | Kind::Fail(_) => None,
        }
    }

    /// The event of entering the state.
    pub(crate) fn entered(&self) -> EventType {
        match &self.kind {
            Kind::Pass(_) => EventType::PassStateEntered,
            Kind::Task(_) => EventType::TaskStateEntered,
            Kind::Choice(_) => EventType::ChoiceStateEntered,
            Kind::Wait(_) => EventType::WaitStateEntered,
            Kind::Succeed(_) => EventType::SucceedStateEntered,
            Kind::Fail(_) => EventType::FailStateEntered,
            Kind::Parallel(_) => EventType::ParallelStateEntered,
            Kind::Map(_) => EventType::MapStateEntered,
        }
    }

    /// The event of leaving the state; a Fail state is never left.
    pub(crate) fn exited(&self) -> EventType {
        match &self.kind {
            Kind::Pass(_) => EventType::PassStateExited,
            Kind::Task(_) => EventType::TaskStateExited,
            Kind::Choice(_) => EventType::ChoiceStateExited,
            Kind::Wait(_) => EventType::WaitStateExited,
            Kind::Succeed(_) | Kind::Fail(_) => EventType::SucceedStateExited,
            Kind::Parallel(_) => EventType::ParallelStateExited,
            Kind::Map(_) => EventType::MapStateExited,
        }
    }

    /// The event of an aborted state, for the types that have one.
    pub(crate) fn aborted(&self) -> Option<EventType> {
        match &self.kind {
            Kind::Task(_) => Some(EventType::TaskStateAborted),
            Kind::Wait(_) => Some(EventType::WaitStateAborted),
            Kind::Parallel(_) => Some(EventType::ParallelStateAborted),
            Kind::Map(_) => Some(EventType::MapStateAborted),
            Kind::Pass(_) | Kind::Choice(_) | Kind::Succeed(_) | Kind::Fail(_) => None,
        }
    }

    /// The event of a failed branch or iteration, for the types that have one.
    pub(crate) fn failed(&self) -> Option<EventType> {
        match &self.kind {
            Kind::Parallel(_) => Some(EventType::ParallelStateFailed),
            Kind::Map(_) => Some(EventType::MapStateFailed),
            _ => None,
        }
    }

    /// The resource of a Task state.
    pub(crate) fn resource(&self) -> Option<&Resource> {
        match &self.kind {
            Kind::Task(task) => Some(&task.resource),
            _ => None,
        }
    }

    /// The state as a Map.
    pub(crate) fn as_map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The branches or the item processor, one after the other.
    pub(crate) fn inner(&self) -> &[Arc<States>] {
        match &self.kind {
            Kind::Parallel(parallel) => &parallel.branches,
            Kind::Map(map) => std::slice::from_ref(&map.processor),
            _ => &[],
        }
    }

    /// Whether the context object has `State.RetryCount`.
    pub(crate) fn counts_retries(&self) -> bool {
        self.handlers().is_some()
    }
}
