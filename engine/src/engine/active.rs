//! [`ActiveExecution`]: an execution in memory, and [`ActiveExecutions`]: all of them, by ARN and by number.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::EngineError;
use super::host_calls::HostCalls;
use super::logging::Logged;
use super::machines::Machine;
use super::reading::OpenObjects;
use super::workers::Lane;
use crate::execution::{Action, Command, Effects, Execution, Identity, Outcome, Pace};
use crate::health::panic_message;
use crate::mocks::Mocked;
use crate::store::{Closing, Record, Write, key_of};

/// How long an execution runs before others have their turn.
const SLICE: Duration = Duration::from_millis(1);

/// The most data that is worked on by the event loop itself: reading this much takes some tens of microseconds.
const MAX_LIGHT_BYTES: usize = 64 * 1024;

/// An execution in memory.
pub(crate) struct ActiveExecution {
    pub(crate) identity: Arc<Identity>,
    pub(crate) machine: Arc<Machine>,
    /// The answers that it gets in place of services.
    pub(super) mocked: Option<Arc<Mocked>>,
    /// The calls of the host that the execution waits for.
    pub(crate) host_calls: HostCalls,
    /// The objects whose items its map runs read.
    pub(super) open_objects: OpenObjects,
    state: Mutex<State>,
    /// The bytes of the data that its states work on.
    weight: AtomicUsize,
    /// Held while a command waits for a worker thread, so that no thread waits for the execution.
    turn: tokio::sync::Mutex<()>,
    stored: watch::Sender<Stored>,
}

/// The part of an execution that commands change.
pub(super) struct State {
    execution: Execution,
    /// The number of the last record submitted to the store.
    sequence: u64,
    /// The time for which the engine's timer was set last, in milliseconds since 1970.
    tick: Option<i64>,
}

/// How much of an execution is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stored {
    sequence: u64,
    is_closed: bool,
    /// The store has failed; nothing more will be stored.
    is_lost: bool,
}

/// An execution as its stored records give it.
pub(super) struct Replayed {
    pub(super) identity: Arc<Identity>,
    pub(super) machine: Arc<Machine>,
    pub(super) execution: Execution,
    /// How many records there are.
    pub(super) sequence: u64,
}

/// What a command led to: the writes, and what follows once they are stored.
pub(super) struct Step {
    pub(super) applied: Applied,
    pub(super) writes: Vec<Write>,
    pub(super) follow_up: FollowUp,
}

/// A record submitted to the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Applied {
    pub(crate) sequence: u64,
    /// The time of the record in milliseconds since 1970.
    pub(crate) now: i64,
}

/// What follows a stored record.
pub(super) struct FollowUp {
    pub(super) sequence: u64,
    pub(super) actions: Vec<Action>,
    /// The time for which a timer is to be set.
    pub(super) next_tick: Option<i64>,
    /// The execution starts with the record, or was redriven.
    pub(super) opened: bool,
    /// How the execution ended, if it did.
    pub(super) closed: Option<Outcome>,
    /// The execution continues at once.
    pub(super) more: bool,
    /// The events, if the machine has them logged.
    pub(super) logged: Option<Box<Logged>>,
}

impl ActiveExecution {
    /// An execution that has not yet started.
    pub(super) fn new(identity: Arc<Identity>, machine: Arc<Machine>) -> ActiveExecution {
        let execution = Execution::new(Arc::clone(&identity), &machine.description.machine);
        ActiveExecution::resumed(Replayed { identity, machine, execution, sequence: 0 })
    }

    /// An execution as it was found in the store.
    pub(super) fn resumed(replayed: Replayed) -> ActiveExecution {
        let Replayed { identity, machine, execution, sequence } = replayed;
        let weight = identity.input.serialized_len().max(execution.weight());
        ActiveExecution {
            identity,
            machine,
            mocked: None,
            host_calls: HostCalls::default(),
            open_objects: OpenObjects::default(),
            state: Mutex::new(State { execution, sequence, tick: None }),
            weight: AtomicUsize::new(weight),
            turn: tokio::sync::Mutex::new(()),
            stored: watch::Sender::new(Stored { sequence, ..Stored::default() }),
        }
    }

