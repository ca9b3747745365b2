//! One execution as a pure function: what happened goes in, events and actions come out.
//!
//! Nothing here waits, writes or calls. The same stimuli at the same moments always give the same events, which
//! is what a restarted engine relies on: it folds the stored stimuli and is where it was.

mod asking;
mod branches;
mod failing;
mod identity;
mod map_run;
mod stimulus;
mod strand;
mod timers;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

pub(crate) use asking::{Ask, Asked};
pub(crate) use identity::{Caller, Context, Identity, Item, MapChild};
pub(crate) use map_run::{ChildStart, MapRunState, child_inputs};
pub(crate) use stimulus::{Outcome, Reported, Stimulus};

use crate::data::{Json, Random, Variables, json::MAX_DEPTH};
use crate::definition::{StateMachine, States, Transition};
use crate::engine::{ExecutionStatus, MachineType};
use crate::history::{Detail, Details, Event, EventType, Field};
use crate::state::{Cx, Finished, State, StateError, Step};
use asking::OpenTask;
use strand::{Parent, Strand, Work};
use timers::{Timer, Timers};

/// The most bytes of an input, an output or an answer.
pub(crate) const PAYLOAD_LIMIT: usize = 262_144;

/// The most events of a history.
const EVENT_LIMIT: u64 = 25_000;

/// How many states are worked through before a record is cut.
const SLICE: usize = 1_000;

/// The longest that an Express execution runs.
const EXPRESS_SECONDS: u64 = 300;

/// An execution, as far as it has come.
#[derive(Debug)]
pub(crate) struct Execution {
    pub(crate) identity: Arc<Identity>,
    states: Arc<States>,
    timeout_seconds: Option<u64>,
    strands: Vec<Option<Strand>>,
    free: Vec<usize>,
    serials: u64,
    ready: VecDeque<(usize, u64)>,
    tasks: BTreeMap<u64, OpenTask>,
    asked: u64,
    map_runs: u64,
    timers: Timers,
    random: Random,
    now: i64,
    next_event: u64,
    events: Vec<Event>,
    actions: Vec<Action>,
    /// How many more states may be worked through before the record is cut.
    slice: usize,
    outcome: Option<Outcome>,
    stopped_at: Option<i64>,
    redrive_count: u32,
    redrive_date: Option<i64>,
    ended_runs: Vec<MapRunState>,
}

/// What a stimulus led to.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) events: Vec<Event>,
    pub(crate) actions: Vec<Action>,
    /// It goes on at once with [`Stimulus::Continue`].
    pub(crate) more: bool,
}

/// What the engine is to do once the record is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Ask for a task.
    Ask(Ask),
    /// Nobody waits for this task any more.
    Drop { task: u64 },
    /// Start a child of a Distributed Map.
    StartChild(ChildStart),
    /// Remember whose run of a Distributed Map this is.
    MapRunStarted { arn: Arc<str> },
    /// Stop a child of a Distributed Map, or a nested execution.
    StopChild { arn: Arc<str> },
}

impl Execution {
    /// An execution that has not yet begun.
    pub(crate) fn new(identity: Arc<Identity>, machine: &StateMachine) -> Execution {
        let (states, timeout_seconds) = match &identity.map_child {
            None => (Arc::clone(&machine.states), machine.timeout_seconds),
            Some(child) => match machine.find(&child.state).and_then(|state| state.as_map()) {
                Some(map) => (Arc::clone(&map.processor), None),
                // The name comes from the parent, which runs the same revision of the machine.
                None => (Arc::clone(&machine.states), None),
            },
        };
        Execution {
            random: Random::new(identity.seed),
            now: identity.start,
            identity,
            states,
            timeout_seconds,
            strands: Vec::new(),
            free: Vec::new(),
            serials: 0,
            ready: VecDeque::new(),
            tasks: BTreeMap::new(),
            asked: 0,
            map_runs: 0,
            timers: Timers::default(),
            next_event: 1,
            events: Vec::new(),
            actions: Vec::new(),
            slice: 0,
            outcome: None,
            stopped_at: None,
            redrive_count: 0,
            redrive_date: None,
            ended_runs: Vec::new(),
        }
    }

    /// Where it stands.
    pub(crate) fn status(&self) -> ExecutionStatus {
        self.outcome.as_ref().map_or(ExecutionStatus::Running, |outcome| outcome.status)
    }

    /// How it ended, if it did.
    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// When it ended, if it did.
    pub(crate) fn stopped_at(&self) -> Option<i64> {
        self.stopped_at
    }

    /// How often and when last it was redriven.
    pub(crate) fn redrives(&self) -> (u32, Option<i64>) {
        (self.redrive_count, self.redrive_date)
    }

    /// The moment of what happened last. It never goes back, even if the clock does.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// The next moment at which it wants a [`Stimulus::Tick`].
    pub(crate) fn next_tick(&self) -> Option<i64> {
        self.timers.next()
    }

