//! Memory that grows while an expression is evaluated.
//!
//! Bounds on single values ([`super::guard`]) and on single calls ([`super::bounds`]) leave what an expression holds in
//! all: a list of many small objects, many lists beside each other. So one thread looks at the memory of the process
//! while expressions with loops are evaluated, and stops those under which it has grown too much: they end where they
//! next look whether they may continue, which is with each part that they evaluate.
//!
//! The memory is that of the process as Linux reports it (`/proc/self/statm`); elsewhere nothing is stopped.

use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonata_core::evaluator::CancelToken;

/// By how many bytes the process may grow while one expression is evaluated.
const MAX_GROWTH_BYTES: u64 = 256 << 20;

/// How often the memory is looked at.
const INTERVAL: Duration = Duration::from_millis(10);

/// After so many looks at nothing the thread sleeps until an evaluation begins.
const IDLE_LOOKS: u32 = 100;

/// As in `/proc/self/statm`. Linux has larger pages on some machines, which makes the bound larger there.
const PAGE_BYTES: u64 = 4096;

/// The evaluations under way, of all engines: memory is the process's.
static WATCH: LazyLock<Arc<Watch>> = LazyLock::new(Arc::default);

#[derive(Default)]
struct Watch {
    state: Mutex<State>,
    began: Condvar,
}

#[derive(Default)]
struct State {
    evaluations: Vec<Evaluation>,
    last_id: u64,
    thread: Thread,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Thread {
    #[default]
    Missing,
    Asleep,
    Awake,
}

struct Evaluation {
    id: u64,
    stop: CancelToken,
    /// The memory of the process when it was first looked at.
    memory: Option<u64>,
}

/// An evaluation that is watched until this is dropped.
pub(super) struct Watched {
    id: u64,
    stop: CancelToken,
}

impl Watched {
    /// Watches an evaluation that is about to begin.
    pub(super) fn begin() -> Watched {
        let stop = CancelToken::new();
        let mut state = WATCH.state();
        state.last_id += 1;
        let id = state.last_id;
        state.evaluations.push(Evaluation { id, stop: stop.clone(), memory: None });
        match state.thread {
            Thread::Awake => {}
            Thread::Asleep => WATCH.began.notify_one(),
            Thread::Missing => {
                let spawned = std::thread::Builder::new()
                    .name("expression-memory".to_owned())
                    .spawn(|| WATCH.look_again_and_again());
                match spawned {
                    Ok(_) => state.thread = Thread::Awake,
                    Err(error) => tracing::warn!(%error, "nobody watches the memory of expressions"),
                }
            }
        }
        Watched { id, stop }
    }

    /// What the evaluator is to look at.
    pub(super) fn token(&self) -> CancelToken {
        self.stop.clone()
    }

    /// Whether the evaluation was stopped for its memory.
    pub(super) fn was_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        WATCH.state().evaluations.retain(|evaluation| evaluation.id != self.id);
    }
}

impl Watch {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look_again_and_again(&self) {
        let mut looks_at_nothing = 0;
        loop {
            std::thread::sleep(INTERVAL);
            let mut state = self.state();
            if !state.evaluations.is_empty() {
                looks_at_nothing = 0;
                look(&mut state.evaluations, resident());
                continue;
            }
            looks_at_nothing += 1;
            if looks_at_nothing >= IDLE_LOOKS {
                state.thread = Thread::Asleep;
                while state.evaluations.is_empty() {
                    state = self.began.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                state.thread = Thread::Awake;
                looks_at_nothing = 0;
            }
        }
    }
}

/// Stops the evaluations under which the memory has grown too much.
fn look(evaluations: &mut [Evaluation], memory: Option<u64>) {
    let Some(memory) = memory else { return };
    for evaluation in evaluations {
        let before = *evaluation.memory.get_or_insert(memory);
        if memory.saturating_sub(before) > MAX_GROWTH_BYTES {
            evaluation.stop.cancel();
        }
    }
}

/// The memory of the process that is in RAM, in bytes.
fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split_ascii_whitespace().nth(1)?.parse::<u64>().ok().map(|pages| pages * PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_the_process_grow_too_much_is_stopped() {
        let evaluation = |id| Evaluation { id, stop: CancelToken::new(), memory: None };
        let mut evaluations = vec![evaluation(1)];
        look(&mut evaluations, Some(1000));
        evaluations.push(evaluation(2));
        look(&mut evaluations, Some(1000 + MAX_GROWTH_BYTES));
        look(&mut evaluations, None);
        assert!(evaluations.iter().all(|evaluation| !evaluation.stop.is_cancelled()));
        look(&mut evaluations, Some(1001 + MAX_GROWTH_BYTES));
        assert!(evaluations[0].stop.is_cancelled() && !evaluations[1].stop.is_cancelled());
    }

    #[test]
    fn the_memory_of_the_process_is_known_on_linux() {
        assert_eq!(resident().is_some(), cfg!(target_os = "linux"));
        assert!(resident().is_none_or(|bytes| bytes > 1 << 20));
    }
}
