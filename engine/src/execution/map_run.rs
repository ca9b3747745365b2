//! The Distributed Map: a run of child executions, each for an item or a batch of items.

use std::sync::Arc;

use super::batches::{ChildInput, put_together};
use super::strand::Work;
use super::{Action, Execution, Item, Outcome};
use crate::data::Json;
use crate::engine::{ExecutionStatus, MachineType, MapRunCounts};
use crate::history::{Detail, EventType, Field};
use crate::state::{Distributed, Map, Spread, State, StateError, Tolerance, guarded};

/// How many children run at once where the definition sets no limit.
///
/// DIFFERENCE: AWS runs 10,000; here they share one machine.
const CHILDREN_AT_ONCE: usize = 1_000;

/// A child to be started, or found, or redriven.
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
    pub(crate) item: Option<Json>,
    pub(crate) execution_type: MachineType,
    /// How often its parent had been redriven: a child that failed before is redriven, too.
    pub(crate) redrives: u32,
}

/// A run under way.
#[derive(Debug)]
pub(crate) struct MapRun {
    run: u64,
    children: Vec<Child>,
    /// The next to start.
    next: usize,
    running: usize,
    at_once: usize,
    tolerance: Tolerance,
    state: MapRunState,
}

#[derive(Debug)]
struct Child {
    start: ChildStart,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    Pending,
    Running,
    Closed(Outcome),
}

/// What DescribeMapRun tells of a run.
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
    /// The children that were started and have not been heard of.
    pub(super) fn pending(&self) -> impl Iterator<Item = ChildStart> + '_ {
        self.children
            .iter()
            .filter(|child| matches!(child.progress, Progress::Running))
            .map(|child| child.start.clone())
    }

    pub(super) fn running_arns(&self) -> Vec<Arc<str>> {
        self.pending().map(|start| start.arn).collect()
    }

    fn failed_items(&self) -> u64 {
        self.children
            .iter()
            .filter(|child| matches!(&child.progress, Progress::Closed(outcome) if outcome.status != ExecutionStatus::Succeeded))
            .map(|child| child.start.items)
            .sum()
    }

    fn total_items(&self) -> u64 {
        self.children.iter().map(|child| child.start.items).sum()
    }

    fn described(&self) -> MapRunState {
        let mut state = self.state.clone();
        for child in &self.children {
            count(&mut state.executions, &child.progress, 1);
            count(&mut state.items, &child.progress, child.start.items);
        }
        state
    }
}

