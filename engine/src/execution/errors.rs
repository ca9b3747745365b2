//! Errors: `Retry` and `Catch`, failing and aborting branches, time-outs, stopping, and redriving.

use std::sync::Arc;

use super::branch::{Parent, Work};
use super::parallel::iteration_details;
use super::run::Progress;
use super::timers::Timer;
use super::{Execution, Outcome};
use crate::history::{Detail, EventType, Field};
use crate::model::{ExecutionStatus, MachineType};
use crate::state::{FailureEvent, Stage, State, StateError, Transition};

/// How a state handles an error.
enum Remedy {
    Retry { retrier: usize, delay: i64 },
    Catch { catcher: usize },
    None,
}

/// Whether the branches of a failed state are removed or kept for a redrive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remains {
    Removed,
    Kept,
}

impl Execution {
    /// Fails a state.
    pub(super) fn fail(&mut self, id: usize, state: &State, error: StateError) -> Progress {
        let branch = self.branch(id);
        let (entered, last_before) = (branch.entered, branch.last_before);
        let failure_event = error.event();
        let error = error.in_state(&state.name, entered);
        if let Some(event) = failure_event {
            // A failed expression replaces the state: the next event does not follow the entering.
            if event.stage == Stage::Evaluating && branch.last == entered {
                self.branch_mut(id).last = last_before;
            }
            self.emit_evaluation_failed(id, state, event, &error);
            if let Some(failed) = state.failed() {
                return self.failed_within(id, state, error, Some(failed));
            }
        }
        self.failed_within(id, state, error, None)
    }

    fn emit_evaluation_failed(&mut self, id: usize, state: &State, event: FailureEvent, error: &StateError) {
        let mut details = error.details();
        details.extend(event.location.map(|location| (Field::Location, Detail::text(location))));
        details.push((Field::State, Detail::Text(Arc::clone(&state.name))));
        self.emit(id, EventType::EvaluationFailed, details);
    }

    /// Fails a state, or the branches within it; `failed_event` is appended unless the state is retried.
    pub(super) fn failed_within(
        &mut self,
        id: usize,
        state: &State,
        error: StateError,
        failed_event: Option<EventType>,
    ) -> Progress {
        match self.remedy(id, state, &error) {
            Remedy::Retry { retrier, delay } => {
                self.retry(id, retrier, delay);
                Progress::Suspend
            }
            Remedy::Catch { catcher } => {
                let before = self.branch(id).last;
                self.emit_failed(id, failed_event);
                self.catch(id, state, catcher, &error).unwrap_or_else(|error| {
                    self.catcher_failed(id, state, error, before, failed_event);
                    Progress::Suspend
                })
            }
            Remedy::None => {
                self.emit_failed(id, failed_event);
                self.branch_failed(id, error);
                Progress::Suspend
            }
        }
    }

    fn emit_failed(&mut self, id: usize, event: Option<EventType>) {
        if let Some(event) = event {
            self.emit(id, event, Vec::new());
        }
    }

    fn remedy(&self, id: usize, state: &State, error: &StateError) -> Remedy {
        let Some(handlers) = state.handlers() else { return Remedy::None };
        if let Some((index, retrier)) = handlers.retrier(error) {
            let done = self.branch(id).retries.get(index).copied().unwrap_or(0);
            if let Some(delay) = retrier.delay(done, &self.random) {
                return Remedy::Retry { retrier: index, delay };
            }
        }
        handlers.catcher(error).map_or(Remedy::None, |(catcher, _)| Remedy::Catch { catcher })
    }

    fn retry(&mut self, id: usize, retrier: usize, delay: i64) {
        let due = self.now.saturating_add(delay);
        let branch = self.branch_mut(id);
        if branch.retries.len() <= retrier {
            branch.retries.resize(retrier + 1, 0);
        }
        branch.retries[retrier] += 1;
        let serial = branch.serial;
        if delay <= 0 {
            let work = std::mem::replace(&mut self.branch_mut(id).work, Work::Again);
            self.cancel_work(work);
            return self.make_ready(id);
        }
        let key = self.timers.set(due, Timer::Wake { branch: id, serial });
        let work = std::mem::replace(&mut self.branch_mut(id).work, Work::Delayed(key));
        self.cancel_work(work);
    }

    /// Follows the transition of a catcher, unless its own fields fail.
    fn catch(
        &mut self,
        id: usize,
        state: &State,
        catcher: usize,
        error: &StateError,
    ) -> Result<Progress, StateError> {
        let caught = {
            let branch = self.branch(id);
            let context = self.context(branch, state, None);
            let handlers = state.handlers().expect("only a state with handlers catches");
            let catcher = &handlers.catch[catcher];
            catcher.catch(&self.scope(branch, &context), error).map(|finished| (finished, catcher.next))
        };
        let work = std::mem::replace(&mut self.branch_mut(id).work, Work::Again);
        self.cancel_work(work);
        let (finished, next) = caught?;
        Ok(self.exit(id, state, finished, Transition::Next(next)))
    }

