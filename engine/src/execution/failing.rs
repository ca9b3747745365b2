//! Failing: retriers, catchers, what a failure does to branches, and the ways an execution ends badly.

use std::sync::Arc;

use super::branches::iteration_details;
use super::strand::{Parent, Work};
use super::timers::Timer;
use super::{Execution, Outcome};
use crate::definition::Transition;
use crate::engine::{ExecutionStatus, MachineType};
use crate::history::{Detail, EventType, Field};
use crate::state::{FailureEvent, Moment, State, StateError};

/// What is done about an error in a state.
enum Remedy {
    Retry { retrier: usize, delay: i64 },
    Catch { catcher: usize },
    None,
}

/// Whether the strands of what failed are gone or stay for a redrive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remains {
    Gone,
    Kept,
}

impl Execution {
    /// A state failed. Says whether its strand goes on at once.
    pub(super) fn fail(&mut self, id: usize, state: &State, error: StateError) -> bool {
        let strand = self.strand(id);
        let (entered, last_before) = (strand.entered, strand.last_before);
        let failure_event = error.event();
        let error = error.settle(&state.name, entered);
        if let Some(event) = failure_event {
            // An expression fails in place of the state: what follows then does not follow its entering.
            if event.moment == Moment::Evaluating && strand.last == entered {
                self.strand_mut(id).last = last_before;
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

    /// A state failed, or what runs within it; `failed_event` tells of it unless it is tried again.
    pub(super) fn failed_within(
        &mut self,
        id: usize,
        state: &State,
        error: StateError,
        failed_event: Option<EventType>,
    ) -> bool {
        match self.remedy(id, state, &error) {
            Remedy::Retry { retrier, delay } => {
                self.retry(id, retrier, delay);
                false
            }
            Remedy::Catch { catcher } => {
                let before = self.strand(id).last;
                self.emit_failed(id, failed_event);
                self.catch(id, state, catcher, &error).unwrap_or_else(|error| {
                    self.catcher_failed(id, state, error, before, failed_event);
                    false
                })
            }
            Remedy::None => {
                self.emit_failed(id, failed_event);
                self.strand_failed(id, error);
                false
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
        if let Some((place, retrier)) = handlers.retrier(error) {
            let done = self.strand(id).retries.get(place).copied().unwrap_or(0);
            if let Some(delay) = retrier.delay(done, &self.random) {
                return Remedy::Retry { retrier: place, delay };
            }
        }
        handlers.catcher(error).map_or(Remedy::None, |(catcher, _)| Remedy::Catch { catcher })
    }

    fn retry(&mut self, id: usize, retrier: usize, delay: i64) {
        let due = self.now.saturating_add(delay);
        let strand = self.strand_mut(id);
        if strand.retries.len() <= retrier {
            strand.retries.resize(retrier + 1, 0);
        }
        strand.retries[retrier] += 1;
        let serial = strand.serial;
        if delay <= 0 {
            let work = std::mem::replace(&mut self.strand_mut(id).work, Work::Again);
            self.forget_work(work);
            return self.make_ready_as_is(id);
        }
        let key = self.timers.set(due, Timer::Wake { strand: id, serial });
        let work = std::mem::replace(&mut self.strand_mut(id).work, Work::Delayed(key));
        self.forget_work(work);
    }

    /// Goes where a catcher leads, unless its own fields fail.
    fn catch(
        &mut self,
        id: usize,
        state: &State,
        catcher: usize,
        error: &StateError,
    ) -> Result<bool, StateError> {
        let caught = {
            let strand = self.strand(id);
            let context = self.context(strand, state, None);
            let handlers = state.handlers().expect("only a state with handlers catches");
            let catcher = &handlers.catch[catcher];
            catcher.catch(&self.cx(strand, &context), error).map(|finished| (finished, catcher.next))
        };
        let work = std::mem::replace(&mut self.strand_mut(id).work, Work::Again);
        self.forget_work(work);
        let (finished, next) = caught?;
        Ok(self.exit(id, state, finished, Transition::Next(next)))
    }

    /// What a catcher's own fields do wrong is not caught again: the state fails a second time, from where it stood
    /// before it failed first.
    fn catcher_failed(
        &mut self,
        id: usize,
        state: &State,
        error: StateError,
        before: u64,
        failed_event: Option<EventType>,
    ) {
        let event = error.event();
        let error = error.settle(&state.name, self.strand(id).entered);
        if let Some(event) = event {
            self.strand_mut(id).last = before;
            self.emit_evaluation_failed(id, state, event, &error);
            self.emit_failed(id, failed_event);
        }
        self.strand_failed(id, error);
    }

    /// Nothing in the state helped: the strand fails, and with it what it is part of.
    fn strand_failed(&mut self, id: usize, error: StateError) {
        match self.strand(id).parent {
            // Nobody may catch it further out either, and nobody is told but the execution.
            _ if error.is_runtime() => self.fail_execution(id, error),
            None => self.fail_execution(id, error),
            Some(parent) => self.branch_failed(id, parent, error),
        }
    }

    fn fail_execution(&mut self, id: usize, error: StateError) {
        self.emit(id, EventType::ExecutionFailed, error.details());
        self.break_off_all();
        self.close(Outcome {
            status: ExecutionStatus::Failed,
            output: None,
            error: error.name.clone(),
            cause: error.cause.clone(),
        });
    }

    /// A branch or iteration failed: the others are broken off, and the state that holds them fails.
    fn branch_failed(&mut self, id: usize, parent: Parent, error: StateError) {
        let remains = if self.is_handled_above(parent, &error) { Remains::Gone } else { Remains::Kept };
        let holder = parent.strand;
        let strand = self.strand(holder);
        let state = Arc::clone(strand.states.at(strand.place));
        let last = self.strand(id).last;
        let children = match &self.strand(holder).work {
            Work::Branching(branches) => branches.children.clone(),
            _ => Vec::new(),
        };
        // The events of all that ends with it follow the same one, its last.
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
            Remains::Gone => drop(self.end_strand(id)),
            Remains::Kept => self.break_off(id),
        }
        self.strand_mut(holder).last = last;
        let failed = state.failed();
        if self.failed_within(holder, &state, error.passed_on(), failed) {
            self.make_ready_as_is(holder);
        }
    }

    /// Whether a state that holds this branch, or one further out, retries or catches the error.
    fn is_handled_above(&self, parent: Parent, error: &StateError) -> bool {
        let mut next = Some(parent);
        while let Some(parent) = next {
            let strand = self.strand(parent.strand);
            let state = strand.states.at(strand.place);
            let is_handled = state.handlers().is_some_and(|handlers| {
                let retries = handlers.retrier(error).is_some_and(|(place, retrier)| {
                    retrier.has_attempts(strand.retries.get(place).copied().unwrap_or(0))
                });
                retries || handlers.catcher(error).is_some()
            });
            if is_handled {
                return true;
            }
            next = strand.parent;
        }
        false
    }

    /// Breaks off a strand and what runs within it.
    fn abort(&mut self, id: usize, remains: Remains, previous: u64) {
        if let Some(parent) = self.strand(id).parent {
            let holder = self.strand(parent.strand);
            let state = Arc::clone(holder.states.at(holder.place));
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
            Remains::Kept => self.break_off(id),
            Remains::Gone => {
                let strand = self.end_strand(id);
                self.forget_work(strand.work);
            }
        }
    }

    fn abort_branches(&mut self, id: usize, remains: Remains, previous: u64) {
        let children = match &self.strand(id).work {
            Work::Branching(branches) => branches.children.clone(),
            _ => Vec::new(),
        };
        for child in children {
            self.abort(child, remains, previous);
        }
    }

    /// Breaks off whatever runs within a strand.
    pub(super) fn abort_children(&mut self, id: usize) {
        let last = self.strand(id).last;
        self.abort_branches(id, Remains::Gone, last);
    }

    fn emit_aborted(&mut self, id: usize, previous: u64) {
        let strand = self.strand(id);
        let state = Arc::clone(strand.states.at(strand.place));
        if let Some(event) = state.aborted().filter(|_| !matches!(strand.work, Work::Enter)) {
            self.push_event(event, previous, Vec::new());
        }
    }

    /// Leaves a strand where it is, to be gone on with by a redrive. One that holds branches stays as it is, as
    /// those are gone on with.
    fn break_off(&mut self, id: usize) {
        let holds_branches = matches!(self.strand(id).work, Work::Branching(_) | Work::Running(_));
        if !holds_branches {
            let work = std::mem::replace(&mut self.strand_mut(id).work, Work::Broken);
            self.forget_work(work);
        }
    }

    /// Cancels what a strand waited for.
    fn forget_work(&mut self, work: Work) {
        match work {
            Work::Sleeping(key) | Work::Delayed(key) => self.timers.cancel(key),
            Work::Asking(task) => self.forget_task(task),
            Work::Running(run) => self.give_up_map_run(*run),
            Work::Enter | Work::Again | Work::Branching(_) | Work::Broken => {}
        }
    }

    /// Drops every open task and running child.
    pub(super) fn drop_everything_asked(&mut self) {
        let open: Vec<u64> = self.tasks.keys().copied().collect();
        for task in open {
            self.forget_task(task);
        }
        for id in 0..self.strands.len() {
            if matches!(&self.strands[id], Some(strand) if matches!(strand.work, Work::Running(_))) {
                self.stop_map_run(id, ExecutionStatus::Aborted);
            }
        }
    }

    /// The machine's `TimeoutSeconds` are over, or the five minutes of an Express execution.
    pub(super) fn time_out(&mut self) {
        let error = (Field::Error, Detail::text("States.Timeout"));
        self.push_event(EventType::ExecutionTimedOut, 0, vec![error]);
        self.break_off_all();
        // StartSyncExecution answers with the error; DescribeExecution of a Standard execution has none.
        let error = match self.identity.execution_type {
            MachineType::Express => Some("States.Timeout".into()),
            MachineType::Standard => None,
        };
        self.close(Outcome { status: ExecutionStatus::TimedOut, output: None, error, cause: None });
    }

    /// Something in the engine itself failed, and the execution with it.
    pub(super) fn broken(&mut self, cause: &Arc<str>) -> bool {
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
        self.break_off_all();
        self.close(Outcome {
            status: ExecutionStatus::Aborted,
            output: None,
            error: reported.name,
            cause: reported.cause,
        });
        true
    }

    fn root_last(&self) -> u64 {
        self.strands.iter().flatten().find(|strand| strand.parent.is_none()).map_or(0, |strand| strand.last)
    }

    fn break_off_all(&mut self) {
        for id in 0..self.strands.len() {
            if self.strands[id].is_some() {
                self.break_off(id);
            }
        }
    }

    /// Goes on where it broke off.
    pub(super) fn redrive(&mut self) -> bool {
        let may = matches!(
            self.status(),
            ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted
        ) && self.next_event < super::EVENT_LIMIT;
        if !may {
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
        for id in 0..self.strands.len() {
            let Some(strand) = &mut self.strands[id] else { continue };
            match &mut strand.work {
                Work::Broken => {
                    strand.retries.clear();
                    let work = if strand.entered == 0 { Work::Enter } else { Work::Again };
                    self.make_ready(id, work);
                }
                Work::Running(_) => self.redrive_map_run(id),
                Work::Enter | Work::Again => self.make_ready_as_is(id),
                _ => {}
            }
        }
        true
    }
}
