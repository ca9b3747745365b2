//! Running: a branch enters its state, does the work, leaves it, until it waits or ends.

use std::sync::Arc;

use jiff::Timestamp;

use super::branch::{Branch, Work};
use super::timers::Timer;
use super::{Context, Execution, MAX_EVENTS, MAX_PAYLOAD_BYTES, MAX_VARIABLES_BYTES, Outcome};
use crate::data::{Json, Object, Scope, json::MAX_DEPTH};
use crate::history::{Detail, Details, EventType, Field};
use crate::model::{ExecutionStatus, MachineType};
use crate::state::{Finished, State, StateError, Step, Transition};

/// Whether a branch continues at once or waits for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Continue,
    Suspend,
}

impl Execution {
    /// The time at which a Wait state ends, if Wait states are sped up or slowed down.
    fn scaled(&self, until: i64) -> i64 {
        match self.identity.wait_scale {
            Some(scale) if until > self.now => {
                self.now.saturating_add(((until - self.now) as f64 * scale) as i64)
            }
            _ => until,
        }
    }

    /// The state that a branch is in.
    pub(super) fn state_of(&self, id: usize) -> Arc<State> {
        let branch = self.branch(id);
        Arc::clone(branch.states.at(branch.state_index))
    }

    /// Queues a branch to run with this work.
    pub(super) fn make_ready_with(&mut self, id: usize, work: Work) {
        let branch = self.branch_mut(id);
        branch.work = work;
        let serial = branch.serial;
        self.ready.push_back((id, serial));
    }

    /// Runs the branches that are ready, until all of them wait or the record is full.
    pub(super) fn run(&mut self) {
        while self.outcome.is_none() {
            if self.next_event > MAX_EVENTS && self.identity.execution_type == MachineType::Standard {
                return self.fail_full_history();
            }
            if self.pace.is_over() {
                return;
            }
            let Some((id, serial)) = self.ready.pop_front() else { return };
            let is_alive =
                self.branches.get(id).and_then(Option::as_ref).is_some_and(|branch| branch.serial == serial);
            if is_alive {
                self.advance(id);
            }
        }
    }

    /// Runs one branch until it waits or ends.
    fn advance(&mut self, id: usize) {
        loop {
            self.pace.count_state();
            let state = self.state_of(id);
            if matches!(self.branch(id).work, Work::Enter) {
                self.enter(id, &state);
            }
            self.branch_mut(id).work = Work::Again;
            let token = self.preview_token(&state);
            let step = {
                let branch = self.branch(id);
                let context = self.context(branch, &state, token.as_deref());
                state.enter(&self.scope(branch, &context))
            };
            let progress = match step {
                Ok(Step::Exit(finished, transition)) => self.exit(id, &state, finished, transition),
                Ok(Step::Sleep { until }) => {
                    let until = self.scaled(until);
                    let serial = self.branch(id).serial;
                    let key = self.timers.set(until, Timer::Wake { branch: id, serial });
                    self.branch_mut(id).work = Work::Sleeping(key);
                    // A timestamp that has passed needs no timer.
                    if until <= self.now {
                        self.timers.cancel(key);
                        self.wake(id)
                    } else {
                        Progress::Suspend
                    }
                }
                Ok(Step::ScheduleTask(request)) => self.schedule_task(id, &state, request),
                Ok(Step::StartBranches { input }) => self.start_branches(id, &state, input),
                Ok(Step::StartIterations(request)) => self.start_iterations(id, &state, request),
                Err(error) => self.fail(id, &state, error),
            };
            if progress == Progress::Suspend || self.outcome.is_some() {
                return;
            }
            if self.pace.is_over() || self.next_event > MAX_EVENTS {
                // `run` decides how to continue.
                return self.make_ready(id);
            }
        }
    }

    /// Queues a branch to run.
    pub(super) fn make_ready(&mut self, id: usize) {
        let serial = self.branch(id).serial;
        self.ready.push_back((id, serial));
    }

    fn enter(&mut self, id: usize, state: &State) {
        let event_id = self.next_event;
        let now = self.now;
        let branch = self.branch_mut(id);
        let previous = branch.last;
        branch.last_before = previous;
        branch.last = event_id;
        branch.entered = event_id;
        branch.entered_at = now;
        branch.retries.clear();
        let input = branch.input.clone();
        self.push_event(
            state.entered(),
            previous,
            vec![(Field::Input, Detail::Data(input)), (Field::Name, Detail::Text(Arc::clone(&state.name)))],
        );
    }

