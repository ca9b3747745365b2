//! One execution as a pure function: commands go in, history events and actions come out.
//!
//! Nothing here waits, writes or calls. The same commands at the same times always give the same events, which is what a
//! restarted engine relies on: it folds the stored commands and has the execution as it was.
//!
//! In reading order: `command`, [`Execution::apply`] below, `run` (a branch goes through its states), `tasks`, `errors`
//! (`Retry`, `Catch`, failing), `parallel`, `children` and `map_run` (branches, iterations, child executions), `events` (appending to
//! the history).

mod batches;
mod branch;
mod children;
mod command;
mod errors;
mod events;
mod identity;
mod map_run;
mod open_task;
mod pace;
mod parallel;
mod run;
mod tasks;
mod timers;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub(crate) use batches::child_inputs;
pub(crate) use children::{ChildStart, Export, MapRunState};
pub(crate) use command::{Command, Outcome, Page, Reported};
pub(crate) use identity::{Caller, Context, Identity, Item, ItemOrigin, MapChild, Qualified};
pub(crate) use open_task::{Invocation, SubmittedJob, Target};
pub(crate) use pace::Pace;

use crate::data::{Json, Random, Variables};
use crate::definition::StateMachine;
use crate::history::{Detail, Event, EventType, Field};
use crate::model::{ExecutionStatus, MachineType};
use crate::state::{ReadRequest, States};
use branch::{Branch, Parent, Work};
use open_task::OpenTask;
use timers::{Timer, Timers};

/// The most bytes of an input, an output or the result of a task.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 262_144;

/// The most bytes of all variables that a state sees together.
const MAX_VARIABLES_BYTES: usize = 10 * 1024 * 1024;

/// The most events of a history.
const MAX_EVENTS: u64 = 25_000;

/// How long an Express execution runs at most.
const MAX_EXPRESS_SECONDS: u64 = 300;

/// An execution, as far as it has come.
#[derive(Debug)]
pub(crate) struct Execution {
    pub(crate) identity: Arc<Identity>,
    states: Arc<States>,
    timeout_seconds: Option<u64>,
    branches: Vec<Option<Branch>>,
    free_slots: Vec<usize>,
    last_serial: u64,
    ready: VecDeque<(usize, u64)>,
    tasks: BTreeMap<u64, OpenTask>,
    last_task: u64,
    last_map_run: u64,
    timers: Timers,
    random: Random,
    now: i64,
    next_event: u64,
    events: Vec<Event>,
    actions: Vec<Action>,
    started_map_runs: Vec<Arc<str>>,
    /// How much more may be done before the record ends.
    pace: Pace,
    outcome: Option<Outcome>,
    stopped_at: Option<i64>,
    redrive_count: u32,
    redrive_date: Option<i64>,
    ended_runs: Vec<MapRunState>,
}

/// What a command led to.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) events: Vec<Event>,
    pub(crate) actions: Vec<Action>,
    /// The ARNs of map runs that began, which are stored with the record.
    pub(crate) map_runs: Vec<Arc<str>>,
    /// The execution continues at once, with [`Command::Continue`].
    pub(crate) more: bool,
    /// How many states were entered: [`Pace::states`] replays just as many.
    pub(crate) states: u64,
}

/// The state of the history before a command, for [`Execution::roll_back`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    next_event: u64,
}

