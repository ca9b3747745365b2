//! [`MapRun`]: the children of a Distributed Map, the items that are still to be read for them, and what is described of it.

use std::sync::Arc;

use super::Action;
use super::batches::{Batcher, ChildInput};
use crate::data::Json;
use crate::model::{ExecutionStatus, MachineType, MapRunCounts};
use crate::state::{MapItem, ReadRequest, State, StateError, Tolerance, WriteRequest};

/// A child to start, to find again after a crash, or to redrive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChildStart {
    pub(crate) run: u64,
    pub(crate) index: u64,
    pub(crate) map_run_arn: Arc<str>,
    pub(crate) arn: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) state: Arc<str>,
    pub(crate) input: Json,
    pub(crate) items: u64,
    pub(crate) item: Option<MapItem>,
    /// Where the item was read from, if it was read.
    pub(crate) source: Option<Arc<str>>,
    pub(crate) execution_type: MachineType,
    /// How often its parent had been redriven: a child that failed before is redriven, too.
    pub(crate) redrives: u32,
}

/// The results of a map run that are to be written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Export {
    pub(crate) run: u64,
    pub(crate) map_run_arn: Arc<str>,
    pub(crate) request: Arc<WriteRequest>,
    /// The children that were not started, because the map run failed.
    pub(crate) pending: Vec<ChildStart>,
    /// How many children have ended by themselves.
    pub(crate) closed: u64,
}

/// A map run under way.
#[derive(Debug)]
pub(crate) struct MapRun {
    pub(super) run: u64,
    pub(super) children: Vec<Child>,
    /// The index of the next child to start.
    pub(super) next: usize,
    pub(super) running: usize,
    pub(super) max_running: usize,
    pub(super) tolerance: Tolerance,
    pub(super) state: MapRunState,
    /// The items of all children, and of those that did not succeed.
    pub(super) total_items: u64,
    pub(super) failed_items: u64,
    /// The bytes of the outputs that are kept for the result.
    pub(super) output_bytes: usize,
    pub(super) family: Family,
    /// Where more items come from.
    pub(super) reading: Option<Reading>,
    pub(super) writer: Option<Arc<WriteRequest>>,
    /// All children have ended, or the map run has failed, and its results are being written.
    pub(super) is_exporting: bool,
    pub(super) failure: Option<StateError>,
}

/// What the children of a map run have in common.
#[derive(Debug)]
pub(super) struct Family {
    /// `arn:aws:states:REGION:ACCOUNT`.
    pub(super) prefix: String,
    /// `MACHINE/LABEL`.
    pub(super) name: String,
    pub(super) execution_type: MachineType,
    pub(super) source: Option<Arc<str>>,
}

/// The items of a map run that come from a store.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) request: Arc<ReadRequest>,
    /// The state's input after `InputPath`: what `ItemSelector` looks at.
    pub(super) selected: Json,
    pub(super) batcher: Batcher,
    /// Where the next page begins; the first one has none.
    pub(super) position: Option<Json>,
    /// How many pages and items were read.
    pub(super) pages: u64,
    pub(super) count: u64,
    pub(super) is_under_way: bool,
    pub(super) is_over: bool,
}

#[derive(Debug)]
pub(super) struct Child {
    pub(super) items: u64,
    pub(super) state: ChildState,
}

/// What a child is, and of it what may still be needed: a map run may have a million.
#[derive(Debug)]
pub(super) enum ChildState {
    Pending(Box<ChildStart>),
    Running(Box<ChildStart>),
    Succeeded(Option<Json>),
    Failed(Box<ChildStart>, ExecutionStatus),
}

/// What DescribeMapRun returns of a map run.
#[derive(Clone, Debug)]
pub(crate) struct MapRunState {
    pub(crate) arn: Arc<str>,
    pub(crate) status: ExecutionStatus,
    pub(crate) start: i64,
    pub(crate) stop: Option<i64>,
    pub(crate) max_concurrency: u64,
    pub(crate) tolerance: Tolerance,
    pub(crate) items: MapRunCounts,
    pub(crate) executions: MapRunCounts,
    pub(crate) redrive_count: u32,
    pub(crate) redrive_date: Option<i64>,
}