    /// Takes in what happened. `None`: it came too late or means nothing here, and is to be forgotten.
    pub(crate) fn apply(&mut self, stimulus: &Stimulus, now: i64) -> Option<Effects> {
        self.now = self.now.max(now);
        self.slice = SLICE;
        if self.outcome.is_some() && *stimulus != Stimulus::Redrive {
            return None;
        }
        let meant = match stimulus {
            Stimulus::Start => self.start(),
            Stimulus::Continue => !self.ready.is_empty(),
            Stimulus::Tick => self.tick(),
            Stimulus::Answered { task, answer } => self.answered(*task, answer),
            Stimulus::Taken { task, worker } => self.taken(*task, worker.as_ref()),
            Stimulus::Heartbeat { task } => self.heartbeat(*task),
            Stimulus::Reported { task, report } => self.reported(*task, report),
            Stimulus::ChildClosed { run, index, outcome } => self.child_closed(*run, *index, outcome),
            Stimulus::Stop { error, cause } => self.stop(error.clone(), cause.clone()),
            Stimulus::Redrive => self.redrive(),
        };
        if !meant {
            return None;
        }
        self.run();
        Some(Effects {
            events: std::mem::take(&mut self.events),
            actions: std::mem::take(&mut self.actions),
            more: self.outcome.is_none() && !self.ready.is_empty(),
        })
    }

    /// What must be asked anew after a restart.
    pub(crate) fn pending(&self) -> Vec<Action> {
        if self.outcome.is_some() {
            return Vec::new();
        }
        let mut pending: Vec<Action> =
            self.tasks.iter().filter_map(|(key, task)| task.pending(*key)).map(Action::Ask).collect();
        for strand in self.strands.iter().flatten() {
            if let Work::Running(run) = &strand.work {
                pending.extend(run.pending().map(Action::StartChild));
            }
        }
        pending
    }

    /// Whether it has more to do at once, as after a slice.
    pub(crate) fn has_more(&self) -> bool {
        self.outcome.is_none() && !self.ready.is_empty()
    }

    fn start(&mut self) -> bool {
        let identity = Arc::clone(&self.identity);
        self.push_event(
            EventType::ExecutionStarted,
            0,
            vec![
                (Field::Input, Detail::Data(identity.input.clone())),
                (Field::RoleArn, Detail::Text(Arc::clone(&identity.role_arn))),
            ],
        );
        let item = identity.map_child.as_ref().and_then(|child| {
            child.item.as_ref().map(|value| Item { index: child.index, value: value.clone() })
        });
        let states = Arc::clone(&self.states);
        self.begin(None, states, identity.input.clone(), Variables::default(), item, 0);
        self.set_execution_timer();
        true
    }

    fn set_execution_timer(&mut self) {
        let limit = match self.identity.execution_type {
            MachineType::Standard => self.timeout_seconds,
            MachineType::Express => {
                Some(self.timeout_seconds.unwrap_or(EXPRESS_SECONDS).min(EXPRESS_SECONDS))
            }
        };
        if let Some(seconds) = limit {
            self.timers.set(self.after(seconds), Timer::Execution);
        }
    }

