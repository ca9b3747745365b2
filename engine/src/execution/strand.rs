//! [`Strand`]: one line of states within an execution. The execution is one; each branch and iteration is another.

use std::sync::Arc;

use crate::data::{Json, Variables};
use crate::definition::States;
use crate::execution::Item;
use crate::execution::map_run::MapRun;
use crate::execution::timers::TimerKey;

/// One line of states.
#[derive(Debug)]
pub(crate) struct Strand {
    /// Tells it from others that had or will have its place in the list.
    pub(crate) serial: u64,
    pub(crate) parent: Option<Parent>,
    pub(crate) states: Arc<States>,
    /// Which of the states it is in.
    pub(crate) place: usize,
    pub(crate) input: Json,
    pub(crate) variables: Variables,
    pub(crate) item: Option<Item>,
    /// The event that the next one follows.
    pub(crate) last: u64,
    /// What `last` was before the present state was entered.
    pub(crate) last_before: u64,
    /// The event that tells of entering the present state.
    pub(crate) entered: u64,
    pub(crate) entered_at: i64,
    /// How often each retrier of the present state has been used.
    pub(crate) retries: Vec<u64>,
    pub(crate) work: Work,
}

/// Where a strand goes on when it is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent {
    pub(crate) strand: usize,
    /// Its branch or iteration.
    pub(crate) index: usize,
}

/// What a strand does or waits for.
#[derive(Debug)]
pub(crate) enum Work {
    /// It is to enter its state.
    Enter,
    /// It is to begin the work of its state again.
    Again,
    /// It waits for a Wait state's moment.
    Sleeping(TimerKey),
    /// It waits before it tries again.
    Delayed(TimerKey),
    /// It waits for a task.
    Asking(u64),
    /// It waits for the branches of its Parallel state or the iterations of its Map state.
    Branching(Branches),
    /// It waits for the children of its Distributed Map.
    Running(Box<MapRun>),
    /// Its failure or abortion ended the execution; a redrive begins here.
    Broken,
}

/// Branches or iterations under way.
#[derive(Debug)]
pub(crate) struct Branches {
    /// The outputs of those that are done.
    pub(crate) outputs: Vec<Option<Json>>,
    pub(crate) left: usize,
    /// The items of a Map and its selected input; iterations are begun one by one.
    pub(crate) map: Option<Iterations>,
    /// Which strands run, in the order in which they began.
    pub(crate) children: Vec<usize>,
}

/// The iterations of an inline Map.
#[derive(Debug)]
pub(crate) struct Iterations {
    pub(crate) items: Arc<[Json]>,
    pub(crate) selected: Json,
    /// The next to begin.
    pub(crate) next: usize,
}

impl Strand {
    /// How often the present state has been tried again.
    pub(crate) fn retry_count(&self) -> u64 {
        self.retries.iter().sum()
    }
}