fn count(counts: &mut MapRunCounts, progress: &Progress, by: u64) {
    counts.total += by;
    *match progress {
        Progress::Pending => &mut counts.pending,
        Progress::Running => &mut counts.running,
        Progress::Closed(outcome) => match outcome.status {
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
    /// The runs of Distributed Maps, in the order in which they began.
    pub(crate) fn map_runs(&self) -> Vec<MapRunState> {
        let live = self.strands.iter().flatten().filter_map(|strand| match &strand.work {
            Work::Running(run) => Some(run.described()),
            _ => None,
        });
        let mut runs: Vec<MapRunState> = self.ended_runs.iter().cloned().chain(live).collect();
        runs.sort_by_key(|run| run.start);
        runs
    }

    /// Begins the run of a Distributed Map.
    pub(super) fn start_map_run(
        &mut self,
        id: usize,
        state: &Arc<State>,
        distributed: &Distributed,
        spread: Spread,
    ) -> bool {
        let Some(map) = state.as_map() else { return false };
        let prepared = {
            let strand = self.strand(id);
            let context = self.context(strand, state, None);
            let cx = self.cx(strand, &context);
            guarded(|| {
                let tolerance = distributed.tolerance(&cx, &spread.selected)?;
                Ok((tolerance, distributed.batching(&cx, &spread.selected)?))
            })
        };
        let prepared = prepared.and_then(|(tolerance, batching)| {
            let inputs = self.item_inputs(id, state, map, &spread)?;
            Ok((tolerance, put_together(inputs, batching)))
        });
        let (tolerance, inputs) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return self.fail(id, state, error),
        };
        let label = distributed.label.clone().unwrap_or_else(|| self.random.uuid());
        let family = format!("{}/{label}", self.identity.state_machine_name);
        let prefix = arn_prefix(&self.identity.state_machine_arn);
        let map_run_arn: Arc<str> = format!("{prefix}:mapRun:{family}:{}", self.random.uuid()).into();
        self.map_runs += 1;
        let run = self.map_runs;
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
                Child { start, progress: Progress::Pending }
            })
            .collect();
        let at_once = match usize::try_from(spread.max_concurrency) {
            Ok(limit) if limit > 0 => limit.min(CHILDREN_AT_ONCE),
            _ => CHILDREN_AT_ONCE,
        };
        self.emit(
            id,
            EventType::MapRunStarted,
            vec![(Field::MapRunArn, Detail::Text(Arc::clone(&map_run_arn)))],
        );
        self.actions.push(Action::MapRunStarted { arn: Arc::clone(&map_run_arn) });
        let map_run = MapRun {
            run,
            children,
            next: 0,
            running: 0,
            at_once,
            tolerance,
            state: MapRunState {
                arn: map_run_arn,
                status: ExecutionStatus::Running,
                start: self.now,
                stop: None,
                max_concurrency: spread.max_concurrency,
                tolerance,
                items: MapRunCounts::default(),
                executions: MapRunCounts::default(),
                redrive_count: 0,
                redrive_date: None,
            },
        };
        self.strand_mut(id).work = Work::Running(Box::new(map_run));
        self.drive_map_run(id, state)
    }

    /// What each item becomes by `ItemSelector`.
    fn item_inputs(
        &self,
        id: usize,
        state: &State,
        map: &Map,
        spread: &Spread,
    ) -> Result<Vec<(Json, Json)>, StateError> {
        let strand = self.strand(id);
        (0_u64..)
            .zip(spread.items.iter())
            .map(|(index, value)| {
                let item = Item { index, value: value.clone() };
                let mut context = self.context(strand, state, None);
                context.item = Some(&item);
                let input = map.iteration_input(&self.cx(strand, &context), &spread.selected, value)?;
                Ok((input, value.clone()))
            })
            .collect()
    }

    /// Starts what may start; ends the run when all children have ended. Says whether the strand goes on at once.
    fn drive_map_run(&mut self, id: usize, state: &State) -> bool {
        let Work::Running(run) = &mut self.strand_mut(id).work else { return false };
        let mut starts = Vec::new();
        while run.running < run.at_once && run.next < run.children.len() {
            let child = &mut run.children[run.next];
            run.next += 1;
            if matches!(child.progress, Progress::Pending) {
                child.progress = Progress::Running;
                run.running += 1;
                starts.push(Action::StartChild(child.start.clone()));
            }
        }
        let is_over = run.running == 0;
        self.actions.extend(starts);
        if !is_over {
            return false;
        }
        let Work::Running(run) = &self.strand(id).work else { return false };
        // Of failed children within the tolerance there is no output.
        let outputs = run.children.iter().filter_map(|child| match &child.progress {
            Progress::Closed(outcome) => outcome.output.clone(),
            Progress::Pending | Progress::Running => None,
        });
        let result = Json::array(outputs);
        let told = self.emit_aside(id, EventType::MapRunSucceeded, Vec::new());
        self.end_map_run(id, ExecutionStatus::Succeeded);
        self.map_complete(id, state, result, told)
    }

    /// Remembers a run that has ended; its strand goes on.
    fn end_map_run(&mut self, id: usize, status: ExecutionStatus) {
        let work = std::mem::replace(&mut self.strand_mut(id).work, Work::Again);
        if let Work::Running(run) = work {
            let state = MapRunState { status, stop: Some(self.now), ..run.described() };
            self.ended_runs.push(state);
        }
    }

    /// A child has ended.
    pub(super) fn child_closed(&mut self, run: u64, index: u64, outcome: &Outcome) -> bool {
        let found = self.strands.iter().position(|strand| {
            matches!(strand, Some(strand) if matches!(&strand.work, Work::Running(map_run) if map_run.run == run))
        });
        let Some(id) = found else { return false };
        let strand = self.strand_mut(id);
        let state = Arc::clone(strand.states.at(strand.place));
        let Work::Running(map_run) = &mut strand.work else { return false };
        let child = usize::try_from(index).ok().and_then(|index| map_run.children.get_mut(index));
        let Some(child) = child.filter(|child| matches!(child.progress, Progress::Running)) else {
            return false;
        };
        child.progress = Progress::Closed(outcome.clone());
        map_run.running -= 1;
        let is_failed = outcome.status != ExecutionStatus::Succeeded
            && map_run.tolerance.is_exceeded(map_run.failed_items(), map_run.total_items());
        let goes_on = if is_failed { self.fail_map_run(id, &state) } else { self.drive_map_run(id, &state) };
        if goes_on {
            self.make_ready_as_is(id);
        }
        true
    }

    fn fail_map_run(&mut self, id: usize, state: &State) -> bool {
        let error = StateError::reported(
            Some("States.ExceedToleratedFailureThreshold".into()),
            Some("The specified tolerated failure threshold was exceeded".into()),
        );
        self.emit(id, EventType::MapRunFailed, error.details());
        self.stop_map_run(id, ExecutionStatus::Failed);
        self.failed_within(id, state, error, state.failed())
    }

    /// Stops the children of a run, which stays as it is for a redrive.
    pub(super) fn stop_map_run(&mut self, id: usize, status: ExecutionStatus) {
        let now = self.now;
        let Work::Running(run) = &mut self.strand_mut(id).work else { return };
        let mut stops = Vec::new();
        for child in &mut run.children {
            if matches!(child.progress, Progress::Running) {
                stops.push(Action::StopChild { arn: Arc::clone(&child.start.arn), cause: None });
                child.progress = Progress::Closed(Outcome {
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

    /// A run that is given up for good: its children are stopped, and it is remembered.
    pub(super) fn give_up_map_run(&mut self, run: MapRun) {
        self.actions.extend(run.running_arns().into_iter().map(|arn| Action::StopChild { arn, cause: None }));
        let mut state = run.described();
        if state.stop.is_none() {
            state.status = ExecutionStatus::Aborted;
            state.stop = Some(self.now);
        }
        self.ended_runs.push(state);
    }

    /// Starts the children of a run again that did not succeed.
    pub(super) fn redrive_map_run(&mut self, id: usize) {
        let (now, redrives) = (self.now, self.redrive_count);
        let strand = self.strand_mut(id);
        strand.retries.clear();
        let state = Arc::clone(strand.states.at(strand.place));
        let Work::Running(run) = &mut strand.work else { return };
        for child in &mut run.children {
            if !matches!(&child.progress, Progress::Closed(outcome) if outcome.status == ExecutionStatus::Succeeded)
            {
                child.progress = Progress::Pending;
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
        if self.drive_map_run(id, &state) {
            self.make_ready_as_is(id);
        }
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