    /// Fails the state a second time, after the fields of its catcher failed: that is not caught again. The events follow
    /// the one before the first failure.
    fn catcher_failed(
        &mut self,
        id: usize,
        state: &State,
        error: StateError,
        before: u64,
        failed_event: Option<EventType>,
    ) {
        let event = error.event();
        let error = error.in_state(&state.name, self.branch(id).entered);
        if let Some(event) = event {
            self.branch_mut(id).last = before;
            self.emit_evaluation_failed(id, state, event, &error);
            self.emit_failed(id, failed_event);
        }
        self.branch_failed(id, error);
    }

    /// Fails a branch whose state handled the error neither by a retrier nor by a catcher.
    fn branch_failed(&mut self, id: usize, error: StateError) {
        match self.branch(id).parent {
            // No outer state may catch it either.
            _ if error.is_runtime() => self.fail_execution(id, error),
            None => self.fail_execution(id, error),
            Some(parent) => self.fail_parent(id, parent, error),
        }
    }

    fn fail_execution(&mut self, id: usize, error: StateError) {
        self.emit(id, EventType::ExecutionFailed, error.details());
        self.interrupt_all();
        self.close(Outcome {
            status: ExecutionStatus::Failed,
            output: None,
            error: error.name.clone(),
            cause: error.cause.clone(),
        });
    }

    /// Fails the state that holds a failed branch or iteration; the other branches are aborted.
    fn fail_parent(&mut self, id: usize, parent: Parent, error: StateError) {
        let remains = if self.is_handled_above(parent, &error) { Remains::Removed } else { Remains::Kept };
        let holder = parent.branch;
        let state = self.state_of(holder);
        let last = self.branch(id).last;
        let children = match &self.branch(holder).work {
            Work::Branching(children) => children.running.clone(),
            _ => Vec::new(),
        };
        // The events of the branches that end with it follow its last one.
        if state.as_map().is_none() {
            self.emit_aborted(id, last);
        }
        for child in children.into_iter().filter(|child| *child != id) {
            self.abort(child, remains, last);
        }
        if state.as_map().is_some() {
            self.push_event(EventType::MapIterationFailed, last, iteration_details(&state, parent.index));
        }
        match remains {
            Remains::Removed => drop(self.end_branch(id)),
            Remains::Kept => self.interrupt(id),
        }
        self.branch_mut(holder).last = last;
        let failed = state.failed();
        if self.failed_within(holder, &state, error.passed_on(), failed) == Progress::Continue {
            self.make_ready(holder);
        }
    }

    /// Whether a state that holds this branch, or one further out, retries or catches the error.
    fn is_handled_above(&self, parent: Parent, error: &StateError) -> bool {
        let mut next = Some(parent);
        while let Some(parent) = next {
            let branch = self.branch(parent.branch);
            let state = branch.states.at(branch.state_index);
            let is_handled = state.handlers().is_some_and(|handlers| {
                let retries = handlers.retrier(error).is_some_and(|(index, retrier)| {
                    retrier.has_attempts(branch.retries.get(index).copied().unwrap_or(0))
                });
                retries || handlers.catcher(error).is_some()
            });
            if is_handled {
                return true;
            }
            next = branch.parent;
        }
        false
    }

    /// Aborts a branch and the branches within it.
    fn abort(&mut self, id: usize, remains: Remains, previous: u64) {
        if let Some(parent) = self.branch(id).parent {
            let state = self.state_of(parent.branch);
            if state.as_map().is_some() {
                self.push_event(
                    EventType::MapIterationAborted,
                    previous,
                    iteration_details(&state, parent.index),
                );
            }
        }
        self.emit_aborted(id, previous);
        self.abort_branches(id, remains, previous);
        match remains {
            Remains::Kept => self.interrupt(id),
            Remains::Removed => {
                let branch = self.end_branch(id);
                self.cancel_work(branch.work);
            }
        }
    }

    fn abort_branches(&mut self, id: usize, remains: Remains, previous: u64) {
        let children = match &self.branch(id).work {
            Work::Branching(children) => children.running.clone(),
            _ => Vec::new(),
        };
        for child in children {
            self.abort(child, remains, previous);
        }
    }

    /// Aborts the branches within a branch.
    pub(super) fn abort_children(&mut self, id: usize) {
        let last = self.branch(id).last;
        self.abort_branches(id, Remains::Removed, last);
    }