    /// The same execution with answers in place of services.
    pub(super) fn with_mocks(self, mocked: Option<Arc<Mocked>>) -> ActiveExecution {
        ActiveExecution { mocked, ..self }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the commands before this one that go to a worker thread.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// The threads that a command needs; `None`: it takes next to no time.
    pub(super) fn lane(&self, command: &Command) -> Option<Lane> {
        let weight = self.weight.load(Ordering::Relaxed).saturating_add(command.weight());
        self.machine.lane().or((weight > MAX_LIGHT_BYTES).then_some(Lane::Costly))
    }

    /// Reads the execution.
    pub(super) fn look<T>(&self, at: impl FnOnce(&Execution) -> T) -> T {
        at(&self.lock().execution)
    }

    /// Applies a command, and makes the writes of the record. `None`: it came too late or has no meaning here.
    pub(super) fn apply(&self, state: &mut State, command: Command, now: i64) -> Option<Step> {
        let (command, effects) = apply(&mut state.execution, command, now)?;
        let Effects { events, actions, map_runs, more, states } = effects;
        let execution = &state.execution;
        let now = execution.now();
        self.weight.store(execution.weight(), Ordering::Relaxed);
        state.sequence += 1;
        let sequence = state.sequence;
        let number = self.identity.number;
        let closed = execution.outcome().cloned();
        let mut writes = self.heading(&command, execution);
        writes.push(Write::Record(Record::new(number, sequence, now, &command, &events, states)));
        writes.extend(map_runs.into_iter().map(|arn| Write::MapRun { arn, execution: number }));
        writes.extend(closed.clone().map(|outcome| {
            let stop = execution.stopped_at().unwrap_or(now);
            Write::Closed(Closing { execution: number, stop, outcome })
        }));
        let next_tick = execution.next_tick().filter(|due| state.tick != Some(*due));
        if next_tick.is_some() {
            state.tick = next_tick;
        }
        let logged = self.machine.logging.is_some().then(|| {
            let (redrives, _) = execution.redrives();
            Box::new(Logged { events, now, redrives })
        });
        let opened = matches!(command, Command::Start | Command::Redrive);
        let follow_up = FollowUp { sequence, actions, next_tick, opened, closed, more, logged };
        Some(Step { applied: Applied { sequence, now }, writes, follow_up })
    }

    /// The row of the execution, when it starts or is redriven.
    fn heading(&self, command: &Command, execution: &Execution) -> Vec<Write> {
        match command {
            Command::Start => vec![Write::Started {
                identity: Arc::clone(&self.identity),
                owner: self.owner(),
                revision: self.machine.revision,
            }],
            Command::Redrive => {
                let (redrives, date) = execution.redrives();
                vec![Write::Reopened {
                    execution: self.identity.number,
                    redrives,
                    redrive_date: date.unwrap_or(execution.now()),
                }]
            }
            _ => Vec::with_capacity(2),
        }
    }

    /// The key under which the execution is listed: that of its machine or of its map run.
    fn owner(&self) -> i64 {
        let arn = match &self.identity.map_child {
            Some(child) => &child.map_run_arn,
            None => &self.identity.state_machine_arn,
        };
        key_of(arn.as_bytes())
    }

    /// Waits until a record is on disk.
    pub(super) async fn wait_stored(&self, sequence: u64) -> Result<(), EngineError> {
        let mut stored = self.stored.subscribe();
        let stored = stored.wait_for(|stored| stored.is_lost || stored.sequence >= sequence).await;
        stored.ok().filter(|stored| stored.sequence >= sequence).map(drop).ok_or(EngineError::Stopped)
    }

    /// Waits until the execution has ended and its end is on disk.
    pub(super) async fn wait_closed(&self) -> Result<(), EngineError> {
        let mut stored = self.stored.subscribe();
        let stored = stored.wait_for(|stored| stored.is_lost || stored.is_closed).await;
        stored.ok().filter(|stored| stored.is_closed).map(drop).ok_or(EngineError::Stopped)
    }

    /// Wakes those who wait for a record or for the end.
    pub(super) fn mark_stored(&self, sequence: u64, is_closed: bool) {
        self.stored.send_replace(Stored { sequence, is_closed, is_lost: false });
    }

    /// Wakes those who wait for a record that will not be stored.
    pub(super) fn mark_lost(&self) {
        self.stored.send_modify(|stored| stored.is_lost = true);
    }
}

/// Applies a command. Code of a definition runs guarded, state by state; if anything panics all the same, this execution
/// fails with that, and no other is affected.
fn apply(execution: &mut Execution, command: Command, now: i64) -> Option<(Command, Effects)> {
    let mark = execution.mark();
    let pace = Pace::until(Instant::now() + SLICE);
    let applied = catch_unwind(AssertUnwindSafe(|| execution.apply(&command, now, pace)));
    let panic = match applied {
        Ok(effects) => return effects.map(|effects| (command, effects)),
        Err(panic) => panic,
    };
    let message = panic_message(&*panic);
    tracing::error!(execution = &*execution.identity.arn, panic = message, "an execution panicked and fails");
    let failure =
        Command::InternalError { cause: format!("The execution cannot continue: {message}").into() };
    execution.roll_back(mark);
    let applied = catch_unwind(AssertUnwindSafe(|| execution.apply(&failure, now, pace)));
    applied.ok().flatten().map(|effects| (failure, effects))
}

/// Marks an execution as lost if its record is dropped instead of stored.
pub(super) struct Unstored(Option<Arc<ActiveExecution>>);

impl Unstored {
    pub(super) fn new(active: &Arc<ActiveExecution>) -> Unstored {
        Unstored(Some(Arc::clone(active)))
    }

