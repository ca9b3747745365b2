//! Telling the host of executions that start and end.

use super::active::ActiveExecution;
use super::executions::Progress;
use super::{Config, ExecutionDescription, Inner, MachineType};
use crate::execution::Outcome;

/// Learns of changes of executions' statuses, as EventBridge does on AWS: of standard executions, and of no children of
/// Distributed Maps.
pub trait ExecutionObserver: Send + Sync + 'static {
    /// Whether anybody would make use of a change now. It is asked for each start and each end.
    fn is_interested(&self) -> bool;

    /// An execution has started, was redriven or has ended, which is stored. Must not block.
    fn changed(&self, execution: ExecutionDescription);
}

impl Inner {
    /// Tells of a record: whether it opened the execution, and how the execution ended in it.
    pub(super) fn observe(&self, active: &ActiveExecution, opened: bool, outcome: Option<&Outcome>) {
        let Config { observer: Some(observer), .. } = &self.config else { return };
        let identity = &active.identity;
        if identity.execution_type != MachineType::Standard
            || identity.map_child.is_some()
            || !observer.is_interested()
        {
            return;
        }
        let (stopped, (redrives, redrive_date)) = active.look(|it| (it.stopped_at(), it.redrives()));
        let running = Progress { stop: None, redrives, redrive_date };
        if opened {
            observer.changed(self.describe_at(identity, None, running));
        }
        if let Some(outcome) = outcome {
            let ended = Progress { stop: stopped, ..running };
            observer.changed(self.describe_at(identity, Some(outcome.clone()), ended));
        }
    }
}
