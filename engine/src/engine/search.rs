//! Searching executions over all state machines: pages, newest first, and counts by status.

use super::executions::summary;
use super::{Engine, ExecutionPage, ExecutionSearch, ExecutionStatus, MachineType, PageCursor, Refusal};
use crate::store::{ExecutionRow, RowFilter, key_of};

impl Engine {
    /// A page of the executions that a search finds, newest first. Its cost grows with the page and the number of state machines,
    /// not with the executions; only a part of a name is looked for in all that the other conditions leave.
    pub async fn search_executions(&self, search: &ExecutionSearch) -> Result<ExecutionPage, Refusal> {
        let store = &self.0.store;
        let first = match search.started_from {
            Some(timestamp) => store.first_started_from(timestamp)?,
            None => 0,
        };
        let mut before = match search.started_before {
            Some(timestamp) => store.first_started_from(timestamp)?,
            None => u64::MAX,
        };
        if let Some(cursor) = search.after {
            before = before.min(cursor);
        }
        let filter = RowFilter { status: search.status, name: search.name.as_deref(), first, before };
        let mut rows: Vec<ExecutionRow> = Vec::new();
        for owner in self.owners(search.state_machine.as_deref()) {
            rows.extend(store.search_of(owner, filter, search.limit + 1)?);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.number));
        let has_more = rows.len() > search.limit;
        rows.truncate(search.limit);
        let next = rows.last().filter(|_| has_more).map(|row| PageCursor {
            start_date: row.identity.as_ref().map_or(0, |identity| identity.start),
            number: row.number,
        });
        Ok(ExecutionPage { executions: rows.iter().filter_map(summary).collect(), next })
    }

    /// How many executions there are in each status, of a state machine or of all.
    pub async fn count_executions(
        &self,
        state_machine: Option<&str>,
    ) -> Result<Vec<(ExecutionStatus, u64)>, Refusal> {
        let mut counts: Vec<(ExecutionStatus, u64)> = Vec::new();
        for owner in self.owners(state_machine) {
            for (status, count) in self.0.store.count_of(owner)? {
                match counts.iter_mut().find(|(other, _)| *other == status) {
                    Some((_, sum)) => *sum += count,
                    None => counts.push((status, count)),
                }
            }
        }
        Ok(counts)
    }

    /// What the executions of a state machine, by name or ARN, or of all are stored under. Express machines have none to list.
    fn owners(&self, state_machine: Option<&str>) -> Vec<i64> {
        self.state_machines()
            .iter()
            .filter(|machine| machine.settings.machine_type == MachineType::Standard)
            .filter(|machine| {
                state_machine.is_none_or(|wanted| wanted == machine.settings.name || wanted == machine.arn)
            })
            .map(|machine| key_of(machine.arn.as_bytes()))
            .collect()
    }
}