    pub(super) fn disarm(mut self) {
        self.0.take();
    }
}

impl Drop for Unstored {
    fn drop(&mut self) {
        if let Some(active) = self.0.take() {
            active.mark_lost();
        }
    }
}

/// The executions in memory.
#[derive(Default)]
pub(super) struct ActiveExecutions(Mutex<Maps>);

#[derive(Default)]
struct Maps {
    by_arn: HashMap<Arc<str>, Arc<ActiveExecution>>,
    by_number: HashMap<u64, Arc<ActiveExecution>>,
}

impl ActiveExecutions {
    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn by_arn(&self, arn: &str) -> Option<Arc<ActiveExecution>> {
        self.maps().by_arn.get(arn).cloned()
    }

    pub(super) fn by_number(&self, number: u64) -> Option<Arc<ActiveExecution>> {
        self.maps().by_number.get(&number).cloned()
    }

    /// Adds an execution, unless one with its ARN is in memory: that one is the error.
    pub(super) fn add(&self, active: &Arc<ActiveExecution>) -> Result<(), Arc<ActiveExecution>> {
        let mut maps = self.maps();
        match maps.by_arn.entry(Arc::clone(&active.identity.arn)) {
            Entry::Occupied(entry) => Err(Arc::clone(entry.get())),
            Entry::Vacant(entry) => {
                entry.insert(Arc::clone(active));
                maps.by_number.insert(active.identity.number, Arc::clone(active));
                Ok(())
            }
        }
    }

    pub(super) fn remove(&self, active: &ActiveExecution) {
        let mut maps = self.maps();
        maps.by_arn.remove(&active.identity.arn);
        maps.by_number.remove(&active.identity.number);
    }

    pub(super) fn all(&self) -> Vec<Arc<ActiveExecution>> {
        self.maps().by_number.values().cloned().collect()
    }
}
