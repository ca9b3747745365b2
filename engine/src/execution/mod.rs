//! One execution as a pure function: what happened goes in, events and actions come out.
//!
//! Nothing here waits, writes or calls. The same stimuli at the same moments always give the same events, which
//! is what a restarted engine relies on: it folds the stored stimuli and is where it was.

mod asking;
mod batches;
mod branches;
mod failing;
mod going;
mod identity;
mod map_run;
mod pace;
mod stimulus;
mod strand;
mod task;
mod telling;
mod timers;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub(crate) use batches::child_inputs;
pub(crate) use identity::{Caller, Context, Identity, Item, MapChild};
pub(crate) use map_run::{ChildStart, MapRunState};
pub(crate) use pace::Pace;
pub(crate) use stimulus::{Outcome, Reported, Stimulus};
pub(crate) use task::{Ask, Asked};

use crate::data::{Json, Random, Variables};
use crate::definition::{StateMachine, States};
use crate::engine::{ExecutionStatus, MachineType};
use crate::history::{Detail, Event, EventType, Field};
use strand::{Parent, Strand, Work};
use task::OpenTask;
use timers::{Timer, Timers};

/// The most bytes of an input, an output or an answer.
pub(crate) const PAYLOAD_LIMIT: usize = 262_144;

/// The most bytes of all variables that a state sees together.
const VARIABLES_LIMIT: usize = 10 * 1024 * 1024;

/// The most events of a history.
const EVENT_LIMIT: u64 = 25_000;

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
    /// How much more may be done before the record is cut.
    pace: Pace,
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
    /// How many states were worked through: [`Pace::states`] leads to the same again.
    pub(crate) states: u64,
}

/// Where an execution stood, for [`Execution::take_back`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    next_event: u64,
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
    StopChild { arn: Arc<str>, cause: Option<Arc<str>> },
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
            pace: Pace::default(),
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

    /// The bytes of the data that its next state works on, or more: the most that one of its strands has.
    pub(crate) fn weight(&self) -> usize {
        let weights = self.strands.iter().flatten();
        weights.map(|strand| strand.input.serialized_len() + strand.variables.size()).max().unwrap_or(0)
    }

    /// The next moment at which it wants a [`Stimulus::Tick`].
    pub(crate) fn next_tick(&self) -> Option<i64> {
        self.timers.next()
    }

    /// Takes in what happened. `None`: it came too late or means nothing here, and is to be forgotten.
    pub(crate) fn apply(&mut self, stimulus: &Stimulus, now: i64, pace: Pace) -> Option<Effects> {
        self.now = self.now.max(now);
        self.pace = pace;
        if self.outcome.is_some() && *stimulus != Stimulus::Redrive {
            return None;
        }
        let meant = match stimulus {
            Stimulus::Start => self.start(),
            // An execution that never waits must hear of its time-out all the same.
            Stimulus::Continue => (self.pace.ticks() && self.tick()) || !self.ready.is_empty(),
            Stimulus::Tick => self.tick(),
            Stimulus::Answered { task, answer } => self.answered(*task, answer),
            Stimulus::Taken { task, worker } => self.taken(*task, worker.as_ref()),
            Stimulus::Heartbeat { task } => self.heartbeat(*task),
            Stimulus::Reported { task, report } => self.reported(*task, report),
            Stimulus::ChildClosed { run, index, outcome } => self.child_closed(*run, *index, outcome),
            Stimulus::Stop { error, cause } => self.stop(error.clone(), cause.clone()),
            Stimulus::Redrive => self.redrive(),
            Stimulus::Broken { cause } => self.broken(cause),
        };
        if !meant {
            return None;
        }
        self.run();
        Some(Effects {
            events: std::mem::take(&mut self.events),
            actions: std::mem::take(&mut self.actions),
            more: self.outcome.is_none() && !self.ready.is_empty(),
            states: self.pace.worked(),
        })
    }

    /// Where it stands, before something is taken in.
    pub(crate) fn mark(&self) -> Mark {
        Mark { next_event: self.next_event }
    }

    /// Takes back what was said since the mark. What else was changed stays as it is, so that all that can be done
    /// after this is to end it, with [`Stimulus::Broken`].
    pub(crate) fn take_back(&mut self, mark: Mark) {
        self.next_event = mark.next_event;
        self.events.clear();
        self.actions.clear();
        self.outcome = None;
        self.stopped_at = None;
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
}
