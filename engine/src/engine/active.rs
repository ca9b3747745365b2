//! The executions under way, by ARN and by number.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cell::Cell;

#[derive(Default)]
pub(crate) struct Active(Mutex<Maps>);

#[derive(Default)]
struct Maps {
    by_arn: HashMap<Arc<str>, Arc<Cell>>,
    by_number: HashMap<u64, Arc<Cell>>,
}

impl Active {
    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn by_arn(&self, arn: &str) -> Option<Arc<Cell>> {
        self.maps().by_arn.get(arn).cloned()
    }

    pub(crate) fn by_number(&self, number: u64) -> Option<Arc<Cell>> {
        self.maps().by_number.get(&number).cloned()
    }

    /// Adds an execution, unless there is one under way with its ARN: then that one is returned.
    pub(crate) fn add(&self, cell: &Arc<Cell>) -> Result<(), Arc<Cell>> {
        let mut maps = self.maps();
        match maps.by_arn.entry(Arc::clone(&cell.identity.arn)) {
            Entry::Occupied(entry) => Err(Arc::clone(entry.get())),
            Entry::Vacant(entry) => {
                entry.insert(Arc::clone(cell));
                maps.by_number.insert(cell.identity.number, Arc::clone(cell));
                Ok(())
            }
        }
    }

    pub(crate) fn remove(&self, cell: &Cell) {
        let mut maps = self.maps();
        maps.by_arn.remove(&cell.identity.arn);
        maps.by_number.remove(&cell.identity.number);
    }

    pub(crate) fn all(&self) -> Vec<Arc<Cell>> {
        self.maps().by_number.values().cloned().collect()
    }
}
