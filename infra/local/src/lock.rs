//! Locking where a panic of another thread must not become one of this thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The content of a mutex, even after a panic: what these mutexes hold is valid between any two statements.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
