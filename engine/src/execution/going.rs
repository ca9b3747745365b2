//! Going on: a strand enters its state, does what the state says, leaves it, until it waits or ends.

use std::sync::Arc;

use jiff::Timestamp;

use super::strand::{Strand, Work};
use super::timers::Timer;
use super::{Context, EVENT_LIMIT, Execution, Outcome, PAYLOAD_LIMIT, VARIABLES_LIMIT};
use crate::data::{Json, Object, json::MAX_DEPTH};
use crate::definition::Transition;
use crate::engine::{ExecutionStatus, MachineType};
use crate::history::{Detail, Details, EventType, Field};
use crate::state::{Cx, Finished, State, StateError, Step};

impl Execution {
    pub(super) fn make_ready(&mut self, id: usize, work: Work) {
        let strand = self.strand_mut(id);
        strand.work = work;
        let serial = strand.serial;
        self.ready.push_back((id, serial));
    }

    /// Goes on with what is ready, until everything waits or the record is full.
    pub(super) fn run(&mut self) {
        while self.outcome.is_none() {
            if self.next_event > EVENT_LIMIT && self.identity.execution_type == MachineType::Standard {
                return self.exhaust();
            }
            if self.pace.is_over() {
                return;
            }
            let Some((id, serial)) = self.ready.pop_front() else { return };
            let is_alive =
                self.strands.get(id).and_then(Option::as_ref).is_some_and(|strand| strand.serial == serial);
            if is_alive {
                self.advance(id);
            }
        }
    }

    /// Goes on with one strand until it waits or ends.
    pub(super) fn advance(&mut self, id: usize) {
        loop {
            self.pace.count_state();
            let strand = self.strand_mut(id);
            let state = Arc::clone(strand.states.at(strand.place));
            if matches!(strand.work, Work::Enter) {
                self.enter(id, &state);
            }
            self.strand_mut(id).work = Work::Again;
            let token = self.preview_token(&state);
            let step = {
                let strand = self.strand(id);
                let context = self.context(strand, &state, token.as_deref());
                state.enter(&self.cx(strand, &context))
            };
            let goes_on = match step {
                Ok(Step::Exit(finished, transition)) => self.exit(id, &state, finished, transition),
                Ok(Step::Sleep { until }) => {
                    let serial = self.strand(id).serial;
                    let key = self.timers.set(until, Timer::Wake { strand: id, serial });
                    self.strand_mut(id).work = Work::Sleeping(key);
                    // A moment that has passed needs no timer; it fires with the next tick, which is now.
                    if until <= self.now {
                        self.timers.cancel(key);
                        self.wake(id)
                    } else {
                        false
                    }
                }
                Ok(Step::Ask(request)) => self.ask(id, &state, request),
                Ok(Step::Fork { input }) => self.fork(id, &state, input),
                Ok(Step::Spread(spread)) => self.spread(id, &state, spread),
                Err(error) => self.fail(id, &state, error),
            };
            if !goes_on || self.outcome.is_some() {
                return;
            }
            if self.pace.is_over() || self.next_event > EVENT_LIMIT {
                // `run` decides what comes of it.
                return self.make_ready_as_is(id);
            }
        }
    }

    pub(super) fn make_ready_as_is(&mut self, id: usize) {
        let serial = self.strand(id).serial;
        self.ready.push_back((id, serial));
    }

    pub(super) fn enter(&mut self, id: usize, state: &State) {
        let event_id = self.next_event;
        let now = self.now;
        let strand = self.strand_mut(id);
        let previous = strand.last;
        strand.last_before = previous;
        strand.last = event_id;
        strand.entered = event_id;
        strand.entered_at = now;
        strand.retries.clear();
        let input = strand.input.clone();
        self.push_event(
            state.entered(),
            previous,
            vec![(Field::Input, Detail::Data(input)), (Field::Name, Detail::Text(Arc::clone(&state.name)))],
        );
    }

