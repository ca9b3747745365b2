//! [`guarded`]: a panic while the code of a definition runs fails the state and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::StateError;
use crate::health::panic_message;

/// Runs code of a definition. It has only shared references to the data of an execution, so that a panic leaves nothing
/// half changed.
pub(crate) fn guarded<T>(act: impl FnOnce() -> Result<T, StateError>) -> Result<T, StateError> {
    catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| {
        Err(StateError::runtime(format!("An internal error occurred: {}", panic_message(&*panic))))
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
