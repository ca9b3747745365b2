//! Threads that run code of definitions, so that neither the event loop nor the timers wait for it.
//!
//! There are three lanes, each with its own threads and its own queue, first in, first out. An execution that has run for a
//! slice waits in [`Lane::Continuing`] for its next one, after the others that continue. Code that may take long runs in
//! [`Lane::Costly`]. Code that was seen to take long runs in [`Lane::Slow`], where it delays only code of its own kind.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::health::{Health, Part, panic_message};

/// How long an idle thread lives.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The stack of a thread. The evaluator of expressions makes more of it where it needs more.
const STACK_BYTES: usize = 4 * 1024 * 1024;

/// The threads that run a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// Slices of executions that do not wait for anything: each ends within about a millisecond.
    Continuing,
    /// Code that may take long.
    Costly,
    /// Code that was seen to take long, and code that runs only once.
    Slow,
}

/// The lanes.
pub(crate) struct Workers {
    continuing: Pool,
    costly: Pool,
    slow: Pool,
}

impl Workers {
    pub(crate) fn new(health: &Health) -> Workers {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let pool = |name, threads| Pool::new(name, threads, health.clone());
        Workers {
            continuing: pool("executions", cores.clamp(2, 8)),
            costly: pool("expressions", cores.clamp(2, 8) * 2),
            slow: pool("slow-expressions", cores.clamp(2, 8)),
        }
    }

    /// Queues a job.
    pub(crate) fn submit(&self, lane: Lane, job: impl FnOnce() + Send + 'static) {
        self.pool(lane).submit(Box::new(job));
    }

    /// Runs a job and returns its value; the message of its panic if it ended in one.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, String> {
        let (sender, done) = oneshot::channel();
        self.submit(lane, move || {
            let outcome =
                catch_unwind(AssertUnwindSafe(job)).map_err(|panic| panic_message(&*panic).to_owned());
            // The receiver may be gone.
            let _ = sender.send(outcome);
        });
        done.await.unwrap_or_else(|_| Err("the engine has stopped".to_owned()))
    }

    fn pool(&self, lane: Lane) -> &Pool {
        match lane {
            Lane::Continuing => &self.continuing,
            Lane::Costly => &self.costly,
            Lane::Slow => &self.slow,
        }
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Threads that share a queue. They are started when there is work, and end after an idle time.
struct Pool(Arc<Shared>);

struct Shared {
    name: &'static str,
    capacity: usize,
    health: Health,
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    threads: usize,
    idle: usize,
    is_closed: bool,
}

impl Pool {
    fn new(name: &'static str, capacity: usize, health: Health) -> Pool {
        let shared = Shared { name, capacity, health, state: Mutex::default(), came: Condvar::new() };
        Pool(Arc::new(shared))
    }

    fn submit(&self, job: Job) {
        let shared = &self.0;
        let mut state = shared.state();
        state.queue.push_back(job);
        if state.idle >= state.queue.len() || state.threads >= shared.capacity {
            drop(state);
            shared.came.notify_one();
            return;
        }
        state.threads += 1;
        drop(state);
        let worker = Arc::clone(shared);
        let builder = std::thread::Builder::new().name(shared.name.to_owned()).stack_size(STACK_BYTES);
        match builder.spawn(move || worker.work()) {
            Ok(_) => shared.health.is_up(Part::Workers),
            Err(error) => shared.could_not_start(&error),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
        self.0.came.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Without a single thread the submitting thread runs the queue.
    fn could_not_start(&self, error: &std::io::Error) {
        tracing::error!(%error, lane = self.name, "a thread could not be started");
        let mut state = self.state();
        state.threads -= 1;
        if state.threads > 0 {
            return;
        }
        self.health.is_down(Part::Workers, format!("no thread could be started for {}: {error}", self.name));
        while let Some(job) = state.queue.pop_front() {
            drop(state);
            run(job);
            state = self.state();
        }
    }

    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                run(job);
                state = self.state();
                continue;
            }
            if state.is_closed {
                break;
            }
            state.idle += 1;
            let (woken, waited) =
                self.came.wait_timeout(state, IDLE_TIMEOUT).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.threads -= 1;
    }
}

fn run(job: Job) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(job)) {
        tracing::error!(panic = panic_message(&*panic), "a job of the engine panicked");
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_job_that_panics_fails_alone() {
        let workers = Workers::new(&Health::default());
        for round in 0..20 {
            let failed = workers.run(Lane::Slow, || -> u32 { panic!("on purpose") }).await;
            assert_eq!(failed, Err("on purpose".to_owned()));
            assert_eq!(workers.run(Lane::Slow, move || round).await, Ok(round));
        }
    }

    #[tokio::test]
    async fn a_lane_runs_as_much_at_once_as_it_has_threads_and_the_others_are_not_held_up() {
        let workers = Workers::new(&Health::default());
        let begun = Arc::new(Mutex::new(0));
        let (gate, at_gate) = std::sync::mpsc::channel::<()>();
        let at_gate = Arc::new(Mutex::new(at_gate));
        let jobs = (0..100).map(|_| {
            let (begun, at_gate) = (Arc::clone(&begun), Arc::clone(&at_gate));
            workers.run(Lane::Slow, move || {
                *begun.lock().unwrap() += 1;
                let _ = at_gate.lock().unwrap().recv();
            })
        });
        let mut jobs = Box::pin(futures_util::future::join_all(jobs));
        assert!((&mut jobs).now_or_never().is_none());
        assert_eq!(workers.run(Lane::Costly, || 1).await, Ok(1));
        assert!(*begun.lock().unwrap() <= workers.slow.0.capacity);
        drop(gate);
        jobs.await;
        assert_eq!(*begun.lock().unwrap(), 100);
    }
}