    /// The moment after so many seconds.
    fn after(&self, seconds: u64) -> i64 {
        self.now.saturating_add(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX))
    }

    /// Adds a strand at the start of its states, ready to run.
    fn begin(
        &mut self,
        parent: Option<Parent>,
        states: Arc<States>,
        input: Json,
        variables: Variables,
        item: Option<Item>,
        last: u64,
    ) -> usize {
        self.serials += 1;
        let strand = Strand {
            serial: self.serials,
            parent,
            place: states.start_at(),
            states,
            input,
            variables,
            item,
            last,
            last_before: last,
            entered: 0,
            entered_at: self.now,
            retries: Vec::new(),
            work: Work::Enter,
        };
        let serial = strand.serial;
        let id = match self.free.pop() {
            Some(id) => {
                self.strands[id] = Some(strand);
                id
            }
            None => {
                self.strands.push(Some(strand));
                self.strands.len() - 1
            }
        };
        self.ready.push_back((id, serial));
        id
    }

    fn strand(&self, id: usize) -> &Strand {
        self.strands[id].as_ref().expect("strands are referred to only while they live")
    }

    fn strand_mut(&mut self, id: usize) -> &mut Strand {
        self.strands[id].as_mut().expect("strands are referred to only while they live")
    }

    /// Removes a strand that is done.
    fn end_strand(&mut self, id: usize) -> Strand {
        self.free.push(id);
        self.strands[id].take().expect("a strand ends once")
    }

    fn make_ready(&mut self, id: usize, work: Work) {
        let strand = self.strand_mut(id);
        strand.work = work;
        let serial = strand.serial;
        self.ready.push_back((id, serial));
    }

    /// Goes on with what is ready, until everything waits or the record is full.
    fn run(&mut self) {
        while self.outcome.is_none() && self.slice > 0 {
            if self.next_event > EVENT_LIMIT && self.identity.execution_type == MachineType::Standard {
                return self.exhaust();
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
    fn advance(&mut self, id: usize) {
        loop {
            self.slice = self.slice.saturating_sub(1);
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
            if self.slice == 0 || self.next_event > EVENT_LIMIT {
                // `run` decides what comes of it.
                return self.make_ready_as_is(id);
            }
        }
    }

    fn make_ready_as_is(&mut self, id: usize) {
        let serial = self.strand(id).serial;
        self.ready.push_back((id, serial));
    }

    fn enter(&mut self, id: usize, state: &State) {
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

    fn context<'a>(
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

    fn cx<'a>(&'a self, strand: &'a Strand, context: &'a Context<'a>) -> Cx<'a> {
        Cx {
            input: &strand.input,
            variables: &strand.variables,
            context,
            random: &self.random,
            now: Timestamp::from_millisecond(self.now).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }

    /// What the state makes of its result; then out of it. Says whether the strand goes on at once.
    fn reply(&mut self, id: usize, state: &State, result: Json) -> bool {
        let replied = {
            let strand = self.strand(id);
            let context = self.context(strand, state, None);
            state.reply(&self.cx(strand, &context), result)
        };
        match replied {
            Ok((finished, transition)) => self.exit(id, state, finished, transition),
            Err(error) => self.fail(id, state, error),
        }
    }

    /// A Wait state's moment has come.
    fn wake(&mut self, id: usize) -> bool {
        let strand = self.strand(id);
        let state = Arc::clone(strand.states.at(strand.place));
        self.reply(id, &state, Json::Null)
    }

    /// Leaves a state. Says whether the strand goes on at once.
    fn exit(&mut self, id: usize, state: &State, finished: Finished, transition: Transition) -> bool {
        let Finished { output, assigned } = finished;
        let is_too_large = |json: &Json| json.serialized_len() > PAYLOAD_LIMIT || json.depth() > MAX_DEPTH;
        let variables = assigned.as_ref().and_then(Json::as_object);
        if is_too_large(&output) || variables.is_some_and(|variables| variables.values().any(is_too_large)) {
            return self.fail(id, state, StateError::data_limit(&state.name));
        }
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
    fn complete(&mut self, id: usize, output: Json) {
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

    /// The execution has ended.
    fn close(&mut self, outcome: Outcome) {
        // An end that the history has no room for is no end.
        if self.next_event > EVENT_LIMIT + 1 && self.identity.execution_type == MachineType::Standard {
            return self.exhaust();
        }
        self.outcome = Some(outcome);
        self.stopped_at = Some(self.now);
        self.timers.clear();
        self.ready.clear();
        self.drop_everything_asked();
    }

    fn tick(&mut self) -> bool {
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

    fn timer_woke(&mut self, id: usize, serial: u64) {
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

    /// Adds an event that follows the last one of a strand.
    fn emit(&mut self, id: usize, event_type: EventType, details: Details) -> u64 {
        let event_id = self.next_event;
        let strand = self.strand_mut(id);
        let previous = std::mem::replace(&mut strand.last, event_id);
        self.push_event(event_type, previous, details);
        event_id
    }

    /// Adds an event beside the strand's line: what comes next does not follow it.
    fn emit_aside(&mut self, id: usize, event_type: EventType, details: Details) -> u64 {
        let previous = self.strand(id).last;
        let event_id = self.next_event;
        self.push_event(event_type, previous, details);
        event_id
    }

    fn push_event(&mut self, event_type: EventType, previous: u64, details: Details) {
        let id = self.next_event;
        self.next_event += 1;
        // Express executions have no history to ask for. Past the limit only the number counts on.
        if self.identity.execution_type == MachineType::Standard && id <= EVENT_LIMIT {
            self.events.push(Event { event_type, id, previous, details });
        }
    }

    /// The history is full: the execution ends with its last event.
    fn exhaust(&mut self) {
        let cause: Arc<str> =
            format!("The execution reached the maximum number of history events ({EVENT_LIMIT}).").into();
        let error: Arc<str> = "States.Runtime".into();
        self.next_event = EVENT_LIMIT + 1;
        let details = vec![
            (Field::Cause, Detail::Text(Arc::clone(&cause))),
            (Field::Error, Detail::Text(Arc::clone(&error))),
        ];
        let last = Event {
            event_type: EventType::ExecutionFailed,
            id: EVENT_LIMIT,
            previous: EVENT_LIMIT - 1,
            details,
        };
        match self.events.last_mut() {
            Some(event) if event.id == EVENT_LIMIT => *event = last,
            _ => self.events.push(last),
        }
        self.close(Outcome {
            status: ExecutionStatus::Failed,
            output: None,
            error: Some(error),
            cause: Some(cause),
        });
    }
}
