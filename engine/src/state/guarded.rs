//! What a definition says is run with care: should it make the code that runs it panic, the state fails and no more.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::StateError;
use crate::engine::words_of;

/// Runs something that a definition says. Nothing that it sees may be left half changed by a panic: it sees the data of
/// an execution by shared references.
pub(crate) fn guarded<T>(act: impl FnOnce() -> Result<T, StateError>) -> Result<T, StateError> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| {
        Err(StateError::runtime(format!("An internal error occurred: {}", words_of(&*panic))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_of_the_state() {
        let failed: Result<(), _> = guarded(|| panic!("on purpose"));
        let error = failed.unwrap_err();
        assert!(error.is_runtime());
        assert_eq!(error.cause.as_deref(), Some("An internal error occurred: on purpose"));
        assert_eq!(guarded(|| Ok(1)), Ok(1));
    }
}
