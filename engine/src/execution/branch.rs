//! [`Branch`]: one line of states within an execution.
//!
//! The execution itself is a branch without a parent; each branch of a Parallel state and each iteration of a Map state is
//! another.

use std::sync::Arc;

use crate::data::{Json, Variables};
use crate::execution::Item;
use crate::execution::children::MapRun;
use crate::execution::timers::TimerKey;
use crate::state::{MapItem, States};

/// One line of states.
#[derive(Debug)]
pub(crate) struct Branch {
    /// Distinguishes it from other branches that had or will have its index.
    pub(crate) serial: u64,
    pub(crate) parent: Option<Parent>,
    pub(crate) states: Arc<States>,
    /// The state that it is in.
    pub(crate) state_index: usize,
    pub(crate) input: Json,
    pub(crate) variables: Variables,
    pub(crate) item: Option<Item>,
    /// The event that the next one follows.
    pub(crate) last: u64,
    /// The value of `last` before the present state was entered.
    pub(crate) last_before: u64,
    /// The event of entering the present state.
    pub(crate) entered: u64,
    pub(crate) entered_at: i64,
    /// How often each retrier of the present state has been used.
    pub(crate) retries: Vec<u64>,
    pub(crate) work: Work,
}

/// The branch that continues when this one is complete.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent {
    pub(crate) branch: usize,
    /// The index of this branch or iteration.
    pub(crate) index: usize,
}

/// The work of a branch, or what it waits for.
#[derive(Debug)]
pub(crate) enum Work {
    /// Enter the state.
    Enter,
    /// Do the work of the state again, without entering it.
    Again,
    /// Wait for the timestamp of a Wait state.
    Sleeping(TimerKey),
    /// Wait for the next attempt of a retrier.
    Delayed(TimerKey),
    /// Wait for a task.
    Task(u64),
    /// Wait for the branches of a Parallel state or the iterations of a Map state.
    Branching(Children),
    /// Wait for the children of a Distributed Map.
    MapRun(Box<MapRun>),
    /// Its failure or abortion ended the execution; a redrive resumes here.
    Stopped,
}

/// Children or iterations under way.
#[derive(Debug)]
pub(crate) struct Children {
    /// The outputs of the complete ones.
    pub(crate) outputs: Vec<Option<Json>>,
    pub(crate) remaining: usize,
    /// The items of a Map and its selected input; iterations are started one by one.
    pub(crate) map: Option<Iterations>,
    /// The branches that run, in the order in which they started.
    pub(crate) running: Vec<usize>,
}

/// The iterations of an inline Map.
#[derive(Debug)]
pub(crate) struct Iterations {
    pub(crate) items: Arc<[MapItem]>,
    pub(crate) selected: Json,
    /// The index of the next item.
    pub(crate) next: usize,
}

impl Branch {
    /// How often the present state has been retried.
    pub(crate) fn retry_count(&self) -> u64 {
        self.retries.iter().sum()
    }
}
