//! Acting: what the records of an execution ask for, once they are stored.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::cell::Cell;
use super::{Call, Inner, TaskFailure};
use crate::data::Json;
use crate::execution::{Action, Ask, Asked, Outcome, Stimulus};

impl Inner {
    /// Does what a stored record asks for.
    pub(crate) fn act(self: &Arc<Inner>, cell: &Arc<Cell>, action: Action) {
        match action {
            Action::Ask(ask) => self.ask(cell, ask),
            Action::Drop { task } => {
                cell.running.abort(task);
                self.activities.withdraw(cell.identity.number, task);
            }
            Action::StartChild(start) => {
                let (engine, cell) = (Arc::clone(self), Arc::clone(cell));
                self.runtime.spawn(async move { engine.start_child(&cell, start).await });
            }
            Action::StopChild { arn, cause } => {
                if let Some(child) = self.active.by_arn(&arn) {
                    let engine = Arc::clone(self);
                    let stop = Stimulus::Stop { error: None, cause };
                    self.runtime.spawn(async move { engine.feed(&child, stop).await });
                }
            }
            // Written along with the record that asked for it.
            Action::MapRunStarted { .. } => {}
        }
    }

    fn ask(self: &Arc<Inner>, cell: &Arc<Cell>, ask: Ask) {
        let Ask { task, asked, timeout_seconds } = ask;
        match asked {
            Asked::Host { service, action, parameters } => {
                let call = Call {
                    service: service.to_string(),
                    action: action.to_string(),
                    parameters,
                    execution_arn: cell.identity.arn.to_string(),
                    timeout: timeout_seconds.map(Duration::from_secs),
                };
                self.ask_host(cell, task, call);
            }
            Asked::Activity { arn, input } => self.activities.offer(&arn, cell.identity.number, task, input),
            Asked::Own { call, parameters } => {
                let (engine, cell) = (Arc::clone(self), Arc::clone(cell));
                self.runtime.spawn(async move {
                    let answer = engine.do_own(&cell, task, &call, &parameters).await;
                    engine.feed(&cell, Stimulus::Answered { task, answer }).await;
                });
            }
            Asked::Watch { arn, pattern } => self.watch(cell, task, &arn, pattern),
        }
    }

    /// Has the host do something; a panic there is a failure of the task.
    pub(crate) async fn invoke(&self, call: Call) -> Result<Json, TaskFailure> {
        let invoked = AssertUnwindSafe(async { self.config.invoker.invoke(call).await }).catch_unwind().await;
        invoked.unwrap_or_else(|_| {
            Err(TaskFailure { error: "Runtime.Unknown".to_owned(), cause: "The task panicked".to_owned() })
        })
    }

    fn ask_host(self: &Arc<Inner>, cell: &Arc<Cell>, task: u64, call: Call) {
        let (engine, its_cell) = (Arc::clone(self), Arc::clone(cell));
        let answering = async move {
            let answer = engine.invoke(call).await;
            its_cell.running.ended(task);
            engine.feed(&its_cell, Stimulus::Answered { task, answer }).await;
        };
        cell.running.began(task, self.runtime.spawn(answering).abort_handle());
    }

    /// An execution has ended, and that is stored: it leaves memory, and those who wait for it hear of it.
    pub(crate) fn leave(self: &Arc<Inner>, cell: &Arc<Cell>, outcome: &Outcome) {
        self.active.remove(cell);
        if let Some(child) = &cell.identity.map_child
            && let Some(parent) = self.active.by_number(child.parent)
        {
            let stimulus =
                Stimulus::ChildClosed { run: child.run, index: child.index, outcome: outcome.clone() };
            let engine = Arc::clone(self);
            self.runtime.spawn(async move { engine.feed(&parent, stimulus).await });
        }
        self.tell_watchers(cell);
    }
}
