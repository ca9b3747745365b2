//! Map runs: the child executions of a Distributed Map, each for an item or a batch of items.

use std::sync::Arc;

use super::batches::{ChildInput, batch};
use super::branch::Work;
use super::run::Progress;
use super::{Action, Execution, Item, ItemOrigin, Outcome};
use crate::data::Json;
use crate::history::{Detail, EventType, Field};
use crate::model::{ExecutionStatus, MachineType, MapRunChange, MapRunCounts};
use crate::state::{Distributed, Map, MapItem, MapRequest, State, StateError, Tolerance, guarded};

/// How many children run at once where the definition sets no limit.
///
/// DIFFERENCE: AWS runs 10,000; here they share one machine.
const MAX_CONCURRENT_CHILDREN: usize = 1_000;

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
    pub(crate) execution_type: MachineType,
    /// How often its parent had been redriven: a child that failed before is redriven, too.
    pub(crate) redrives: u32,
}

/// A map run under way.
#[derive(Debug)]
pub(crate) struct MapRun {
    run: u64,
    children: Vec<Child>,
    /// The index of the next child to start.
    next: usize,
    running: usize,
    max_running: usize,
    tolerance: Tolerance,
    state: MapRunState,
}

#[derive(Debug)]
struct Child {
    start: ChildStart,
    state: ChildState,
}

#[derive(Debug)]
enum ChildState {
    Pending,
    Running,
    Closed(Outcome),
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
        self.children
            .iter()
            .filter(|child| matches!(child.state, ChildState::Running))
            .map(|child| child.start.clone())
    }

    pub(super) fn running_arns(&self) -> Vec<Arc<str>> {
        self.pending().map(|start| start.arn).collect()
    }

    fn failed_items(&self) -> u64 {
        self.children
            .iter()
            .filter(|child| matches!(&child.state, ChildState::Closed(outcome) if outcome.status != ExecutionStatus::Succeeded))
            .map(|child| child.start.items)
            .sum()
    }

    fn total_items(&self) -> u64 {
        self.children.iter().map(|child| child.start.items).sum()
    }

    fn describe(&self) -> MapRunState {
        let mut state = self.state.clone();
        for child in &self.children {
            count(&mut state.executions, &child.state, 1);
            count(&mut state.items, &child.state, child.start.items);
        }
        state
    }
}

fn count(counts: &mut MapRunCounts, state: &ChildState, by: u64) {
    counts.total += by;
    *match state {
        ChildState::Pending => &mut counts.pending,
        ChildState::Running => &mut counts.running,
        ChildState::Closed(outcome) => match outcome.status {
            ExecutionStatus::Succeeded => &mut counts.succeeded,
            ExecutionStatus::TimedOut => &mut counts.timed_out,
            ExecutionStatus::Aborted => &mut counts.aborted,
            ExecutionStatus::Failed | ExecutionStatus::Running | ExecutionStatus::PendingRedrive => {
                &mut counts.failed
            }
        },
    } += by;
}

impl Execution {
    /// The map runs, in the order in which they started.
    pub(crate) fn map_runs(&self) -> Vec<MapRunState> {
        let live = self.branches.iter().flatten().filter_map(|branch| match &branch.work {
            Work::MapRun(run) => Some(run.describe()),
            _ => None,
        });
        let mut runs: Vec<MapRunState> = self.ended_runs.iter().cloned().chain(live).collect();
        runs.sort_by_key(|run| run.start);
        runs
    }

