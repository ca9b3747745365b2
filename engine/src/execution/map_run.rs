//! Map runs: the child executions of a Distributed Map, each for an item or a batch of items, from their start to their end.

use std::sync::Arc;

use super::batches::{Batcher, ChildInput};
use super::branch::Work;
use super::children::{ChildState, Family, MapRun, MapRunState, Reading};
use super::run::Progress;
use super::{Action, Execution, Item, ItemOrigin, Outcome, Page};
use crate::data::Json;
use crate::history::{Detail, EventType, Field};
use crate::model::{ExecutionStatus, MapRunChange, MapRunCounts};
use crate::state::{Distributed, Map, MapItem, MapRequest, ReadRequest, State, StateError, guarded};

/// How many children run at once where the definition sets no limit.
///
/// DIFFERENCE: AWS runs 10,000; here they share one machine.
const MAX_CONCURRENT_CHILDREN: usize = 1_000;

/// The bytes of outputs that are kept for a result, which may itself have 256 KiB once it has been selected from.
const MAX_OUTPUT_BYTES: usize = 16 * 1024 * 1024;

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
        let MapRequest { items, selected, max_concurrency, reader, writer } = request;
        let source = reader.as_ref().map(ReadRequest::source);
        let prepared = prepared.and_then(|(tolerance, batching)| {
            let inputs = self.item_inputs(id, state, map, &selected, (0, &items), source.as_ref())?;
            Ok((tolerance, Batcher::new(batching), inputs))
        });
        let (tolerance, mut batcher, inputs) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return self.fail(id, state, error),
        };
        let label = distributed.label.clone().unwrap_or_else(|| self.random.uuid());
        let family = format!("{}/{label}", self.identity.state_machine_name);
        let prefix = arn_prefix(&self.identity.state_machine_arn);
        let map_run_arn: Arc<str> = format!("{prefix}:mapRun:{family}:{}", self.random.uuid()).into();
        self.last_map_run += 1;
        let mut map_run = MapRun {
            run: self.last_map_run,
            children: Vec::new(),
            next: 0,
            running: 0,
            max_running: max_running(max_concurrency),
            tolerance,
            state: MapRunState {
                arn: Arc::clone(&map_run_arn),
                status: ExecutionStatus::Running,
                start: self.now,
                stop: None,
                max_concurrency,
                tolerance,
                items: MapRunCounts::default(),
                executions: MapRunCounts::default(),
                redrive_count: 0,
                redrive_date: None,
            },
            total_items: 0,
            failed_items: 0,
            output_bytes: 0,
            family: Family { prefix, name: family, execution_type: distributed.execution_type, source },
            reading: None,
            writer: writer.map(Arc::new),
            is_exporting: false,
            failure: None,
        };
        let mut children: Vec<ChildInput> =
            inputs.into_iter().filter_map(|(input, item)| batcher.push(input, item)).collect();
        children.extend(batcher.finish());
        for child in children {
            let name = self.random.uuid().into();
            map_run.add_child(child, name, state, self.redrive_count);
        }
        self.emit(
            id,
            EventType::MapRunStarted,
            vec![(Field::MapRunArn, Detail::Text(Arc::clone(&map_run_arn)))],
        );
        self.started_map_runs.push(map_run_arn);
        let refused = reader.as_ref().and_then(|reader| reader.max_items.clone().err());
        map_run.reading = reader.map(|request| Reading {
            request: Arc::new(request),
            selected,
            batcher,
            position: None,
            pages: 0,
            count: 0,
            is_under_way: false,
            is_over: false,
        });
        self.branch_mut(id).work = Work::MapRun(Box::new(map_run));
        match refused {
            Some(cause) => self.fail_map_run(id, state, item_reader_failed(cause)),
            None => self.drive_map_run(id, state),
        }
    }

    /// The input of each item, after `ItemSelector`.
    fn item_inputs(
        &self,
        id: usize,
        state: &State,
        map: &Map,
        selected: &Json,
        (first, items): (u64, &[MapItem]),
        source: Option<&Arc<str>>,
    ) -> Result<Vec<(Json, MapItem)>, StateError> {
        let branch = self.branch(id);
        (first..)
            .zip(items)
            .map(|(index, value)| {
                let item = Item { index, item: value.clone(), origin: ItemOrigin::of(source) };
                let mut context = self.context(branch, state, None);
                context.item = Some(&item);
                let input = map.iteration_input(&self.scope(branch, &context), selected, value)?;
                Ok((input, value.clone()))
            })
            .collect()
    }

    /// Starts as many children as may run, and reads on where there is room; completes the map run when all children have
    /// ended.
    fn drive_map_run(&mut self, id: usize, state: &State) -> Progress {
        let Work::MapRun(run) = &mut self.branch_mut(id).work else { return Progress::Suspend };
        let mut actions = Vec::new();
        while run.running < run.max_running && run.next < run.children.len() {
            let child = &mut run.children[run.next];
            run.next += 1;
            if let ChildState::Pending(start) = &child.state {
                actions.push(Action::StartChild((**start).clone()));
                child.state = ChildState::Running(start.clone());
                run.running += 1;
            }
        }
        let waiting = run.children.len() - run.next;
        let max_waiting = run.max_running;
        if let Some(reading) = &mut run.reading
            && !reading.is_over
            && !reading.is_under_way
            && waiting < max_waiting
        {
            reading.is_under_way = true;
            actions.extend(run.pending_transfer());
        }
        let reads_on = run.reading.as_ref().is_some_and(|reading| !reading.is_over);
        let is_over = run.running == 0 && !reads_on && !run.is_exporting;
        if is_over && run.writer.is_some() {
            run.is_exporting = true;
            actions.extend(run.export());
        }
        let waits = !is_over || run.is_exporting;
        self.actions.extend(actions);
        if waits {
            return Progress::Suspend;
        }
        let Work::MapRun(run) = &self.branch(id).work else { return Progress::Suspend };
        if run.output_bytes > MAX_OUTPUT_BYTES {
            let error = StateError::data_limit(&state.name);
            return self.fail_map_run(id, state, error);
        }
        // Failed children within the tolerance have no output.
        let outputs = run.children.iter().filter_map(|child| match &child.state {
            ChildState::Succeeded(output) => output.clone(),
            _ => None,
        });
        let result = Json::array(outputs);
        self.complete_map_run(id, state, result)
    }

    fn complete_map_run(&mut self, id: usize, state: &State, result: Json) -> Progress {
        let succeeded = self.emit_aside(id, EventType::MapRunSucceeded, Vec::new());
        self.end_map_run(id, ExecutionStatus::Succeeded);
        self.map_complete(id, state, result, succeeded)
    }

    /// The branch with this map run.
    fn branch_of_run(&self, run: u64) -> Option<usize> {
        self.branches.iter().position(|branch| {
            matches!(branch, Some(branch) if matches!(&branch.work, Work::MapRun(map_run) if map_run.run == run))
        })
    }

    /// Applies a page of items that was read.
    pub(super) fn items_read(&mut self, run: u64, number: u64, result: &Result<Page, Arc<str>>) -> bool {
        let Some(id) = self.branch_of_run(run) else { return false };
        let state = self.state_of(id);
        let Work::MapRun(map_run) = &mut self.branch_mut(id).work else { return false };
        let Some(reading) =
            map_run.reading.as_mut().filter(|reading| reading.is_under_way && reading.pages == number)
        else {
            return false;
        };
        reading.is_under_way = false;
        let page = match result {
            Ok(page) => page,
            Err(cause) => {
                let error = item_reader_failed(Arc::clone(cause));
                if self.fail_map_run(id, &state, error) == Progress::Continue {
                    self.make_ready(id);
                }
                return true;
            }
        };
        let limit = reading.request.max_items.as_ref().copied().unwrap_or(0);
        let left = usize::try_from(limit.saturating_sub(reading.count)).unwrap_or(usize::MAX);
        let items = &page.items[..page.items.len().min(left)];
        let first = reading.count;
        reading.count += items.len() as u64;
        reading.pages += 1;
        reading.position = Some(page.position.clone());
        reading.is_over = page.is_last || reading.count >= limit;
        let selected = reading.selected.clone();
        // Of many files the page says which one it is of.
        let of_page = page.position.get("Source").and_then(Json::as_str).map(Arc::from);
        let source = of_page.or_else(|| map_run.family.source.clone());
        let Some(map) = state.as_map() else { return false };
        let progress = match self.item_inputs(id, &state, map, &selected, (first, items), source.as_ref()) {
            Ok(inputs) => {
                self.add_children(id, &state, inputs);
                self.drive_map_run(id, &state)
            }
            Err(error) => {
                self.stop_map_run(id, ExecutionStatus::Failed);
                self.fail(id, &state, error)
            }
        };
        if progress == Progress::Continue {
            self.make_ready(id);
        }
        true
    }

    /// Adds the children of items that were read.
    fn add_children(&mut self, id: usize, state: &State, inputs: Vec<(Json, MapItem)>) {
        let Work::MapRun(run) = &mut self.branch_mut(id).work else { return };
        let Some(reading) = &mut run.reading else { return };
        let mut children: Vec<ChildInput> =
            inputs.into_iter().filter_map(|(input, item)| reading.batcher.push(input, item)).collect();
        if reading.is_over {
            children.extend(reading.batcher.finish());
        }
        let redrives = self.redrive_count;
        for child in children {
            let name: Arc<str> = self.random.uuid().into();
            if let Work::MapRun(run) = &mut self.branch_mut(id).work {
                run.add_child(child, name, state, redrives);
            }
        }
    }

    /// Applies the end of writing the results.
    pub(super) fn results_written(&mut self, run: u64, result: &Result<Json, Arc<str>>) -> bool {
        let Some(id) = self.branch_of_run(run) else { return false };
        let state = self.state_of(id);
        let Work::MapRun(map_run) = &mut self.branch_mut(id).work else { return false };
        if !std::mem::take(&mut map_run.is_exporting) {
            return false;
        }
        let progress = match (map_run.failure.take(), result) {
            // What the map run failed of counts for more than what became of its results.
            (Some(error), _) => self.fail_map_run(id, &state, error),
            (None, Ok(result)) => self.complete_map_run(id, &state, result.clone()),
            (None, Err(cause)) => {
                let name = Some("States.ResultWriterFailed".into());
                self.fail_map_run(id, &state, StateError::reported(name, Some(Arc::clone(cause))))
            }
        };
        if progress == Progress::Continue {
            self.make_ready(id);
        }
        true
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
        let Some(id) = self.branch_of_run(run) else { return false };
        let state = self.state_of(id);
        let Work::MapRun(map_run) = &mut self.branch_mut(id).work else { return false };
        let child = usize::try_from(index).ok().and_then(|index| map_run.children.get_mut(index));
        let Some((child, start)) = child.and_then(|child| match &child.state {
            ChildState::Running(start) => Some(start.clone()).map(|start| (child, start)),
            _ => None,
        }) else {
            return false;
        };
        map_run.running -= 1;
        let has_failed = outcome.status != ExecutionStatus::Succeeded;
        if has_failed {
            child.state = ChildState::Failed(start, outcome.status);
            map_run.failed_items += child.items;
        } else {
            // With a writer the outputs are read from the store, and without one there is a limit to them all.
            let output = outcome.output.clone().filter(|_| map_run.writer.is_none());
            map_run.output_bytes += output.as_ref().map_or(0, Json::serialized_len);
            let is_kept = map_run.output_bytes <= MAX_OUTPUT_BYTES;
            child.state = ChildState::Succeeded(output.filter(|_| is_kept));
        }
        let progress = if has_failed && map_run.is_exceeded() {
            self.exceed_tolerance(id, &state)
        } else {
            self.drive_map_run(id, &state)
        };
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
        let is_failed = run.is_exceeded();
        let progress =
            if is_failed { self.exceed_tolerance(id, &state) } else { self.drive_map_run(id, &state) };
        if progress == Progress::Continue {
            self.make_ready(id);
        }
        true
    }

    fn exceed_tolerance(&mut self, id: usize, state: &State) -> Progress {
        let error = StateError::reported(
            Some("States.ExceedToleratedFailureThreshold".into()),
            Some("The specified tolerated failure threshold was exceeded".into()),
        );
        let Work::MapRun(run) = &mut self.branch_mut(id).work else { return Progress::Suspend };
        if run.writer.is_none() {
            return self.fail_map_run(id, state, error);
        }
        // The results are written all the same: what succeeded, what failed, and what was not started.
        run.failure = Some(error);
        run.is_exporting = true;
        self.stop_map_run(id, ExecutionStatus::Failed);
        let Work::MapRun(run) = &self.branch(id).work else { return Progress::Suspend };
        let export = run.export();
        self.actions.extend(export);
        Progress::Suspend
    }

    /// Fails a map run, whose children are stopped.
    fn fail_map_run(&mut self, id: usize, state: &State, error: StateError) -> Progress {
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
            if let ChildState::Running(start) = &child.state {
                stops.push(Action::StopExecution { arn: Arc::clone(&start.arn), cause: None });
                child.state = ChildState::Failed(start.clone(), ExecutionStatus::Aborted);
                run.failed_items += child.items;
            }
        }
        run.running = 0;
        if let Some(reading) = &mut run.reading {
            // A page under way comes too late; a redrive reads it again.
            reading.is_under_way = false;
        }
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
            if let ChildState::Pending(start) | ChildState::Running(start) | ChildState::Failed(start, _) =
                &mut child.state
            {
                start.redrives = redrives;
                child.state = ChildState::Pending(start.clone());
            }
        }
        run.next = 0;
        run.running = 0;
        run.failed_items = 0;
        run.is_exporting = false;
        run.failure = None;
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

fn item_reader_failed(cause: Arc<str>) -> StateError {
    StateError::reported(Some("States.ItemReaderFailed".into()), Some(cause))
}

/// `arn:aws:states:REGION:ACCOUNT` of an ARN.
fn arn_prefix(arn: &str) -> String {
    arn.splitn(6, ':').take(5).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use crate::state::Tolerance;

    #[test]
    fn one_failure_of_three_items_is_more_than_a_third_allows() {
        let tolerance = Tolerance { count: None, percentage: Some(33.0) };
        assert!(tolerance.is_exceeded(1, 3) && !tolerance.is_exceeded(1, 4));
        assert!(Tolerance { count: Some(1), percentage: None }.is_exceeded(2, 100));
        assert!(!Tolerance { count: Some(1), percentage: None }.is_exceeded(1, 1));
    }
}
