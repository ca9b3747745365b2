//! [`Cell`]: an execution under way, and the one way in which something happens to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::machines::Machine;
use super::{EngineError, Inner};
use crate::execution::{Action, Effects, Execution, Identity, Outcome, Stimulus};
use crate::store::{Batch, Closing, Record, Write};

/// An execution under way.
pub(crate) struct Cell {
    pub(crate) identity: Arc<Identity>,
    pub(crate) machine: Arc<Machine>,
    state: Mutex<State>,
    stored: watch::Sender<Stored>,
}

struct State {
    execution: Execution,
    /// The number of the last record handed to the store.
    sequence: u64,
    /// The tasks that the host is doing now.
    running: HashMap<u64, AbortHandle>,
    /// The moment for which the engine's timer was set last.
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

/// A record handed to the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fed {
    pub(crate) sequence: u64,
    pub(crate) now: i64,
}

impl Cell {
    pub(crate) fn new(identity: Arc<Identity>, machine: Arc<Machine>) -> Cell {
        let execution = Execution::new(Arc::clone(&identity), &machine.description.machine);
        Cell::resumed(identity, machine, execution, 0)
    }

    /// An execution as it was found in the store after so many records.
    pub(crate) fn resumed(
        identity: Arc<Identity>,
        machine: Arc<Machine>,
        execution: Execution,
        sequence: u64,
    ) -> Cell {
        Cell {
            identity,
            machine,
            state: Mutex::new(State { execution, sequence, running: HashMap::new(), tick: None }),
            stored: watch::Sender::new(Stored { sequence, ..Stored::default() }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the execution.
    pub(crate) fn look<T>(&self, at: impl FnOnce(&Execution) -> T) -> T {
        at(&self.state().execution)
    }

    /// Waits until a record is on disk.
    pub(crate) async fn wait_stored(&self, sequence: u64) -> Result<(), EngineError> {
        let mut stored = self.stored.subscribe();
        let stored = stored.wait_for(|stored| stored.is_lost || stored.sequence >= sequence).await;
        stored.ok().filter(|stored| stored.sequence >= sequence).map(drop).ok_or(EngineError::Stopped)
    }

    /// Waits until the execution has ended and that is on disk.
    pub(crate) async fn wait_closed(&self) -> Result<(), EngineError> {
        let mut stored = self.stored.subscribe();
        let stored = stored.wait_for(|stored| stored.is_lost || stored.is_closed).await;
        stored.ok().filter(|stored| stored.is_closed).map(drop).ok_or(EngineError::Stopped)
    }

    /// The execution is not to be: whoever waits for it hears of it.
    pub(crate) fn give_up(&self) {
        self.stored.send_modify(|stored| stored.is_lost = true);
    }

    pub(crate) fn remember_running(&self, task: u64, handle: AbortHandle) {
        self.state().running.insert(task, handle);
    }

    /// The host need not answer any more; it is asked again with the next start.
    pub(crate) fn abort_running(&self) {
        for (_, handle) in self.state().running.drain() {
            handle.abort();
        }
    }

    pub(crate) fn forget_running(&self, task: u64) -> Option<AbortHandle> {
        self.state().running.remove(&task)
    }
}

/// Wakes those who wait for a record if it is dropped instead of stored.
struct Unstored(Option<Arc<Cell>>);

impl Unstored {
    fn disarm(mut self) {
        self.0.take();
    }
}

impl Drop for Unstored {
    fn drop(&mut self) {
        if let Some(cell) = self.0.take() {
            cell.stored.send_modify(|stored| stored.is_lost = true);
        }
    }
}

impl Inner {
    /// Something happened to an execution. `None`: it came too late, or means nothing there.
    pub(crate) fn feed(self: &Arc<Inner>, cell: &Arc<Cell>, stimulus: Stimulus) -> Option<Fed> {
        let now = self.config.clock.now_millis();
        let mut state = cell.state();
        let effects = state.execution.apply(&stimulus, now)?;
        let now = state.execution.now();
        state.sequence += 1;
        let sequence = state.sequence;
        let closed: Option<Outcome> = state.execution.outcome().cloned();
        let Effects { events, actions, more } = effects;
        let (map_runs, actions): (Vec<Action>, Vec<Action>) =
            actions.into_iter().partition(|action| matches!(action, Action::MapRunStarted { .. }));
        let mut writes = cell.heading(&stimulus, &state.execution);
        writes.push(Write::Record(Record::new(cell.identity.number, sequence, now, &stimulus, &events)));
        writes.extend(map_runs.into_iter().filter_map(|action| cell.map_run(action)));
        writes.extend(closed.clone().map(|outcome| cell.closing(&state.execution, outcome)));
        let next_tick = state.execution.next_tick().filter(|due| state.tick != Some(*due));
        if next_tick.is_some() {
            state.tick = next_tick;
        }
        let (engine, done_cell) = (Arc::clone(self), Arc::clone(cell));
        let unstored = Unstored(Some(Arc::clone(cell)));
        let done = Box::new(move || {
            unstored.disarm();
            for action in actions {
                engine.act(&done_cell, action);
            }
            if let Some(due) = next_tick {
                engine.timers.set(due, done_cell.identity.number);
            }
            if let Some(outcome) = closed.as_ref() {
                engine.leave(&done_cell, outcome);
            }
            done_cell.stored.send_replace(Stored { sequence, is_closed: closed.is_some(), is_lost: false });
            if more {
                let (inner, cell) = (Arc::clone(&engine), Arc::clone(&done_cell));
                engine.runtime.spawn(async move { inner.feed(&cell, Stimulus::Continue) });
            }
        });
        // Handed in under the lock, so that the records of an execution keep their order.
        self.store.submit(Batch { writes, done });
        drop(state);
        self.store.settle();
        Some(Fed { sequence, now })
    }
}

impl Cell {
    /// What is written of the execution itself when it begins, or begins again.
    fn heading(&self, stimulus: &Stimulus, execution: &Execution) -> Vec<Write> {
        match stimulus {
            Stimulus::Start => vec![Write::Started {
                identity: Arc::clone(&self.identity),
                owner: self.owner(),
                revision: self.machine.revision,
            }],
            Stimulus::Redrive => {
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

    fn map_run(&self, action: Action) -> Option<Write> {
        match action {
            Action::MapRunStarted { arn } => Some(Write::MapRun { arn, execution: self.identity.number }),
            _ => None,
        }
    }

    fn closing(&self, execution: &Execution, outcome: Outcome) -> Write {
        let stop = execution.stopped_at().unwrap_or(execution.now());
        Write::Closed(Closing { execution: self.identity.number, stop, outcome })
    }

    /// The key under which the execution is listed: that of its machine or of its map run.
    fn owner(&self) -> i64 {
        let arn = match &self.identity.map_child {
            Some(child) => &child.map_run_arn,
            None => &self.identity.state_machine_arn,
        };
        crate::store::key_of(arn.as_bytes())
    }
}