/// What the engine does once the record is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Invoke a task.
    Invoke(Invocation),
    /// Cancel a task whose result is not wanted any more.
    CancelTask { task: u64 },
    /// Start a child of a Distributed Map.
    StartChild(ChildStart),
    /// Read the page at this position, or the first one, of the items of a map run.
    ReadItems { run: u64, page: u64, request: Arc<ReadRequest>, position: Option<Json> },
    /// Write the results of a map run.
    WriteResults(Export),
    /// Stop a child of a Distributed Map, or a nested execution.
    StopExecution { arn: Arc<str>, cause: Option<Arc<str>> },
    /// Stop a job of the host.
    StopJob(SubmittedJob),
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
            branches: Vec::new(),
            free_slots: Vec::new(),
            last_serial: 0,
            ready: VecDeque::new(),
            tasks: BTreeMap::new(),
            last_task: 0,
            last_map_run: 0,
            timers: Timers::default(),
            next_event: 1,
            events: Vec::new(),
            actions: Vec::new(),
            started_map_runs: Vec::new(),
            pace: Pace::default(),
            outcome: None,
            stopped_at: None,
            redrive_count: 0,
            redrive_date: None,
            ended_runs: Vec::new(),
        }
    }

    /// Its status.
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

    /// The time of the last command in milliseconds since 1970. It never goes back, even if the clock does.
    pub(crate) fn now(&self) -> i64 {
        self.now
    }

    /// An upper bound on the bytes of data that its next state works on: the most that one of its branches has.
    pub(crate) fn weight(&self) -> usize {
        let weights = self.branches.iter().flatten();
        weights.map(|branch| branch.input.serialized_len() + branch.variables.size()).max().unwrap_or(0)
    }

    /// The next time at which it needs a [`Command::Tick`].
    pub(crate) fn next_tick(&self) -> Option<i64> {
        self.timers.next()
    }

    /// Applies a command at a time. `None`: it came too late or has no meaning here, and is dropped.
    pub(crate) fn apply(&mut self, command: &Command, now: i64, pace: Pace) -> Option<Effects> {
        self.now = self.now.max(now);
        self.pace = pace;
        if self.outcome.is_some() && *command != Command::Redrive {
            return None;
        }
        let is_applied = match command {
            Command::Start => self.start(),
            // An execution that never waits must reach its time-out all the same.
            Command::Continue => (self.pace.ticks() && self.tick()) || !self.ready.is_empty(),
            Command::Tick => self.tick(),
            Command::TaskReturned { task, result } => self.task_returned(*task, result),
            Command::TaskTaken { task, worker } => self.task_taken(*task, worker.as_ref()),
            Command::TaskHeartbeat { task } => self.task_heartbeat(*task),
            Command::TaskReported { task, report } => self.task_reported(*task, report),
            Command::ChildClosed { run, index, outcome } => self.child_closed(*run, *index, outcome),
            Command::ItemsRead { run, page, result } => self.items_read(*run, *page, result),
            Command::ResultsWritten { run, result } => self.results_written(*run, result),
            Command::Stop { error, cause } => self.stop(error.clone(), cause.clone()),
            Command::Redrive => self.redrive(),
            Command::UpdateMapRun { arn, change } => self.update_map_run(arn, change),
            Command::InternalError { cause } => self.internal_error(cause),
        };
        if !is_applied {
            return None;
        }
        self.run();
        Some(Effects {
            events: std::mem::take(&mut self.events),
            actions: std::mem::take(&mut self.actions),
            map_runs: std::mem::take(&mut self.started_map_runs),
            more: self.outcome.is_none() && !self.ready.is_empty(),
            states: self.pace.entered(),
        })
    }

    /// A mark before a command is applied.
    pub(crate) fn mark(&self) -> Mark {
        Mark { next_event: self.next_event }
    }

    /// Drops the events and actions since the mark. Other changes stay, so that the execution can only be ended after
    /// this, with [`Command::InternalError`].
    pub(crate) fn roll_back(&mut self, mark: Mark) {
        self.next_event = mark.next_event;
        self.events.clear();
        self.actions.clear();
        self.started_map_runs.clear();
        self.outcome = None;
        self.stopped_at = None;
    }

    /// The actions that are repeated after a restart.
    pub(crate) fn pending(&self) -> Vec<Action> {
        if self.outcome.is_some() {
            return Vec::new();
        }
        let mut pending: Vec<Action> =
            self.tasks.iter().filter_map(|(key, task)| task.pending(*key)).map(Action::Invoke).collect();
        for branch in self.branches.iter().flatten() {
            if let Work::MapRun(run) = &branch.work {
                pending.extend(run.pending().map(Action::StartChild));
                pending.extend(run.pending_transfer());
            }
        }
        pending
    }

    /// Whether it has more to do at once, as after a full record.
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
            let origin = ItemOrigin::of(child.source.as_ref());
            child.item.clone().map(|item| Item { index: child.index, item, origin })
        });
        let states = Arc::clone(&self.states);
        self.start_branch(None, states, identity.input.clone(), Variables::default(), item, 0);
        self.set_execution_timer();
        true
    }

    fn set_execution_timer(&mut self) {
        let limit = match self.identity.execution_type {
            MachineType::Standard => self.timeout_seconds,
            MachineType::Express => {
                Some(self.timeout_seconds.unwrap_or(MAX_EXPRESS_SECONDS).min(MAX_EXPRESS_SECONDS))
            }
        };
        if let Some(seconds) = limit {
            self.timers.set(self.after(seconds), Timer::Execution);
        }
    }

    /// The time after so many seconds.
    fn after(&self, seconds: u64) -> i64 {
        self.now.saturating_add(i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX))
    }

    /// Adds a branch before its first state, ready to run.
    fn start_branch(
        &mut self,
        parent: Option<Parent>,
        states: Arc<States>,
        input: Json,
        variables: Variables,
        item: Option<Item>,
        last: u64,
    ) -> usize {
        self.last_serial += 1;
        let branch = Branch {
            serial: self.last_serial,
            parent,
            state_index: states.start_at(),
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
        let serial = branch.serial;
        let id = match self.free_slots.pop() {
            Some(id) => {
                self.branches[id] = Some(branch);
                id
            }
            None => {
                self.branches.push(Some(branch));
                self.branches.len() - 1
            }
        };
        self.ready.push_back((id, serial));
        id
    }

    fn branch(&self, id: usize) -> &Branch {
        self.branches[id].as_ref().expect("branches are referred to only while they exist")
    }

    fn branch_mut(&mut self, id: usize) -> &mut Branch {
        self.branches[id].as_mut().expect("branches are referred to only while they exist")
    }

    /// Removes a branch that is done.
    fn end_branch(&mut self, id: usize) -> Branch {
        self.free_slots.push(id);
        self.branches[id].take().expect("a branch ends once")
    }

    /// The execution has ended.
    fn close(&mut self, outcome: Outcome) {
        // If the history is full, the execution fails with `States.Runtime` instead.
        if self.next_event > MAX_EVENTS + 1 && self.identity.execution_type == MachineType::Standard {
            return self.fail_full_history();
        }
        self.outcome = Some(outcome);
        self.stopped_at = Some(self.now);
        self.timers.clear();
        self.ready.clear();
        self.cancel_everything();
    }
}