    pub(super) fn context<'a>(
        &'a self,
        strand: &'a Strand,
        state: &'a State,
        task_token: Option<&'a str>,
    ) -> Context<'a> {
        Context {
            identity: &self.identity,
            redrive_count: self.redrive_count,
            state_name: &state.name,
            entered_at: strand.entered_at,
            retry_count: state.counts_retries().then(|| strand.retry_count()),
            item: strand.item.as_ref(),
            task_token,
        }
    }

    pub(super) fn cx<'a>(&'a self, strand: &'a Strand, context: &'a Context<'a>) -> Cx<'a> {
        Cx {
            input: &strand.input,
            variables: &strand.variables,
            context,
            random: &self.random,
            now: Timestamp::from_millisecond(self.now).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// What the state makes of its result; then out of it. Says whether the strand goes on at once.
    pub(super) fn reply(&mut self, id: usize, state: &State, result: Json) -> bool {
        let told = self.strand(id).last;
        self.reply_after(id, state, result, told)
    }

    /// The same, where a failure follows another event than the strand goes on from.
    pub(super) fn reply_after(&mut self, id: usize, state: &State, result: Json, told: u64) -> bool {
        let replied = {
            let strand = self.strand(id);
            let context = self.context(strand, state, None);
            state.reply(&self.cx(strand, &context), result)
        };
        match replied {
            Ok((finished, transition)) => self.exit(id, state, finished, transition),
            Err(error) => {
                self.strand_mut(id).last = told;
                self.fail(id, state, error)
            }
        }
    }

    /// A Wait state's moment has come.
    pub(super) fn wake(&mut self, id: usize) -> bool {
        let strand = self.strand(id);
        let state = Arc::clone(strand.states.at(strand.place));
        self.reply(id, &state, Json::Null)
    }

    /// Leaves a state. Says whether the strand goes on at once.
    pub(super) fn exit(
        &mut self,
        id: usize,
        state: &State,
        finished: Finished,
        transition: Transition,
    ) -> bool {
        let Finished { output, assigned } = finished;
        let is_too_large = |json: &Json| json.serialized_len() > PAYLOAD_LIMIT || json.depth() > MAX_DEPTH;
        let variables = assigned.as_ref().and_then(Json::as_object);
        // What one state assigns counts together, and so does all that has been assigned.
        let is_too_much = |assigned: &Object| {
            let known = &self.strand(id).variables;
            let replaced: usize =
                assigned.keys().filter_map(|name| known.get(name)).map(Json::serialized_len).sum();
            let size: usize = assigned.values().map(Json::serialized_len).sum();
            size > PAYLOAD_LIMIT || known.size() - replaced + size > VARIABLES_LIMIT
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
            let strand = self.strand_mut(id);
            for (name, value) in variables.iter() {
                strand.variables.assign(Arc::clone(name), value.clone());
            }
        }
        self.emit(id, state.exited(), details);
        match transition {
            Transition::Next(place) => {
                let strand = self.strand_mut(id);
                strand.place = place;
                strand.input = output;
                strand.work = Work::Enter;
                true
            }
            Transition::End => {
                self.complete(id, output);
                false
            }
        }
    }

    /// A strand has come to its end.
    pub(super) fn complete(&mut self, id: usize, output: Json) {
        match self.strand(id).parent {
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

    pub(super) fn tick(&mut self) -> bool {
        let mut any = false;
        while let Some(timer) = self.timers.due(self.now) {
            any = true;
            match timer {
                Timer::Wake { strand, serial } => self.timer_woke(strand, serial),
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

    pub(super) fn timer_woke(&mut self, id: usize, serial: u64) {
        let Some(strand) = self.strands.get(id).and_then(Option::as_ref) else { return };
        if strand.serial != serial {
            return;
        }
        let goes_on = match strand.work {
            Work::Sleeping(_) => self.wake(id),
            Work::Delayed(_) => {
                self.strand_mut(id).work = Work::Again;
                true
            }
            _ => false,
        };
        if goes_on {
            self.make_ready_as_is(id);
        }
    }
}