    /// Starts the map run of a Distributed Map.
    pub(super) fn start_map_run(
        &mut self,
        id: usize,
        state: &Arc<State>,
        distributed: &Distributed,
        request: MapRequest,
    ) -> Progress {
        let Some(map) = state.as_map() else { return Progress::Suspend };
        let prepared = {
            let branch = self.branch(id);
            let context = self.context(branch, state, None);
            let scope = self.scope(branch, &context);
            guarded(|| {
                let tolerance = distributed.tolerance(&scope, &request.selected)?;
                Ok((tolerance, distributed.batching(&scope, &request.selected)?))
            })
        };
        let prepared = prepared.and_then(|(tolerance, batching)| {
            let inputs = self.item_inputs(id, state, map, &request)?;
            Ok((tolerance, batch(inputs, batching)))
        });
        let (tolerance, inputs) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return self.fail(id, state, error),
        };
        let label = distributed.label.clone().unwrap_or_else(|| self.random.uuid());
        let family = format!("{}/{label}", self.identity.state_machine_name);
        let prefix = arn_prefix(&self.identity.state_machine_arn);
        let map_run_arn: Arc<str> = format!("{prefix}:mapRun:{family}:{}", self.random.uuid()).into();
        self.last_map_run += 1;
        let run = self.last_map_run;
        let children = inputs
            .into_iter()
            .enumerate()
            .map(|(index, ChildInput { input, items, item })| {
                let name: Arc<str> = self.random.uuid().into();
                let arn = match distributed.execution_type {
                    MachineType::Standard => format!("{prefix}:execution:{family}:{name}"),
                    MachineType::Express => format!("{prefix}:express:{family}:{name}:{name}"),
                };
                let start = ChildStart {
                    run,
                    index: index as u64,
                    map_run_arn: Arc::clone(&map_run_arn),
                    arn: arn.into(),
                    name,
                    state: Arc::clone(&state.name),
                    input,
                    items,
                    item,
                    execution_type: distributed.execution_type,
                    redrives: self.redrive_count,
                };
                Child { start, state: ChildState::Pending }
            })
            .collect();
        self.emit(
            id,
            EventType::MapRunStarted,
            vec![(Field::MapRunArn, Detail::Text(Arc::clone(&map_run_arn)))],
        );
        self.started_map_runs.push(Arc::clone(&map_run_arn));
        let map_run = MapRun {
            run,
            children,
            next: 0,
            running: 0,
            max_running: max_running(request.max_concurrency),
            tolerance,
            state: MapRunState {
                arn: map_run_arn,
                status: ExecutionStatus::Running,
                start: self.now,
                stop: None,
                max_concurrency: request.max_concurrency,
                tolerance,
                items: MapRunCounts::default(),
                executions: MapRunCounts::default(),
                redrive_count: 0,
                redrive_date: None,
            },
        };
        self.branch_mut(id).work = Work::MapRun(Box::new(map_run));
        self.drive_map_run(id, state)
    }

    /// The input of each item, after `ItemSelector`.
    fn item_inputs(
        &self,
        id: usize,
        state: &State,
        map: &Map,
        request: &MapRequest,
    ) -> Result<Vec<(Json, MapItem)>, StateError> {
        let branch = self.branch(id);
        (0_u64..)
            .zip(request.items.iter())
            .map(|(index, value)| {
                let item = Item { index, item: value.clone(), origin: ItemOrigin::StateData };
                let mut context = self.context(branch, state, None);
                context.item = Some(&item);
                let input = map.iteration_input(&self.scope(branch, &context), &request.selected, value)?;
                Ok((input, value.clone()))
            })
            .collect()
    }

    /// Starts as many children as may run; completes the map run when all children have ended.
    fn drive_map_run(&mut self, id: usize, state: &State) -> Progress {
        let Work::MapRun(run) = &mut self.branch_mut(id).work else { return Progress::Suspend };
        let mut starts = Vec::new();
        while run.running < run.max_running && run.next < run.children.len() {
            let child = &mut run.children[run.next];
            run.next += 1;
            if matches!(child.state, ChildState::Pending) {
                child.state = ChildState::Running;
                run.running += 1;
                starts.push(Action::StartChild(child.start.clone()));
            }
        }
        let is_over = run.running == 0;
        self.actions.extend(starts);
        if !is_over {
            return Progress::Suspend;
        }
        let Work::MapRun(run) = &self.branch(id).work else { return Progress::Suspend };
        // Failed children within the tolerance have no output.
        let outputs = run.children.iter().filter_map(|child| match &child.state {
            ChildState::Closed(outcome) => outcome.output.clone(),
            ChildState::Pending | ChildState::Running => None,
        });
        let result = Json::array(outputs);
        let succeeded = self.emit_aside(id, EventType::MapRunSucceeded, Vec::new());
        self.end_map_run(id, ExecutionStatus::Succeeded);
        self.map_complete(id, state, result, succeeded)
    }

    /// Keeps the description of a map run that has ended; its branch continues.
    fn end_map_run(&mut self, id: usize, status: ExecutionStatus) {
        let work = std::mem::replace(&mut self.branch_mut(id).work, Work::Again);
        if let Work::MapRun(run) = work {
            let state = MapRunState { status, stop: Some(self.now), ..run.describe() };
            self.ended_runs.push(state);
        }
    }

    /// Applies the end of a child.
    pub(super) fn child_closed(&mut self, run: u64, index: u64, outcome: &Outcome) -> bool {
        let found = self.branches.iter().position(|branch| {
            matches!(branch, Some(branch) if matches!(&branch.work, Work::MapRun(map_run) if map_run.run == run))
        });
        let Some(id) = found else { return false };
        let state = self.state_of(id);
        let Work::MapRun(map_run) = &mut self.branch_mut(id).work else { return false };
        let child = usize::try_from(index).ok().and_then(|index| map_run.children.get_mut(index));
        let Some(child) = child.filter(|child| matches!(child.state, ChildState::Running)) else {
            return false;
        };
        child.state = ChildState::Closed(outcome.clone());
        map_run.running -= 1;
        let is_failed = outcome.status != ExecutionStatus::Succeeded
            && map_run.tolerance.is_exceeded(map_run.failed_items(), map_run.total_items());
        let progress = if is_failed { self.fail_map_run(id, &state) } else { self.drive_map_run(id, &state) };
        if progress == Progress::Continue {
            self.make_ready(id);
        }
        true
    }

    /// Applies new limits to a map run under way; `false` if there is none with this ARN.
    pub(super) fn update_map_run(&mut self, arn: &str, change: &MapRunChange) -> bool {
        let found = self.branches.iter().position(|branch| {
            matches!(branch, Some(branch) if matches!(&branch.work, Work::MapRun(run) if &*run.state.arn == arn && run.state.stop.is_none()))
        });
        let Some(id) = found else { return false };
        let state = self.state_of(id);
        let Work::MapRun(run) = &mut self.branch_mut(id).work else { return false };
        if let Some(limit) = change.max_concurrency {
            run.max_running = max_running(limit);
            run.state.max_concurrency = limit;
        }
        if let Some(count) = change.tolerated_failure_count {
            run.tolerance.count = Some(count);
        }
        if let Some(percentage) = change.tolerated_failure_percentage {
            run.tolerance.percentage = Some(percentage);
        }
        run.state.tolerance = run.tolerance;
        let failed = run.failed_items();
        let is_failed = failed > 0 && run.tolerance.is_exceeded(failed, run.total_items());
        let progress = if is_failed { self.fail_map_run(id, &state) } else { self.drive_map_run(id, &state) };
        if progress == Progress::Continue {
            self.make_ready(id);
        }
        true
    }

    fn fail_map_run(&mut self, id: usize, state: &State) -> Progress {
        let error = StateError::reported(
            Some("States.ExceedToleratedFailureThreshold".into()),
            Some("The specified tolerated failure threshold was exceeded".into()),
        );
        self.emit(id, EventType::MapRunFailed, error.details());
        self.stop_map_run(id, ExecutionStatus::Failed);
        self.failed_within(id, state, error, state.failed())
    }

    /// Stops the children of a map run, which is kept for a redrive.
    pub(super) fn stop_map_run(&mut self, id: usize, status: ExecutionStatus) {
        let now = self.now;
        let Work::MapRun(run) = &mut self.branch_mut(id).work else { return };
        let mut stops = Vec::new();
        for child in &mut run.children {
            if matches!(child.state, ChildState::Running) {
                stops.push(Action::StopExecution { arn: Arc::clone(&child.start.arn), cause: None });
                child.state = ChildState::Closed(Outcome {
                    status: ExecutionStatus::Aborted,
                    output: None,
                    error: None,
                    cause: None,
                });
            }
        }
        run.running = 0;
        if run.state.stop.is_none() {
            run.state.status = status;
            run.state.stop = Some(now);
        }
        self.actions.extend(stops);
    }

    /// Abandons a map run: its children are stopped, and its description is kept.
    pub(super) fn abandon_map_run(&mut self, run: MapRun) {
        self.actions
            .extend(run.running_arns().into_iter().map(|arn| Action::StopExecution { arn, cause: None }));
        let mut state = run.describe();
        if state.stop.is_none() {
            state.status = ExecutionStatus::Aborted;
            state.stop = Some(self.now);
        }
        self.ended_runs.push(state);
    }

    /// Restarts the children of a map run that did not succeed.
    pub(super) fn redrive_map_run(&mut self, id: usize) {
        let (now, redrives) = (self.now, self.redrive_count);
        let branch = self.branch_mut(id);
        branch.retries.clear();
        let state = Arc::clone(branch.states.at(branch.state_index));
        let Work::MapRun(run) = &mut branch.work else { return };
        for child in &mut run.children {
            if !matches!(&child.state, ChildState::Closed(outcome) if outcome.status == ExecutionStatus::Succeeded)
            {
                child.state = ChildState::Pending;
                child.start.redrives = redrives;
            }
        }
        run.next = 0;
        run.running = 0;
        run.state.status = ExecutionStatus::Running;
        run.state.stop = None;
        run.state.redrive_count += 1;
        run.state.redrive_date = Some(now);
        let details = vec![
            (Field::MapRunArn, Detail::Text(Arc::clone(&run.state.arn))),
            (Field::RedriveCount, Detail::Number(u64::from(run.state.redrive_count))),
        ];
        self.emit(id, EventType::MapRunRedriven, details);
        if self.drive_map_run(id, &state) == Progress::Continue {
            self.make_ready(id);
        }
    }
}

/// How many children run at once, given the `MaxConcurrency` of the definition or of UpdateMapRun.
fn max_running(max_concurrency: u64) -> usize {
    match usize::try_from(max_concurrency) {
        Ok(limit) if limit > 0 => limit.min(MAX_CONCURRENT_CHILDREN),
        _ => MAX_CONCURRENT_CHILDREN,
    }
}

/// `arn:aws:states:REGION:ACCOUNT` of an ARN.
fn arn_prefix(arn: &str) -> String {
    arn.splitn(6, ':').take(5).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_of_three_items_is_more_than_a_third_allows() {
        let tolerance = Tolerance { count: None, percentage: Some(33.0) };
        assert!(tolerance.is_exceeded(1, 3) && !tolerance.is_exceeded(1, 4));
        assert!(Tolerance { count: Some(1), percentage: None }.is_exceeded(2, 100));
        assert!(!Tolerance { count: Some(1), percentage: None }.is_exceeded(1, 1));
    }
}
