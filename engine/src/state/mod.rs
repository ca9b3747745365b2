//! What each type of state does when it is entered, and what its fields make of data.
//!
//! A state is a plain function from what it can see ([`Cx`]) to a [`Step`]; it neither waits nor writes.

mod choice;
mod error;
mod fail;
mod guarded;
mod handlers;
mod map;
mod parallel;
mod pass;
mod processing;
mod quantity;
mod succeed;
mod task;
mod wait;

use std::sync::Arc;

use jiff::Timestamp;

pub(crate) use error::{ErrorNames, FailureEvent, Moment, StateError};
pub(crate) use guarded::guarded;
pub(crate) use handlers::Handlers;
pub(crate) use map::{Batching, DISTRIBUTED_ONLY, Distributed, Map, MapMode, Spread, Tolerance};
pub(crate) use processing::{Finished, Processing};
pub(crate) use task::TaskRequest;

use crate::data::{ContextObject, Json, Random, Scope, Variables};
use crate::definition::{DefinitionError, Fields, Language, Places, States, Transition};
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

/// What a state sees.
pub(crate) struct Cx<'a> {
    /// The state's input, before `InputPath`.
    pub(crate) input: &'a Json,
    pub(crate) variables: &'a Variables,
    pub(crate) context: &'a dyn ContextObject,
    pub(crate) random: &'a Random,
    pub(crate) now: Timestamp,
}

impl<'a> Cx<'a> {
    /// The scope of an expression over the state's input.
    pub(crate) fn scope(&self) -> Scope<'a> {
        Scope::new(self.input, self.context, self.variables, self.random, self.now)
    }

    /// The scope of an expression over something else.
    pub(crate) fn scope_over<'b>(&'b self, input: &'b Json) -> Scope<'b> {
        Scope::new(input, self.context, self.variables, self.random, self.now)
    }
}

/// What is to happen when a state has been entered.
pub(crate) enum Step {
    /// The state is done.
    Exit(Finished, Transition),
    /// The state is done when the moment has come.
    Sleep {
        /// Milliseconds since 1970.
        until: i64,
    },
    /// Something outside is to be asked.
    Ask(TaskRequest),
    /// The branches of a Parallel run, each on this input.
    Fork { input: Json },
    /// The iterations of a Map run.
    Spread(Spread),
}

impl State {
    /// Parses one member of `States`.
    pub(crate) fn parse(
        name: &Arc<str>,
        fields: &Fields<'_>,
        outer: Language,
        places: &Places<'_>,
    ) -> Result<State, DefinitionError> {
        let language = Language::parse(fields, outer)?;
        let kind = match fields.text("Type")? {
            "Pass" => Kind::Pass(pass::Pass::parse(fields, language, places)?),
            "Task" => Kind::Task(Box::new(task::Task::parse(fields, language, places)?)),
            "Choice" => Kind::Choice(choice::Choice::parse(fields, language, places)?),
            "Wait" => Kind::Wait(wait::Wait::parse(fields, language, places)?),
            "Succeed" => Kind::Succeed(succeed::Succeed::parse(fields, language)?),
            "Fail" => Kind::Fail(fail::Fail::parse(fields, language)?),
            "Parallel" => {
                Kind::Parallel(Box::new(parallel::Parallel::parse(fields, language, outer, places)?))
            }
            "Map" => Kind::Map(Box::new(map::Map::parse(fields, language, outer, places)?)),
            _ => return Err(fields.wrong("Type", "is not a type of state")),
        };
        Ok(State { name: Arc::clone(name), kind })
    }

    /// Enters the state.
    pub(crate) fn enter(&self, cx: &Cx<'_>) -> Result<Step, StateError> {
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

    /// What the state makes of the result of its work, and where it leads.
    pub(crate) fn reply(&self, cx: &Cx<'_>, result: Json) -> Result<(Finished, Transition), StateError> {
        guarded(|| match &self.kind {
            Kind::Pass(pass) => Ok((pass.processing.finish(cx, result)?, pass.transition)),
            Kind::Task(task) => Ok((task.processing.finish(cx, result)?, task.transition)),
            Kind::Parallel(parallel) => Ok((parallel.processing.finish(cx, result)?, parallel.transition)),
            Kind::Map(map) => Ok((map.processing.finish(cx, result)?, map.transition)),
            Kind::Wait(wait) => wait.reply(cx),
            // These never wait for anything, so that nothing answers them.
            Kind::Choice(_) | Kind::Succeed(_) | Kind::Fail(_) => {
                Err(StateError::runtime("a state that asks nothing was answered"))
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

    /// The event that tells of entering.
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

    /// The event that tells of leaving; a Fail state is never left.
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

    /// The event that tells that the state was broken off, for the types that have one.
    pub(crate) fn aborted(&self) -> Option<EventType> {
        match &self.kind {
            Kind::Task(_) => Some(EventType::TaskStateAborted),
            Kind::Wait(_) => Some(EventType::WaitStateAborted),
            Kind::Parallel(_) => Some(EventType::ParallelStateAborted),
            Kind::Map(_) => Some(EventType::MapStateAborted),
            Kind::Pass(_) | Kind::Choice(_) | Kind::Succeed(_) | Kind::Fail(_) => None,
        }
    }

    /// The event that tells that what runs within the state failed, for the types that have one.
    pub(crate) fn failed(&self) -> Option<EventType> {
        match &self.kind {
            Kind::Parallel(_) => Some(EventType::ParallelStateFailed),
            Kind::Map(_) => Some(EventType::MapStateFailed),
            _ => None,
        }
    }

    /// What a Task asks for.
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