    pub(super) fn context<'a>(
        &'a self,
        branch: &'a Branch,
        state: &'a State,
        task_token: Option<&'a str>,
    ) -> Context<'a> {
        Context {
            identity: &self.identity,
            redrive_count: self.redrive_count,
            state_name: &state.name,
            entered_at: branch.entered_at,
            retry_count: state.counts_retries().then(|| branch.retry_count()),
            item: branch.item.as_ref(),
            task_token,
        }
    }

    /// What the expressions of a branch's state see.
    pub(super) fn scope<'a>(&'a self, branch: &'a Branch, context: &'a Context<'a>) -> Scope<'a> {
        let now = Timestamp::from_millisecond(self.now).unwrap_or(Timestamp::UNIX_EPOCH);
        Scope::new(&branch.input, context, &branch.variables, &self.random, now)
    }

    /// Shapes the result of a state's work into its output, and leaves the state.
    pub(super) fn reply(&mut self, id: usize, state: &State, result: Json) -> Progress {
        let last = self.branch(id).last;
        self.reply_after(id, state, result, last)
    }

    /// The same; a failure follows the event `previous` instead of the branch's last one.
    pub(super) fn reply_after(&mut self, id: usize, state: &State, result: Json, previous: u64) -> Progress {
        let replied = {
            let branch = self.branch(id);
            let context = self.context(branch, state, None);
            state.reply(&self.scope(branch, &context), result)
        };
        match replied {
            Ok((finished, transition)) => self.exit(id, state, finished, transition),
            Err(error) => {
                self.branch_mut(id).last = previous;
                self.fail(id, state, error)
            }
        }
    }

    /// Ends a Wait state.
    fn wake(&mut self, id: usize) -> Progress {
        let state = self.state_of(id);
        self.reply(id, &state, Json::Null)
    }

    /// Leaves a state.
    pub(super) fn exit(
        &mut self,
        id: usize,
        state: &State,
        finished: Finished,
        transition: Transition,
    ) -> Progress {
        let Finished { output, assigned } = finished;
        let is_too_large =
            |json: &Json| json.serialized_len() > MAX_PAYLOAD_BYTES || json.depth() > MAX_DEPTH;
        let variables = assigned.as_ref().and_then(Json::as_object);
        // There is a limit for the variables of one state together, and one for all variables.
        let is_too_much = |assigned: &Object| {
            let known = &self.branch(id).variables;
            let replaced: usize =
                assigned.keys().filter_map(|name| known.get(name)).map(Json::serialized_len).sum();
            let size: usize = assigned.values().map(Json::serialized_len).sum();
            size > MAX_PAYLOAD_BYTES || known.size() - replaced + size > MAX_VARIABLES_BYTES
        };
        if is_too_large(&output)
            || variables.is_some_and(|it| it.values().any(is_too_large) || is_too_much(it))
        {
            return self.fail(id, state, StateError::data_limit(&state.name));
        }
        self.pace.count_output(output.serialized_len());
        let mut details: Details = Vec::with_capacity(3);
        details.push((Field::Name, Detail::Text(Arc::clone(&state.name))));
        details.push((Field::Output, Detail::Data(output.clone())));
        if let Some(variables) = variables {
            if !variables.is_empty() {
                let shown = variables.iter().map(|(name, value)| (Arc::clone(name), value.clone())).collect();
                details.push((Field::AssignedVariables, Detail::Variables(shown)));
            }
            let branch = self.branch_mut(id);
            for (name, value) in variables.iter() {
                branch.variables.assign(Arc::clone(name), value.clone());
            }
        }
        self.emit(id, state.exited(), details);
        match transition {
            Transition::Next(index) => {
                let branch = self.branch_mut(id);
                branch.state_index = index;
                branch.input = output;
                branch.work = Work::Enter;
                Progress::Continue
            }
            Transition::End => {
                self.complete(id, output);
                Progress::Suspend
            }
        }
    }

    /// Completes a branch.
    fn complete(&mut self, id: usize, output: Json) {
        match self.branch(id).parent {
            Some(parent) => self.branch_complete(id, parent, output),
            None => {
                self.emit(
                    id,
                    EventType::ExecutionSucceeded,
                    vec![(Field::Output, Detail::Data(output.clone()))],
                );
                self.close(Outcome {
                    status: ExecutionStatus::Succeeded,
                    output: Some(output),
                    error: None,
                    cause: None,
                });
            }
        }
    }

    /// Fires the timers that are due; returns whether there were any.
    pub(super) fn tick(&mut self) -> bool {
        let mut any = false;
        while let Some(timer) = self.timers.due(self.now) {
            any = true;
            match timer {
                Timer::Wake { branch, serial } => self.timer_woke(branch, serial),
                Timer::Timeout { task } => self.task_timed_out(task),
                Timer::Heartbeat { task } => self.heartbeat_missed(task),
                Timer::Execution => self.time_out(),
            }
            if self.outcome.is_some() {
                break;
            }
        }
        any
    }

    fn timer_woke(&mut self, id: usize, serial: u64) {
        let Some(branch) = self.branches.get(id).and_then(Option::as_ref) else { return };
        if branch.serial != serial {
            return;
        }
        let progress = match branch.work {
            Work::Sleeping(_) => self.wake(id),
            Work::Delayed(_) => {
                self.branch_mut(id).work = Work::Again;
                Progress::Continue
            }
            _ => Progress::Suspend,
        };
        if progress == Progress::Continue {
            self.make_ready(id);
        }
    }
}
