//! [`Cell`]: an execution under way, and the one way in which something happens to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::health::words_of;
use super::machines::Machine;
use super::running::Running;
use super::workers::Lane;
use super::{EngineError, Inner};
use crate::execution::{Action, Effects, Execution, Identity, Outcome, Pace, Stimulus};
use crate::store::{Batch, Closing, Record, Write};

/// An execution under way.
pub(crate) struct Cell {
    pub(crate) identity: Arc<Identity>,
    pub(crate) machine: Arc<Machine>,
    /// The tasks that the host is doing now.
    pub(crate) running: Running,
    state: Mutex<State>,
    /// The bytes of the data that its states work on.
    weight: AtomicUsize,
    /// Held by what waits for a thread, so that no thread waits for the execution.
    turn: tokio::sync::Mutex<()>,
    stored: watch::Sender<Stored>,
}

struct State {
    execution: Execution,
    /// The number of the last record handed to the store.
    sequence: u64,
    /// The moment for which the engine's timer was set last.
    tick: Option<i64>,
}

/// How long an execution goes on before others have their turn.
const SLICE: Duration = Duration::from_millis(1);

/// The most data with which the event loop is kept: reading this much takes some tens of microseconds.
const MAX_LIGHT_BYTES: usize = 64 * 1024;

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
        let weight = identity.input.serialized_len().max(execution.weight());
        Cell {
            identity,
            machine,
            running: Running::default(),
            state: Mutex::new(State { execution, sequence, tick: None }),
            weight: AtomicUsize::new(weight),
            turn: tokio::sync::Mutex::new(()),
            stored: watch::Sender::new(Stored { sequence, ..Stored::default() }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The threads that are needed to take this in; `None`: it is done at once.
    fn lane(&self, stimulus: &Stimulus) -> Option<Lane> {
        let weight = self.weight.load(Ordering::Relaxed).saturating_add(stimulus.weight());
        self.machine.lane().or((weight > MAX_LIGHT_BYTES).then_some(Lane::Costly))
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
    ///
    /// Where its definition says things that may take long, they are done by a thread of their own.
    pub(crate) async fn feed(self: &Arc<Inner>, cell: &Arc<Cell>, stimulus: Stimulus) -> Option<Fed> {
        let Some(lane) = cell.lane(&stimulus) else { return self.feed_here(cell, stimulus) };
        let _turn = cell.turn.lock().await;
        let (inner, its_cell) = (Arc::clone(self), Arc::clone(cell));
        let fed = self.workers.run(lane, move || {
            let began = Instant::now();
            let fed = inner.feed_here(&its_cell, stimulus);
            its_cell.machine.took(began.elapsed());
            fed
        });
        fed.await.unwrap_or_default()
    }

    /// The execution has more to do than one record holds: it goes on when those that wait for their next slice have
    /// had theirs.
    pub(crate) fn feed_continue(self: &Arc<Inner>, cell: &Arc<Cell>) {
        let (inner, cell) = (Arc::clone(self), Arc::clone(cell));
        if cell.lane(&Stimulus::Continue).is_some() {
            self.runtime.spawn(async move { inner.feed(&cell, Stimulus::Continue).await });
        } else {
            self.workers.submit(Lane::Continuing, move || {
                inner.feed_here(&cell, Stimulus::Continue);
            });
        }
    }

    fn feed_here(self: &Arc<Inner>, cell: &Arc<Cell>, stimulus: Stimulus) -> Option<Fed> {
        let now = self.config.clock.now_millis();
        let mut state = cell.state();
        let (stimulus, effects) = apply(&mut state.execution, stimulus, now)?;
        let now = state.execution.now();
        cell.weight.store(state.execution.weight(), Ordering::Relaxed);
        state.sequence += 1;
        let sequence = state.sequence;
        let closed: Option<Outcome> = state.execution.outcome().cloned();
        let Effects { events, actions, more, states } = effects;
        let (map_runs, actions): (Vec<Action>, Vec<Action>) =
            actions.into_iter().partition(|action| matches!(action, Action::MapRunStarted { .. }));
        let mut writes = cell.heading(&stimulus, &state.execution);
        writes.push(Write::Record(Record::new(
            cell.identity.number,
            sequence,
            now,
            &stimulus,
            &events,
            states,
        )));
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
                engine.feed_continue(&done_cell);
            }
        });
        // Handed in under the lock, so that the records of an execution keep their order.
        self.store.submit(Batch { writes, done });
        drop(state);
        self.store.settle();
        Some(Fed { sequence, now })
    }
}

/// Takes in what happened. What a definition says is run with care, state by state; should anything panic all the same,
/// the execution fails with that, and no other is affected.
fn apply(execution: &mut Execution, stimulus: Stimulus, now: i64) -> Option<(Stimulus, Effects)> {
    let mark = execution.mark();
    let pace = Pace::until(Instant::now() + SLICE);
    let applied = catch_unwind(AssertUnwindSafe(|| execution.apply(&stimulus, now, pace)));
    let panic = match applied {
        Ok(effects) => return effects.map(|effects| (stimulus, effects)),
        Err(panic) => panic,
    };
    let words = words_of(&*panic);
    tracing::error!(execution = &*execution.identity.arn, panic = words, "an execution panicked and fails");
    let broken = Stimulus::Broken { cause: format!("The execution cannot continue: {words}").into() };
    execution.take_back(mark);
    let applied = catch_unwind(AssertUnwindSafe(|| execution.apply(&broken, now, pace)));
    applied.ok().flatten().map(|effects| (broken, effects))
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