impl MapRun {
    /// The children that were started and have not ended.
    pub(super) fn pending(&self) -> impl Iterator<Item = ChildStart> + '_ {
        self.children.iter().filter_map(|child| match &child.state {
            ChildState::Running(start) => Some((**start).clone()),
            _ => None,
        })
    }

    /// The reading or writing that is under way.
    pub(super) fn pending_transfer(&self) -> Option<Action> {
        if self.is_exporting {
            return self.export();
        }
        let reading = self.reading.as_ref().filter(|reading| reading.is_under_way)?;
        Some(self.read(reading))
    }

    fn read(&self, reading: &Reading) -> Action {
        Action::ReadItems {
            run: self.run,
            page: reading.pages,
            request: Arc::clone(&reading.request),
            position: reading.position.clone(),
        }
    }

    pub(super) fn export(&self) -> Option<Action> {
        let unstarted = self.children.iter().filter_map(|child| match &child.state {
            ChildState::Pending(start) => Some((**start).clone()),
            _ => None,
        });
        let is_aborted = |child: &&Child| {
            matches!(child.state, ChildState::Pending(_) | ChildState::Failed(_, ExecutionStatus::Aborted))
        };
        Some(Action::WriteResults(Export {
            run: self.run,
            map_run_arn: Arc::clone(&self.state.arn),
            request: Arc::clone(self.writer.as_ref()?),
            pending: unstarted.collect(),
            closed: (self.children.len() - self.children.iter().filter(is_aborted).count()) as u64,
        }))
    }

    pub(super) fn running_arns(&self) -> Vec<Arc<str>> {
        self.pending().map(|start| start.arn).collect()
    }

    /// Whether too many items have failed. As long as items are read, nobody knows of how many a percentage is one.
    pub(super) fn is_exceeded(&self) -> bool {
        let reads_on = self.reading.as_ref().is_some_and(|reading| !reading.is_over);
        let tolerance = match self.tolerance {
            Tolerance { count: None, percentage: Some(_) } if reads_on => return false,
            Tolerance { count, percentage: Some(_) } if reads_on => Tolerance { count, percentage: None },
            tolerance => tolerance,
        };
        self.failed_items > 0 && tolerance.is_exceeded(self.failed_items, self.total_items)
    }

    /// Adds a child with a name that is not taken.
    pub(super) fn add_child(&mut self, input: ChildInput, name: Arc<str>, state: &State, redrives: u32) {
        let ChildInput { input, items, item } = input;
        let Family { prefix, name: family, execution_type, source } = &self.family;
        let arn = match execution_type {
            MachineType::Standard => format!("{prefix}:execution:{family}:{name}"),
            MachineType::Express => format!("{prefix}:express:{family}:{name}:{name}"),
        };
        let start = ChildStart {
            run: self.run,
            index: self.children.len() as u64,
            map_run_arn: Arc::clone(&self.state.arn),
            arn: arn.into(),
            name,
            state: Arc::clone(&state.name),
            input,
            items,
            item,
            source: source.clone(),
            execution_type: *execution_type,
            redrives,
        };
        self.total_items += items;
        self.children.push(Child { items, state: ChildState::Pending(Box::new(start)) });
    }

    pub(super) fn describe(&self) -> MapRunState {
        let mut state = self.state.clone();
        for child in &self.children {
            count(&mut state.executions, &child.state, 1);
            count(&mut state.items, &child.state, child.items);
        }
        let waiting = self.reading.as_ref().map_or(0, |reading| reading.batcher.waiting());
        state.items.total += waiting;
        state.items.pending += waiting;
        state
    }
}

fn count(counts: &mut MapRunCounts, state: &ChildState, by: u64) {
    counts.total += by;
    *match state {
        ChildState::Pending(_) => &mut counts.pending,
        ChildState::Running(_) => &mut counts.running,
        ChildState::Succeeded(_) => &mut counts.succeeded,
        ChildState::Failed(_, ExecutionStatus::TimedOut) => &mut counts.timed_out,
        ChildState::Failed(_, ExecutionStatus::Aborted) => &mut counts.aborted,
        ChildState::Failed(..) => &mut counts.failed,
    } += by;
}
