//! Resuming: folding the records of executions that had not ended, and asking anew what had not been answered.

use std::sync::Arc;

use super::cell::Cell;
use super::{EngineError, Inner};

impl Inner {
    /// Brings the executions that had not ended back into memory. One that cannot be read stays where it is and is
    /// named in the log; the others are not affected.
    pub(super) fn resume(self: &Arc<Inner>) -> Result<(), EngineError> {
        let mut cells = Vec::new();
        for row in self.store.open_executions()? {
            let (number, arn) =
                (row.number, row.identity.as_ref().map(|identity| Arc::clone(&identity.arn)).ok());
            match self.replay(row) {
                // Its end was stored in its record, but it would have been marked with it.
                Ok((_, _, execution, _)) if execution.outcome().is_some() => {
                    tracing::error!(
                        number,
                        arn = arn.as_deref(),
                        "an execution is marked as open although it has ended"
                    );
                }
                Ok((identity, machine, execution, sequence)) => {
                    let cell = Arc::new(Cell::resumed(identity, machine, execution, sequence));
                    if self.active.add(&cell).is_ok() {
                        cells.push(cell);
                    }
                }
                Err(error) => {
                    tracing::error!(number, arn = arn.as_deref(), %error, "an execution cannot be resumed");
                }
            }
        }
        if !cells.is_empty() {
            tracing::info!(executions = cells.len(), "resuming executions");
        }
        // Only now that all are there may they act: one may wait for another.
        for cell in &cells {
            for action in cell.look(|execution| execution.pending()) {
                self.act(cell, action);
            }
            if let Some(due) = cell.look(|execution| execution.next_tick()) {
                self.timers.set(due, cell.identity.number);
            }
            if cell.look(|execution| execution.has_more()) {
                self.feed_continue(cell);
            }
        }
        Ok(())
    }
}