    fn emit_aborted(&mut self, id: usize, previous: u64) {
        let state = self.state_of(id);
        let is_entered = !matches!(self.branch(id).work, Work::Enter);
        if let Some(event) = state.aborted().filter(|_| is_entered) {
            self.push_event(event, previous, Vec::new());
        }
    }

    /// Interrupts a branch, which a redrive resumes. One that holds branches stays unchanged, as those are resumed.
    fn interrupt(&mut self, id: usize) {
        let holds_branches = matches!(self.branch(id).work, Work::Branching(_) | Work::MapRun(_));
        if !holds_branches {
            let work = std::mem::replace(&mut self.branch_mut(id).work, Work::Stopped);
            self.cancel_work(work);
        }
    }

    /// Cancels the timer, task or map run that a branch waited for.
    fn cancel_work(&mut self, work: Work) {
        match work {
            Work::Sleeping(key) | Work::Delayed(key) => self.timers.cancel(key),
            Work::Task(task) => self.cancel_task(task),
            Work::MapRun(run) => self.abandon_map_run(*run),
            Work::Enter | Work::Again | Work::Branching(_) | Work::Stopped => {}
        }
    }

    /// Cancels every open task and running child.
    pub(super) fn cancel_everything(&mut self) {
        let open: Vec<u64> = self.tasks.keys().copied().collect();
        for task in open {
            self.cancel_task(task);
        }
        for id in 0..self.branches.len() {
            if matches!(&self.branches[id], Some(branch) if matches!(branch.work, Work::MapRun(_))) {
                self.stop_map_run(id, ExecutionStatus::Aborted);
            }
        }
    }

    /// Ends the execution after the machine's `TimeoutSeconds`, or the five minutes of an Express execution.
    pub(super) fn time_out(&mut self) {
        let error = (Field::Error, Detail::text("States.Timeout"));
        self.push_event(EventType::ExecutionTimedOut, 0, vec![error]);
        self.interrupt_all();
        // StartSyncExecution returns the error; DescribeExecution of a Standard execution has none.
        let error = match self.identity.execution_type {
            MachineType::Express => Some("States.Timeout".into()),
            MachineType::Standard => None,
        };
        self.close(Outcome { status: ExecutionStatus::TimedOut, output: None, error, cause: None });
    }

    /// Fails the execution after an error of the engine itself.
    pub(super) fn internal_error(&mut self, cause: &Arc<str>) -> bool {
        let error = StateError::reported(Some("States.Runtime".into()), Some(Arc::clone(cause)));
        self.push_event(EventType::ExecutionFailed, 0, error.details());
        self.timers.clear();
        self.close(Outcome {
            status: ExecutionStatus::Failed,
            output: None,
            error: error.name,
            cause: error.cause,
        });
        true
    }

    pub(super) fn stop(&mut self, error: Option<Arc<str>>, cause: Option<Arc<str>>) -> bool {
        let reported = StateError::reported(error, cause);
        self.push_event(EventType::ExecutionAborted, 0, reported.details());
        self.interrupt_all();
        self.close(Outcome {
            status: ExecutionStatus::Aborted,
            output: None,
            error: reported.name,
            cause: reported.cause,
        });
        true
    }

    fn root_last(&self) -> u64 {
        self.branches.iter().flatten().find(|branch| branch.parent.is_none()).map_or(0, |branch| branch.last)
    }

    fn interrupt_all(&mut self) {
        for id in 0..self.branches.len() {
            if self.branches[id].is_some() {
                self.interrupt(id);
            }
        }
    }

    /// Resumes the branches that were interrupted.
    pub(super) fn redrive(&mut self) -> bool {
        let is_redrivable = matches!(
            self.status(),
            ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted
        ) && self.next_event < super::MAX_EVENTS;
        if !is_redrivable {
            return false;
        }
        self.outcome = None;
        self.stopped_at = None;
        self.redrive_count += 1;
        self.redrive_date = Some(self.now);
        let count = u64::from(self.redrive_count);
        let previous = self.root_last();
        self.push_event(
            EventType::ExecutionRedriven,
            previous,
            vec![(Field::RedriveCount, Detail::Number(count))],
        );
        self.set_execution_timer();
        for id in 0..self.branches.len() {
            let Some(branch) = &mut self.branches[id] else { continue };
            match &mut branch.work {
                Work::Stopped => {
                    branch.retries.clear();
                    let work = if branch.entered == 0 { Work::Enter } else { Work::Again };
                    self.make_ready_with(id, work);
                }
                Work::MapRun(_) => self.redrive_map_run(id),
                Work::Enter | Work::Again => self.make_ready(id),
                _ => {}
            }
        }
        true
    }
}
